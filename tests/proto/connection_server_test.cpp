// SPDX-License-Identifier: MIT
// What a server makes of a client's frames. Each case has its pair in connection_client_test.cpp.
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using proto::EventKind;
using proto::ProtocolError;
using proto::Role;

const Setup kServer{.role = Role::server};

Setup with_limits(std::uint64_t message_bytes, std::uint32_t fragments) {
  Setup setup = kServer;
  setup.options.message_bytes_max = message_bytes;
  setup.options.fragments_max = fragments;
  return setup;
}

Seen control(EventKind kind, std::string payload) {
  Seen event = text_message(std::move(payload));
  event.kind = kind;
  return event;
}

// -- what is right --

TEST_CASE("server delivers a masked text message [RFC 6455 5.7]") {
  expect_events(kServer, hex("81 85 37 fa 21 3d 7f 9f 4d 51 58"), {text_message("Hello")});
}

TEST_CASE("server delivers an empty message of each kind [RFC 6455 5.6]") {
  expect_events(kServer, hex("81 80 37fa213d 82 80 37fa213d"),
                {text_message(""), binary_message("")});
}

TEST_CASE("server delivers several messages of one buffer in order [RFC 6455 5.4]") {
  expect_events(kServer, hex("81 81 00000000 61  82 81 01020304 63  81 82 00000000 c3a9"),
                {text_message("a"), binary_message("b"), text_message("\xc3\xa9")});
}

TEST_CASE("server joins a message of three fragments [RFC 6455 5.4]") {
  expect_events(kServer, hex("01 83 00000000 48656c  00 81 00000000 6c  80 81 00000000 6f"),
                {text_message("Hello")});
}

TEST_CASE("server joins fragments of which some are empty [RFC 6455 5.4]") {
  expect_events(kServer, hex("02 80 00000000  00 81 00000000 78  00 80 00000000  80 80 00000000"),
                {binary_message("x")});
}

TEST_CASE("server joins a character that fragments cut [RFC 6455 5.6]") {
  expect_events(kServer, hex("01 81 00000000 f0  00 82 00000000 9f98  80 81 00000000 80"),
                {text_message("\xf0\x9f\x98\x80")});
}

TEST_CASE("server handles control frames between fragments [RFC 6455 5.4]") {
  expect_events(
      kServer, hex("01 82 00000000 6162  89 81 00000000 70  8a 81 00000000 71  80 81 00000000 63"),
      {control(EventKind::ping, "p"), control(EventKind::pong, "q"), text_message("abc")});
}

TEST_CASE("server reads a payload with a 16-bit length [RFC 6455 5.2]") {
  const std::string payload(256, 'x');
  expect_events(kServer, joined(hex("82 fe 0100 00000000"), copy_of(payload)),
                {binary_message(payload)});
}

TEST_CASE("server reads a payload with a 64-bit length [RFC 6455 5.2]") {
  const std::string payload(65536, 'y');
  expect_events(kServer, joined(hex("82 ff 0000000000010000 00000000"), copy_of(payload)),
                {binary_message(payload)});
}

TEST_CASE("server unmasks long payloads whatever their split [RFC 6455 5.3]") {
  std::string payload;
  for (int i = 0; i < 1000; ++i) payload += static_cast<char>('a' + i % 26);
  expect_events(kServer, encode({.opcode = 1, .payload = payload, .masked = true}),
                {text_message(payload)});
}

TEST_CASE("server answers each ping with a pong of the same payload [RFC 6455 5.5.3]") {
  play_everywhere(kServer, hex("89 85 37fa213d 7f9f4d5158  89 80 00000000"), [](Rig& rig) {
    CHECK(rig.events ==
          std::vector{control(EventKind::ping, "Hello"), control(EventKind::ping, "")});
    CHECK(to_hex(rig.written()) == "8a0548656c6c6f8a00");
  });
}

TEST_CASE("server takes a ping of 125 bytes [RFC 6455 5.5]") {
  const std::string payload(125, 'p');
  play_everywhere(
      kServer, encode({.opcode = 9, .payload = payload, .masked = true}), [&](Rig& rig) {
        CHECK(rig.events == std::vector{control(EventKind::ping, payload)});
        CHECK(rig.written_frames() == std::vector{Frame{.opcode = 10, .payload = payload}});
      });
}

TEST_CASE("server takes an unsolicited pong without an answer [RFC 6455 5.5.3]") {
  play_everywhere(kServer, hex("8a 82 00000000 6869"), [](Rig& rig) {
    CHECK(rig.events == std::vector{control(EventKind::pong, "hi")});
    CHECK(rig.connection().output().empty());
  });
}

TEST_CASE("server delivers a whole frame as a view of the buffer, without a copy") {
  Rig rig(Role::server);
  Bytes input = hex("82 84 01010101 61626364");
  rig.connection().receive(input, rig.now);
  const auto event = rig.connection().poll_event();
  REQUIRE(event);
  CHECK(event->payload.data() == input.data() + 6);
  CHECK(rig.buffers().lent_bytes() == 0);
}

TEST_CASE("server gives the assembly block back once the message was delivered") {
  Rig rig(Role::server);
  rig.receive(hex("02 82 00000000 6162"));
  CHECK(rig.buffers().lent_bytes() > 0);
  rig.receive(hex("80 81 00000000 63"));
  CHECK(rig.events == std::vector{binary_message("abc")});
  CHECK(rig.buffers().lent_bytes() == 0);
}

// -- frame headers that are wrong --

TEST_CASE("server fails an unmasked text frame with 1002 [RFC 6455 5.1]") {
  expect_failure(kServer, hex("81 05 48656c6c6f"), ProtocolError::frame_not_masked);
}

TEST_CASE("server fails an unmasked close frame with 1002 [RFC 6455 5.1]") {
  expect_failure(kServer, hex("88 02 03e8"), ProtocolError::frame_not_masked);
}

TEST_CASE("server fails reserved bits with 1002 [RFC 6455 5.2]") {
  expect_failure(kServer, hex("a1 80 00000000"), ProtocolError::reserved_bits_set);
  expect_failure(kServer, hex("91 80 00000000"), ProtocolError::reserved_bits_set);
  expect_failure(kServer, hex("f1 80 00000000"), ProtocolError::reserved_bits_set);
}

TEST_CASE("server fails RSV1 on a control frame with 1002 [RFC 7692 6.1]") {
  expect_failure(kServer, hex("c9 80 00000000"), ProtocolError::reserved_bits_set);
}

TEST_CASE("server fails RSV1 without an agreed extension with 1002 [RFC 6455 5.2]") {
  expect_failure(kServer, hex("c1 81 00000000 61"), ProtocolError::compressed_without_negotiation);
}

TEST_CASE("server fails every unknown opcode with 1002 [RFC 6455 5.2]") {
  for (const char* frame :
       {"83 80 00000000", "84 80 00000000", "85 80 00000000", "86 80 00000000", "87 80 00000000",
        "8b 80 00000000", "8c 80 00000000", "8d 80 00000000", "8e 80 00000000", "8f 80 00000000"})
    expect_failure(kServer, hex(frame), ProtocolError::unknown_opcode);
}

TEST_CASE("server fails a 16-bit length below 126 with 1002 [RFC 6455 5.2]") {
  expect_failure(kServer, joined(hex("82 fe 007d 00000000"), Bytes(125)),
                 ProtocolError::length_not_minimal);
}

TEST_CASE("server fails a 64-bit length below 65536 with 1002 [RFC 6455 5.2]") {
  expect_failure(kServer, hex("82 ff 000000000000ffff 00000000"),
                 ProtocolError::length_not_minimal);
}

TEST_CASE("server fails a 64-bit length with its top bit set with 1002 [RFC 6455 5.2]") {
  expect_failure(kServer, hex("82 ff 8000000000000000 00000000"),
                 ProtocolError::length_top_bit_set);
}

TEST_CASE("server fails a control frame of over 125 bytes with 1002 [RFC 6455 5.5]") {
  expect_failure(kServer, joined(hex("89 fe 007e 00000000"), Bytes(126)),
                 ProtocolError::control_frame_too_long);
  expect_failure(kServer, joined(hex("88 fe 007e 00000000 03e8"), Bytes(124)),
                 ProtocolError::control_frame_too_long);
}

TEST_CASE("server fails a fragmented control frame with 1002 [RFC 6455 5.5]") {
  expect_failure(kServer, hex("09 80 00000000"), ProtocolError::fragmented_control_frame);
  expect_failure(kServer, hex("0a 80 00000000"), ProtocolError::fragmented_control_frame);
  expect_failure(kServer, hex("08 80 00000000"), ProtocolError::fragmented_control_frame);
}

// -- sequences that are wrong --

TEST_CASE("server fails a continuation without a start with 1002 [RFC 6455 5.4]") {
  expect_failure(kServer, hex("80 81 00000000 61"), ProtocolError::continuation_without_start);
  expect_failure(kServer, hex("00 81 00000000 61"), ProtocolError::continuation_without_start);
}

TEST_CASE("server fails a continuation after a message's end with 1002 [RFC 6455 5.4]") {
  expect_failure(kServer, hex("81 81 00000000 61  80 81 00000000 62"),
                 ProtocolError::continuation_without_start, {text_message("a")});
}

TEST_CASE("server fails a new message inside a fragmented one with 1002 [RFC 6455 5.4]") {
  expect_failure(kServer, hex("01 81 00000000 61  81 81 00000000 62"),
                 ProtocolError::data_frame_inside_message);
  expect_failure(kServer, hex("02 81 00000000 61  01 81 00000000 62"),
                 ProtocolError::data_frame_inside_message);
}

// -- payloads that are wrong --

TEST_CASE("server fails invalid UTF-8 in a whole message with 1007 [RFC 6455 8.1]") {
  for (const char* payload : {"80", "ff", "c0", "ed", "f5"})
    expect_failure(kServer, joined(hex("81 81 00000000"), hex(payload)),
                   ProtocolError::invalid_utf8);
  for (const char* payload : {"c080", "c328", "eda0", "f880"})
    expect_failure(kServer, joined(hex("81 82 00000000"), hex(payload)),
                   ProtocolError::invalid_utf8);
  for (const char* payload : {"f4908080", "f0808080", "eda08041", "f0288c28"})
    expect_failure(kServer, joined(hex("81 84 00000000"), hex(payload)),
                   ProtocolError::invalid_utf8);
}

TEST_CASE("server fails a text that ends inside a character with 1007 [RFC 6455 8.1]") {
  expect_failure(kServer, hex("81 82 00000000 e282"), ProtocolError::invalid_utf8);
  expect_failure(kServer, hex("01 82 00000000 e282 80 80 00000000"), ProtocolError::invalid_utf8);
}

TEST_CASE("server fails invalid UTF-8 as soon as its byte is there, in mid-frame [RFC 6455 8.1]") {
  Rig rig(Role::server);
  rig.receive(hex("81 fe 1000 00000000 48656c6c6f ce ba"));
  CHECK(rig.events.empty());
  rig.receive(hex("ed a0"));  // the start of a surrogate; 4087 bytes are still to come
  REQUIRE(rig.events.size() == 1);
  CHECK(rig.events[0].error == ProtocolError::invalid_utf8);
  CHECK(rig.written_frames().at(0).payload.substr(0, 2) == close_payload(1007));
}

TEST_CASE(
    "server fails invalid UTF-8 in a fragment before the message is complete [RFC 6455 8.1]") {
  expect_failure(kServer, hex("01 82 00000000 6180"), ProtocolError::invalid_utf8);
}

TEST_CASE("server takes bytes that are not UTF-8 in a binary message [RFC 6455 5.6]") {
  expect_events(kServer, hex("82 83 00000000 ff80c0"), {binary_message("\xff\x80\xc0")});
}

// -- limits --

TEST_CASE("server refuses a message over the limit from its header alone with 1009") {
  const Setup setup = with_limits(1000, 100);
  expect_failure(setup, hex("82 fe 03e9 00000000"), ProtocolError::message_too_big);
  expect_failure(setup, hex("82 ff 7fffffffffffffff 00000000"), ProtocolError::message_too_big);
}

TEST_CASE("server takes a message of exactly the limit") {
  const std::string payload(1000, 'z');
  expect_events(with_limits(1000, 1), encode({.opcode = 2, .payload = payload, .masked = true}),
                {binary_message(payload)});
}

TEST_CASE("server refuses fragments whose sum is over the limit from the last header with 1009") {
  expect_failure(with_limits(5, 100), hex("02 83 00000000 616263  80 83 00000000"),
                 ProtocolError::message_too_big);
  expect_failure(with_limits(5, 100), hex("02 83 00000000 616263  00 ff 7fffffffffffffff 00000000"),
                 ProtocolError::message_too_big);
}

TEST_CASE("server fails more fragments than the limit with 1008") {
  expect_failure(with_limits(1000, 3),
                 hex("02 80 00000000  00 80 00000000  00 80 00000000  00 80 00000000"),
                 ProtocolError::too_many_fragments);
}

TEST_CASE("server takes a message in exactly as many fragments as the limit") {
  expect_events(with_limits(1000, 3), hex("02 80 00000000  00 80 00000000  80 81 00000000 61"),
                {binary_message("a")});
}

TEST_CASE("server ends a million empty fragments with 1008 in bounded memory") {
  Rig rig(Role::server);
  rig.receive(hex("02 80 00000000"));
  Bytes fragments;
  for (int i = 0; i < 1000; ++i) fragments = joined(std::move(fragments), hex("00 80 00000000"));
  for (int i = 0; i < 1000 && !rig.connection().finished(); ++i) {
    rig.receive(fragments);
    REQUIRE(rig.buffers().lent_bytes() <= 4096);
  }
  REQUIRE(rig.events.size() == 1);
  CHECK(rig.events[0].error == ProtocolError::too_many_fragments);
  CHECK(rig.written_frames().at(0).payload.substr(0, 2) == close_payload(1008));
}

TEST_CASE("server holds memory for what arrived, not for what a header declares") {
  Rig rig(Role::server);
  rig.receive(hex("82 ff 0000000000ffffff 00000000"));
  CHECK(rig.buffers().lent_bytes() == 0);
  rig.receive(Bytes(10));
  CHECK(rig.buffers().lent_bytes() <= 128);
  rig.receive(Bytes(2000));
  CHECK(rig.buffers().lent_bytes() <= 16384);
}

TEST_CASE(
    "server answers a flood of pings with the latest only while its queue is full "
    "[RFC 6455 5.5.3]") {
  Setup setup = kServer;
  setup.options.send_queue_bytes_max = 1000;
  Rig rig(setup);
  for (int i = 0; i < 10'000; ++i) {
    const std::string payload = std::to_string(i);
    rig.receive(encode({.opcode = 9, .payload = payload, .masked = true}));
  }
  CHECK(rig.connection().output().size() <= 1000 + 127);
  CHECK(rig.events.size() == 10'000);
  const std::vector<Frame> pongs = rig.written_frames();
  CHECK(pongs.size() < 400);
  CHECK(pongs.front() == Frame{.opcode = 10, .payload = "0"});
  CHECK(pongs.back() == Frame{.opcode = 10, .payload = "9999"});
}

TEST_CASE(
    "server answers a flood of pings with the latest only while much else waits "
    "[RFC 6455 5.5.3]") {
  Setup setup = kServer;
  setup.options.pongs_behind_bytes_max = 1000;
  Rig rig(setup);
  rig.connection().send(MessageKind::binary, Bytes(1000));
  for (int i = 0; i < 10; ++i) rig.receive(encode({.opcode = 9, .payload = "p", .masked = true}));
  const std::vector<Frame> frames = rig.written_frames();  // the message goes out, then the Pong
  REQUIRE(frames.size() == 2);
  CHECK(frames.back() == Frame{.opcode = 10, .payload = "p"});
}

}  // namespace
}  // namespace walkie::test
