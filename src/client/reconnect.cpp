// SPDX-License-Identifier: MIT
// The rules for another attempt, and the arithmetic of its delay.
#include <client/reconnect.hpp>

#include <algorithm>
#include <cmath>

#include <base/assert.hpp>

namespace walkie::client {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLongestOfAll = std::chrono::hours(24);

/// The span that a delay is drawn from.
Duration window_of(const Backoff& backoff, std::uint32_t failures) noexcept {
  // Infinite for many failures, which min() copes with.
  const double grown =
      static_cast<double>(backoff.first.count()) * std::pow(backoff.factor, failures);
  const double longest = static_cast<double>(backoff.longest.count());
  return milliseconds(static_cast<milliseconds::rep>(std::min(grown, longest)));
}

Duration part_of(Duration window, double random) noexcept {
  WALKIE_ASSERT(random >= 0 && random < 1);
  return Duration(static_cast<Duration::rep>(random * static_cast<double>(window.count())));
}

bool status_is_worth_another(int status) noexcept {
  return status >= 500 || status == 408 || status == 425 || status == 429;
}

std::string fault_text(std::string_view member, std::string_view what) {
  return "reconnect." + std::string(member) + " must be " + std::string(what);
}

}  // namespace

std::optional<std::string> fault_of(const Backoff& backoff) {
  if (!std::isfinite(backoff.factor) || backoff.factor < 1)
    return fault_text("factor", "a finite number of 1 or more");
  if (backoff.first < milliseconds(1) || backoff.first > kLongestOfAll)
    return fault_text("first", "1 ms to 24 h");
  if (backoff.longest < backoff.first || backoff.longest > kLongestOfAll)
    return fault_text("longest", "at least reconnect.first, and at most 24 h");
  if (backoff.spread < milliseconds(0) || backoff.spread > kLongestOfAll)
    return fault_text("spread", "0 to 24 h");
  if (backoff.stable_after < milliseconds(0) || backoff.stable_after > kLongestOfAll)
    return fault_text("stable_after", "0 to 24 h");
  return std::nullopt;
}

Duration backoff_delay(const Backoff& backoff, std::uint32_t failures, double random) noexcept {
  return part_of(window_of(backoff, failures), random);
}

bool worth_another_attempt(const CloseInfo& close) noexcept {
  switch (close.code) {
    case CloseCode::protocol_error:
    case CloseCode::unsupported_data:
    case CloseCode::invalid_payload:
    case CloseCode::message_too_big:
    case CloseCode::mandatory_extension:
    case CloseCode::tls_handshake:
    case CloseCode::unauthorized:
    case CloseCode::forbidden:
      return false;
    case CloseCode::policy_violation:
      return !close.by_peer;
    default:
      return true;
  }
}

bool worth_another_attempt(const ConnectError& error) noexcept {
  switch (error.fault) {
    case ConnectFault::bad_url:
    case ConnectFault::tls:
    case ConnectFault::redirect:
    case ConnectFault::protocol:
    case ConnectFault::cancelled:
      return false;
    case ConnectFault::rejected:
    case ConnectFault::proxy:
      return !error.answer || status_is_worth_another(error.answer->status);
    case ConnectFault::resolve:
    case ConnectFault::refused:
    case ConnectFault::unreachable:
    case ConnectFault::timeout:
    case ConnectFault::ended:
      return true;
  }
  return false;
}

void Reconnect::opened(Instant now) noexcept {
  opened_at_ = now;
  attempts_failed_ = 0;
}

NextAttempt Reconnect::connection_ended(const CloseInfo& close, Instant now, double random,
                                        std::optional<bool> again) noexcept {
  WALKIE_ASSERT(opened_at_ != kNever);
  const Duration open_for = now - opened_at_;
  opened_at_ = kNever;
  if (!backoff_ || !again.value_or(worth_another_attempt(close)))
    return {.give_up = true, .attempt = attempt()};
  Duration window = backoff_->spread;
  if (open_for >= backoff_->stable_after)
    failures_ = 0;
  else
    window = std::max(window, window_of(*backoff_, failures_));
  return next(Duration(0), window, random);
}

NextAttempt Reconnect::attempt_failed(const ConnectError& error, double random,
                                      std::optional<bool> again) noexcept {
  ++attempts_failed_;
  const bool over =
      backoff_ && backoff_->attempts_max != 0 && attempts_failed_ >= backoff_->attempts_max;
  if (!backoff_ || over || !again.value_or(worth_another_attempt(error)))
    return {.give_up = true, .attempt = attempt()};
  const auto asked = error.answer ? retry_after(*error.answer) : std::nullopt;
  return next(asked.value_or(Duration(0)), window_of(*backoff_, failures_), random);
}

NextAttempt Reconnect::next(Duration at_least, Duration window, double random) noexcept {
  ++failures_;
  return {.delay = at_least + part_of(window, random), .attempt = attempt()};
}

void Reconnect::reset() noexcept {
  failures_ = 0;
  attempts_failed_ = 0;
}

}  // namespace walkie::client
