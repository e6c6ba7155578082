// SPDX-License-Identifier: MIT
// Compressed messages through connections (RFC 7692), in both roles.
#include <proto/deflate.hpp>
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using proto::DeflateParams;
using proto::EventKind;
using proto::ProtocolError;
using proto::Role;

constexpr DeflateParams kTakeover{.enabled = true};
constexpr DeflateParams kNoTakeover{
    .enabled = true, .server_no_context_takeover = true, .client_no_context_takeover = true};

Setup compressing(Role role, DeflateParams params = kTakeover) {
  return {.role = role, .deflate = params};
}

/// The payload of one compressed message, without history.
std::string deflated(std::string_view text, int window_bits = 15) {
  proto::Deflater deflater(window_bits, 6);
  std::vector<std::byte> out;
  deflater.compress(bytes_of(text), true, out);
  return std::string(text_of(out));
}

std::string long_text(std::size_t bytes) {
  std::string text;
  for (unsigned i = 0; text.size() < bytes; ++i)
    text += "walkie " + std::to_string(i * 2654435761u % 1000) + " \xc3\xa9, ";
  text.resize(bytes);
  while ((static_cast<unsigned char>(text.back()) & 0x80) != 0) text.pop_back();
  return text;
}

/// Bytes that do not shrink.
std::string noise(std::size_t bytes) {
  std::string text;
  std::uint32_t state = 1;
  for (std::size_t i = 0; i < bytes; ++i) {
    state = state * 1664525 + 1013904223;
    text += static_cast<char>(state >> 24);
  }
  return text;
}

Bytes in_frames(Role to, const std::vector<Frame>& frames) {
  Bytes wire;
  for (Frame frame : frames) {
    frame.masked = to == Role::server;
    wire = joined(std::move(wire), encode(frame));
  }
  return wire;
}

// -- receiving: the examples of RFC 7692 §7.2.3 --

TEST_CASE("server inflates one block [RFC 7692 7.2.3.1]") {
  expect_events(compressing(Role::server), hex("c1 87 00000000 f248cdc9c90700"),
                {text_message("Hello")});
}

TEST_CASE("client inflates one block [RFC 7692 7.2.3.1]") {
  expect_events(compressing(Role::client), hex("c1 07 f248cdc9c90700"), {text_message("Hello")});
}

TEST_CASE("server inflates a message whose fragments cut a block [RFC 7692 7.2.3.1]") {
  expect_events(compressing(Role::server), hex("41 83 00000000 f248cd  80 84 00000000 c9c90700"),
                {text_message("Hello")});
}

TEST_CASE("client inflates a message whose fragments cut a block [RFC 7692 7.2.3.1]") {
  expect_events(compressing(Role::client), hex("41 03 f248cd  80 04 c9c90700"),
                {text_message("Hello")});
}

TEST_CASE("server inflates a second message out of the first one's window [RFC 7692 7.2.3.2]") {
  expect_events(compressing(Role::server),
                hex("c1 87 00000000 f248cdc9c90700  c1 85 00000000 f200110000"),
                {text_message("Hello"), text_message("Hello")});
}

TEST_CASE("client inflates a second message out of the first one's window [RFC 7692 7.2.3.2]") {
  expect_events(compressing(Role::client), hex("c1 07 f248cdc9c90700  c1 05 f200110000"),
                {text_message("Hello"), text_message("Hello")});
}

TEST_CASE("server fails a reference into a context that is not kept with 1007 [RFC 7692 7.1.1.2]") {
  expect_failure(compressing(Role::server, kNoTakeover),
                 hex("c1 87 00000000 f248cdc9c90700  c1 85 00000000 f200110000"),
                 ProtocolError::corrupt_deflate_data, {text_message("Hello")});
}

TEST_CASE("client fails a reference into a context that is not kept with 1007 [RFC 7692 7.1.1.1]") {
  expect_failure(compressing(Role::client, kNoTakeover),
                 hex("c1 07 f248cdc9c90700  c1 05 f200110000"), ProtocolError::corrupt_deflate_data,
                 {text_message("Hello")});
}

TEST_CASE("server inflates a stored block [RFC 7692 7.2.3.3]") {
  expect_events(compressing(Role::server), hex("c1 8b 00000000 000500faff48656c6c6f00"),
                {text_message("Hello")});
}

TEST_CASE("client inflates a stored block [RFC 7692 7.2.3.3]") {
  expect_events(compressing(Role::client), hex("c1 0b 000500faff48656c6c6f00"),
                {text_message("Hello")});
}

TEST_CASE("server inflates a block with BFINAL set [RFC 7692 7.2.3.4]") {
  expect_events(compressing(Role::server), hex("c1 88 00000000 f348cdc9c9070000"),
                {text_message("Hello")});
}

TEST_CASE("client inflates a block with BFINAL set [RFC 7692 7.2.3.4]") {
  expect_events(compressing(Role::client), hex("c1 08 f348cdc9c9070000"), {text_message("Hello")});
}

TEST_CASE("server inflates two blocks of one message [RFC 7692 7.2.3.5]") {
  expect_events(compressing(Role::server), hex("c1 8d 00000000 f248050000 00ffffcac9c90700"),
                {text_message("Hello")});
}

TEST_CASE("client inflates two blocks of one message [RFC 7692 7.2.3.5]") {
  expect_events(compressing(Role::client), hex("c1 0d f248050000 00ffffcac9c90700"),
                {text_message("Hello")});
}

TEST_CASE("server inflates an empty message [RFC 7692 7.2.3.6]") {
  expect_events(compressing(Role::server), hex("c1 81 00000000 00"), {text_message("")});
}

TEST_CASE("client inflates an empty message [RFC 7692 7.2.3.6]") {
  expect_events(compressing(Role::client), hex("c1 01 00"), {text_message("")});
}

TEST_CASE("server takes compressed and plain messages by turns [RFC 7692 6.2]") {
  expect_events(
      compressing(Role::server),
      hex("c1 87 00000000 f248cdc9c90700  81 82 00000000 6869  c1 85 00000000 f200110000"),
      {text_message("Hello"), text_message("hi"), text_message("Hello")});
}

TEST_CASE("server inflates long fragmented messages with control frames between") {
  const std::string text = long_text(40'000);
  const std::string payload = deflated(text);
  const std::size_t half = payload.size() / 2;
  const Bytes wire = in_frames(
      Role::server, {{.opcode = 1, .payload = payload.substr(0, half), .fin = false, .rsv1 = true},
                     {.opcode = 10, .payload = "between"},
                     {.opcode = 0, .payload = "", .fin = false},
                     {.opcode = 0, .payload = payload.substr(half), .fin = false},
                     {.opcode = 0, .payload = ""}});
  play_everywhere(compressing(Role::server), wire, [&](Rig& rig) {
    REQUIRE(rig.events.size() == 2);
    CHECK(rig.events[0].kind == EventKind::pong);
    CHECK((rig.events[1] == text_message(text)));
  });
}

TEST_CASE("server inflates within a window of 8 bits [RFC 7692 7.1.2.2]") {
  DeflateParams params = kTakeover;
  params.client_max_window_bits = 8;
  expect_events(compressing(Role::server, params),
                hex("c1 87 00000000 f248cdc9c90700  c1 85 00000000 f200110000"),
                {text_message("Hello"), text_message("Hello")});
}

// -- receiving what is wrong --

TEST_CASE("server fails the compressed bit on a continuation with 1002 [RFC 7692 6.1]") {
  expect_failure(compressing(Role::server), hex("41 83 00000000 f248cd  c0 84 00000000 c9c90700"),
                 ProtocolError::compressed_continuation);
}

TEST_CASE("client fails the compressed bit on a continuation with 1002 [RFC 7692 6.1]") {
  expect_failure(compressing(Role::client), hex("41 03 f248cd  c0 04 c9c90700"),
                 ProtocolError::compressed_continuation);
}

TEST_CASE("server fails corrupt deflate data with 1007 [RFC 7692 7.2.2]") {
  expect_failure(compressing(Role::server), hex("c1 83 00000000 ffffff"),
                 ProtocolError::corrupt_deflate_data);
  expect_failure(compressing(Role::server), hex("c2 85 00000000 0001020304"),
                 ProtocolError::corrupt_deflate_data);
}

TEST_CASE("client fails corrupt deflate data with 1007 [RFC 7692 7.2.2]") {
  expect_failure(compressing(Role::client), hex("c1 03 ffffff"),
                 ProtocolError::corrupt_deflate_data);
}

TEST_CASE("server fails truncated deflate data with 1007 [RFC 7692 7.2.2]") {
  expect_failure(compressing(Role::server), hex("c1 83 00000000 f248cd"),
                 ProtocolError::corrupt_deflate_data);
}

TEST_CASE("server fails inflated text that is not UTF-8 with 1007 [RFC 6455 8.1]") {
  for (const std::string bad : {"\xff", "abc\xed\xa0\x80", "cut \xe2\x82"})
    expect_failure(compressing(Role::server),
                   in_frames(Role::server, {{.opcode = 1, .payload = deflated(bad), .rsv1 = true}}),
                   ProtocolError::invalid_utf8);
}

TEST_CASE("client fails inflated text that is not UTF-8 with 1007 [RFC 6455 8.1]") {
  expect_failure(
      compressing(Role::client),
      in_frames(Role::client, {{.opcode = 1, .payload = deflated("\xc3\x28"), .rsv1 = true}}),
      ProtocolError::invalid_utf8);
}

TEST_CASE("server ends a compression bomb with 1009 in bounded memory") {
  const std::string bomb = deflated(std::string(std::size_t{64} << 20, '\0'));
  REQUIRE(bomb.size() < 100'000);
  for (const bool pieces : {false, true}) {
    Setup setup = compressing(Role::server);
    setup.options.message_bytes_max = 100'000;
    setup.options.deliver_pieces = pieces;
    Rig rig(setup);
    Bytes wire = in_frames(Role::server, {{.opcode = 2, .payload = bomb, .rsv1 = true}});
    rig.connection().receive(wire, rig.now);
    while (const auto event = rig.connection().poll_event()) {
      rig.events.push_back(seen(*event));
      CHECK(rig.buffers().lent_bytes() <= 300'000);
    }
    REQUIRE_FALSE(rig.events.empty());
    CHECK(rig.events.back().error == ProtocolError::message_too_big);
    CHECK(rig.written_frames().back().payload.substr(0, 2) == close_payload(1009));
  }
}

TEST_CASE("server ends a bomb in fragments with 1009 however it is split") {
  const std::string bomb = deflated(std::string(5000, 'b'));
  Setup setup = compressing(Role::server);
  setup.options.message_bytes_max = 4999;
  expect_failure(
      setup,
      in_frames(
          Role::server,
          {{.opcode = 2, .payload = bomb.substr(0, bomb.size() / 2), .fin = false, .rsv1 = true},
           {.opcode = 0, .payload = bomb.substr(bomb.size() / 2)}}),
      ProtocolError::message_too_big);
}

TEST_CASE("server takes a compressed message that inflates to exactly the limit") {
  const std::string text(5000, 'b');
  Setup setup = compressing(Role::server);
  setup.options.message_bytes_max = 5000;
  expect_events(setup,
                in_frames(Role::server, {{.opcode = 2, .payload = deflated(text), .rsv1 = true}}),
                {binary_message(text)});
}

TEST_CASE("server takes noise of exactly the limit though compressing made it longer") {
  const std::string payload = noise(5000);
  Setup setup = compressing(Role::server);
  setup.options.message_bytes_max = 5000;
  REQUIRE(deflated(payload).size() > 5000);
  expect_events(
      setup, in_frames(Role::server, {{.opcode = 2, .payload = deflated(payload), .rsv1 = true}}),
      {binary_message(payload)});
}

TEST_CASE("server refuses a compressed message that no compressor makes so long from its header") {
  Setup setup = compressing(Role::server);
  setup.options.message_bytes_max = 5000;
  expect_failure(setup, hex("c2 fe 2000 00000000"), ProtocolError::message_too_big);
}

// -- sending --

TEST_CASE("server sends the example of the RFC and refers back to it [RFC 7692 7.2.3.2]") {
  Setup setup = compressing(Role::server);
  setup.options.deflate.threshold_bytes = 0;
  Rig rig(setup);
  CHECK(rig.connection().send(MessageKind::text, bytes_of("Hello")) == SendStatus::queued);
  CHECK(to_hex(rig.written()) == "c107f248cdc9c90700");
  CHECK(rig.connection().send(MessageKind::text, bytes_of("Hello")) == SendStatus::queued);
  CHECK(to_hex(rig.written()) == "c105f200110000");
}

TEST_CASE("server that keeps no context sends the same bytes again [RFC 7692 7.1.1.1]") {
  Setup setup = compressing(Role::server, kNoTakeover);
  setup.options.deflate.threshold_bytes = 0;
  Rig rig(setup);
  const std::string text = long_text(300);
  CHECK(rig.connection().send(MessageKind::text, bytes_of(text)) == SendStatus::queued);
  const Bytes first = rig.written();
  CHECK(rig.connection().send(MessageKind::text, bytes_of(text)) == SendStatus::queued);
  CHECK((rig.written() == first));
  CHECK(first.size() < text.size());
}

TEST_CASE("messages below the threshold go out plain, unless asked otherwise") {
  Setup setup = compressing(Role::server);
  setup.options.deflate.threshold_bytes = 10;
  Rig rig(setup);
  auto& connection = rig.connection();
  CHECK(connection.send(MessageKind::text, bytes_of("123456789")) == SendStatus::queued);
  CHECK(connection.send(MessageKind::text, bytes_of("1234567890")) == SendStatus::queued);
  CHECK(connection.send(MessageKind::text, bytes_of("1"), Compression::always) ==
        SendStatus::queued);
  CHECK(connection.send(MessageKind::text, bytes_of(long_text(100)), Compression::never) ==
        SendStatus::queued);
  std::vector<bool> compressed;
  for (const Frame& frame : rig.written_frames()) compressed.push_back(frame.rsv1);
  CHECK(compressed == std::vector{false, true, true, false});
}

TEST_CASE("a message that does not shrink goes out plain where no context is kept") {
  Rig rig(compressing(Role::server, kNoTakeover));
  const std::string payload = noise(1000);
  CHECK(rig.connection().send(MessageKind::binary, bytes_of(payload)) == SendStatus::queued);
  CHECK((rig.written_frames() == std::vector{Frame{.opcode = 2, .payload = payload}}));
}

TEST_CASE("nothing is compressed within a window of 8 bits, which zlib cannot [RFC 7692 7.1.2.2]") {
  DeflateParams params = kTakeover;
  params.client_max_window_bits = 8;
  Rig rig(compressing(Role::client, params));
  const std::string text = long_text(500);
  CHECK(rig.connection().send(MessageKind::text, bytes_of(text), Compression::always) ==
        SendStatus::queued);
  CHECK((rig.written_frames() == std::vector{Frame{.payload = text, .masked = true}}));
}

TEST_CASE("control frames are never compressed [RFC 7692 5]") {
  Setup setup = compressing(Role::server);
  setup.options.deflate.threshold_bytes = 0;
  Rig rig(setup);
  rig.connection().ping(bytes_of(std::string(100, 'a')));
  rig.connection().close(CloseCode::normal, std::string(100, 'a'), rig.now);
  for (const Frame& frame : rig.written_frames()) CHECK_FALSE(frame.rsv1);
}

TEST_CASE("client and server understand each other with every combination of parameters") {
  const std::string texts[] = {long_text(10),     "",  long_text(500),   long_text(500),
                               long_text(70'000), "x", long_text(70'000)};
  for (int combination = 0; combination < 4 * 7; ++combination) {
    const auto bits = static_cast<std::uint8_t>(9 + combination / 4);
    const DeflateParams params{.enabled = true,
                               .server_no_context_takeover = (combination & 1) != 0,
                               .client_no_context_takeover = (combination & 2) != 0,
                               .server_max_window_bits = bits,
                               .client_max_window_bits = static_cast<std::uint8_t>(24 - bits)};
    Rig server(compressing(Role::server, params));
    Rig client(compressing(Role::client, params));
    for (const std::string& text : texts) {
      CHECK(client.connection().send(MessageKind::text, bytes_of(text), Compression::always) ==
            SendStatus::queued);
      server.receive(client.written());
      CHECK(server.connection().send(MessageKind::text, bytes_of(text), Compression::always) ==
            SendStatus::queued);
      client.receive(server.written());
    }
    for (Rig* rig : {&server, &client}) {
      REQUIRE(rig->events.size() == std::size(texts));
      for (std::size_t i = 0; i < std::size(texts); ++i)
        CHECK((rig->events[i] == text_message(texts[i])));
    }
  }
}

TEST_CASE("a policy that drops messages keeps no context, so that what is left inflates") {
  for (const SlowConsumer policy : {SlowConsumer::drop_oldest, SlowConsumer::keep_latest}) {
    Setup setup = compressing(Role::server);
    setup.options.slow_consumer = policy;
    setup.options.send_queue_bytes_max = 200;
    Rig server(setup);
    Rig client(compressing(Role::client));
    for (int i = 0; i < 50; ++i)
      CHECK(server.connection().send(MessageKind::text,
                                     bytes_of(long_text(100) + std::to_string(i)),
                                     Compression::always) == SendStatus::queued);
    CHECK(server.connection().dropped_messages() > 0);
    client.receive(server.written());
    REQUIRE_FALSE(client.events.empty());
    CHECK(client.events.back().payload == long_text(100) + "49");
    CHECK(client.connection().open());
  }
}

TEST_CASE(
    "a connection without negotiated compression keeps no compressor, one with it gives "
    "both back") {
  Rig rig(compressing(Role::server, kNoTakeover));
  const std::string text = long_text(1000);
  CHECK(rig.connection().send(MessageKind::text, bytes_of(text)) == SendStatus::queued);
  // Borrowed and returned: the pool has it again.
  const auto idle = rig.resources().deflate.acquire_deflater(15, 1);
  CHECK(idle != nullptr);
}

}  // namespace
}  // namespace walkie::test
