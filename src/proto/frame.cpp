// SPDX-License-Identifier: MIT
// Frame headers to and from bytes (RFC 6455 §5.2).
#include <proto/frame.hpp>

#include <array>
#include <bit>
#include <cstring>
#include <utility>

namespace walkie::proto {
namespace {

constexpr std::uint8_t kFin = 0x80;
constexpr std::uint8_t kRsv1 = 0x40;
constexpr std::uint8_t kRsv2And3 = 0x30;
constexpr std::uint8_t kOpcode = 0x0F;
constexpr std::uint8_t kMasked = 0x80;
constexpr std::uint8_t kLength = 0x7F;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

constexpr ProtocolError judge_first_byte(std::uint8_t byte) noexcept {
  const std::uint8_t opcode = byte & kOpcode;
  if ((byte & kRsv2And3) != 0) return ProtocolError::reserved_bits_set;
  if ((opcode > 0x2 && opcode < 0x8) || opcode > 0xA) return ProtocolError::unknown_opcode;
  if (opcode < 0x8) return ProtocolError::none;
  if ((byte & kRsv1) != 0) return ProtocolError::reserved_bits_set;  // RFC 7692 §6.1: data only
  return (byte & kFin) == 0 ? ProtocolError::fragmented_control_frame : ProtocolError::none;
}

/// All that a first byte can be wrong about, in one load.
constexpr std::array<ProtocolError, 256> kFirstByteErrors = [] {
  std::array<ProtocolError, 256> errors{};
  for (unsigned byte = 0; byte < errors.size(); ++byte) {
    errors[byte] = judge_first_byte(static_cast<std::uint8_t>(byte));
  }
  return errors;
}();

template <typename Integer>
Integer load_big_endian(const std::byte* from) noexcept {
  Integer value;
  std::memcpy(&value, from, sizeof value);
  return std::endian::native == std::endian::little ? std::byteswap(value) : value;
}

template <typename Integer>
void store_big_endian(std::byte* to, Integer value) noexcept {
  if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
  std::memcpy(to, &value, sizeof value);
}

std::uint8_t at(BytesView in, std::size_t index) noexcept {
  return std::to_integer<std::uint8_t>(in[index]);
}

/// What the part of a 64-bit length that is there already shows.
ProtocolError judge_long_length(BytesView in) noexcept {
  if (in.size() > 2 && (at(in, 2) & 0x80) != 0) return ProtocolError::length_top_bit_set;
  if (in.size() < 8) return ProtocolError::none;
  for (std::size_t i = 2; i < 8; ++i) {
    if (at(in, i) != 0) return ProtocolError::none;
  }
  return ProtocolError::length_not_minimal;  // at most 65535 whatever the last two bytes say
}

/// Reads the length behind a first one of 126 or 127, as far as it is there.
ProtocolError read_extended_length(BytesView in, FrameHeader& header) noexcept {
  if (is_control(header.opcode)) return ProtocolError::control_frame_too_long;
  if (header.payload_bytes == kLength16) {
    if (in.size() < 4) return ProtocolError::none;
    header.payload_bytes = load_big_endian<std::uint16_t>(in.data() + 2);
    return header.payload_bytes < kLength16 ? ProtocolError::length_not_minimal
                                            : ProtocolError::none;
  }
  if (in.size() >= 10) header.payload_bytes = load_big_endian<std::uint64_t>(in.data() + 2);
  return judge_long_length(in);
}

}  // namespace

// All paths return the one object, so that it is built where the caller wants it: a copy would be
// one wide load of what was just stored byte by byte, and stall.
DecodedHeader decode_header(BytesView in) noexcept {
  DecodedHeader decoded;
  if (in.empty()) return decoded;
  const std::uint8_t first = at(in, 0);
  decoded.error = kFirstByteErrors[first];
  if (decoded.error != ProtocolError::none || in.size() < 2) return decoded;
  const std::uint8_t second = at(in, 1);
  const std::uint8_t length = second & kLength;
  FrameHeader& header = decoded.header;
  header.fin = (first & kFin) != 0;
  header.rsv1 = (first & kRsv1) != 0;
  header.opcode = static_cast<Opcode>(first & kOpcode);
  header.payload_bytes = length;
  std::size_t bytes = 2;
  if (length > kControlPayloadBytesMax) {
    decoded.error = read_extended_length(in, header);
    if (decoded.error != ProtocolError::none) return decoded;
    bytes += length == kLength16 ? 2U : 8U;
  }
  const std::size_t key_at = bytes;
  const bool masked = (second & kMasked) != 0;
  if (masked) bytes += sizeof(MaskKey);
  if (in.size() < bytes) return decoded;
  if (masked) std::memcpy(header.mask.emplace().data(), in.data() + key_at, sizeof(MaskKey));
  decoded.header_bytes = static_cast<std::uint8_t>(bytes);
  return decoded;
}

std::size_t encoded_header_bytes(const FrameHeader& header) noexcept {
  const std::size_t length_bytes = header.payload_bytes <= kControlPayloadBytesMax ? 0
                                   : header.payload_bytes <= 0xFFFF                ? 2
                                                                                   : 8;
  return 2 + length_bytes + (header.mask ? sizeof(MaskKey) : 0);
}

std::size_t encode_header(const FrameHeader& header, std::byte* out) noexcept {
  out[0] = static_cast<std::byte>((header.fin ? kFin : 0) | (header.rsv1 ? kRsv1 : 0) |
                                  std::to_underlying(header.opcode));
  const std::uint8_t masked = header.mask ? kMasked : 0;
  std::size_t bytes = 2;
  if (header.payload_bytes <= kControlPayloadBytesMax) {
    out[1] = static_cast<std::byte>(masked | header.payload_bytes);
  } else if (header.payload_bytes <= 0xFFFF) {
    out[1] = static_cast<std::byte>(masked | kLength16);
    store_big_endian(out + 2, static_cast<std::uint16_t>(header.payload_bytes));
    bytes += 2;
  } else {
    out[1] = static_cast<std::byte>(masked | kLength64);
    store_big_endian(out + 2, header.payload_bytes);
    bytes += 8;
  }
  if (header.mask) {
    std::memcpy(out + bytes, header.mask->data(), sizeof(MaskKey));
    bytes += sizeof(MaskKey);
  }
  return bytes;
}

}  // namespace walkie::proto
