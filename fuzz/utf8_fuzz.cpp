// SPDX-License-Identifier: MIT
// Fuzzes UTF-8 validation: whole, cut, and byte by byte, against a decoder that does arithmetic.
//
//   input: [ size of the pieces: one byte ] [ text ]
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include <base/assert.hpp>
#include <proto/utf8.hpp>

namespace {

using namespace walkie;
using namespace walkie::proto;

/// Bytes of the character at the front of `text`, which is not empty; 0 where none stands there.
std::size_t character_bytes(BytesView text) {
  const auto lead = std::to_integer<std::uint32_t>(text[0]);
  if (lead < 0x80) return 1;
  const std::size_t bytes = lead >= 0xF0 ? 4U : lead >= 0xE0 ? 3U : 2U;
  if (lead < 0xC0 || lead >= 0xF8 || text.size() < bytes) return 0;
  std::uint32_t point = lead & (0x7FU >> bytes);
  for (const std::byte byte : text.subspan(1, bytes - 1)) {
    const auto value = std::to_integer<std::uint32_t>(byte);
    if ((value & 0xC0) != 0x80) return 0;
    point = point << 6 | (value & 0x3F);
  }
  constexpr std::array<std::uint32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
  return point >= kLeast[bytes] && point <= 0x10FFFF && !surrogate ? bytes : 0;
}

bool reference(BytesView text) {
  while (!text.empty()) {
    const std::size_t bytes = character_bytes(text);
    if (bytes == 0) return false;
    text = text.subspan(bytes);
  }
  return true;
}

struct Verdict {
  bool taken = true;
  bool complete = true;
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

Verdict in_pieces(BytesView text, std::size_t piece_bytes) {
  Utf8Stream stream;
  while (!text.empty()) {
    const BytesView piece = text.first(std::min(piece_bytes, text.size()));
    if (!stream.feed(piece)) return {false, false};
    text = text.subspan(piece.size());
  }
  return {true, stream.complete()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_bytes) {
  if (input_bytes < 1) return 0;
  const BytesView text(reinterpret_cast<const std::byte*>(input) + 1, input_bytes - 1);
  const bool valid = reference(text);
  WALKIE_ASSERT(is_utf8(text) == valid);
  const Verdict whole = in_pieces(text, text.size() + 1);
  WALKIE_ASSERT((whole.taken && whole.complete) == valid);
  WALKIE_ASSERT(in_pieces(text, 1) == whole);
  WALKIE_ASSERT(in_pieces(text, std::size_t{input[0]} + 1) == whole);
  return 0;
}
