// SPDX-License-Identifier: MIT
// Whether and when to connect again: the policy as a pure state machine. Time and randomness come
// in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <base/time.hpp>
#include <client/retry_after.hpp>
#include <walkie/client.hpp>
#include <walkie/close_code.hpp>
#include <walkie/connect_error.hpp>

namespace walkie::client {

/// What is wrong with a Backoff, in one line that names the member; nothing where it is sound.
[[nodiscard]] std::optional<std::string> fault_of(const Backoff& backoff);

/// Full jitter: `random` in [0, 1) times min(longest, first * factor^failures).
[[nodiscard]] Duration backoff_delay(const Backoff& backoff, std::uint32_t failures,
                                     double random) noexcept;

/// Whether a connection that ended so is worth another. It is not where repetition mends nothing:
///
///   1002 1003 1007 1009 1010  the two do not understand each other, or a message is too big
///   1008                      the peer refuses us (our own, for a message that came too slowly, is
///                             mended by a better connection)
///   1015                      TLS failed
///   3000 3003                 unauthorized, forbidden (IANA's registry)
///
/// All others are, 1000 and 1005 too: many servers and proxies close so when they restart or a
/// connection is idle, and a client that was not closed by its user is wanted open. 3000 to 4999
/// belong to applications, so that their meaning is the user's to know: see
/// ClientOptions::reconnect_after.
[[nodiscard]] bool worth_another_attempt(const CloseInfo& close) noexcept;

/// Whether an attempt that failed so is worth another. It is not where repetition mends nothing: a
/// bad URL or option, a TLS handshake that failed (one that was cut is `ended` or `timeout`), a
/// handshake that breaks RFC 6455, a redirect that must not be followed, cancelled, and every HTTP
/// status but 5xx, 408, 425 and 429 (RFC 9110 §15).
[[nodiscard]] bool worth_another_attempt(const ConnectError& error) noexcept;

/// What comes next.
struct NextAttempt {
  bool give_up = false;
  Duration delay{0};
  std::uint32_t attempt = 0;  ///< Its number in a row, from 1.
};

/// One client's attempts. Without a Backoff every end is the end. Not thread safe.
class Reconnect {
 public:
  /// `backoff` must be sound: see fault_of().
  explicit Reconnect(const std::optional<Backoff>& backoff) noexcept : backoff_(backoff) {}

  void opened(Instant now) noexcept;
  /// `random` in [0, 1). `again` is what the user's hook says in place of the rules above.
  [[nodiscard]] NextAttempt connection_ended(const CloseInfo& close, Instant now, double random,
                                             std::optional<bool> again = {}) noexcept;
  /// The delay is at least what the answer's Retry-After asks for; the jitter comes on top, so that
  /// clients that were sent away together do not come back together.
  [[nodiscard]] NextAttempt attempt_failed(const ConnectError& error, double random,
                                           std::optional<bool> again = {}) noexcept;
  /// The user asked for an attempt now: counts as the first.
  void reset() noexcept;
  /// The number of the attempt that is under way or next: 1 at first and after each connection that
  /// was open.
  [[nodiscard]] std::uint32_t attempt() const noexcept { return attempts_failed_ + 1; }

 private:
  [[nodiscard]] NextAttempt next(Duration at_least, Duration window, double random) noexcept;

  std::optional<Backoff> backoff_;
  std::uint32_t failures_ = 0;         ///< The exponent; counts until a connection is stable.
  std::uint32_t attempts_failed_ = 0;  ///< Counts until a connection is open.
  Instant opened_at_ = kNever;
};

}  // namespace walkie::client
