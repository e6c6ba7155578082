// SPDX-License-Identifier: MIT
// One encoded frame for many connections.
#include <proto/shared_frame.hpp>
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using proto::DeflateParams;
using proto::Role;

std::string news(int number) {
  std::string text = "breaking news, breaking news, breaking news: ";
  for (int i = 0; i < 20; ++i) text += std::to_string(number * 31 + i) + " ";
  return text;
}

TEST_CASE("a shared frame is encoded once and appended by reference [RFC 6455 5.2]") {
  proto::DeflatePool pool;
  proto::SharedFrame frame("Hello", pool, 1);
  CHECK(to_hex(frame.plain().view()) == "810548656c6c6f");
  CHECK(frame.plain().view().data() == frame.plain().view().data());
  CHECK(frame.payload_bytes() == 5);
}

TEST_CASE("a shared binary frame keeps its kind [RFC 6455 5.6]") {
  proto::DeflatePool pool;
  const std::string payload(200, '\xff');
  proto::SharedFrame frame(binary(bytes_of(payload)), pool, 1);
  CHECK((frames_of(frame.plain().view()) == std::vector{Frame{.opcode = 2, .payload = payload}}));
  CHECK(frames_of(frame.compressed(15).view()).at(0).opcode == 2);
  CHECK(frames_of(frame.compressed(15).view()).at(0).rsv1);
}

TEST_CASE("a shared frame is compressed once for each window [RFC 7692 7.1.2]") {
  proto::DeflatePool pool;
  const std::string text = news(1);
  proto::SharedFrame frame(text, pool, 1);
  for (int bits = 9; bits <= 15; ++bits) {
    const std::byte* const first = frame.compressed(bits).view().data();
    CHECK(frame.compressed(bits).view().data() == first);
    CHECK(frame.compressed(bits).size() < frame.plain().size());
  }
}

TEST_CASE("a shared frame that does not shrink stays plain") {
  proto::DeflatePool pool;
  proto::SharedFrame frame("qx", pool, 1);
  CHECK(to_hex(frame.compressed(15).view()) == "81027178");
}

TEST_CASE("server sends the plain form where nothing was negotiated or the message is short") {
  Rig plain(Role::server);
  proto::SharedFrame frame("Hello", plain.resources().deflate, 1);
  CHECK(plain.connection().send_shared(frame) == SendStatus::queued);
  CHECK(to_hex(plain.written()) == "810548656c6c6f");
  Rig compressing(Setup{.role = Role::server, .deflate = {.enabled = true}});
  CHECK(compressing.connection().send_shared(frame) == SendStatus::queued);
  CHECK(to_hex(compressing.written()) == "810548656c6c6f");
}

TEST_CASE(
    "shared and own compressed messages mix in any order for every set of parameters "
    "[RFC 7692 7.1.1]") {
  for (int combination = 0; combination < 14; ++combination) {
    const DeflateParams params{
        .enabled = true,
        .server_no_context_takeover = (combination & 1) != 0,
        .server_max_window_bits = static_cast<std::uint8_t>(9 + combination / 2)};
    Rig server(Setup{.role = Role::server, .deflate = params});
    Rig client(Setup{.role = Role::client, .deflate = params});
    for (int i = 0; i < 30; ++i) {
      const std::string text = news(i % 3);
      proto::SharedFrame frame(text, server.resources().deflate, 1);
      if (i % 4 == 1 || i % 7 == 2)
        CHECK(server.connection().send_shared(frame) == SendStatus::queued);
      else
        CHECK(server.connection().send(MessageKind::text, bytes_of(text)) == SendStatus::queued);
      client.receive(server.written());
      REQUIRE(client.events.size() == static_cast<std::size_t>(i) + 1);
      CHECK(client.events.back() == text_message(text));
    }
  }
}

TEST_CASE("a shared message behind compressed pieces keeps the stream intact [RFC 7692 6.1]") {
  const DeflateParams params{.enabled = true};
  Rig server(Setup{.role = Role::server, .deflate = params});
  Rig client(Setup{.role = Role::client, .deflate = params});
  const std::string text = news(5);
  proto::SharedFrame frame(text, server.resources().deflate, 1);
  auto& connection = server.connection();
  CHECK(connection.send_piece(MessageKind::text, bytes_of(text), false) == SendStatus::queued);
  CHECK(connection.send_shared(frame) == SendStatus::queued);
  CHECK(connection.send_piece(MessageKind::text, bytes_of(text), true) == SendStatus::queued);
  CHECK(connection.send(MessageKind::text, bytes_of(text)) == SendStatus::queued);
  client.receive(server.written());
  CHECK(client.events ==
        std::vector{text_message(text + text), text_message(text), text_message(text)});
}

TEST_CASE("a closing server takes no shared frame [RFC 6455 5.5.1]") {
  Rig rig(Role::server);
  proto::SharedFrame frame("late", rig.resources().deflate, 1);
  rig.connection().close(CloseCode::normal, "", rig.now);
  CHECK(rig.connection().send_shared(frame) == SendStatus::closing);
}

}  // namespace
}  // namespace walkie::test
