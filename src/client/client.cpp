// SPDX-License-Identifier: MIT
// The public client: a thin front of its session and its loop.
#include <walkie/client.hpp>

#include <algorithm>
#include <coroutine>
#include <system_error>

#include <client/options.hpp>
#include <client/runtime.hpp>
#include <client/session.hpp>

namespace walkie {

using client::AttemptRefused;

// -- the hook's answer --

AttemptReply::AttemptReply(std::shared_ptr<Target> target) noexcept : target_(std::move(target)) {}

AttemptReply::~AttemptReply() { give_up("the hook before the attempt gave no answer"); }

void AttemptReply::proceed(Attempt attempt) {
  if (const auto target = std::exchange(target_, nullptr))
    if (const auto session = target->session.lock())
      session->answer_attempt(target->serial, std::move(attempt));
}

void AttemptReply::give_up(std::string_view why) {
  if (const auto target = std::exchange(target_, nullptr))
    if (const auto session = target->session.lock())
      session->answer_attempt(target->serial, AttemptRefused{std::string(why), true});
}

void AttemptReply::retry_later(std::string_view why) {
  if (const auto target = std::exchange(target_, nullptr))
    if (const auto session = target->session.lock())
      session->answer_attempt(target->serial, AttemptRefused{std::string(why), false});
}

// -- the loop --

ClientLoop::ClientLoop() {
  auto made = client::Runtime::make();
  if (!made) throw std::system_error(made.error().code, made.error().message);
  runtime_ = *std::move(made);
}

/// What is destroyed here may own clients, and they need the runtime.
ClientLoop::~ClientLoop() {
  runtime_->end_tasks();
  while (!frames_.empty()) std::coroutine_handle<>::from_address(*frames_.begin()).destroy();
}

void ClientLoop::start_thread() { runtime_->start_thread(); }

void ClientLoop::run() { runtime_->run(); }

void ClientLoop::stop() { runtime_->stop(); }

void ClientLoop::run_once(std::chrono::milliseconds wait_max) { runtime_->run_once(wait_max); }

void ClientLoop::post(std::move_only_function<void()> task) { runtime_->post(std::move(task)); }

void ClientLoop::post_after(std::chrono::milliseconds delay, std::move_only_function<void()> task) {
  runtime_->post_after(std::min<std::chrono::milliseconds>(delay, std::chrono::hours(24 * 365)),
                       std::move(task));
}

int ClientLoop::descriptor() const noexcept { return runtime_->descriptor(); }

std::optional<std::chrono::milliseconds> ClientLoop::timeout() const {
  const auto left = runtime_->timeout();
  if (!left) return std::nullopt;
  return std::chrono::ceil<std::chrono::milliseconds>(*left);
}

// -- the client --

Client::Client(std::string_view url, ClientOptions options)
    : own_loop_(std::make_unique<ClientLoop>()),
      session_(
          std::make_shared<client::Session>(*own_loop_->runtime_, *this, url, std::move(options))) {
  session_->begin();
  own_loop_->start_thread();
}

Client::Client(ClientLoop& loop, std::string_view url, ClientOptions options)
    : session_(std::make_shared<client::Session>(*loop.runtime_, *this, url, std::move(options))) {
  session_->begin();
}

Client::~Client() { session_->abandon(); }

SendStatus Client::send(MessageView message, SendOptions options) {
  return session_->send(message, options);
}

SendStatus Client::send_piece(MessageKind kind, BytesView bytes, bool last,
                              Compression compression) {
  return session_->send_piece(kind, bytes, last, compression);
}

SendStatus Client::ping(std::string_view payload) { return session_->ping(payload); }

void Client::close(CloseCode code, std::string_view reason) { session_->close(code, reason); }

void Client::reconnect() { session_->reconnect(); }

void Client::poke() { session_->poke(); }

void Client::set_receiving(bool on) { session_->set_receiving(on); }

ClientState Client::state() const noexcept { return session_->state(); }

bool Client::wait_closed(std::chrono::milliseconds timeout) {
  return session_->wait_closed(timeout);
}

std::size_t Client::queued_bytes() const noexcept { return session_->queued_bytes(); }

std::optional<std::chrono::nanoseconds> Client::round_trip() const noexcept {
  return session_->round_trip();
}

}  // namespace walkie
