// SPDX-License-Identifier: MIT
// The frame header (RFC 6455 §5.2).
//
//   0               1               2 ...           then, each only where needed:
//   F R R R opcode  M length        length 16 | 64  masking key 32
//   I S S S  4 bit  A  7 bit        126      127    where M is 1
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include <proto/mask.hpp>
#include <proto/protocol_error.hpp>
#include <walkie/bytes.hpp>

namespace walkie::proto {

enum class Role : std::uint8_t { client, server };

enum class Opcode : std::uint8_t {
  continuation = 0x0,
  text = 0x1,
  binary = 0x2,
  close = 0x8,
  ping = 0x9,
  pong = 0xA,
};

[[nodiscard]] constexpr bool is_control(Opcode opcode) noexcept {
  return static_cast<std::uint8_t>(opcode) >= 0x8;
}

inline constexpr std::size_t kHeaderBytesMax = 14;
inline constexpr std::size_t kControlPayloadBytesMax = 125;

struct FrameHeader {
  bool fin = true;
  bool rsv1 = false;  ///< The compressed bit of RFC 7692 §6.
  Opcode opcode = Opcode::binary;
  std::optional<MaskKey> mask = std::nullopt;
  std::uint64_t payload_bytes = 0;
};

/// A header and how many bytes it took; or neither (more bytes are needed); or an error.
struct DecodedHeader {
  FrameHeader header;             ///< Meaningless where header_bytes is 0.
  std::uint8_t header_bytes = 0;  ///< 0: incomplete, or an error.
  ProtocolError error = ProtocolError::none;
};

/// Decodes the header at the front of `in`.
///
/// Reads at most kHeaderBytesMax bytes. An error is reported as soon as the bytes that show it are
/// there. Errors: reserved_bits_set (RSV2, RSV3; RSV1 is left to the connection, which knows what
/// was negotiated, but is refused here on control frames), unknown_opcode, length_not_minimal,
/// length_top_bit_set, control_frame_too_long, fragmented_control_frame. Masking is not judged
/// here.
[[nodiscard]] DecodedHeader decode_header(BytesView in) noexcept;

/// Bytes that encode_header() writes for this header: 2 to 14.
[[nodiscard]] std::size_t encoded_header_bytes(const FrameHeader& header) noexcept;

/// Writes the header to `out` (room for encoded_header_bytes()); returns the bytes written. The
/// length is always minimal.
std::size_t encode_header(const FrameHeader& header, std::byte* out) noexcept;

}  // namespace walkie::proto
