// SPDX-License-Identifier: MIT
// How connections end: close handshakes, codes, deadlines, and the end of the transport.
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using namespace std::chrono_literals;
using proto::EventKind;
using proto::ProtocolError;
using proto::Role;

const Setup kServer{.role = Role::server};
const Setup kClient{.role = Role::client};

Seen closed(CloseCode code, std::string reason, bool clean, bool by_peer,
            ProtocolError error = ProtocolError::none) {
  Seen event;
  event.kind = EventKind::closed;
  event.code = code;
  event.payload = std::move(reason);
  event.clean = clean;
  event.by_peer = by_peer;
  event.error = error;
  return event;
}

Seen ended_without_close(bool by_peer) {
  return closed(CloseCode::abnormal,
                std::string(proto::facts_of(ProtocolError::ended_without_close).text), false,
                by_peer, ProtocolError::ended_without_close);
}

Bytes close_frame(Role to, std::string payload) {
  return encode({.opcode = 8, .payload = std::move(payload), .masked = to == Role::server});
}

/// A Close with `code` is answered with the same.
void expect_echo(Role role, unsigned code) {
  CAPTURE(code);
  play_everywhere(
      Setup{.role = role}, close_frame(role, close_payload(code, "why")), [&](Rig& rig) {
        CHECK(rig.events == std::vector{closed(static_cast<CloseCode>(code), "why", true, true)});
        CHECK(rig.connection().finished());
        CHECK(rig.written_frames() ==
              std::vector{Frame{
                  .opcode = 8, .payload = close_payload(code), .masked = role == Role::client}});
      });
}

// -- the peer starts --

TEST_CASE("server echoes a close code and ends cleanly [RFC 6455 5.5.1]") {
  for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 1012u,
                              1013u, 1014u, 3000u, 3999u, 4000u, 4999u})
    expect_echo(Role::server, code);
}

TEST_CASE("client echoes a close code and ends cleanly [RFC 6455 5.5.1]") {
  for (const unsigned code : {1000u, 1001u, 1002u, 1003u, 1007u, 1008u, 1009u, 1010u, 1011u, 1012u,
                              1013u, 1014u, 3000u, 3999u, 4000u, 4999u})
    expect_echo(Role::client, code);
}

TEST_CASE("server answers an empty close with an empty close and reports 1005 [RFC 6455 7.1.5]") {
  play_everywhere(kServer, hex("88 80 37fa213d"), [](Rig& rig) {
    CHECK(rig.events == std::vector{closed(CloseCode::no_status, "", true, true)});
    CHECK(to_hex(rig.written()) == "8800");
  });
}

TEST_CASE("client answers an empty close with an empty close and reports 1005 [RFC 6455 7.1.5]") {
  play_everywhere(kClient, hex("88 00"), [](Rig& rig) {
    CHECK(rig.events == std::vector{closed(CloseCode::no_status, "", true, true)});
    CHECK(to_hex(rig.written()) == "888037fa213d");
  });
}

TEST_CASE("server takes a reason of 123 bytes [RFC 6455 5.5]") {
  const std::string reason(123, 'r');
  play_everywhere(kServer, close_frame(Role::server, close_payload(1000, reason)), [&](Rig& rig) {
    CHECK(rig.events == std::vector{closed(CloseCode::normal, reason, true, true)});
  });
}

TEST_CASE("server fails close codes that may not be sent with 1002 [RFC 6455 7.4]") {
  for (const unsigned code :
       {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u}) {
    CAPTURE(code);
    expect_failure(kServer, close_frame(Role::server, close_payload(code)),
                   ProtocolError::invalid_close_code);
  }
}

TEST_CASE("client fails close codes that may not be sent with 1002 [RFC 6455 7.4]") {
  for (const unsigned code :
       {0u, 1u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 1100u, 2000u, 2999u, 5000u, 65535u}) {
    CAPTURE(code);
    expect_failure(kClient, close_frame(Role::client, close_payload(code)),
                   ProtocolError::invalid_close_code);
  }
}

TEST_CASE("server fails a close payload of one byte with 1002 [RFC 6455 5.5.1]") {
  expect_failure(kServer, hex("88 81 00000000 03"), ProtocolError::close_payload_of_one_byte);
}

TEST_CASE("client fails a close payload of one byte with 1002 [RFC 6455 5.5.1]") {
  expect_failure(kClient, hex("88 01 03"), ProtocolError::close_payload_of_one_byte);
}

TEST_CASE("server fails a close reason that is not UTF-8 with 1007 [RFC 6455 5.5.1]") {
  expect_failure(kServer, hex("88 84 00000000 03e8 c328"), ProtocolError::close_reason_not_utf8);
  expect_failure(kServer, hex("88 84 00000000 03e8 e282"), ProtocolError::close_reason_not_utf8);
}

TEST_CASE("client fails a close reason that is not UTF-8 with 1007 [RFC 6455 5.5.1]") {
  expect_failure(kClient, hex("88 04 03e8 c328"), ProtocolError::close_reason_not_utf8);
}

TEST_CASE("server ignores all that follows a close [RFC 6455 5.5.1]") {
  play_everywhere(kServer, hex("88 82 00000000 03e8  81 81 00000000 61  89 80 00000000  ff ff"),
                  [](Rig& rig) {
                    CHECK(rig.events == std::vector{closed(CloseCode::normal, "", true, true)});
                    CHECK(to_hex(rig.written()) == "880203e8");
                  });
}

TEST_CASE("client ignores all that follows a close [RFC 6455 5.5.1]") {
  play_everywhere(kClient, hex("88 02 03e8  81 01 61  89 00  ff ff"), [](Rig& rig) {
    CHECK(rig.events == std::vector{closed(CloseCode::normal, "", true, true)});
    CHECK(rig.written_frames().size() == 1);
  });
}

TEST_CASE("server drops a half-received message at a close [RFC 6455 5.5.1]") {
  play_everywhere(kServer, hex("01 81 00000000 61  88 82 00000000 03e8"), [](Rig& rig) {
    CHECK(rig.events == std::vector{closed(CloseCode::normal, "", true, true)});
  });
}

TEST_CASE("connection sends nothing after the peer's close [RFC 6455 5.5.1]") {
  for (const Role role : {Role::server, Role::client}) {
    Rig rig(role);
    rig.receive(close_frame(role, close_payload(1000)));
    rig.written();
    CHECK(rig.connection().send(MessageKind::text, bytes_of("x")) == SendStatus::closing);
    CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("x"), false) ==
          SendStatus::closing);
    rig.connection().ping(bytes_of("x"));
    rig.connection().pong(bytes_of("x"));
    rig.connection().close(CloseCode::normal, "", rig.now);
    rig.connection().fail(CloseCode::internal_error, "", rig.now);
    rig.poll();
    CHECK(rig.events.size() == 1);
    CHECK(rig.connection().output().empty());
    CHECK_FALSE(rig.connection().next_deadline());
  }
}

TEST_CASE("connection writes what was queued before its answer to a close [RFC 6455 5.5.1]") {
  Rig rig(Role::server);
  rig.connection().send(MessageKind::text, bytes_of("first"));
  rig.receive(hex("88 80 00000000"));
  CHECK(to_hex(rig.written()) == "810566697273748800");
}

// -- we start --

TEST_CASE("server starts a close and ends cleanly when it is answered [RFC 6455 7.1.2]") {
  Rig rig(Role::server);
  rig.connection().close(CloseCode::going_away, "bye", rig.now);
  CHECK_FALSE(rig.connection().open());
  CHECK_FALSE(rig.connection().finished());
  CHECK(to_hex(rig.written()) == "880503e9627965");
  rig.receive(close_frame(Role::server, close_payload(1001)));
  CHECK(rig.events == std::vector{closed(CloseCode::going_away, "", true, false)});
  CHECK(rig.connection().finished());
  CHECK(rig.connection().output().empty());
  CHECK_FALSE(rig.connection().next_deadline());
}

TEST_CASE("client starts a close and ends cleanly when it is answered [RFC 6455 7.1.2]") {
  Rig rig(Role::client);
  rig.connection().close(CloseCode::normal, "", rig.now);
  CHECK(rig.written_frames() ==
        std::vector{Frame{.opcode = 8, .payload = close_payload(1000), .masked = true}});
  rig.receive(close_frame(Role::client, close_payload(1000, "ok")));
  CHECK(rig.events == std::vector{closed(CloseCode::normal, "ok", true, false)});
}

TEST_CASE("closes that cross end cleanly without a second close frame [RFC 6455 7.1.3]") {
  for (const Role role : {Role::server, Role::client}) {
    Rig rig(role);
    rig.connection().close(CloseCode::normal, "", rig.now);
    rig.receive(close_frame(role, close_payload(4000, "mine")));
    CHECK(rig.events == std::vector{closed(static_cast<CloseCode>(4000), "mine", true, false)});
    CHECK(rig.written_frames().size() == 1);
  }
}

TEST_CASE("a second close does nothing [RFC 6455 5.5.1]") {
  Rig rig(Role::server);
  rig.connection().close(CloseCode::normal, "", rig.now);
  rig.connection().close(CloseCode::going_away, "", rig.now + 1s);
  CHECK(rig.written_frames().size() == 1);
  CHECK(rig.connection().next_deadline() == rig.now + 5s);
}

TEST_CASE("messages and pings after our close are read but not delivered [RFC 6455 1.4]") {
  const Bytes input =
      hex("81 81 00000000 61  01 81 00000000 62  89 81 00000000 63  80 81 00000000 64"
          "82 fe 0100 00000000");
  const Bytes all = joined(input, Bytes(256), close_frame(Role::server, close_payload(1000)));
  split_everywhere(all, [](const Parts& parts) {
    Rig rig(Role::server);
    rig.connection().close(CloseCode::normal, "", rig.now);
    rig.receive(parts);
    CHECK(rig.events == std::vector{closed(CloseCode::normal, "", true, false)});
    CHECK(rig.written_frames().size() == 1);
    CHECK(rig.buffers().lent_bytes() == 0);
  });
}

TEST_CASE("a message that was half received at our close is forgotten [RFC 6455 1.4]") {
  Rig rig(Role::server);
  rig.receive(hex("01 82 00000000 6162  00 84 00000000 6162"));
  CHECK(rig.buffers().lent_bytes() > 0);
  rig.connection().close(CloseCode::normal, "", rig.now);
  rig.written();
  rig.receive(hex("6364  80 80 00000000"));
  CHECK(rig.events.empty());
  CHECK(rig.buffers().lent_bytes() == 0);
  rig.receive(close_frame(Role::server, ""));
  CHECK(rig.events == std::vector{closed(CloseCode::no_status, "", true, false)});
}

TEST_CASE(
    "a violation after our close ends at once without a second close frame [RFC 6455 7.1.7]") {
  for (const Role role : {Role::server, Role::client}) {
    Rig rig(role);
    rig.connection().close(CloseCode::normal, "", rig.now);
    rig.receive(hex("83"));
    REQUIRE(rig.events.size() == 1);
    CHECK(rig.events[0].error == ProtocolError::unknown_opcode);
    CHECK(rig.events[0].code == CloseCode::protocol_error);
    CHECK(rig.written_frames().size() == 1);
  }
}

TEST_CASE("a close code that may not be sent goes out as 1000 [RFC 6455 7.4.1]") {
  for (const unsigned code : {0u, 999u, 1004u, 1006u, 1015u, 2999u, 5000u}) {
    Rig rig(Role::server);
    rig.connection().close(static_cast<CloseCode>(code), "", rig.now);
    CHECK(to_hex(rig.written()) == "880203e8");
  }
}

TEST_CASE("a close without a status goes out empty [RFC 6455 5.5.1]") {
  Rig rig(Role::server);
  rig.connection().close(CloseCode::no_status, "left out", rig.now);
  CHECK(to_hex(rig.written()) == "8800");
}

TEST_CASE("a reason is cut to 123 bytes at a character's end [RFC 6455 5.5]") {
  std::string reason(122, 'a');
  reason += "\xc3\xa9 and more";
  Rig rig(Role::server);
  rig.connection().close(CloseCode::normal, reason, rig.now);
  CHECK(rig.written_frames().at(0).payload == close_payload(1000, std::string(122, 'a')));
}

TEST_CASE("a reason that is not UTF-8 is left out [RFC 6455 5.5.1]") {
  Rig rig(Role::server);
  rig.connection().close(CloseCode::normal, "\xff", rig.now);
  CHECK(to_hex(rig.written()) == "880203e8");
}

// -- time and the transport's end --

TEST_CASE("connection gives up when its close is not answered in time [RFC 6455 7.1.1]") {
  for (const Role role : {Role::server, Role::client}) {
    Rig rig(role);
    CHECK_FALSE(rig.connection().next_deadline());
    rig.connection().close(CloseCode::normal, "", rig.now);
    REQUIRE(rig.connection().next_deadline() == rig.now + 5s);
    rig.connection().on_deadline(rig.now + 4999ms);
    rig.poll();
    CHECK(rig.events.empty());
    rig.connection().on_deadline(rig.now + 5s);
    rig.poll();
    REQUIRE(rig.events.size() == 1);
    CHECK(rig.events[0].code == CloseCode::abnormal);
    CHECK(rig.events[0].error == ProtocolError::close_timeout);
    CHECK_FALSE(rig.events[0].by_peer);
    CHECK(rig.connection().finished());
    CHECK_FALSE(rig.connection().next_deadline());
    CHECK(rig.written_frames().size() == 1);
  }
}

TEST_CASE("connection reports 1006 when the transport ends without a close [RFC 6455 7.1.5]") {
  for (const Role role : {Role::server, Role::client}) {
    Rig rig(role);
    rig.connection().send(MessageKind::text, bytes_of("still goes out"));
    rig.receive_end();
    CHECK(rig.events == std::vector{ended_without_close(true)});
    CHECK(rig.connection().finished());
    CHECK(rig.written_frames() ==
          std::vector{Frame{.payload = "still goes out", .masked = role == Role::client}});
    rig.receive_end();
    CHECK(rig.events.size() == 1);
  }
}

TEST_CASE("connection reports 1006 when the transport ends inside a frame [RFC 6455 7.1.5]") {
  Rig rig(Role::server);
  rig.receive(hex("81 85 00000000 48"));
  rig.receive_end();
  CHECK(rig.events == std::vector{ended_without_close(true)});
}

TEST_CASE(
    "connection reports 1006 when the transport ends before its close is answered "
    "[RFC 6455 7.1.5]") {
  Rig rig(Role::client);
  rig.connection().close(CloseCode::normal, "", rig.now);
  rig.receive_end();
  CHECK(rig.events == std::vector{ended_without_close(false)});
}

TEST_CASE(
    "connection reports nothing more when the transport ends after both closes "
    "[RFC 6455 7.1.4]") {
  Rig rig(Role::server);
  rig.receive(close_frame(Role::server, ""));
  rig.receive_end();
  CHECK(rig.events.size() == 1);
}

TEST_CASE("connection delivers what came before the transport's end first [RFC 6455 7.1.5]") {
  Rig rig(Role::server);
  Bytes input = hex("81 81 00000000 61");
  rig.connection().receive(input, rig.now);
  rig.connection().receive_end(rig.now);
  rig.poll();
  CHECK(rig.events == std::vector{text_message("a"), ended_without_close(true)});
}

// -- fail() --

TEST_CASE("fail sends a close with our code and reason and ends at once [RFC 6455 7.1.7]") {
  for (const Role role : {Role::server, Role::client}) {
    Rig rig(role);
    rig.connection().fail(CloseCode::internal_error, "handler threw", rig.now);
    CHECK(rig.connection().finished());
    rig.poll();
    CHECK(rig.events ==
          std::vector{closed(CloseCode::internal_error, "handler threw", false, false)});
    CHECK(rig.written_frames() == std::vector{Frame{.opcode = 8,
                                                    .payload = close_payload(1011, "handler threw"),
                                                    .masked = role == Role::client}});
  }
}

TEST_CASE("fail with an error whose code is never sent sends no close [RFC 6455 7.4.1]") {
  Rig rig(Role::server);
  rig.connection().fail(ProtocolError::pong_timeout, rig.now);
  rig.poll();
  REQUIRE(rig.events.size() == 1);
  CHECK(rig.events[0].code == CloseCode::abnormal);
  CHECK(rig.events[0].by_peer);
  CHECK(rig.connection().output().empty());
}

TEST_CASE("fail for an idle peer sends 1001 [RFC 6455 7.4.1]") {
  Rig rig(Role::server);
  rig.connection().fail(ProtocolError::idle_timeout, rig.now);
  rig.poll();
  CHECK(rig.events.at(0).code == CloseCode::going_away);
  CHECK(rig.written_frames().at(0).payload.substr(0, 2) == close_payload(1001));
}

TEST_CASE("a handler may fail the connection while it looks at a message") {
  Rig rig(Role::server);
  Bytes input = hex("81 81 00000000 61  81 81 00000000 62");
  rig.connection().receive(input, rig.now);
  const auto event = rig.connection().poll_event();
  REQUIRE(event);
  rig.connection().fail(CloseCode::policy_violation, text_of(event->payload), rig.now);
  CHECK(text_of(event->payload) == "a");
  rig.poll();
  CHECK(rig.events == std::vector{closed(CloseCode::policy_violation, "a", false, false)});
}

}  // namespace
}  // namespace walkie::test
