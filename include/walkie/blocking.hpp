// SPDX-License-Identifier: MIT
// A WebSocket client for scripts and tests: calls that wait.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include <walkie/client.hpp>

namespace walkie::blocking {

/// Why a call gave nothing.
enum class Fault : std::uint8_t {
  timeout,  ///< receive(): nothing came in time; the connection is as it was.
  closed,   ///< The connection has ended: close_code(), close_reason().
  full,     ///< send(): the queue stayed full until the deadline.
};

/// "timeout", "closed", "full".
[[nodiscard]] std::string_view name_of(Fault fault) noexcept;

/// An open WebSocket. Does not reconnect. Calls from several threads are safe. Received messages
/// wait until receive() takes them, up to 64 MiB (each counted with some bytes more than its own);
/// beyond that the connection is not read, and the kernel holds the peer back.
///
/// Of all timeouts: a year is the longest; 0 or less does not wait.
class WebSocket {
 public:
  WebSocket(WebSocket&& other) noexcept;
  WebSocket& operator=(WebSocket&& other) noexcept;  ///< Ends the old one as ~WebSocket() does.
  ~WebSocket();  ///< Closes with 1000; waits at most a second for the peer.

  /// The next message; waits at most `timeout`. Messages that came before the end are still given
  /// after it. Faults: timeout, closed.
  [[nodiscard]] std::expected<Message, Fault> receive(
      std::chrono::milliseconds timeout = std::chrono::seconds(30));
  /// Hands the message to the connection, which sends it; waits at most `timeout` where more than
  /// ClientOptions::queue_bytes_max wait. Faults: full, closed.
  std::expected<void, Fault> send(MessageView message,
                                  std::chrono::milliseconds timeout = std::chrono::seconds(30));
  /// Sends what waits, then Close, and waits for the peer's; true where it came. While it waits,
  /// messages beyond the 64 MiB are dropped, and all once Close is out. Later calls only wait.
  bool close(CloseCode code = CloseCode::normal, std::string_view reason = {},
             std::chrono::milliseconds timeout = std::chrono::seconds(5));

  [[nodiscard]] bool open() const;
  /// How it ended: the peer's code, or what this side says about the end (1006: no Close came);
  /// no_status while it is open.
  [[nodiscard]] CloseCode close_code() const;
  [[nodiscard]] std::string close_reason() const;
  /// What the server chose; empty: none.
  [[nodiscard]] std::string subprotocol() const;

 private:
  friend std::expected<WebSocket, ConnectError> connect(std::string_view url,
                                                        ClientOptions options);
  struct State;
  explicit WebSocket(std::shared_ptr<State> state) noexcept;
  std::shared_ptr<State> state_;
};

/// Connects and waits until it is open; the deadlines are those of options.dial. A rejection's
/// status, headers and body are in the error.
///
/// Of the handlers in `options`, on_pong, on_attempt, on_undelivered and on_trace are called, on a
/// thread of the connection's own; the others are not used, nor are `reconnect` and `when_full`.
///
///     auto ws = walkie::blocking::connect("ws://127.0.0.1:8000/echo");
///     if (!ws) return complain(ws.error().message);
///     ws->send("hello");
///     auto reply = ws->receive(2s);
[[nodiscard]] std::expected<WebSocket, ConnectError> connect(std::string_view url,
                                                             ClientOptions options = {});

}  // namespace walkie::blocking
