// SPDX-License-Identifier: MIT
// Frames built and read by plain code of its own, so that tests do not trust what they test.
#pragma once

#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <support/bytes.hpp>

namespace walkie::test {

/// A frame as it stands on the wire, unmasked (RFC 6455 §5.2).
struct Frame {
  int opcode = 1;
  std::string payload;
  bool fin = true;
  bool rsv1 = false;
  bool masked = false;
  friend bool operator==(const Frame&, const Frame&) = default;
};

inline constexpr std::array<unsigned char, 4> kTestKey{0x37, 0xfa, 0x21, 0x3d};

/// The frame's bytes; masked ones with the key of the RFC's examples.
[[nodiscard]] inline Bytes encode(const Frame& frame) {
  Bytes out;
  const auto put = [&out](std::uint64_t value) { out.push_back(static_cast<std::byte>(value)); };
  put((frame.fin ? 0x80u : 0u) | (frame.rsv1 ? 0x40u : 0u) | static_cast<unsigned>(frame.opcode));
  const std::uint64_t size = frame.payload.size();
  const unsigned mask_bit = frame.masked ? 0x80u : 0u;
  const int length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  put(mask_bit | (length_bytes == 0 ? size : length_bytes == 2 ? 126u : 127u));
  for (int i = length_bytes - 1; i >= 0; --i) put((size >> (8 * i)) & 0xff);
  if (frame.masked)
    for (const unsigned char byte : kTestKey) put(byte);
  for (std::size_t i = 0; i < size; ++i)
    put(static_cast<unsigned char>(frame.payload[i]) ^ (frame.masked ? kTestKey[i % 4] : 0u));
  return out;
}

/// Reads the frame at the front of `wire` and cuts it off.
[[nodiscard]] inline Frame take_frame(BytesView& wire) {
  const auto at = [&wire](std::size_t i) -> unsigned {
    if (i >= wire.size()) throw std::runtime_error("frame cut short");
    return std::to_integer<unsigned>(wire[i]);
  };
  Frame frame;
  frame.fin = (at(0) & 0x80u) != 0;
  frame.rsv1 = (at(0) & 0x40u) != 0;
  frame.opcode = static_cast<int>(at(0) & 0x0fu);
  frame.masked = (at(1) & 0x80u) != 0;
  std::uint64_t size = at(1) & 0x7fu;
  std::size_t next = 2;
  if (size >= 126) {
    const std::size_t length_bytes = size == 126 ? 2 : 8;
    size = 0;
    for (std::size_t i = 0; i < length_bytes; ++i) size = size << 8 | at(next++);
  }
  std::array<unsigned, 4> key{};
  if (frame.masked)
    for (unsigned& byte : key) byte = at(next++);
  if (size > wire.size() - next) throw std::runtime_error("payload cut short");
  for (std::size_t i = 0; i < size; ++i)
    frame.payload += static_cast<char>(at(next + i) ^ key[i % 4]);
  wire = wire.subspan(next + static_cast<std::size_t>(size));
  return frame;
}

/// All frames of `wire`, which must end with the last one.
[[nodiscard]] inline std::vector<Frame> frames_of(BytesView wire) {
  std::vector<Frame> frames;
  while (!wire.empty()) frames.push_back(take_frame(wire));
  return frames;
}

/// A Close payload.
[[nodiscard]] inline std::string close_payload(unsigned code, std::string_view reason = {}) {
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  return payload.append(reason);
}

}  // namespace walkie::test
