// SPDX-License-Identifier: MIT
// The server's end of an HTTP/1.1 connection: a machine that takes requests apart, one at a time,
// in order, until one of them upgrades.
//
//   receive(bytes) -> poll_event()* -> request -> the caller answers with respond() or upgrade()
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <base/output_queue.hpp>
#include <base/time.hpp>
#include <http/body.hpp>
#include <http/framing.hpp>
#include <http/head.hpp>
#include <http/input_buffer.hpp>
#include <http/query.hpp>
#include <http/response.hpp>
#include <walkie/bytes.hpp>
#include <walkie/http.hpp>

namespace walkie::http {

struct ServerConnectionOptions {
  HeadLimits limits;
  std::uint64_t body_bytes_max = std::uint64_t{1} << 20;
  Duration head_timeout =
      std::chrono::seconds(10);  ///< From a head's first byte to its end: 408.
                                 ///< A new connection has as long for that byte.
  Duration body_timeout = std::chrono::seconds(30);  ///< For the whole body: 408.
  Duration idle_timeout = std::chrono::seconds(60);  ///< Between requests: ends without an answer.
  /// While more than this waits to be written, the next pipelined request waits too.
  std::size_t output_bytes_max = std::size_t{256} << 10;
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
  Request request{};
  HeadError error = HeadError::none;
};

/// Not thread safe. Holds received bytes of an unfinished head or body, at most head_bytes_max plus
/// body_bytes_max and one receive(); pipelined requests behind the current one count into
/// head_bytes_max, and when there are so many wants_input() is false. Between requests it holds
/// nothing.
class ServerConnection {
 public:
  ServerConnection(const ServerConnectionOptions& options, base::BufferPool& pool, Instant now);
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  void receive(BytesView bytes, Instant now);  ///< Copies what it keeps.
  /// The peer sends no more. A request that is whole is still answered.
  void receive_end(Instant now);
  /// Poll until it returns nothing, behind receive(), receive_end(), on_deadline(), respond() (a
  /// pipelined request may be next) and, where wants_input() was false, output_written().
  /// `date` as in ResponseFraming: what the answer to a fault says.
  [[nodiscard]] std::optional<ServerEvent> poll_event(std::string_view date = {});
  /// False while a request waits for its answer and enough is buffered, while too much waits to be
  /// written, and when nothing more will be read: stop reading (backpressure).
  [[nodiscard]] bool wants_input() const noexcept;

  /// Tells the time in front of an answer that comes later than the request: the next idle or head
  /// timeout counts from here.
  void tell_time(Instant now) noexcept { now_ = now; }

  /// Answers the current request. HEAD gets no content; 204 and 304 neither. `date` as in
  /// ResponseFraming. `close`: the connection ends behind it. A status that is none of a final
  /// response becomes 500. False where a field was left out (see write_response_head()): a
  /// handler's bug.
  bool respond(const HttpResponse& response, std::string_view date, bool close = false);
  /// The same with content that is not copied into a HttpResponse first (static files).
  bool respond(int status, std::string_view content_type, BytesView content, ResponseFields fields,
               std::string_view date);
  /// Answers 101. What the peer sent behind its head is in leftover(): the first frames.
  bool upgrade(std::string_view accept, std::string_view subprotocol, std::string_view extensions,
               ResponseFields fields);
  /// Lives as long as this object.
  [[nodiscard]] MutableBytes leftover() noexcept { return input_.unread(); }

  [[nodiscard]] base::OutputQueue& output() noexcept { return output_; }
  void output_written(std::size_t bytes);
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;
  void on_deadline(Instant now);
  /// Nothing more to read, to poll or to answer: write output() out, then end the transport.
  [[nodiscard]] bool finished() const noexcept;
  /// No request is under way: drain may end it now.
  [[nodiscard]] bool idle() const noexcept;
  /// Ends after the current answer, or at once where idle() (drain).
  void finish() noexcept;

 private:
  enum class State : std::uint8_t {
    reading_head,
    reading_body,
    request_ready,  // and not polled
    answering,
    upgraded,
    closing,
  };
  struct Answer {
    int status;
    std::string_view content_type;
    BytesView content;
    ResponseFields fields;
    std::string_view date;
  };
  void advance();
  void read_head();
  void begin_body();
  [[nodiscard]] HeadError judge_body(BodyFraming& framing) const noexcept;
  void ask_for_body();
  void read_body();
  [[nodiscard]] HeadError take_content();
  void complete_request();
  bool answer(const Answer& answer, bool close);
  void begin_next(bool keep_alive) noexcept;
  void fail(HeadError error);
  void answer_failure(HeadError error, std::string_view date);
  void end() noexcept;
  void close() noexcept;
  void time_out_idle() noexcept;
  void set_deadline(Duration timeout) noexcept;
  [[nodiscard]] bool stalled() const noexcept;

  ServerConnectionOptions options_;
  InputBuffer input_;
  base::OutputQueue output_;
  RequestHead head_;
  HeadProgress progress_;
  BodyReader body_;
  const std::byte* parsed_from_ = nullptr;  ///< Where the head lay that head_'s views point into.
  std::size_t body_bytes_ = 0;              ///< Content, gathered right behind the head.
  std::size_t read_bytes_ = 0;              ///< Of the unread input: head and body as sent, so far.
  std::optional<ServerEvent> last_event_;
  Instant now_;
  Instant deadline_ = kNever;
  State state_ = State::reading_head;
  bool keep_alive_ = true;
  bool without_content_ = false;  ///< The request is a HEAD.
  bool input_ended_ = false;
  bool finishing_ = false;
  bool wrote_ = false;  ///< The peer took output since the idle timeout was set.
};

}  // namespace walkie::http
