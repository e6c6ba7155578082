// SPDX-License-Identifier: MIT
// What a client makes of a server's frames. Each case has its pair in connection_server_test.cpp.
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using proto::EventKind;
using proto::ProtocolError;
using proto::Role;

const Setup kClient{.role = Role::client};

Setup with_limits(std::uint64_t message_bytes, std::uint32_t fragments) {
  Setup setup = kClient;
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

TEST_CASE("client delivers a text message [RFC 6455 5.7]") {
  expect_events(kClient, hex("81 05 48 65 6c 6c 6f"), {text_message("Hello")});
}

TEST_CASE("client delivers an empty message of each kind [RFC 6455 5.6]") {
  expect_events(kClient, hex("81 00 82 00"), {text_message(""), binary_message("")});
}

TEST_CASE("client delivers several messages of one buffer in order [RFC 6455 5.4]") {
  expect_events(kClient, hex("81 01 61  82 01 62  81 02 c3a9"),
                {text_message("a"), binary_message("b"), text_message("\xc3\xa9")});
}

TEST_CASE("client joins a message of three fragments [RFC 6455 5.4]") {
  expect_events(kClient, hex("01 03 48656c  00 01 6c  80 01 6f"), {text_message("Hello")});
}

TEST_CASE("client joins fragments of which some are empty [RFC 6455 5.4]") {
  expect_events(kClient, hex("02 00  00 01 78  00 00  80 00"), {binary_message("x")});
}

TEST_CASE("client joins a character that fragments cut [RFC 6455 5.6]") {
  expect_events(kClient, hex("01 01 f0  00 02 9f98  80 01 80"), {text_message("\xf0\x9f\x98\x80")});
}

TEST_CASE("client handles control frames between fragments [RFC 6455 5.4]") {
  expect_events(
      kClient, hex("01 02 6162  89 01 70  8a 01 71  80 01 63"),
      {control(EventKind::ping, "p"), control(EventKind::pong, "q"), text_message("abc")});
}

TEST_CASE("client reads a payload with a 16-bit length [RFC 6455 5.2]") {
  const std::string payload(256, 'x');
  expect_events(kClient, joined(hex("82 7e 0100"), copy_of(payload)), {binary_message(payload)});
}

TEST_CASE("client reads a payload with a 64-bit length [RFC 6455 5.2]") {
  const std::string payload(65536, 'y');
  expect_events(kClient, joined(hex("82 7f 0000000000010000"), copy_of(payload)),
                {binary_message(payload)});
}

TEST_CASE("client reads long payloads whatever their split [RFC 6455 5.2]") {
  std::string payload;
  for (int i = 0; i < 1000; ++i) payload += static_cast<char>('a' + i % 26);
  expect_events(kClient, encode({.opcode = 1, .payload = payload}), {text_message(payload)});
}

TEST_CASE("client answers each ping with a pong of the same payload [RFC 6455 5.5.3]") {
  play_everywhere(kClient, hex("89 05 48656c6c6f  89 00"), [](Rig& rig) {
    CHECK(rig.events ==
          std::vector{control(EventKind::ping, "Hello"), control(EventKind::ping, "")});
    CHECK(to_hex(rig.written()) == "8a8537fa213d7f9f4d51588a8037fa213d");
  });
}

TEST_CASE("client takes a ping of 125 bytes [RFC 6455 5.5]") {
  const std::string payload(125, 'p');
  play_everywhere(kClient, encode({.opcode = 9, .payload = payload}), [&](Rig& rig) {
    CHECK(rig.events == std::vector{control(EventKind::ping, payload)});
    CHECK(rig.written_frames() ==
          std::vector{Frame{.opcode = 10, .payload = payload, .masked = true}});
  });
}

TEST_CASE("client takes an unsolicited pong without an answer [RFC 6455 5.5.3]") {
  play_everywhere(kClient, hex("8a 02 6869"), [](Rig& rig) {
    CHECK(rig.events == std::vector{control(EventKind::pong, "hi")});
    CHECK(rig.connection().output().empty());
  });
}

TEST_CASE("client delivers a whole frame as a view of the buffer, without a copy") {
  Rig rig(Role::client);
  Bytes input = hex("82 04 61626364");
  rig.connection().receive(input, rig.now);
  const auto event = rig.connection().poll_event();
  REQUIRE(event);
  CHECK(event->payload.data() == input.data() + 2);
  CHECK(rig.buffers().lent_bytes() == 0);
}

TEST_CASE("client gives the assembly block back once the message was delivered") {
  Rig rig(Role::client);
  rig.receive(hex("02 02 6162"));
  CHECK(rig.buffers().lent_bytes() > 0);
  rig.receive(hex("80 01 63"));
  CHECK(rig.events == std::vector{binary_message("abc")});
  CHECK(rig.buffers().lent_bytes() == 0);
}

// -- frame headers that are wrong --

TEST_CASE("client fails a masked text frame with 1002 [RFC 6455 5.1]") {
  expect_failure(kClient, hex("81 85 37fa213d 7f9f4d5158"), ProtocolError::frame_masked);
}

TEST_CASE("client fails a masked close frame with 1002 [RFC 6455 5.1]") {
  expect_failure(kClient, hex("88 82 00000000 03e8"), ProtocolError::frame_masked);
}

TEST_CASE("client fails reserved bits with 1002 [RFC 6455 5.2]") {
  expect_failure(kClient, hex("a1 00"), ProtocolError::reserved_bits_set);
  expect_failure(kClient, hex("91 00"), ProtocolError::reserved_bits_set);
  expect_failure(kClient, hex("f1 00"), ProtocolError::reserved_bits_set);
}

TEST_CASE("client fails RSV1 on a control frame with 1002 [RFC 7692 6.1]") {
  expect_failure(kClient, hex("c9 00"), ProtocolError::reserved_bits_set);
}

TEST_CASE("client fails RSV1 without an agreed extension with 1002 [RFC 6455 5.2]") {
  expect_failure(kClient, hex("c1 01 61"), ProtocolError::compressed_without_negotiation);
}

TEST_CASE("client fails every unknown opcode with 1002 [RFC 6455 5.2]") {
  for (const char* frame :
       {"83 00", "84 00", "85 00", "86 00", "87 00", "8b 00", "8c 00", "8d 00", "8e 00", "8f 00"})
    expect_failure(kClient, hex(frame), ProtocolError::unknown_opcode);
}

TEST_CASE("client fails a 16-bit length below 126 with 1002 [RFC 6455 5.2]") {
  expect_failure(kClient, joined(hex("82 7e 007d"), Bytes(125)), ProtocolError::length_not_minimal);
}

TEST_CASE("client fails a 64-bit length below 65536 with 1002 [RFC 6455 5.2]") {
  expect_failure(kClient, hex("82 7f 000000000000ffff"), ProtocolError::length_not_minimal);
}

TEST_CASE("client fails a 64-bit length with its top bit set with 1002 [RFC 6455 5.2]") {
  expect_failure(kClient, hex("82 7f 8000000000000000"), ProtocolError::length_top_bit_set);
}

TEST_CASE("client fails a control frame of over 125 bytes with 1002 [RFC 6455 5.5]") {
  expect_failure(kClient, joined(hex("89 7e 007e"), Bytes(126)),
                 ProtocolError::control_frame_too_long);
  expect_failure(kClient, joined(hex("88 7e 007e 03e8"), Bytes(124)),
                 ProtocolError::control_frame_too_long);
}

TEST_CASE("client fails a fragmented control frame with 1002 [RFC 6455 5.5]") {
  expect_failure(kClient, hex("09 00"), ProtocolError::fragmented_control_frame);
  expect_failure(kClient, hex("0a 00"), ProtocolError::fragmented_control_frame);
  expect_failure(kClient, hex("08 00"), ProtocolError::fragmented_control_frame);
}

// -- sequences that are wrong --

TEST_CASE("client fails a continuation without a start with 1002 [RFC 6455 5.4]") {
  expect_failure(kClient, hex("80 01 61"), ProtocolError::continuation_without_start);
  expect_failure(kClient, hex("00 01 61"), ProtocolError::continuation_without_start);
}

TEST_CASE("client fails a continuation after a message's end with 1002 [RFC 6455 5.4]") {
  expect_failure(kClient, hex("81 01 61  80 01 62"), ProtocolError::continuation_without_start,
                 {text_message("a")});
}

TEST_CASE("client fails a new message inside a fragmented one with 1002 [RFC 6455 5.4]") {
  expect_failure(kClient, hex("01 01 61  81 01 62"), ProtocolError::data_frame_inside_message);
  expect_failure(kClient, hex("02 01 61  01 01 62"), ProtocolError::data_frame_inside_message);
}

// -- payloads that are wrong --

TEST_CASE("client fails invalid UTF-8 in a whole message with 1007 [RFC 6455 8.1]") {
  for (const char* payload : {"80", "ff", "c0", "ed", "f5"})
    expect_failure(kClient, joined(hex("81 01"), hex(payload)), ProtocolError::invalid_utf8);
  for (const char* payload : {"c080", "c328", "eda0", "f880"})
    expect_failure(kClient, joined(hex("81 02"), hex(payload)), ProtocolError::invalid_utf8);
  for (const char* payload : {"f4908080", "f0808080", "eda08041", "f0288c28"})
    expect_failure(kClient, joined(hex("81 04"), hex(payload)), ProtocolError::invalid_utf8);
}

TEST_CASE("client fails a text that ends inside a character with 1007 [RFC 6455 8.1]") {
  expect_failure(kClient, hex("81 02 e282"), ProtocolError::invalid_utf8);
  expect_failure(kClient, hex("01 02 e282 80 00"), ProtocolError::invalid_utf8);
}

TEST_CASE("client fails invalid UTF-8 as soon as its byte is there, in mid-frame [RFC 6455 8.1]") {
  Rig rig(Role::client);
  rig.receive(hex("81 7e 1000 48656c6c6f ce ba"));
  CHECK(rig.events.empty());
  rig.receive(hex("ed a0"));  // the start of a surrogate; 4087 bytes are still to come
  REQUIRE(rig.events.size() == 1);
  CHECK(rig.events[0].error == ProtocolError::invalid_utf8);
  CHECK(rig.written_frames().at(0).payload.substr(0, 2) == close_payload(1007));
}

TEST_CASE(
    "client fails invalid UTF-8 in a fragment before the message is complete [RFC 6455 8.1]") {
  expect_failure(kClient, hex("01 02 6180"), ProtocolError::invalid_utf8);
}

TEST_CASE("client takes bytes that are not UTF-8 in a binary message [RFC 6455 5.6]") {
  expect_events(kClient, hex("82 03 ff80c0"), {binary_message("\xff\x80\xc0")});
}

// -- limits --

TEST_CASE("client refuses a message over the limit from its header alone with 1009") {
  const Setup setup = with_limits(1000, 100);
  expect_failure(setup, hex("82 7e 03e9"), ProtocolError::message_too_big);
  expect_failure(setup, hex("82 7f 7fffffffffffffff"), ProtocolError::message_too_big);
}

TEST_CASE("client takes a message of exactly the limit") {
  const std::string payload(1000, 'z');
  expect_events(with_limits(1000, 1), encode({.opcode = 2, .payload = payload}),
                {binary_message(payload)});
}

TEST_CASE("client refuses fragments whose sum is over the limit from the last header with 1009") {
  expect_failure(with_limits(5, 100), hex("02 03 616263  80 03"), ProtocolError::message_too_big);
  expect_failure(with_limits(5, 100), hex("02 03 616263  00 7f 7fffffffffffffff"),
                 ProtocolError::message_too_big);
}

TEST_CASE("client fails more fragments than the limit with 1008") {
  expect_failure(with_limits(1000, 3), hex("02 00  00 00  00 00  00 00"),
                 ProtocolError::too_many_fragments);
}

TEST_CASE("client takes a message in exactly as many fragments as the limit") {
  expect_events(with_limits(1000, 3), hex("02 00  00 00  80 01 61"), {binary_message("a")});
}

TEST_CASE("client ends a million empty fragments with 1008 in bounded memory") {
  Rig rig(Role::client);
  rig.receive(hex("02 00"));
  Bytes fragments;
  for (int i = 0; i < 1000; ++i) fragments = joined(std::move(fragments), hex("00 00"));
  for (int i = 0; i < 1000 && !rig.connection().finished(); ++i) {
    rig.receive(fragments);
    REQUIRE(rig.buffers().lent_bytes() <= 4096);
  }
  REQUIRE(rig.events.size() == 1);
  CHECK(rig.events[0].error == ProtocolError::too_many_fragments);
  CHECK(rig.written_frames().at(0).payload.substr(0, 2) == close_payload(1008));
}

TEST_CASE("client holds memory for what arrived, not for what a header declares") {
  Rig rig(Role::client);
  rig.receive(hex("82 7f 0000000000ffffff"));
  CHECK(rig.buffers().lent_bytes() == 0);
  rig.receive(Bytes(10));
  CHECK(rig.buffers().lent_bytes() <= 128);
  rig.receive(Bytes(2000));
  CHECK(rig.buffers().lent_bytes() <= 16384);
}

TEST_CASE(
    "client answers a flood of pings with the latest only while its queue is full "
    "[RFC 6455 5.5.3]") {
  Setup setup = kClient;
  setup.options.send_queue_bytes_max = 1000;
  Rig rig(setup);
  for (int i = 0; i < 10'000; ++i) {
    const std::string payload = std::to_string(i);
    rig.receive(encode({.opcode = 9, .payload = payload}));
  }
  CHECK(rig.connection().output().size() <= 1000 + 127);
  CHECK(rig.events.size() == 10'000);
  const std::vector<Frame> pongs = rig.written_frames();
  CHECK(pongs.size() < 400);
  CHECK(pongs.front() == Frame{.opcode = 10, .payload = "0", .masked = true});
  CHECK(pongs.back() == Frame{.opcode = 10, .payload = "9999", .masked = true});
}

TEST_CASE(
    "client answers a flood of pings with the latest only while much else waits "
    "[RFC 6455 5.5.3]") {
  Setup setup = kClient;
  setup.options.pongs_behind_bytes_max = 1000;
  Rig rig(setup);
  rig.connection().send(MessageKind::binary, Bytes(1000));
  for (int i = 0; i < 10; ++i) rig.receive(encode({.opcode = 9, .payload = "p"}));
  const std::vector<Frame> frames = rig.written_frames();  // the message goes out, then the Pong
  REQUIRE(frames.size() == 2);
  CHECK(frames.back() == Frame{.opcode = 10, .payload = "p", .masked = true});
}

}  // namespace
}  // namespace walkie::test
