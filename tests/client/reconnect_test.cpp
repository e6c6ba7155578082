// SPDX-License-Identifier: MIT
// Which ends are worth another attempt, and how long each attempt waits.
#include <client/reconnect.hpp>

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

namespace walkie::client {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{std::chrono::hours(1000)};
/// The most that randomness can bring, but for rounding.
constexpr double kAlmostOne = 1 - 1e-12;

CloseInfo closed_by_peer(int code) {
  return {.code = static_cast<CloseCode>(code), .clean = true, .by_peer = true};
}

ConnectError failed(ConnectFault fault) { return {.fault = fault}; }

ConnectError rejected(int status, std::string retry_after = {}) {
  ConnectError error{.fault = ConnectFault::rejected, .answer = HttpAnswer{.status = status}};
  if (!retry_after.empty()) error.answer->headers.emplace_back("Retry-After", retry_after);
  return error;
}

/// A delay in milliseconds, rounded up: randomness never quite reaches the whole of a window.
long long ms(const NextAttempt& next) {
  REQUIRE_FALSE(next.give_up);
  return std::chrono::ceil<std::chrono::milliseconds>(next.delay).count();
}

TEST_CASE("a client reconnects after these close codes, and not after those [RFC 6455 7.4]") {
  for (const int code : {1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 3001, 3008, 3500, 3999,
                         4000, 4001, 4401, 4500, 4999}) {
    CAPTURE(code);
    CHECK(worth_another_attempt(closed_by_peer(code)));
  }
  for (const int code : {1002, 1003, 1007, 1008, 1009, 1010, 1015, 3000, 3003}) {
    CAPTURE(code);
    CHECK_FALSE(worth_another_attempt(closed_by_peer(code)));
  }
}

TEST_CASE("a client that closed by itself with 1008, for a slow message, reconnects") {
  CHECK(worth_another_attempt(CloseInfo{.code = CloseCode::policy_violation}));
  CHECK_FALSE(worth_another_attempt(CloseInfo{.code = CloseCode::message_too_big}));
}

TEST_CASE("a client tries again after faults that may pass, and not after those that stay") {
  for (const ConnectFault fault :
       {ConnectFault::resolve, ConnectFault::refused, ConnectFault::unreachable,
        ConnectFault::timeout, ConnectFault::ended, ConnectFault::proxy}) {
    CAPTURE(name_of(fault));
    CHECK(worth_another_attempt(failed(fault)));
  }
  for (const ConnectFault fault : {ConnectFault::bad_url, ConnectFault::tls, ConnectFault::redirect,
                                   ConnectFault::protocol, ConnectFault::cancelled}) {
    CAPTURE(name_of(fault));
    CHECK_FALSE(worth_another_attempt(failed(fault)));
  }
}

TEST_CASE("a client tries again after 5xx, 408, 425 and 429, and no other status [RFC 9110 15]") {
  for (int status = 100; status < 600; ++status) {
    CAPTURE(status);
    const bool expected = status >= 500 || status == 408 || status == 425 || status == 429;
    CHECK(worth_another_attempt(rejected(status)) == expected);
    ConnectError of_proxy = rejected(status);
    of_proxy.fault = ConnectFault::proxy;
    CHECK(worth_another_attempt(of_proxy) == expected);
  }
}

TEST_CASE("backoff grows by its factor up to the longest, and randomness takes a part of it") {
  const Backoff backoff{.first = 100ms, .longest = 1s, .factor = 3};
  CHECK(backoff_delay(backoff, 0, 0) == 0ns);
  CHECK(backoff_delay(backoff, 0, 0.5) == 50ms);
  CHECK(backoff_delay(backoff, 1, 0.5) == 150ms);
  CHECK(backoff_delay(backoff, 2, 0.5) == 450ms);
  CHECK(backoff_delay(backoff, 3, 0.5) == 500ms);
  CHECK(backoff_delay(backoff, std::numeric_limits<std::uint32_t>::max(), 0.5) == 500ms);
  CHECK(backoff_delay(backoff, 3, kAlmostOne) < 1s);
  const Backoff steady{.first = 100ms, .longest = 1s, .factor = 1};
  CHECK(backoff_delay(steady, 1'000'000, 0.5) == 50ms);
  const Backoff huge{.first = 24h, .longest = 24h, .factor = 1e300};
  CHECK(backoff_delay(huge, 9, 0.5) == 12h);
}

TEST_CASE("a client without a backoff gives up at every end") {
  Reconnect reconnect(std::nullopt);
  CHECK(reconnect.attempt_failed(failed(ConnectFault::refused), 0.5).give_up);
  CHECK(reconnect.attempt_failed(failed(ConnectFault::refused), 0.5, true).give_up);
  reconnect.opened(kStart);
  CHECK(reconnect.connection_ended(closed_by_peer(1006), kStart + 1h, 0.5).give_up);
}

TEST_CASE("attempts that fail in a row wait longer and longer, and are numbered") {
  Reconnect reconnect(Backoff{});
  CHECK(reconnect.attempt() == 1);
  std::uint32_t attempt = 1;
  for (const int window : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
    const NextAttempt next = reconnect.attempt_failed(failed(ConnectFault::refused), kAlmostOne);
    CHECK(ms(next) == window);
    CHECK(next.attempt == ++attempt);
    CHECK(reconnect.attempt() == attempt);
  }
}

TEST_CASE("the first attempt after a stable connection waits a random part of the spread") {
  Reconnect reconnect(Backoff{.first = 1s, .spread = 5s, .stable_after = 10s});
  for (int i = 0; i < 4; ++i)
    CHECK_FALSE(reconnect.attempt_failed(failed(ConnectFault::refused), 0.5).give_up);
  reconnect.opened(kStart);
  CHECK(reconnect.attempt() == 1);
  NextAttempt next = reconnect.connection_ended(closed_by_peer(1001), kStart + 10s, kAlmostOne);
  CHECK(ms(next) == 5'000);
  CHECK(next.attempt == 1);
  // The loss counts: the next window is the second.
  next = reconnect.attempt_failed(failed(ConnectFault::refused), kAlmostOne);
  CHECK(ms(next) == 2'000);
  CHECK(next.attempt == 2);
}

TEST_CASE("connections that do not last count as failures, so that a flapping server is spared") {
  Reconnect reconnect(Backoff{.spread = 1s, .stable_after = 10s});
  Instant now = kStart;
  for (const int window : {1'000, 2'000, 4'000, 8'000, 16'000, 30'000, 30'000}) {
    reconnect.opened(now);
    now += 10s - 1ns;
    const NextAttempt next = reconnect.connection_ended(closed_by_peer(1011), now, kAlmostOne);
    CHECK(ms(next) == window);
    CHECK(next.attempt == 1);
  }
  reconnect.opened(now);
  CHECK(ms(reconnect.connection_ended(closed_by_peer(1011), now + 10s, kAlmostOne)) == 1'000);
}

TEST_CASE("a connection that did not last waits at least the spread's window") {
  Reconnect reconnect(Backoff{.first = 1s, .spread = 3s});
  for (const int window : {3'000, 3'000, 4'000}) {
    reconnect.opened(kStart);
    CHECK(ms(reconnect.connection_ended(closed_by_peer(1006), kStart + 1s, kAlmostOne)) == window);
  }
}

TEST_CASE("attempts_max ends a row of failures; an open connection begins a new row") {
  Reconnect reconnect(Backoff{.attempts_max = 3});
  const ConnectError refused = failed(ConnectFault::refused);
  CHECK_FALSE(reconnect.attempt_failed(refused, 0.5).give_up);
  CHECK_FALSE(reconnect.attempt_failed(refused, 0.5).give_up);
  reconnect.opened(kStart);
  CHECK_FALSE(reconnect.connection_ended(closed_by_peer(1006), kStart + 1s, 0.5).give_up);
  CHECK_FALSE(reconnect.attempt_failed(refused, 0.5).give_up);
  CHECK_FALSE(reconnect.attempt_failed(refused, 0.5).give_up);
  CHECK(reconnect.attempt_failed(refused, 0.5).give_up);

  Reconnect overruled(Backoff{.attempts_max = 1});
  CHECK(overruled.attempt_failed(refused, 0.5, true).give_up);
}

TEST_CASE("what stays ends the client at once, and the user's word overrules either way") {
  Reconnect reconnect(Backoff{});
  CHECK(reconnect.attempt_failed(rejected(403), 0.5).give_up);
  CHECK_FALSE(reconnect.attempt_failed(rejected(403), 0.5, true).give_up);
  CHECK(reconnect.attempt_failed(rejected(503), 0.5, false).give_up);
  reconnect.opened(kStart);
  CHECK(reconnect.connection_ended(closed_by_peer(1008), kStart + 1h, 0.5).give_up);
  reconnect.opened(kStart);
  CHECK_FALSE(reconnect.connection_ended(closed_by_peer(1008), kStart + 1h, 0.5, true).give_up);
  reconnect.opened(kStart);
  CHECK(reconnect.connection_ended(closed_by_peer(1001), kStart + 1h, 0.5, false).give_up);
}

TEST_CASE("Retry-After is a lower bound, with the jitter on top [RFC 9110 10.2.3]") {
  Reconnect reconnect(Backoff{});
  CHECK(ms(reconnect.attempt_failed(rejected(503, "10"), 0)) == 10'000);
  CHECK(ms(reconnect.attempt_failed(rejected(429, "10"), kAlmostOne)) == 12'000);
  CHECK(ms(reconnect.attempt_failed(rejected(503, "soon"), kAlmostOne)) == 4'000);
  CHECK(ms(reconnect.attempt_failed(rejected(503, "0"), kAlmostOne)) == 8'000);
  CHECK(ms(reconnect.attempt_failed(rejected(503, "999999999"), 0)) == 86'400'000);
}

TEST_CASE("a user who asks for an attempt now begins anew") {
  Reconnect reconnect(Backoff{.attempts_max = 2});
  CHECK(ms(reconnect.attempt_failed(failed(ConnectFault::refused), kAlmostOne)) == 1'000);
  reconnect.reset();
  CHECK(reconnect.attempt() == 1);
  CHECK(ms(reconnect.attempt_failed(failed(ConnectFault::refused), kAlmostOne)) == 1'000);
}

TEST_CASE("a backoff that cannot work is named with its remedy") {
  CHECK(fault_of(Backoff{}) == std::nullopt);
  CHECK(fault_of(Backoff{.first = 1ms, .longest = 1ms, .factor = 1, .spread = 0ms}) ==
        std::nullopt);
  CHECK(fault_of(Backoff{.longest = 24h, .spread = 24h, .stable_after = 24h}) == std::nullopt);

  const std::string factor = "reconnect.factor must be a finite number of 1 or more";
  CHECK(fault_of(Backoff{.factor = 0.99}) == factor);
  CHECK(fault_of(Backoff{.factor = std::numeric_limits<double>::infinity()}) == factor);
  CHECK(fault_of(Backoff{.factor = std::nan("")}) == factor);
  CHECK(fault_of(Backoff{.first = 0ms}) == "reconnect.first must be 1 ms to 24 h");
  CHECK(fault_of(Backoff{.first = 25h, .longest = 25h}) == "reconnect.first must be 1 ms to 24 h");
  const std::string longest =
      "reconnect.longest must be at least reconnect.first, and at most 24 h";
  CHECK(fault_of(Backoff{.first = 2s, .longest = 1s}) == longest);
  CHECK(fault_of(Backoff{.longest = 25h}) == longest);
  CHECK(fault_of(Backoff{.spread = -1ms}) == "reconnect.spread must be 0 to 24 h");
  CHECK(fault_of(Backoff{.spread = 25h}) == "reconnect.spread must be 0 to 24 h");
  CHECK(fault_of(Backoff{.stable_after = -1ms}) == "reconnect.stable_after must be 0 to 24 h");
  CHECK(fault_of(Backoff{.stable_after = 25h}) == "reconnect.stable_after must be 0 to 24 h");
}

}  // namespace
}  // namespace walkie::client
