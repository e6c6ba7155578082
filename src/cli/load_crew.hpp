// SPDX-License-Identifier: MIT
// Thousands of client connections on one loop: they connect, shake hands, and hand what arrives to
// a scenario. This is a tool to load a server with, not a client to build on.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/time.hpp>
#include <cli/load_frames.hpp>
#include <io/loop.hpp>
#include <link/transport.hpp>
#include <tls/context.hpp>
#include <walkie/error.hpp>

namespace walkie::cli {

/// Where "ws://HOST:PORT/PATH" or "wss://..." points; HOST is numeric or "localhost".
struct LoadTarget {
  io::SocketAddress address;
  bool secure = false;
  std::string authority;  ///< For the Host field.
  std::string path;
};
[[nodiscard]] Result<LoadTarget> parse_target(std::string_view url);

class LoadCrew;

/// One connection.
class LoadSocket final : public link::TransportHandler {
 public:
  LoadSocket(LoadCrew& crew, std::size_t index);
  LoadSocket(const LoadSocket&) = delete;
  LoadSocket& operator=(const LoadSocket&) = delete;

  [[nodiscard]] std::size_t index() const noexcept { return index_; }

  /// Appends bytes that leave with the next flush(); what was received is answered in one write.
  void queue(BytesView bytes) { waiting_.insert(waiting_.end(), bytes.begin(), bytes.end()); }
  void flush();

 private:
  friend class LoadCrew;
  enum class State : std::uint8_t { connecting, shaking_hands, open, closing, ended };

  void on_connected() override;
  void on_secured() override;
  void on_insecure(std::string_view reason) override;
  void on_received(MutableBytes bytes) override;
  void on_sent(std::size_t bytes) override;
  void on_end() override;
  void on_error(std::error_code error) override;

  void shake_hands();
  void write();
  void take_response(BytesView& bytes);
  void take_frames(BytesView bytes);
  void take_raw(BytesView bytes);
  void take_control(const FramePiece& piece);
  void start_closing();
  void end();
  void fail(std::string_view what);

  LoadCrew& crew_;
  std::size_t index_;
  link::Transport transport_;
  State state_ = State::connecting;
  FrameReader reader_;
  std::size_t raw_taken_ = 0;       ///< Of the current answer, in raw mode.
  std::vector<std::byte> writing_;  ///< Given to the loop; stays until written.
  std::size_t written_ = 0;
  std::vector<std::byte> waiting_;
  std::string text_;  ///< The response's head, then a control frame's payload, while they arrive.
};

/// What is measured with the connections.
class LoadScenario {
 public:
  virtual ~LoadScenario() = default;
  /// A piece of a message; `ends` with its last piece.
  virtual void on_piece(LoadSocket& socket, BytesView bytes, bool ends) = 0;
  /// After each turn of the loop; returns how long the next may wait.
  virtual Duration on_turn(Instant) { return std::chrono::milliseconds(100); }
};

struct LoadCrewOptions {
  LoadTarget target;
  std::size_t connections = 1;
  bool raw = false;  ///< No handshake, no frames: answers of a fixed length.
  std::size_t raw_answer_bytes = 0;
  bool resume = true;  ///< TLS sessions, where the server offers it.
  proto::MaskKey mask_key{};
  /// Told now and then how many connections are open.
  std::function<void(std::size_t open)> on_progress = [](std::size_t) {};
};

/// Owns the connections. One thread.
class LoadCrew {
 public:
  LoadCrew(io::Loop& loop, LoadCrewOptions options, LoadScenario& scenario);
  ~LoadCrew();
  LoadCrew(const LoadCrew&) = delete;
  LoadCrew& operator=(const LoadCrew&) = delete;

  /// Opens all connections, a few at a time; returns when all have shaken hands. Fails where
  /// nothing moves for ten seconds.
  [[nodiscard]] Result<void> open_all();

  /// Turns the loop for that long. Fails as soon as any connection does.
  [[nodiscard]] Result<void> run_for(Duration time);

  /// Close handshakes for all, at most two seconds.
  void close_all();

  [[nodiscard]] LoadSocket& socket(std::size_t index) noexcept { return *sockets_[index]; }
  /// Connections that resumed a TLS session.
  [[nodiscard]] std::size_t resumed() const noexcept { return resumed_; }
  /// When the bytes that are being handled arrived.
  [[nodiscard]] Instant batch_time() const noexcept { return batch_time_; }
  /// Ends the run with this error; the first one counts.
  void fail(std::string message);

 private:
  friend class LoadSocket;
  static constexpr std::size_t kHandshakesMax = 128;  ///< At a time: a backlog is not to overflow.
  static constexpr std::size_t kConnectionsPerSource = 20'000;

  /// A session's place in the client's memory: servers go by host and port there.
  [[nodiscard]] std::uint16_t session_place(std::size_t index) const noexcept;
  [[nodiscard]] Result<void> make_tls();
  [[nodiscard]] Result<void> connect_next();
  [[nodiscard]] Result<void> turn(Duration wait_max);

  io::Loop& loop_;
  base::BufferPool buffers_;
  std::unique_ptr<tls::ClientContext> tls_;  ///< Trusts anyone: it measures.
  LoadCrewOptions options_;
  LoadScenario& scenario_;
  std::vector<std::unique_ptr<LoadSocket>> sockets_;
  std::string request_;
  std::string key_;  ///< Its Sec-WebSocket-Key.
  std::vector<std::byte> close_frame_;
  std::size_t open_ = 0;
  std::size_t resumed_ = 0;
  std::size_t ended_ = 0;
  std::optional<Error> failure_;
  Instant batch_time_{};
};

}  // namespace walkie::cli
