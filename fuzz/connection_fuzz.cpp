// SPDX-License-Identifier: MIT
// Any bytes into a connection of either role, with and without compression. Holds against it: the
// same bytes in other splits bring the same events and the same output; one closed event, and last;
// text is UTF-8; limits hold; and what it sends, a peer never finds fault with.
//
//   byte 0: options, see Options; byte 1: how to split; the rest: the wire
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <proto/connection.hpp>

namespace {

using namespace walkie;
using namespace walkie::proto;

void require(bool condition) {
  if (!condition) std::abort();
}

class CountingKey final : public MaskKeySource {
 public:
  MaskKey next() noexcept override {
    ++count_;
    return {static_cast<std::byte>(count_), std::byte{0x55}, std::byte{0}, std::byte{0xff}};
  }

 private:
  std::uint8_t count_ = 0;
};

struct Options {
  Role role;
  ConnectionOptions connection;
  DeflateParams deflate;
  bool closes;  ///< Closes after the second message.
};

Options options_of(std::uint8_t bits) {
  Options options{.role = (bits & 1) != 0 ? Role::client : Role::server,
                  .connection = {},
                  .deflate = {},
                  .closes = (bits & 64) != 0};
  options.deflate.enabled = (bits & 2) != 0;
  options.deflate.client_no_context_takeover = options.deflate.server_no_context_takeover =
      (bits & 4) != 0;
  options.connection.deliver_pieces = (bits & 8) != 0;
  if ((bits & 16) != 0) {
    options.connection.message_bytes_max = 300;
    options.connection.fragments_max = 5;
  }
  if ((bits & 32) != 0) {
    options.connection.slow_consumer = SlowConsumer::drop_oldest;
    options.connection.send_queue_bytes_max = 1000;
  }
  return options;
}

/// All that can be seen of a connection from outside.
struct Outcome {
  std::vector<std::string> events;
  std::string output;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

class Run {
 public:
  explicit Run(const Options& options)
      : options_(options),
        connection_(options_.role, options_.connection, resources_, options_.deflate) {}

  void receive(MutableBytes bytes) {
    connection_.receive(bytes, {});
    poll();
  }
  Outcome finish() {
    connection_.receive_end({});
    poll();
    require(closed_ && connection_.finished());
    require(!connection_.poll_event());
    std::array<BytesView, 16> chunks;
    while (!connection_.output().empty()) {
      std::size_t bytes = 0;
      const std::size_t count = connection_.output().gather(chunks);
      for (const BytesView chunk : std::span(chunks).first(count)) {
        outcome_.output += text_of(chunk);
        bytes += chunk.size();
      }
      connection_.output_written(bytes);
    }
    return std::move(outcome_);
  }

 private:
  void poll() {
    while (const auto event = connection_.poll_event()) {
      require(!closed_);
      take(*event);
    }
  }

  void take(const Event& event) {
    switch (event.kind) {
      case EventKind::message:
        require(!options_.connection.deliver_pieces);
        return take_message(event.message_kind, text_of(event.payload));
      case EventKind::piece:
        require(options_.connection.deliver_pieces);
        require(event.first != inside_);
        inside_ = !event.last;
        if (event.first) whole_.clear();
        whole_ += text_of(event.payload);
        if (event.last) take_message(event.message_kind, whole_);
        return;
      case EventKind::closed:
        closed_ = true;
        return record("closed " + std::to_string(static_cast<int>(event.code)) + " " +
                          std::to_string(static_cast<int>(event.error)) +
                          (event.clean ? " clean" : "") + (event.by_peer ? " by peer " : " "),
                      text_of(event.payload));
      case EventKind::ping:
        return record("ping ", text_of(event.payload));
      case EventKind::pong:
        return record("pong ", text_of(event.payload));
    }
  }

  void take_message(MessageKind kind, std::string_view payload) {
    require(payload.size() <= options_.connection.message_bytes_max);
    require(kind == MessageKind::binary || is_utf8(bytes_of(payload)));
    record(kind == MessageKind::text ? "text " : "binary ", payload);
    const SendStatus status = connection_.send(kind, bytes_of(payload));
    require(status == SendStatus::queued || status == SendStatus::dropped);
    if (options_.closes && ++messages_ == 2) connection_.close(CloseCode::going_away, "enough", {});
  }

  void record(std::string what, std::string_view payload) {
    outcome_.events.push_back(std::move(what.append(payload)));
  }

  Options options_;
  base::BufferPool buffers_;
  DeflatePool deflate_;
  CountingKey keys_;
  Resources resources_{.buffers = buffers_, .deflate = deflate_, .mask_keys = &keys_};
  Connection connection_;
  Outcome outcome_;
  std::string whole_;
  bool inside_ = false;
  bool closed_ = false;
  int messages_ = 0;
};

Outcome play(const Options& options, BytesView wire, std::size_t part_bytes) {
  Run run(options);
  std::vector<std::byte> own(wire.begin(), wire.end());
  MutableBytes rest(own);
  while (!rest.empty()) {
    const std::size_t bytes = std::min(part_bytes, rest.size());
    run.receive(rest.first(bytes));
    rest = rest.subspan(bytes);
  }
  return run.finish();
}

/// The output read by a machine of the other role: never a violation.
void judge_output(const Options& options, std::string_view output) {
  Options peer{.role = options.role == Role::client ? Role::server : Role::client,
               .connection = {},
               .deflate = options.deflate,
               .closes = false};
  const Outcome outcome = play(peer, bytes_of(output), output.size() + 1);
  require(!outcome.events.empty());
  const std::string& closed = outcome.events.back();
  const auto unclosed = std::to_string(static_cast<int>(ProtocolError::ended_without_close));
  require(closed.find(" 0 clean") != std::string::npos ||
          closed.starts_with("closed 1006 " + unclosed));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const Options options = options_of(data[0]);
  const BytesView wire{reinterpret_cast<const std::byte*>(data) + 2, size - 2};
  const Outcome whole = play(options, wire, wire.size() + 1);
  require(play(options, wire, std::size_t{1} + data[1]) == whole);
  require(play(options, wire, 1) == whole);
  judge_output(options, whole.output);
  return 0;
}
