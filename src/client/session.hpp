// SPDX-License-Identifier: MIT
// One client: its attempts, its connection, its queue, and what its user hears of them.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <base/timer_wheel.hpp>
#include <client/opening.hpp>
#include <client/outbox.hpp>
#include <client/reconnect.hpp>
#include <client/runtime.hpp>
#include <link/client_link.hpp>
#include <walkie/client.hpp>

namespace walkie::client {

/// What the hook before an attempt said.
struct AttemptRefused {
  std::string why;
  bool for_good = true;
};
using AttemptAnswer = std::variant<Attempt, AttemptRefused>;

/// Two locks: turn_mutex_ is held while the loop's thread works here, handlers included, so that
/// abandon() can wait for it; mutex_ guards what any thread touches, and is never held while a
/// handler runs.
class Session final : public std::enable_shared_from_this<Session>,
                      private link::ClientLinkHandler,
                      private OpeningHandler,
                      private base::Timer {
 public:
  Session(Runtime& runtime, Client& client, std::string_view url, ClientOptions options);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // -- any thread --

  void begin();
  SendStatus send(MessageView message, SendOptions options);
  SendStatus send_piece(MessageKind kind, BytesView bytes, bool last, Compression compression);
  SendStatus ping(std::string_view payload);
  void close(CloseCode code, std::string_view reason);
  void reconnect();
  void poke();
  void set_receiving(bool on);
  [[nodiscard]] ClientState state() const noexcept { return state_.load(); }
  bool wait_closed(std::chrono::milliseconds timeout);
  [[nodiscard]] std::size_t queued_bytes() const noexcept;
  [[nodiscard]] std::optional<Duration> round_trip() const noexcept;
  /// The Client goes: no handler runs from here on.
  void abandon();
  void answer_attempt(std::uint64_t serial, AttemptAnswer answer);

  // -- the loop's thread --

  /// Does what other threads asked for.
  void attend();
  /// The runtime is being destroyed.
  void runtime_ends();

 private:
  /// What other threads asked for since the last attend().
  struct Requests {
    bool begin = false;
    bool reconnect = false;
    bool poke = false;
    std::optional<bool> receiving;
    std::vector<std::string> pings;
    std::optional<AttemptAnswer> attempt_answer;
  };
  struct CloseRequest {
    CloseCode code = CloseCode::normal;
    std::string reason;
  };
  /// Why the client stands where it does.
  struct Cause {
    const ConnectError* error = nullptr;
    const CloseInfo* close = nullptr;
  };

  void on_event(const proto::Event& event) override;
  void on_drain() override;
  void on_frame(const link::SeenFrame& frame, bool sent) override;
  void on_released() override;
  void on_opened(OpenedTransport opened) override;
  void on_opening_failed(ConnectError error) override;
  void on_opening_step(TraceStep step, std::string_view text) override;
  void on_timer(Instant now) override;

  // session.cpp: attempts and ends
  void ask_attention();
  void begin_attempt();
  void run_attempt(AttemptAnswer answer);
  void attempt_failed(const ConnectError& error);
  void connection_ended(const CloseInfo& info);
  [[nodiscard]] bool reconnect_after(const Ending& ending);
  void await_next(const NextAttempt& coming, const Cause& cause);
  void finish(const Cause& cause);
  void reconnect_now();
  void cancel_opening();
  void drop_link(CloseCode code, std::string_view reason);
  void end_abandoned();
  void enter(ClientState state, StateChange change);
  void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const;

  // session_traffic.cpp: messages
  void feed();
  [[nodiscard]] bool confirmation_due() const;
  void ask_for_proof();
  void begin_close();
  void send_close();
  bool confirm(BytesView pong);
  void report_undelivered();
  void tell_room();
  void settle();
  void schedule();
  void closed_event(const proto::Event& event);
  template <class Handler, class... Args>
  void call(const Handler& handler, Args&&... args);
  void handler_threw(std::string_view what);
  void fail_link();
  [[nodiscard]] bool link_open() const noexcept;

  Runtime& runtime_;
  Client* client_;  ///< Null once abandoned.
  const ClientOptions options_;
  const std::string url_;
  const proto::ConnectionOptions connection_options_;
  const link::KeepaliveOptions keepalive_options_;
  TlsContexts tls_contexts_;

  std::recursive_mutex turn_mutex_;  ///< A handler's send may come back to its own session.
  Reconnect reconnect_;
  std::shared_ptr<Opening> opening_;
  std::unique_ptr<link::ClientLink> link_;
  std::optional<CloseRequest> close_request_;  ///< Taken from requests: Close is owed or sent.
  std::optional<ConnectError> fatal_;          ///< Of the options: no attempt is made.
  Instant attempt_at_ = kNever;                ///< While reconnecting.
  Instant hook_deadline_ = kNever;
  Instant next_proof_ = kNever;  ///< When the next Ping that confirms may go.
  std::uint32_t connections_ = 0;
  bool awaiting_hook_ = false;
  bool proof_asked_ = false;
  bool receiving_ = true;
  bool handler_failed_ = false;
  bool reconnect_asked_ = false;  ///< The link was ended for a new one.

  mutable std::mutex mutex_;
  std::condition_variable closed_;
  Outbox outbox_;
  Requests requests_;
  std::optional<CloseRequest> asked_close_;
  std::optional<std::size_t> refused_bytes_;  ///< Of the largest message that found no room.
  std::uint64_t attempt_serial_ = 0;
  bool attention_pending_ = false;
  bool abandoned_ = false;
  bool over_ = false;  ///< Closed, and the last handler has returned.
  std::atomic<ClientState> state_{ClientState::connecting};
  std::atomic<std::int64_t> round_trip_ns_{0};
  const std::array<std::byte, 4> proof_tag_;  ///< Marks our Pings that confirm.
};

/// Runs one of the user's handlers, if there is one and the Client still is.
template <class Handler, class... Args>
void Session::call(const Handler& handler, Args&&... args) {
  if constexpr (requires { static_cast<bool>(handler); })
    if (!handler) return;
  if (!client_) return;
  try {
    handler(*client_, std::forward<Args>(args)...);
  } catch (const std::exception& error) {
    handler_threw(error.what());
  } catch (...) {
    handler_threw("not a std::exception");
  }
}

}  // namespace walkie::client
