// SPDX-License-Identifier: MIT
// Heartbeats in virtual time.
#include <link/keepalive.hpp>

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using walkie::Instant;
using walkie::link::Keepalive;
using walkie::link::KeepaliveAction;
using walkie::link::KeepaliveOptions;

namespace {
const Instant kStart{1h};
const KeepaliveOptions kOptions{.ping_interval = 30s, .pong_timeout = 20s, .idle_timeout = 0s};
}  // namespace

TEST_CASE("a connection is pinged once in every interval") {
  Keepalive keepalive(kOptions, kStart);
  CHECK(keepalive.next_deadline() == kStart + 30s);
  CHECK(keepalive.on_deadline(kStart + 29s) == KeepaliveAction::none);
  CHECK(keepalive.on_deadline(kStart + 30s) == KeepaliveAction::ping);
  keepalive.alive(kStart + 31s);
  CHECK(keepalive.next_deadline() == kStart + 60s);
  CHECK(keepalive.on_deadline(kStart + 60s) == KeepaliveAction::ping);
}

TEST_CASE("a peer that stays silent after a ping is dead at the pong timeout") {
  Keepalive keepalive(kOptions, kStart);
  CHECK(keepalive.on_deadline(kStart + 30s) == KeepaliveAction::ping);
  CHECK(keepalive.next_deadline() == kStart + 50s);
  CHECK(keepalive.on_deadline(kStart + 49s) == KeepaliveAction::none);
  CHECK(keepalive.on_deadline(kStart + 50s) == KeepaliveAction::peer_dead);
}

TEST_CASE("any bytes after a ping show that the peer lives") {
  Keepalive keepalive(kOptions, kStart);
  CHECK(keepalive.on_deadline(kStart + 30s) == KeepaliveAction::ping);
  keepalive.alive(kStart + 40s);
  CHECK(keepalive.on_deadline(kStart + 50s) == KeepaliveAction::none);
  CHECK(keepalive.next_deadline() == kStart + 60s);
}

TEST_CASE("an unanswered ping is not repeated while its timeout runs") {
  const KeepaliveOptions options{.ping_interval = 5s, .pong_timeout = 20s, .idle_timeout = 0s};
  Keepalive keepalive(options, kStart);
  CHECK(keepalive.on_deadline(kStart + 5s) == KeepaliveAction::ping);
  CHECK(keepalive.on_deadline(kStart + 10s) == KeepaliveAction::none);
  CHECK(keepalive.next_deadline() == kStart + 25s);
}

TEST_CASE("the pong of the latest ping gives the round-trip time [RFC 6455 5.5.3]") {
  Keepalive keepalive(kOptions, kStart);
  CHECK_FALSE(keepalive.round_trip().has_value());
  CHECK(keepalive.on_deadline(kStart + 30s) == KeepaliveAction::ping);
  const auto payload = keepalive.ping_payload();
  keepalive.pong(payload, kStart + 30s + 7ms);
  REQUIRE(keepalive.round_trip().has_value());
  CHECK(*keepalive.round_trip() == 7ms);
}

TEST_CASE("a pong that answers no ping of ours gives no round trip") {
  Keepalive keepalive(kOptions, kStart);
  keepalive.pong(keepalive.ping_payload(), kStart + 1s);
  CHECK_FALSE(keepalive.round_trip().has_value());
  CHECK(keepalive.on_deadline(kStart + 30s) == KeepaliveAction::ping);
  keepalive.pong({}, kStart + 31s);
  CHECK_FALSE(keepalive.round_trip().has_value());
}

TEST_CASE("a connection without data messages is idle at the idle timeout") {
  const KeepaliveOptions options{.ping_interval = 0s, .pong_timeout = 20s, .idle_timeout = 60s};
  Keepalive keepalive(options, kStart);
  keepalive.message(kStart + 10s);
  keepalive.alive(kStart + 65s);
  CHECK(keepalive.next_deadline() == kStart + 70s);
  CHECK(keepalive.on_deadline(kStart + 69s) == KeepaliveAction::none);
  CHECK(keepalive.on_deadline(kStart + 70s) == KeepaliveAction::idle);
}

TEST_CASE("a zero pong timeout pings but never gives up") {
  const KeepaliveOptions options{.ping_interval = 30s, .pong_timeout = 0s, .idle_timeout = 0s};
  Keepalive keepalive(options, kStart);
  CHECK(keepalive.on_deadline(kStart + 30s) == KeepaliveAction::ping);
  CHECK(keepalive.on_deadline(kStart + 60s) == KeepaliveAction::ping);
  CHECK(keepalive.next_deadline() == kStart + 90s);
}

TEST_CASE("with everything off there is no deadline") {
  const KeepaliveOptions options{.ping_interval = 0s, .pong_timeout = 0s, .idle_timeout = 0s};
  Keepalive keepalive(options, kStart);
  CHECK(keepalive.next_deadline() == walkie::kNever);
  CHECK(keepalive.on_deadline(kStart + 100h) == KeepaliveAction::none);
}
