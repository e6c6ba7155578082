// SPDX-License-Identifier: MIT
// A connection with all it needs, driven by hand: bytes in, recorded events and frames out.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <proto/connection.hpp>
#include <support/bytes.hpp>
#include <support/frames.hpp>
#include <support/split_everywhere.hpp>

namespace walkie::test {

/// The same key for every frame: tests compare bytes.
class FixedKey final : public proto::MaskKeySource {
 public:
  proto::MaskKey next() noexcept override {
    ++taken;
    proto::MaskKey key;
    for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(kTestKey[i]);
    return key;
  }
  int taken = 0;
};

/// An event with bytes of its own.
struct Seen {
  proto::EventKind kind = proto::EventKind::message;
  MessageKind message_kind = MessageKind::text;
  bool first = true;
  bool last = true;
  bool clean = false;
  bool by_peer = false;
  proto::ProtocolError error = proto::ProtocolError::none;
  CloseCode code = CloseCode::no_status;
  std::string payload;
  friend bool operator==(const Seen&, const Seen&) = default;
};

[[nodiscard]] inline Seen seen(const proto::Event& event) {
  return {event.kind,  event.message_kind, event.first,
          event.last,  event.clean,        event.by_peer,
          event.error, event.code,         std::string(text_of(event.payload))};
}

[[nodiscard]] inline Seen text_message(std::string payload) {
  Seen event;
  event.payload = std::move(payload);
  return event;
}

[[nodiscard]] inline Seen binary_message(std::string payload) {
  Seen event = text_message(std::move(payload));
  event.message_kind = MessageKind::binary;
  return event;
}

struct Setup {
  proto::Role role = proto::Role::server;
  proto::ConnectionOptions options{};
  proto::DeflateParams deflate{};
};

class Rig {
 public:
  explicit Rig(const Setup& setup)
      : options_(setup.options),
        connection_(
            std::make_unique<proto::Connection>(setup.role, options_, resources_, setup.deflate)) {}
  explicit Rig(proto::Role role) : Rig(Setup{.role = role}) {}
  ~Rig() {
    connection_.reset();
    CHECK_MESSAGE(buffers_.lent_bytes() == 0, "every block went back to the pool");
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  proto::Connection& connection() { return *connection_; }
  proto::Resources& resources() { return resources_; }
  base::BufferPool& buffers() { return buffers_; }
  FixedKey& keys() { return keys_; }

  /// Receives a copy of `bytes` that is gone afterwards, and records all events.
  void receive(BytesView bytes) {
    Bytes own = copy_of(bytes);
    connection_->receive(own, now);
    poll();
  }
  void receive(const Parts& parts) {
    for (const Bytes& part : parts) receive(part);
  }
  void receive_end() {
    connection_->receive_end(now);
    poll();
  }
  void poll() {
    while (const auto event = connection_->poll_event()) events.push_back(seen(*event));
  }

  /// Takes what there is to be written, all of it.
  Bytes written() {
    Bytes out;
    while (!connection_->output().empty()) {
      std::array<BytesView, 4> chunks;
      const std::size_t count = connection_->output().gather(chunks);
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < count; ++i) {
        out.insert(out.end(), chunks[i].begin(), chunks[i].end());
        bytes += chunks[i].size();
      }
      connection_->output_written(bytes);
    }
    return out;
  }
  std::vector<Frame> written_frames() { return frames_of(written()); }

  /// Takes the first `bytes` only: a transport that is slow.
  void write_some(std::size_t bytes) { connection_->output_written(bytes); }

  std::vector<Seen> events;
  Instant now{std::chrono::seconds(1000)};

 private:
  base::BufferPool buffers_;
  proto::DeflatePool deflate_;
  FixedKey keys_;
  proto::Resources resources_{.buffers = buffers_, .deflate = deflate_, .mask_keys = &keys_};
  proto::ConnectionOptions options_;
  std::unique_ptr<proto::Connection> connection_;
};

/// Plays `input` in every split into fresh connections and hands each over for checks.
template <class Check>
void play_everywhere(const Setup& setup, BytesView input, Check&& check) {
  split_everywhere(input, [&](const Parts& parts) {
    Rig rig(setup);
    rig.receive(parts);
    CAPTURE(parts.size());
    CAPTURE(parts.front().size());
    check(rig);
  });
}

/// `input` brings exactly these events, however it is split.
inline void expect_events(const Setup& setup, BytesView input, const std::vector<Seen>& events) {
  play_everywhere(setup, input, [&](Rig& rig) {
    CHECK(rig.events == events);
    CHECK(rig.connection().open());
  });
}

/// `input` ends the connection with `error` after `before`, however it is split: one closed event,
/// one Close frame with the table's code and text, nothing read afterwards.
inline void expect_failure(const Setup& setup, BytesView input, proto::ProtocolError error,
                           const std::vector<Seen>& before = {}) {
  const proto::ErrorFacts& facts = proto::facts_of(error);
  play_everywhere(setup, input, [&](Rig& rig) {
    REQUIRE(rig.events.size() == before.size() + 1);
    const Seen closed = rig.events.back();
    rig.events.pop_back();
    CHECK(rig.events == before);
    CHECK(closed.kind == proto::EventKind::closed);
    CHECK(closed.error == error);
    CHECK(closed.code == facts.code);
    CHECK(closed.payload == facts.text);
    CHECK_FALSE(closed.clean);
    CHECK_FALSE(closed.by_peer);
    CHECK(rig.connection().finished());
    const std::vector<Frame> frames = rig.written_frames();
    REQUIRE_FALSE(frames.empty());
    const Frame close{.opcode = 8,
                      .payload = close_payload(static_cast<unsigned>(facts.code), facts.text),
                      .masked = setup.role == proto::Role::client};
    CHECK(frames.back() == close);
    rig.receive(hex("89 80 00000000 89 00"));
    CHECK(rig.events.size() == before.size());
    CHECK(rig.connection().output().empty());
  });
}

}  // namespace walkie::test
