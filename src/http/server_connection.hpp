// SPDX-License-Identifier: MIT
// The server's end of an HTTP/1.1 connection: a machine that takes requests apart, one at a time, in
// order, until one of them upgrades.
//
//   receive(bytes) -> poll_event()* -> request -> the caller answers with respond() or upgrade()
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <base/output_queue.hpp>
#include <base/time.hpp>
#include <http/body.hpp>
#include <http/head.hpp>
#include <http/response.hpp>
#include <walkie/bytes.hpp>
#include <walkie/http.hpp>

namespace walkie::http {

struct ServerConnectionOptions {
  HeadLimits limits;
  std::uint64_t body_bytes_max = std::uint64_t{1} << 20;
  Duration head_timeout = std::chrono::seconds(10);   ///< From the first byte due to the head's end: 408.
  Duration body_timeout = std::chrono::seconds(30);   ///< For the whole body: 408.
  Duration idle_timeout = std::chrono::seconds(60);   ///< Between requests: ends without an answer.
};

/// A request, whole. Views live until respond(), upgrade() or the connection's end.
struct Request {
  const RequestHead* head = nullptr;
  BytesView body;
  bool asks_for_websocket = false;
};

struct ServerEvent {
  enum class Kind : std::uint8_t {
    request,  ///< Answer it before polling on.
    failed,   ///< error: an answer with its status is queued where one can be, then the end.
    ended,    ///< The peer is done, or idle for too long: nothing to answer.
  } kind = Kind::request;
  Request request;
  HeadError error = HeadError::none;
};

/// Not thread safe. Holds received bytes of an unfinished head or body, at most head_bytes_max plus
/// body_bytes_max; pipelined requests behind the current one count into head_bytes_max, and while it
/// has no answer wants_input() is false.
class ServerConnection {
 public:
  ServerConnection(const ServerConnectionOptions& options, base::BufferPool& pool, Instant now);

  void receive(BytesView bytes, Instant now);  ///< Copies what it keeps.
  void receive_end(Instant now);
  [[nodiscard]] std::optional<ServerEvent> poll_event();
  /// False while a request waits for its answer and enough is buffered: stop reading (backpressure).
  [[nodiscard]] bool wants_input() const noexcept;

  /// Answers the current request. HEAD gets no content; 204 and 304 neither. `date` as in
  /// ResponseFraming. `close`: the connection ends behind it.
  void respond(const HttpResponse& response, std::string_view date, bool close = false);
  /// The same with content that is not copied into a HttpResponse first (static files).
  void respond(int status, std::string_view content_type, BytesView content,
               std::span<const std::pair<std::string, std::string>> fields, std::string_view date);
  /// Answers 101. What the peer sent behind its head is in leftover(): the first frames.
  void upgrade(std::string_view accept, std::string_view subprotocol, std::string_view extensions,
               std::span<const std::pair<std::string, std::string>> fields);
  [[nodiscard]] MutableBytes leftover() noexcept;

  [[nodiscard]] base::OutputQueue& output() noexcept;
  void output_written(std::size_t bytes);
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;
  void on_deadline(Instant now);
  /// Nothing more to read or to answer: write output() out, then end the transport.
  [[nodiscard]] bool finished() const noexcept;
  /// No request is under way: drain may end it now.
  [[nodiscard]] bool idle() const noexcept;
  /// Ends after the current answer (drain).
  void finish() noexcept;
};

}  // namespace walkie::http
