// SPDX-License-Identifier: MIT
// Sending: what goes on the wire, in both roles, and what happens where it cannot go out.
#include <proto/shared_frame.hpp>
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using proto::ProtocolError;
using proto::Role;

Setup limited(SlowConsumer policy, std::size_t bytes) {
  Setup setup{.role = Role::server};
  setup.options.slow_consumer = policy;
  setup.options.send_queue_bytes_max = bytes;
  return setup;
}

SendStatus send_text(Rig& rig, std::string_view text) {
  return rig.connection().send(MessageKind::text, bytes_of(text));
}

std::vector<std::string> written_payloads(Rig& rig) {
  std::vector<std::string> payloads;
  for (Frame& frame : rig.written_frames()) payloads.push_back(std::move(frame.payload));
  return payloads;
}

// -- frames --

TEST_CASE("server sends a text message unmasked [RFC 6455 5.7]") {
  Rig rig(Role::server);
  CHECK(send_text(rig, "Hello") == SendStatus::queued);
  CHECK(to_hex(rig.written()) == "810548656c6c6f");
}

TEST_CASE("client sends a text message masked [RFC 6455 5.7]") {
  Rig rig(Role::client);
  CHECK(send_text(rig, "Hello") == SendStatus::queued);
  CHECK(to_hex(rig.written()) == "818537fa213d7f9f4d5158");
}

TEST_CASE("client masks each frame with a fresh key [RFC 6455 5.3]") {
  Rig rig(Role::client);
  for (int i = 0; i < 3; ++i) CHECK(send_text(rig, "x") == SendStatus::queued);
  rig.connection().ping({});
  CHECK(rig.keys().taken == 4);
}

TEST_CASE("server sends pings and pongs [RFC 6455 5.7]") {
  Rig rig(Role::server);
  rig.connection().ping(bytes_of("Hello"));
  rig.connection().pong(bytes_of("Hello"));
  CHECK(to_hex(rig.written()) == "890548656c6c6f8a0548656c6c6f");
}

TEST_CASE("a ping is cut to 125 bytes [RFC 6455 5.5]") {
  Rig rig(Role::server);
  rig.connection().ping(bytes_of(std::string(126, 'p')));
  CHECK(written_payloads(rig) == std::vector{std::string(125, 'p')});
}

TEST_CASE("messages of every length class reach the wire in the shortest form [RFC 6455 5.2]") {
  for (const Role role : {Role::server, Role::client}) {
    for (const std::size_t size : {0u, 1u, 125u, 126u, 65535u, 65536u, 300'000u}) {
      CAPTURE(size);
      std::string payload;
      for (std::size_t i = 0; i < size; ++i) payload += static_cast<char>(i * 7);
      Rig rig(role);
      CHECK(rig.connection().send(MessageKind::binary, bytes_of(payload)) == SendStatus::queued);
      const Frame frame{.opcode = 2, .payload = payload, .masked = role == Role::client};
      CHECK((rig.written() == encode(frame)));
    }
  }
}

// -- pieces (RFC 6455 §5.4) --

TEST_CASE("server sends a message in pieces as fragments [RFC 6455 5.7]") {
  Rig rig(Role::server);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("Hel"), false) ==
        SendStatus::queued);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("lo"), true) == SendStatus::queued);
  CHECK(to_hex(rig.written()) == "010348656c80026c6f");
}

TEST_CASE("client sends a message in pieces as masked fragments [RFC 6455 5.4]") {
  Rig rig(Role::client);
  CHECK(rig.connection().send_piece(MessageKind::binary, bytes_of("Hel"), false) ==
        SendStatus::queued);
  CHECK(rig.connection().send_piece(MessageKind::binary, bytes_of("l"), false) ==
        SendStatus::queued);
  CHECK(rig.connection().send_piece(MessageKind::binary, {}, true) == SendStatus::queued);
  CHECK(rig.written_frames() ==
        std::vector{Frame{.opcode = 2, .payload = "Hel", .fin = false, .masked = true},
                    Frame{.opcode = 0, .payload = "l", .fin = false, .masked = true},
                    Frame{.opcode = 0, .payload = "", .fin = true, .masked = true}});
}

TEST_CASE("a single piece that is the last is a whole message [RFC 6455 5.4]") {
  Rig rig(Role::server);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("all"), true) ==
        SendStatus::queued);
  CHECK(to_hex(rig.written()) == "8103616c6c");
}

TEST_CASE(
    "whole messages wait behind the pieces of another, control frames do not "
    "[RFC 6455 5.4]") {
  Rig rig(Role::server);
  proto::SharedFrame shared("shared", rig.resources().deflate, 1);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("a"), false) == SendStatus::queued);
  CHECK(send_text(rig, "whole") == SendStatus::queued);
  CHECK(rig.connection().send_shared(shared) == SendStatus::queued);
  rig.connection().ping(bytes_of("p"));
  rig.receive(hex("89 81 00000000 71"));
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("b"), true) == SendStatus::queued);
  CHECK(send_text(rig, "next") == SendStatus::queued);
  CHECK(rig.written_frames() ==
        std::vector{Frame{.opcode = 1, .payload = "a", .fin = false},
                    Frame{.opcode = 9, .payload = "p"}, Frame{.opcode = 10, .payload = "q"},
                    Frame{.opcode = 0, .payload = "b"}, Frame{.payload = "whole"},
                    Frame{.payload = "shared"}, Frame{.payload = "next"}});
}

TEST_CASE("a close goes out between pieces and ends them [RFC 6455 5.4]") {
  Rig rig(Role::server);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("a"), false) == SendStatus::queued);
  CHECK(send_text(rig, "never sent") == SendStatus::queued);
  rig.connection().close(CloseCode::normal, "", rig.now);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("b"), true) == SendStatus::closing);
  CHECK(rig.written_frames() == std::vector{Frame{.opcode = 1, .payload = "a", .fin = false},
                                            Frame{.opcode = 8, .payload = close_payload(1000)}});
}

// -- slow consumers --

TEST_CASE("a full queue closes the connection with 1013 under the close policy") {
  Rig rig(limited(SlowConsumer::close, 100));
  CHECK(send_text(rig, std::string(90, 'a')) == SendStatus::queued);
  CHECK(send_text(rig, "123456") == SendStatus::queued);  // 92 + 8 bytes: exactly full
  CHECK(send_text(rig, "") == SendStatus::overflow);
  CHECK(send_text(rig, "") == SendStatus::closing);
  rig.poll();
  REQUIRE(rig.events.size() == 1);
  CHECK(rig.events[0].error == ProtocolError::send_queue_full);
  CHECK(rig.events[0].code == CloseCode::try_again_later);
  const std::vector<Frame> frames = rig.written_frames();
  REQUIRE(frames.size() == 3);
  CHECK(frames[2].opcode == 8);
  CHECK(frames[2].payload.substr(0, 2) == close_payload(1013));
}

TEST_CASE("one message may wait alone whatever its size") {
  for (const SlowConsumer policy :
       {SlowConsumer::close, SlowConsumer::drop_oldest, SlowConsumer::keep_latest}) {
    Rig rig(limited(policy, 10));
    const std::string large(1000, 'x');
    CHECK(send_text(rig, large) == SendStatus::queued);
    CHECK(written_payloads(rig) == std::vector{large});
    CHECK(rig.connection().open());
  }
}

TEST_CASE("drop_oldest drops the oldest waiting messages and counts them") {
  Rig rig(limited(SlowConsumer::drop_oldest, 30));
  for (const char* text : {"message 1", "message 2", "message 3"})
    CHECK(send_text(rig, text) == SendStatus::queued);
  CHECK(rig.connection().dropped_messages() == 1);
  CHECK(written_payloads(rig) == std::vector<std::string>{"message 2", "message 3"});
}

TEST_CASE("drop_oldest leaves a message that is partly written alone") {
  Rig rig(limited(SlowConsumer::drop_oldest, 24));
  CHECK(send_text(rig, "message 1") == SendStatus::queued);
  CHECK(send_text(rig, "message 2") == SendStatus::queued);
  rig.write_some(3);
  CHECK(send_text(rig, "message 3") == SendStatus::queued);
  CHECK(rig.connection().dropped_messages() == 1);
  CHECK(to_hex(rig.written()) ==
        to_hex(joined(copy_of("essage 1"), encode({.payload = "message 3"}))));
}

TEST_CASE("drop_oldest leaves bytes in flight alone and drops the new message instead") {
  Rig rig(limited(SlowConsumer::drop_oldest, 24));
  CHECK(send_text(rig, "message 1") == SendStatus::queued);
  CHECK(send_text(rig, "message 2") == SendStatus::queued);
  rig.connection().set_in_flight(22);
  CHECK(send_text(rig, "message 3") == SendStatus::dropped);
  CHECK(rig.connection().dropped_messages() == 1);
  rig.write_some(22);
  CHECK(send_text(rig, "message 4") == SendStatus::queued);
  CHECK(written_payloads(rig) == std::vector<std::string>{"message 4"});
}

TEST_CASE("drop_oldest never drops control frames") {
  Rig rig(limited(SlowConsumer::drop_oldest, 20));
  CHECK(send_text(rig, "message 1") == SendStatus::queued);
  rig.connection().ping(bytes_of("p"));
  rig.receive(hex("89 81 00000000 71"));
  CHECK(send_text(rig, "message 2") == SendStatus::queued);
  CHECK(rig.written_frames() == std::vector{Frame{.opcode = 9, .payload = "p"},
                                            Frame{.opcode = 10, .payload = "q"},
                                            Frame{.payload = "message 2"}});
}

TEST_CASE("drop_oldest never drops pieces and refuses the next one instead") {
  Rig rig(limited(SlowConsumer::drop_oldest, 40));
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("piece one"), false) ==
        SendStatus::queued);
  CHECK(send_text(rig, "whole 1") == SendStatus::queued);
  CHECK(send_text(rig, "whole 2") == SendStatus::queued);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("piece two, longer"), false) ==
        SendStatus::overflow);
  CHECK(rig.connection().dropped_messages() == 2);
  CHECK(rig.connection().open());
  CHECK(written_payloads(rig) == std::vector<std::string>{"piece one"});
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("piece two"), true) ==
        SendStatus::queued);
  CHECK(written_payloads(rig) == std::vector<std::string>{"piece two"});
}

TEST_CASE("keep_latest replaces what waits while the transport takes nothing") {
  Rig rig(limited(SlowConsumer::keep_latest, 1000));
  CHECK(send_text(rig, "one") == SendStatus::queued);
  CHECK(send_text(rig, "two") == SendStatus::queued);
  CHECK(rig.connection().dropped_messages() == 0);
  rig.write_some(0);  // blocked
  CHECK(send_text(rig, "three") == SendStatus::queued);
  CHECK(send_text(rig, "four") == SendStatus::queued);
  CHECK(rig.connection().dropped_messages() == 3);
  CHECK(written_payloads(rig) == std::vector<std::string>{"four"});
  CHECK(send_text(rig, "five") == SendStatus::queued);
  CHECK(send_text(rig, "six") == SendStatus::queued);
  CHECK(written_payloads(rig) == std::vector<std::string>{"five", "six"});
}

TEST_CASE("keep_latest leaves a message that is partly written alone") {
  Rig rig(limited(SlowConsumer::keep_latest, 1000));
  CHECK(send_text(rig, "one") == SendStatus::queued);
  CHECK(send_text(rig, "two") == SendStatus::queued);
  rig.write_some(1);
  CHECK(send_text(rig, "three") == SendStatus::queued);
  CHECK(to_hex(rig.written()) ==
        to_hex(joined(hex("03"), copy_of("one"), encode({.payload = "three"}))));
}

TEST_CASE("shared frames obey the slow-consumer policy") {
  Rig rig(limited(SlowConsumer::drop_oldest, 30));
  proto::SharedFrame first("message 1", rig.resources().deflate, 1);
  proto::SharedFrame second("message 2", rig.resources().deflate, 1);
  CHECK(rig.connection().send_shared(first) == SendStatus::queued);
  CHECK(rig.connection().send_shared(first) == SendStatus::queued);
  CHECK(rig.connection().send_shared(second) == SendStatus::queued);
  CHECK(rig.connection().dropped_messages() == 1);
  CHECK(written_payloads(rig) == std::vector<std::string>{"message 1", "message 2"});
}

TEST_CASE("output handed over outlives its connection") {
  base::BufferPool pool;
  proto::DeflatePool deflate;
  const proto::Resources resources{.buffers = pool, .deflate = deflate};
  const proto::ConnectionOptions options;
  base::OutputQueue rest(pool);
  {
    proto::Connection connection(Role::server, options, resources, {});
    CHECK(connection.send(MessageKind::text, bytes_of("Hello")) == SendStatus::queued);
    rest = connection.take_output();
    CHECK(connection.output().empty());
  }
  std::array<BytesView, 1> chunks;
  REQUIRE(rest.gather(chunks) == 1);
  CHECK(to_hex(chunks[0]) == "810548656c6c6f");
}

}  // namespace
}  // namespace walkie::test
