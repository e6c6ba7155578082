// SPDX-License-Identifier: MIT
// Frame headers, decoded at every cut and encoded in their shortest form.
#include <proto/frame.hpp>

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::proto {
namespace {

using namespace std::literals;

DecodedHeader decode(std::string_view bytes) { return decode_header(bytes_of(bytes)); }

/// Decodes `header` whole, followed by payload, and cut short everywhere.
FrameHeader decode_everywhere(std::string_view header) {
  for (std::size_t bytes = 0; bytes < header.size(); ++bytes) {
    CAPTURE(bytes);
    const DecodedHeader cut = decode(header.substr(0, bytes));
    CHECK(cut.header_bytes == 0);
    CHECK(cut.error == ProtocolError::none);
  }
  const DecodedHeader whole = decode(header);
  CHECK(whole.header_bytes == header.size());
  CHECK(whole.error == ProtocolError::none);
  const DecodedHeader followed = decode(std::string(header) + "\xFF\xFF\xFF\xFF"s);
  CHECK(followed.header_bytes == header.size());
  CHECK(followed.header.payload_bytes == whole.header.payload_bytes);
  CHECK(followed.header.mask == whole.header.mask);
  return whole.header;
}

/// The error must show once `deciding` bytes are there, not before, and stay whatever follows.
void check_error(std::string_view bytes, std::size_t deciding, ProtocolError error) {
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    CAPTURE(n);
    const DecodedHeader decoded = decode(bytes.substr(0, n));
    CHECK(decoded.header_bytes == 0);
    CHECK(decoded.error == (n < deciding ? ProtocolError::none : error));
  }
}

TEST_CASE("the RFC's example headers decode [RFC 6455 5.7]") {
  const FrameHeader unmasked = decode_everywhere("\x81\x05"sv);
  CHECK(unmasked.fin);
  CHECK_FALSE(unmasked.rsv1);
  CHECK(unmasked.opcode == Opcode::text);
  CHECK_FALSE(unmasked.mask);
  CHECK(unmasked.payload_bytes == 5);

  const FrameHeader masked = decode_everywhere("\x81\x85\x37\xfa\x21\x3d"sv);
  CHECK(masked.mask == MaskKey{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}});

  CHECK_FALSE(decode_everywhere("\x01\x03"sv).fin);
  CHECK(decode_everywhere("\x80\x02"sv).opcode == Opcode::continuation);
  CHECK(decode_everywhere("\x89\x05"sv).opcode == Opcode::ping);
  CHECK(decode_everywhere("\x8a\x85\x37\xfa\x21\x3d"sv).opcode == Opcode::pong);
  CHECK(decode_everywhere("\x82\x7E\x01\x00"sv).payload_bytes == 256);
  CHECK(decode_everywhere("\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"sv).payload_bytes == 65536);
}

TEST_CASE("lengths decode at the edges of their three forms [RFC 6455 5.2]") {
  CHECK(decode_everywhere("\x82\x00"sv).payload_bytes == 0);
  CHECK(decode_everywhere("\x82\x7D"sv).payload_bytes == 125);
  CHECK(decode_everywhere("\x82\x7E\x00\x7E"sv).payload_bytes == 126);
  CHECK(decode_everywhere("\x82\x7E\xFF\xFF"sv).payload_bytes == 65535);
  CHECK(decode_everywhere("\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"sv).payload_bytes == 65536);
  CHECK(decode_everywhere("\x82\xFF\x7F\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x02\x03\x04"sv)
            .payload_bytes == 0x7FFF'FFFF'FFFF'FFFF);
  CHECK(decode_everywhere("\x82\xFE\x01\x02\x01\x02\x03\x04"sv).payload_bytes == 0x0102);
  CHECK(decode_everywhere("\x82\x7F\x01\x02\x03\x04\x05\x06\x07\x08"sv).payload_bytes ==
        0x0102'0304'0506'0708);
}

TEST_CASE("every first byte is judged by the table of RFC 6455 5.2") {
  for (unsigned value = 0; value < 256; ++value) {
    CAPTURE(value);
    const unsigned opcode = value & 0x0F;
    const bool control = opcode >= 8;
    const bool known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
    ProtocolError expected = ProtocolError::none;
    if ((value & 0x30) != 0) {
      expected = ProtocolError::reserved_bits_set;
    } else if (!known) {
      expected = ProtocolError::unknown_opcode;
    } else if (control && (value & 0x40) != 0) {
      expected = ProtocolError::reserved_bits_set;
    } else if (control && (value & 0x80) == 0) {
      expected = ProtocolError::fragmented_control_frame;
    }
    const std::string first(1, static_cast<char>(value));
    CHECK(decode(first).error == expected);
    const DecodedHeader whole = decode(first + "\x05"s);
    CHECK(whole.error == expected);
    CHECK(whole.header_bytes == (expected == ProtocolError::none ? 2 : 0));
    if (expected == ProtocolError::none) {
      CHECK(whole.header.fin == ((value & 0x80) != 0));
      CHECK(whole.header.rsv1 == ((value & 0x40) != 0));
      CHECK(std::to_underlying(whole.header.opcode) == opcode);
      CHECK(is_control(whole.header.opcode) == control);
    }
  }
}

TEST_CASE(
    "RSV1 is left to the connection on data frames and refused on control frames "
    "[RFC 7692 6.1]") {
  CHECK(decode_everywhere("\xC1\x07"sv).rsv1);
  CHECK(decode_everywhere("\x40\x07"sv).rsv1);
  check_error("\xC8\x00"sv, 1, ProtocolError::reserved_bits_set);
  check_error("\xC9\x00"sv, 1, ProtocolError::reserved_bits_set);
  check_error("\xCA\x00"sv, 1, ProtocolError::reserved_bits_set);
}

TEST_CASE("a control frame over 125 bytes is refused at its second byte [RFC 6455 5.5]") {
  check_error("\x89\x7E\x00\x7E"sv, 2, ProtocolError::control_frame_too_long);
  check_error("\x88\xFE\x00\x7E\x01\x02\x03\x04"sv, 2, ProtocolError::control_frame_too_long);
  check_error("\x8A\x7F\x00\x00\x00\x00\x00\x01\x00\x00"sv, 2,
              ProtocolError::control_frame_too_long);
  CHECK(decode_everywhere("\x89\xFD\x01\x02\x03\x04"sv).payload_bytes == 125);
}

TEST_CASE("a fragmented control frame is refused at its first byte [RFC 6455 5.5]") {
  check_error("\x08\x00"sv, 1, ProtocolError::fragmented_control_frame);
  check_error("\x09\x80\x01\x02\x03\x04"sv, 1, ProtocolError::fragmented_control_frame);
  check_error("\x0A\x00"sv, 1, ProtocolError::fragmented_control_frame);
}

TEST_CASE("a 16-bit length below 126 is refused once its two bytes are there [RFC 6455 5.2]") {
  check_error("\x82\x7E\x00\x7D"sv, 4, ProtocolError::length_not_minimal);
  check_error("\x82\x7E\x00\x00"sv, 4, ProtocolError::length_not_minimal);
  check_error("\x82\xFE\x00\x05\x01\x02\x03\x04"sv, 4, ProtocolError::length_not_minimal);
}

TEST_CASE("a 64-bit length below 65536 is refused at the sixth zero [RFC 6455 5.2]") {
  check_error("\x82\x7F\x00\x00\x00\x00\x00\x00\xFF\xFF"sv, 8, ProtocolError::length_not_minimal);
  check_error("\x82\xFF\x00\x00\x00\x00\x00\x00\x00\x05\x01\x02\x03\x04"sv, 8,
              ProtocolError::length_not_minimal);
}

TEST_CASE("a 64-bit length with the top bit set is refused at that byte [RFC 6455 5.2]") {
  check_error("\x82\x7F\x80\x00\x00\x00\x00\x00\x00\x00"sv, 3, ProtocolError::length_top_bit_set);
  check_error("\x82\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01\x02\x03\x04"sv, 3,
              ProtocolError::length_top_bit_set);
}

TEST_CASE("every header encodes to its size and decodes to itself") {
  const std::vector<std::uint64_t> lengths{
      0, 1, 125, 126, 127, 255, 256, 65535, 65536, 1 << 24, 0x7FFF'FFFF'FFFF'FFFF};
  const MaskKey key{std::byte{1}, std::byte{2}, std::byte{0}, std::byte{0xFF}};
  for (const Opcode opcode : {Opcode::continuation, Opcode::text, Opcode::binary, Opcode::close,
                              Opcode::ping, Opcode::pong}) {
    for (const std::uint64_t length : lengths) {
      if (is_control(opcode) && length > kControlPayloadBytesMax) continue;
      for (unsigned bits = 0; bits < 8; ++bits) {
        FrameHeader header;
        header.fin = is_control(opcode) || (bits & 1) != 0;
        header.rsv1 = !is_control(opcode) && (bits & 2) != 0;
        if ((bits & 4) != 0) header.mask = key;
        header.opcode = opcode;
        header.payload_bytes = length;
        std::array<std::byte, kHeaderBytesMax> encoded{};
        const std::size_t bytes = encode_header(header, encoded.data());
        CHECK(bytes == encoded_header_bytes(header));
        REQUIRE(bytes <= kHeaderBytesMax);
        const FrameHeader back = decode_everywhere(text_of(encoded).substr(0, bytes));
        CHECK(back.fin == header.fin);
        CHECK(back.rsv1 == header.rsv1);
        CHECK(back.opcode == header.opcode);
        CHECK(back.mask == header.mask);
        CHECK(back.payload_bytes == header.payload_bytes);
      }
    }
  }
}

TEST_CASE("headers encode to the RFC's example bytes, in the shortest form [RFC 6455 5.2, 5.7]") {
  const auto encode = [](const FrameHeader& header) {
    std::string bytes(kHeaderBytesMax, '\xEE');
    const std::size_t count = encode_header(header, reinterpret_cast<std::byte*>(bytes.data()));
    CHECK(bytes.substr(count) == std::string(kHeaderBytesMax - count, '\xEE'));
    return bytes.substr(0, count);
  };
  const MaskKey key{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};
  CHECK(encode({.opcode = Opcode::text, .payload_bytes = 5}) == "\x81\x05"sv);
  CHECK(encode({.opcode = Opcode::text, .mask = key, .payload_bytes = 5}) ==
        "\x81\x85\x37\xfa\x21\x3d"sv);
  CHECK(encode({.fin = false, .rsv1 = true, .opcode = Opcode::text, .payload_bytes = 3}) ==
        "\x41\x03"sv);
  CHECK(encode({.payload_bytes = 125}) == "\x82\x7D"sv);
  CHECK(encode({.payload_bytes = 126}) == "\x82\x7E\x00\x7E"sv);
  CHECK(encode({.payload_bytes = 65535}) == "\x82\x7E\xFF\xFF"sv);
  CHECK(encode({.payload_bytes = 65536}) == "\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00"sv);
}

}  // namespace
}  // namespace walkie::proto
