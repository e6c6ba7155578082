// SPDX-License-Identifier: MIT
// A WebSocket client for coroutines: calls that are awaited.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <walkie/client.hpp>
#include <walkie/task.hpp>

namespace walkie {

/// A client whose events are awaited. It belongs to its loop's thread: use it from coroutines that
/// run there (spawn(), block_on()). Any number of coroutines may send and receive at once: messages
/// go out, and to those that receive, in the order of the calls.
///
///     walkie::Task<> talk(walkie::ClientLoop& loop) {
///       walkie::Stream stream(loop, "wss://example.com/feed");
///       if (!co_await stream.open()) co_return;
///       while (auto message = co_await stream.receive()) co_await stream.send(*message);
///     }
///
/// open(), receive() and send() take a stop_token: where stop is requested, from any thread, a call
/// that waits ends and has had no effect; no message is lost to a receive() that was stopped, or
/// whose coroutine was destroyed. For a deadline, let ClientLoop::post_after() request the stop.
class Stream {
 public:
  /// Starts connecting. With `reconnect` it goes on over connections. The handlers in `options` are
  /// called, but for on_message, on_piece and on_drain, whose place it takes.
  Stream(ClientLoop& loop, std::string_view url, ClientOptions options = {});
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  /// As ~Client(). Calls that wait end as if it were closed. Not from inside a handler.
  ~Stream();

  class Waiting;
  class Opening;
  class Receiving;
  class Sending;
  class Closing;

  /// co_await: std::expected<void, ConnectError>, when it was open for the first time, or never
  /// will be. Stopped: ConnectFault::cancelled.
  [[nodiscard]] Opening open(std::stop_token stop = {});
  /// co_await: std::optional<Message>, the next; nothing when it is closed for good, or stopped.
  /// 64 messages or 1 MiB are read ahead; then the kernel holds the peer back.
  [[nodiscard]] Receiving receive(std::stop_token stop = {});
  /// co_await: SendStatus. Waits while the queue is full; `message` must live until then. Stopped:
  /// overflow. Closed meanwhile: gone.
  [[nodiscard]] Sending send(MessageView message, std::stop_token stop = {});
  /// co_await: CloseCode of how it ended, when the close handshake is over. Sends what waits, then
  /// Close. Messages that still come are received until Close is out, as far as they fit.
  [[nodiscard]] Closing close(CloseCode code = CloseCode::normal, std::string_view reason = {});

  /// How it ended for good; no_status before, and abnormal (1006) where it never was open.
  [[nodiscard]] CloseCode close_code() const noexcept;
  [[nodiscard]] const std::string& close_reason() const noexcept;
  /// Of the last connection; empty: none.
  [[nodiscard]] const std::string& subprotocol() const noexcept;
  [[nodiscard]] Client& client() noexcept;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// What a coroutine waits in: a place in one of the stream's lists. Not to be kept: co_await it.
class Stream::Waiting {
 public:
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting();
  void await_suspend(std::coroutine_handle<> coroutine);

 protected:
  /// For what is waited.
  enum class Kind : std::uint8_t { open, receive, send, close };
  Waiting(std::shared_ptr<State> state, Kind kind, std::stop_token stop) noexcept;
  /// Whether there is nothing to wait for: stopped, or closed.
  [[nodiscard]] bool over();

  struct Stopper {
    void operator()() const;
    std::weak_ptr<State> state;
    std::uint64_t ticket;
  };
  std::shared_ptr<State> state_;
  std::stop_token stop_;
  std::optional<std::stop_callback<Stopper>> stopper_;
  std::coroutine_handle<> coroutine_;
  std::uint64_t ticket_ = 0;  ///< 0: not in a list.
  bool stopped_ = false;
  Kind kind_;
  friend struct State;
};

class Stream::Opening : public Waiting {
 public:
  Opening(std::shared_ptr<State> state, std::stop_token stop) noexcept;
  [[nodiscard]] bool await_ready();
  std::expected<void, ConnectError> await_resume();
};

class Stream::Receiving : public Waiting {
 public:
  Receiving(std::shared_ptr<State> state, std::stop_token stop) noexcept;
  ~Receiving();  ///< Gives a message back that it got and did not hand over.
  [[nodiscard]] bool await_ready();
  std::optional<Message> await_resume();

 private:
  friend struct Stream::State;
  std::optional<Message> message_;
  std::uint64_t number_ = 0;  ///< The message's place among all.
};

class Stream::Sending : public Waiting {
 public:
  Sending(std::shared_ptr<State> state, MessageView message, std::stop_token stop) noexcept;
  [[nodiscard]] bool await_ready();
  SendStatus await_resume();

 private:
  friend struct Stream::State;
  MessageView message_;
  SendStatus status_ = SendStatus::overflow;
};

class Stream::Closing : public Waiting {
 public:
  explicit Closing(std::shared_ptr<State> state) noexcept;
  [[nodiscard]] bool await_ready() { return over(); }
  CloseCode await_resume();
};

}  // namespace walkie
