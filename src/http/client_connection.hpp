// SPDX-License-Identifier: MIT
// The client's end of an HTTP/1.1 connection: a machine that sends one request and takes its answer
// apart. Upgrades and CONNECT through proxies use it.
//
//   request() -> output();  receive(bytes) -> poll_event() -> answered | failed
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <base/buffer_pool.hpp>
#include <base/header_field.hpp>
#include <base/output_queue.hpp>
#include <http/body.hpp>
#include <http/head.hpp>
#include <http/input_buffer.hpp>
#include <walkie/bytes.hpp>

namespace walkie::http {

struct ClientConnectionOptions {
  HeadLimits limits{};
  std::size_t body_bytes_max = 64 * 1024;  ///< Of an answer that switches no protocol: cut there.
  std::size_t interim_answers_max = 8;     ///< 1xx other than 101 (RFC 9110 §15.2).
};

/// Views live until the next receive() or the connection's end.
struct ClientEvent {
  enum class Kind : std::uint8_t {
    answered,  ///< head, and the body, whole or cut, where the answer has one.
    failed,    ///< error: no HTTP, or too large; or the connection ended (`ended_early`).
  } kind = Kind::answered;
  const ResponseHead* head = nullptr;
  BytesView body{};
  /// The body has more than body_bytes_max, or the connection ended inside it (RFC 9112 §8).
  bool body_cut = false;
  HeadError error = HeadError::none;
  bool ended_early = false;  ///< In front of the head's end.
};

/// Not thread safe. The options and the pool outlive it. Holds at most head_bytes_max plus
/// body_bytes_max and one receive(), and what follows a switch of protocols.
class ClientConnection {
 public:
  ClientConnection(const ClientConnectionOptions& options, base::BufferPool& pool);
  ClientConnection(const ClientConnection&) = delete;
  ClientConnection& operator=(const ClientConnection&) = delete;

  /// Queues the one request. `target` is sent as it is. False, and nothing queued, where method,
  /// target or a field has a byte that may not stand there (RFC 9110 §5.5): it would be smuggled.
  [[nodiscard]] bool request(std::string_view method, std::string_view target,
                             std::span<const HeaderField> fields);

  void receive(BytesView bytes);  ///< Copies what it keeps.
  /// The peer sends no more, or the caller waits no longer: a body that is under way ends here.
  void receive_end();
  /// One event in all. An answer is whole once its body is: 101, and 2xx to CONNECT, have none, and
  /// what comes behind their head is in leftover().
  [[nodiscard]] std::optional<ClientEvent> poll_event();
  /// The new protocol's first bytes; empty where none was switched to. Lives until the next
  /// receive().
  [[nodiscard]] MutableBytes leftover() noexcept;

  [[nodiscard]] base::OutputQueue& output() noexcept { return output_; }

 private:
  enum class State : std::uint8_t { reading_head, reading_body, switched, finished };
  void read_head();
  void take_head();
  void begin_body();
  void read_body();
  [[nodiscard]] HeadError take_content(bool& cut);
  void answer(bool body_cut);
  void fail(HeadError error, bool ended_early = false);

  const ClientConnectionOptions& options_;
  InputBuffer input_;
  base::OutputQueue output_;
  std::string method_;
  ResponseHead head_;
  HeadProgress progress_;
  BodyReader body_;
  std::size_t interim_answers_ = 0;
  std::size_t body_bytes_ = 0;  ///< Content, gathered at the front of the unread input.
  std::optional<ClientEvent> event_;
  State state_ = State::reading_head;
  bool until_close_ = false;
};

}  // namespace walkie::http
