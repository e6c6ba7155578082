// SPDX-License-Identifier: MIT
// Peers that begin a message and take for ever: the message timeout, in virtual time.
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using namespace std::chrono_literals;
using proto::EventKind;
using proto::ProtocolError;
using proto::Role;

Setup with_timeout(Role role, bool deliver_pieces = false) {
  Setup setup{.role = role};
  setup.options.message_timeout = 10s;
  setup.options.deliver_pieces = deliver_pieces;
  return setup;
}

Bytes text_frame(Role to, std::string payload, bool fin = true, int opcode = 1) {
  return encode(
      {.opcode = opcode, .payload = std::move(payload), .fin = fin, .masked = to == Role::server});
}

void expect_timeout_at(Rig& rig, Instant deadline) {
  REQUIRE(rig.connection().next_deadline() == deadline);
  rig.connection().on_deadline(deadline - 1ms);
  rig.poll();
  CHECK(rig.connection().open());
  rig.connection().on_deadline(deadline);
  rig.poll();
  REQUIRE_FALSE(rig.events.empty());
  CHECK(rig.events.back().kind == EventKind::closed);
  CHECK(rig.events.back().error == ProtocolError::message_timeout);
  CHECK(rig.events.back().code == CloseCode::policy_violation);
}

TEST_CASE("a message that trickles in is ended with 1008 at the message timeout, in both roles") {
  for (const Role role : {Role::server, Role::client}) {
    Rig rig(with_timeout(role));
    const Instant start = rig.now;
    for (const std::byte byte : text_frame(role, "slow")) {
      if (rig.now - start >= 8s) break;
      rig.receive(BytesView(&byte, 1));
      rig.now += 2s;
    }
    expect_timeout_at(rig, start + 10s);
  }
}

TEST_CASE("a whole message leaves no deadline behind") {
  Rig rig(with_timeout(Role::server));
  rig.receive(text_frame(Role::server, "quick"));
  CHECK_FALSE(rig.connection().next_deadline());
}

TEST_CASE("a fragmented message has one timeout for all its frames") {
  Rig rig(with_timeout(Role::server));
  const Instant start = rig.now;
  rig.receive(text_frame(Role::server, "one", false));
  rig.now += 9s;
  rig.receive(text_frame(Role::server, "two", false, 0));
  expect_timeout_at(rig, start + 10s);
}

TEST_CASE("back-to-back messages that never leave the input empty each have their own timeout") {
  Rig rig(with_timeout(Role::server));
  const Bytes message = text_frame(Role::server, "0123456789");
  const BytesView head = BytesView(message).first(7);
  const BytesView rest = BytesView(message).subspan(7);
  rig.receive(head);
  for (int i = 0; i < 20; ++i) {
    rig.now += 4s;
    rig.receive(joined(copy_of(rest), copy_of(head)));  // ends one, begins the next
    CHECK(rig.connection().open());
  }
  CHECK(rig.events.size() == 20);
  CHECK(rig.connection().next_deadline() <= rig.now + 10s);
  CHECK(rig.connection().next_deadline() > rig.now);
}

TEST_CASE("back-to-back pings that never leave the input empty each have their own timeout") {
  Rig rig(with_timeout(Role::server));
  const Bytes ping = encode({.opcode = 9, .payload = "0123456789", .masked = true});
  const BytesView head = BytesView(ping).first(7);
  const BytesView rest = BytesView(ping).subspan(7);
  rig.receive(head);
  for (int i = 0; i < 20; ++i) {
    rig.now += 4s;
    rig.receive(joined(copy_of(rest), copy_of(head)));
  }
  CHECK(rig.connection().open());
  CHECK(rig.connection().next_deadline() > rig.now);
}

TEST_CASE("pings between its fragments give a message no more time") {
  Rig rig(with_timeout(Role::server));
  const Instant start = rig.now;
  rig.receive(text_frame(Role::server, "one", false));
  rig.now += 9s;
  rig.receive(encode({.opcode = 9, .payload = "ping", .masked = true}));
  rig.receive(text_frame(Role::server, "two", false, 0));
  expect_timeout_at(rig, start + 10s);
}

TEST_CASE("where pieces are delivered a message may take for ever, but no frame of it") {
  Rig rig(with_timeout(Role::server, true));
  rig.receive(text_frame(Role::server, "one", false));
  CHECK_FALSE(rig.connection().next_deadline());
  rig.now += 100s;
  const Bytes second = text_frame(Role::server, "two", false, 0);
  rig.receive(BytesView(second).first(7));
  expect_timeout_at(rig, rig.now + 10s);
}

TEST_CASE("a control frame that trickles in is ended too") {
  Rig rig(with_timeout(Role::server));
  const Instant start = rig.now;
  rig.receive(BytesView(encode({.opcode = 9, .payload = "ping", .masked = true})).first(3));
  expect_timeout_at(rig, start + 10s);
}

TEST_CASE("once Close was sent the close timeout counts, not the message's") {
  Rig rig(with_timeout(Role::server));
  rig.receive(BytesView(text_frame(Role::server, "half")).first(8));
  rig.connection().close(CloseCode::normal, "", rig.now);
  CHECK(rig.connection().next_deadline() == rig.now + 5s);
}

TEST_CASE("a zero message timeout never ends a message") {
  Rig rig(Role::server);
  rig.receive(BytesView(text_frame(Role::server, "half")).first(8));
  CHECK_FALSE(rig.connection().next_deadline());
}

}  // namespace
}  // namespace walkie::test
