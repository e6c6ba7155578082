// SPDX-License-Identifier: MIT
// A client and a server machine joined by a faulty pipe, under a virtual clock: random messages
// both ways must arrive exactly and in order, and every connection must end with one closed event.
//
// Replay one run with WALKIE_SIM_SEED=<seed>; run more with WALKIE_SIM_RUNS=<n>.
#include <cstdlib>
#include <deque>
#include <random>

#include <proto/shared_frame.hpp>
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using namespace std::chrono_literals;
using proto::EventKind;
using proto::ProtocolError;
using proto::Role;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  /// 0 to n - 1.
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_);
  }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::mt19937_64 engine_;
};

struct Sent {
  MessageKind kind;
  std::string payload;
  friend bool operator==(const Sent&, const Sent&) = default;
};

std::string random_text(Dice& dice, std::size_t bytes_max) {
  static constexpr std::string_view kParts[] = {
      "a", "walkie", " ", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "0123456789"};
  const std::size_t bytes = dice.below(bytes_max + 1);
  std::string text;
  while (text.size() < bytes) text += kParts[dice.below(std::size(kParts))];
  return text;
}

std::string random_binary(Dice& dice, std::size_t bytes_max) {
  std::string payload(dice.below(bytes_max + 1), '\0');
  const bool shrinks = dice.one_in(2);
  for (char& c : payload) c = static_cast<char>(shrinks ? dice.below(4) : dice.below(256));
  return payload;
}

/// One machine, what it was told to send, and what it got.
class Side {
 public:
  Side(Role role, const Setup& setup, Dice& dice) : rig_(setup), dice_(dice), role_(role) {}

  proto::Connection& connection() { return rig_.connection(); }

  /// Does something at random: a message, a piece of one, a ping.
  void act() {
    if (!connection().open()) return;
    if (piece_left_ > 0 && dice_.one_in(2)) return send_piece();
    switch (dice_.below(8)) {
      case 0:
        return connection().ping(bytes_of(random_text(dice_, 60)));
      case 1:
        return connection().pong(bytes_of("unasked"));
      case 2:
        return piece_left_ > 0 ? send_piece() : begin_pieces();
      case 3:
        if (role_ == Role::server) return send_shared();
        [[fallthrough]];
      default:
        return send_whole();
    }
  }
  /// Ends what is under way, so that nothing is owed.
  void finish() {
    while (piece_left_ > 0 && connection().open()) send_piece();
  }

  void receive(MutableBytes bytes, Instant now) {
    connection().receive(bytes, now);
    poll();
  }
  void receive_end(Instant now) {
    connection().receive_end(now);
    poll();
  }
  void poll() {
    while (const auto event = connection().poll_event()) take(*event);
  }

  /// Moves up to `bytes` of the output to `pipe`.
  void write(std::deque<std::byte>& pipe, std::size_t bytes) {
    std::array<BytesView, 3> chunks;
    const std::size_t count = connection().output().gather(chunks);
    std::size_t moved = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const BytesView part = chunks[i].first(std::min(chunks[i].size(), bytes - moved));
      pipe.insert(pipe.end(), part.begin(), part.end());
      moved += part.size();
    }
    connection().output_written(moved);
  }

  std::vector<Sent> sent;
  std::vector<Sent> received;
  std::vector<Seen> closed;

 private:
  void send_whole() {
    const bool text = dice_.one_in(2);
    const std::size_t bytes_max = dice_.one_in(20) ? 90'000 : 300;
    Sent message{text ? MessageKind::text : MessageKind::binary,
                 text ? random_text(dice_, bytes_max) : random_binary(dice_, bytes_max)};
    constexpr Compression kModes[] = {Compression::by_size, Compression::never,
                                      Compression::always};
    CHECK(connection().send(message.kind, bytes_of(message.payload), kModes[dice_.below(3)]) ==
          SendStatus::queued);
    owe(std::move(message));
  }
  void send_shared() {
    const std::string text = random_text(dice_, 500);
    proto::SharedFrame frame(text, rig_.resources().deflate, 1);
    CHECK(connection().send_shared(frame) == SendStatus::queued);
    owe({MessageKind::text, text});
  }
  void begin_pieces() {
    piece_left_ = 1 + dice_.below(6);
    piece_kind_ = dice_.one_in(2) ? MessageKind::text : MessageKind::binary;
    piece_whole_.clear();
    send_piece();
  }
  void send_piece() {
    const std::size_t bytes_max = dice_.one_in(10) ? 50'000 : 200;
    const std::string piece = piece_kind_ == MessageKind::text ? random_text(dice_, bytes_max)
                                                               : random_binary(dice_, bytes_max);
    piece_whole_ += piece;
    const bool last = --piece_left_ == 0;
    CHECK(connection().send_piece(piece_kind_, bytes_of(piece), last) == SendStatus::queued);
    if (!last) return;
    sent.push_back({piece_kind_, piece_whole_});
    for (Sent& message : deferred_) sent.push_back(std::move(message));
    deferred_.clear();
  }
  /// A message that waits behind pieces arrives after them.
  void owe(Sent message) { (piece_left_ > 0 ? deferred_ : sent).push_back(std::move(message)); }

  void take(const proto::Event& event) {
    CHECK(closed.empty());
    switch (event.kind) {
      case EventKind::message:
        received.push_back({event.message_kind, std::string(text_of(event.payload))});
        break;
      case EventKind::piece:
        if (event.first) pieces_ = {event.message_kind, {}};
        pieces_.payload += text_of(event.payload);
        if (event.last) received.push_back(pieces_);
        break;
      case EventKind::closed:
        closed.push_back(seen(event));
        break;
      case EventKind::ping:
      case EventKind::pong:
        break;
    }
  }

  Rig rig_;
  Dice& dice_;
  Role role_;
  std::size_t piece_left_ = 0;
  MessageKind piece_kind_ = MessageKind::text;
  std::string piece_whole_;
  std::vector<Sent> deferred_;
  Sent pieces_{MessageKind::text, {}};
};

/// What the pipe does to the connection in the end.
enum class Fate {
  closed_by_server,
  closed_by_client,
  closed_by_both,
  cut,
  closed_and_cut,
  stalled
};

class Simulation {
 public:
  explicit Simulation(std::uint64_t seed)
      : dice_(seed),
        params_(random_params()),
        server_(Role::server, random_setup(Role::server), dice_),
        client_(Role::client, random_setup(Role::client), dice_),
        fate_(static_cast<Fate>(dice_.below(6))) {}

  void run() {
    const std::size_t acts = 1 + dice_.below(60);
    for (std::size_t i = 0; i < acts; ++i) {
      if (dice_.one_in(2)) server_.act();
      if (dice_.one_in(2)) client_.act();
      if (!dice_.one_in(3)) step();
    }
    if (fate_ != Fate::cut) deliver_all();
    end();
    judge();
  }

 private:
  proto::DeflateParams random_params() {
    return {.enabled = !dice_.one_in(3),
            .server_no_context_takeover = dice_.one_in(2),
            .client_no_context_takeover = dice_.one_in(2),
            .server_max_window_bits = static_cast<std::uint8_t>(9 + dice_.below(7)),
            .client_max_window_bits = static_cast<std::uint8_t>(9 + dice_.below(7))};
  }
  Setup random_setup(Role role) {
    Setup setup{.role = role, .deflate = params_};
    setup.options.deliver_pieces = dice_.one_in(2);
    setup.options.deflate.level = static_cast<int>(1 + dice_.below(9));
    return setup;
  }

  /// Some bytes move from the machines to the pipe and from the pipe to the machines; time passes.
  void step() {
    now_ += std::chrono::milliseconds(dice_.below(20));
    move(server_, to_client_, client_);
    move(client_, to_server_, server_);
  }
  void move(Side& from, std::deque<std::byte>& pipe, Side& to) {
    if (!dice_.one_in(4)) from.write(pipe, portion(100'000));
    if (dice_.one_in(4)) return;  // delayed
    const std::size_t bytes = std::min(pipe.size(), portion(pipe.size() + 1));
    const auto end = pipe.begin() + static_cast<std::ptrdiff_t>(bytes);
    Bytes part(pipe.begin(), end);
    pipe.erase(pipe.begin(), end);
    to.receive(part, now_);
  }
  std::size_t portion(std::size_t bytes_max) {
    return dice_.one_in(3) ? 1 + dice_.below(7) : 1 + dice_.below(bytes_max);
  }
  [[nodiscard]] bool quiet() {
    return to_client_.empty() && to_server_.empty() && server_.connection().output().empty() &&
           client_.connection().output().empty();
  }
  void deliver_all() {
    server_.finish();
    client_.finish();
    for (int i = 0; i < 100'000 && !quiet(); ++i) step();
    CHECK(quiet());
  }

  void end() {
    const auto code = static_cast<CloseCode>(3000 + dice_.below(2000));
    if (fate_ == Fate::closed_by_server || fate_ == Fate::closed_by_both ||
        fate_ == Fate::closed_and_cut || fate_ == Fate::stalled)
      server_.connection().close(code, "s", now_);
    if (fate_ == Fate::closed_by_client || fate_ == Fate::closed_by_both)
      client_.connection().close(code, "c", now_);
    if (fate_ == Fate::closed_by_server || fate_ == Fate::closed_by_client ||
        fate_ == Fate::closed_by_both)
      deliver_all();
    if (fate_ == Fate::cut || fate_ == Fate::closed_and_cut) {
      server_.receive_end(now_);
      client_.receive_end(now_);
    }
    if (fate_ == Fate::stalled) {
      const auto deadline = server_.connection().next_deadline();
      REQUIRE(deadline);
      server_.connection().on_deadline(*deadline);
      server_.poll();
      client_.receive_end(*deadline);
    }
  }

  void judge() {
    REQUIRE(server_.closed.size() == 1);
    REQUIRE(client_.closed.size() == 1);
    CHECK(server_.connection().finished());
    CHECK(client_.connection().finished());
    const bool cut = fate_ == Fate::cut;
    judge_messages(server_.sent, client_.received, cut);
    judge_messages(client_.sent, server_.received, cut);
    const Seen& server = server_.closed[0];
    const Seen& client = client_.closed[0];
    switch (fate_) {
      case Fate::closed_by_server:
        CHECK((server.clean && !server.by_peer && client.clean && client.by_peer));
        CHECK(client.payload == "s");
        CHECK(client.code == server.code);
        break;
      case Fate::closed_by_client:
        CHECK((server.clean && server.by_peer && client.clean && !client.by_peer));
        CHECK(server.payload == "c");
        break;
      case Fate::closed_by_both:
        CHECK((server.clean && client.clean));
        break;
      case Fate::cut:
      case Fate::closed_and_cut:
        CHECK(server.error == ProtocolError::ended_without_close);
        CHECK(client.error == ProtocolError::ended_without_close);
        break;
      case Fate::stalled:
        CHECK(server.error == ProtocolError::close_timeout);
        CHECK(client.error == ProtocolError::ended_without_close);
        break;
    }
  }
  /// All of it, or where the pipe was cut the first part of it.
  static void judge_messages(const std::vector<Sent>& sent, const std::vector<Sent>& received,
                             bool cut) {
    if (!cut) REQUIRE(received.size() == sent.size());
    // A message in pieces that was cut off was received after none that waited behind it.
    REQUIRE(received.size() <= sent.size());
    for (std::size_t i = 0; i < received.size(); ++i) CHECK((received[i] == sent[i]));
  }

  Dice dice_;
  proto::DeflateParams params_;
  Side server_;
  Side client_;
  Fate fate_;
  std::deque<std::byte> to_client_;
  std::deque<std::byte> to_server_;
  Instant now_{1000s};
};

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

TEST_CASE(
    "simulated connections deliver every message in order and end once "
    "[RFC 6455 5.4, 7.1; RFC 7692]") {
  const std::uint64_t one = number_from("WALKIE_SIM_SEED", 0);
  const std::uint64_t runs = one != 0 ? 1 : number_from("WALKIE_SIM_RUNS", 300);
  for (std::uint64_t run = 0; run < runs; ++run) {
    const std::uint64_t seed = one != 0 ? one : run + 1;
    CAPTURE(seed);
    Simulation(seed).run();
  }
}

}  // namespace
}  // namespace walkie::test
