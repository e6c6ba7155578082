// SPDX-License-Identifier: MIT
// A client's attempts, and how each ends: open, again later, or for good.
#include <client/session.hpp>

#include <algorithm>

#include <client/options.hpp>
#include <link/stderr_log.hpp>
#include <link/websocket_options.hpp>

namespace walkie::client {
namespace {

std::chrono::milliseconds in_ms(Duration duration) {
  return std::chrono::ceil<std::chrono::milliseconds>(duration);
}

ClientOptions with_log(ClientOptions options) {
  if (!options.log.write) options.log = {LogLevel::warning, link::log_to_stderr};
  return options;
}

ConnectError cancelled(std::string why) {
  return {.fault = ConnectFault::cancelled, .message = std::move(why)};
}

}  // namespace

Session::Session(Runtime& runtime, Client& client, std::string_view url, ClientOptions options)
    : runtime_(runtime),
      client_(&client),
      options_(with_log(std::move(options))),
      url_(url),
      connection_options_(connection_options(options_)),
      keepalive_options_(link::keepalive_options_of(options_)),
      tls_contexts_(options_.dial.tls),
      reconnect_(options_.reconnect),
      outbox_(outbox_options(options_)),
      proof_tag_(runtime.random().next()) {
  if (std::string fault = fault_of(options_); !fault.empty())
    fatal_ = ConnectError{.fault = ConnectFault::bad_url, .message = std::move(fault)};
}

Session::~Session() = default;

void Session::begin() {
  runtime_.remember(shared_from_this());
  const std::lock_guard lock(mutex_);
  requests_.begin = true;
  ask_attention();
}

/// Under mutex_.
void Session::ask_attention() {
  if (std::exchange(attention_pending_, true)) return;
  runtime_.attend(shared_from_this());
}

void Session::attend() {
  const std::lock_guard turn(turn_mutex_);
  Requests requests;
  bool abandoned = false;
  {
    const std::lock_guard lock(mutex_);
    attention_pending_ = false;
    requests = std::exchange(requests_, {});
    if (asked_close_ && !close_request_) close_request_ = asked_close_;
    abandoned = abandoned_;
  }
  if (state() == ClientState::closed) return report_undelivered();
  if (abandoned) return end_abandoned();
  if (handler_failed_ && !link_) return finish({});
  if (handler_failed_) fail_link();
  if (requests.begin && !close_request_) begin_attempt();
  if (requests.attempt_answer && awaiting_hook_) run_attempt(*std::move(requests.attempt_answer));
  if (requests.reconnect && !close_request_) reconnect_now();
  if (requests.receiving) receiving_ = *requests.receiving;
  if (requests.receiving && link_ && !close_request_) link_->set_receiving(receiving_);
  if (requests.poke && link_open()) link_->prove_alive(std::chrono::seconds(2));
  if (requests.poke && state() == ClientState::reconnecting) reconnect_now();
  for (const std::string& payload : requests.pings)
    if (link_open()) link_->websocket().ping(bytes_of(payload));
  if (close_request_ && state() != ClientState::closed) begin_close();
  feed();
  settle();
}

// -- attempts --

void Session::begin_attempt() {
  attempt_at_ = kNever;
  enter(ClientState::connecting, {.attempt = reconnect_.attempt()});
  if (fatal_) return finish({.error = &*fatal_});
  Attempt attempt{.number = reconnect_.attempt(), .url = url_, .headers = options_.headers};
  std::uint64_t serial = 0;
  {
    const std::lock_guard lock(mutex_);
    serial = ++attempt_serial_;
    requests_.attempt_answer.reset();  // of an attempt that is over
  }
  awaiting_hook_ = true;
  if (!options_.on_attempt) return run_attempt(std::move(attempt));
  const auto timeout = options_.dial.overall_timeout;
  hook_deadline_ = timeout.count() > 0 ? runtime_.loop().now() + timeout : kNever;
  call([&](Client&) {
    options_.on_attempt(std::move(attempt), AttemptReply(std::make_shared<AttemptReply::Target>(
                                                weak_from_this(), serial)));
  });
}

void Session::answer_attempt(std::uint64_t serial, AttemptAnswer answer) {
  const std::lock_guard lock(mutex_);
  if (serial != attempt_serial_) return;
  requests_.attempt_answer = std::move(answer);
  ask_attention();
}

void Session::run_attempt(AttemptAnswer answer) {
  awaiting_hook_ = false;
  hook_deadline_ = kNever;
  if (const auto* refused = std::get_if<AttemptRefused>(&answer)) {
    ConnectError error = cancelled(refused->why);
    if (refused->for_good) return finish({.error = &error});
    error.fault = ConnectFault::unreachable;
    return attempt_failed(error);
  }
  opening_ = std::make_shared<Opening>(runtime_, static_cast<OpeningHandler&>(*this), options_,
                                       tls_contexts_);
  opening_->start(std::get<Attempt>(std::move(answer)));
}

void Session::on_opening_step(TraceStep step, std::string_view text) {
  const std::lock_guard turn(turn_mutex_);
  call(options_.on_trace, Trace{.step = step, .text = text});
}

void Session::on_opened(OpenedTransport opened) {
  const std::lock_guard turn(turn_mutex_);
  runtime_.bury(opening_);  // keeps the leftover until the turn ends
  opening_.reset();
  link_ = std::make_unique<link::ClientLink>(
      runtime_.links(), static_cast<link::ClientLinkHandler&>(*this), std::move(opened.transport),
      link::ClientLinkSetup{connection_options_, keepalive_options_, opened.deflate,
                            static_cast<bool>(options_.on_trace)});
  reconnect_.opened(runtime_.loop().now());
  next_proof_ = kNever;
  proof_asked_ = false;
  const tls::Filter* tls = link_->tls();
  const std::string tls_text =
      tls ? std::string(tls->session().version) + " " + std::string(tls->session().cipher)
          : std::string();
  enter(ClientState::open, {});
  call(options_.on_open, Opened{.url = opened.url,
                                .subprotocol = opened.subprotocol,
                                .compressed = opened.deflate.enabled,
                                .remote_address = opened.remote_address,
                                .tls = tls_text,
                                .answer = &opened.answer,
                                .attempt = connections_});
  ++connections_;
  link_->set_receiving(receiving_);
  link_->start(opened.leftover);
  feed();
  settle();
}

void Session::on_opening_failed(ConnectError error) {
  const std::lock_guard turn(turn_mutex_);
  runtime_.bury(std::exchange(opening_, nullptr));
  attempt_failed(error);
  settle();
}

void Session::attempt_failed(const ConnectError& error) {
  if (handler_failed_ || close_request_) return finish({.error = &error});
  const bool again = reconnect_after({.error = &error, .again = worth_another_attempt(error)});
  await_next(reconnect_.attempt_failed(error, runtime_.random().fraction(), again),
             {.error = &error});
}

void Session::connection_ended(const CloseInfo& info) {
  if (handler_failed_ || close_request_) return finish({.close = &info});
  const bool again = reconnect_after({.close = &info, .again = worth_another_attempt(info)});
  await_next(
      reconnect_.connection_ended(info, runtime_.loop().now(), runtime_.random().fraction(), again),
      {.close = &info});
}

/// What the user's hook says, if there is one, in place of the client's own rules.
bool Session::reconnect_after(const Ending& ending) {
  bool again = ending.again;
  if (options_.reconnect && options_.reconnect_after)
    call([&](Client&) { again = options_.reconnect_after(ending); });
  return again && !handler_failed_;
}

void Session::await_next(const NextAttempt& coming, const Cause& cause) {
  if (coming.give_up) return finish(cause);
  attempt_at_ = runtime_.loop().now() + coming.delay;
  enter(ClientState::reconnecting, {.attempt = coming.attempt,
                                    .delay = in_ms(coming.delay),
                                    .error = cause.error,
                                    .close = cause.close});
}

/// The end. What still waits is undelivered.
void Session::finish(const Cause& cause) {
  cancel_opening();
  attempt_at_ = kNever;
  {
    const std::lock_guard lock(mutex_);
    outbox_.close();
  }
  report_undelivered();
  enter(ClientState::closed, {.error = cause.error, .close = cause.close});
  runtime_.loop().timers().cancel(*this);
  runtime_.forget(*this);
}

void Session::reconnect_now() {
  reconnect_.reset();
  if (link_) return drop_link(CloseCode::going_away, "reconnecting");
  if (state() == ClientState::reconnecting || opening_) {
    cancel_opening();
    begin_attempt();
  }
}

/// Ends the connection and goes on as after any other end, but at once.
void Session::drop_link(CloseCode code, std::string_view reason) {
  link_->websocket().fail(code, reason, runtime_.loop().now());
  // The `closed` event follows as the link is serviced; it finds the count at zero.
  reconnect_asked_ = true;
  link_->mark_dirty();
}

void Session::cancel_opening() {
  awaiting_hook_ = false;
  hook_deadline_ = kNever;
  if (opening_) {
    opening_->cancel();
    runtime_.bury(std::exchange(opening_, nullptr));
  }
}

void Session::runtime_ends() {
  const std::lock_guard turn(turn_mutex_);
  client_ = nullptr;
  if (link_) link_->abort();
  if (state() != ClientState::closed) finish({});
}

void Session::enter(ClientState state, StateChange change) {
  {
    const std::lock_guard lock(mutex_);
    state_.store(state);
  }
  change.state = state;
  call(options_.on_state, change);
  if (state != ClientState::closed) return;
  const std::lock_guard lock(mutex_);
  over_ = true;
  closed_.notify_all();
}

bool Session::wait_closed(std::chrono::milliseconds timeout) {
  timeout = std::min<std::chrono::milliseconds>(timeout, std::chrono::hours(24 * 365));
  std::unique_lock lock(mutex_);
  return closed_.wait_for(lock, timeout, [this] { return over_; });
}

/// Waits for the loop's thread to leave the session, so that no handler runs afterwards.
void Session::abandon() {
  {
    const std::lock_guard turn(turn_mutex_);
    client_ = nullptr;
  }
  const std::lock_guard lock(mutex_);
  abandoned_ = true;
  ask_attention();
}

/// The Client is gone: a Close goes out, if it can, and nothing is waited for.
void Session::end_abandoned() {
  if (link_) {
    link_->websocket().close(CloseCode::going_away, {}, runtime_.loop().now());
    link_->mark_dirty();
    runtime_.retire(std::move(link_), shared_from_this());
  }
  finish({});
}

}  // namespace walkie::client
