// SPDX-License-Identifier: MIT
// UTF-8 sequences by the table of RFC 3629 §4.
#include <cli/utf8_text.hpp>

#include <algorithm>
#include <array>

namespace walkie::cli {

std::size_t sequence_bytes(std::string_view text) noexcept {
  const auto byte = [&text](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  struct Range {
    unsigned char first_low, first_high;    ///< The first byte.
    unsigned char second_low, second_high;  ///< The second: no overlong form, no surrogate.
    std::size_t bytes;
  };
  static constexpr std::array<Range, 8> kRanges{{{0xC2, 0xDF, 0x80, 0xBF, 2},
                                                 {0xE0, 0xE0, 0xA0, 0xBF, 3},
                                                 {0xE1, 0xEC, 0x80, 0xBF, 3},
                                                 {0xED, 0xED, 0x80, 0x9F, 3},
                                                 {0xEE, 0xEF, 0x80, 0xBF, 3},
                                                 {0xF0, 0xF0, 0x90, 0xBF, 4},
                                                 {0xF1, 0xF3, 0x80, 0xBF, 4},
                                                 {0xF4, 0xF4, 0x80, 0x8F, 4}}};
  if (byte(0) < 0x80) return 1;
  for (const Range& range : kRanges) {
    if (byte(0) < range.first_low || byte(0) > range.first_high) continue;
    if (text.size() < range.bytes) return 0;
    if (byte(1) < range.second_low || byte(1) > range.second_high) return 0;
    for (std::size_t at = 2; at < range.bytes; ++at)
      if ((byte(at) & 0xC0) != 0x80) return 0;
    return range.bytes;
  }
  return 0;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t bytes = sequence_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

Rune front_rune(std::string_view text) noexcept {
  const std::size_t bytes = sequence_bytes(text);
  const auto first = static_cast<unsigned char>(text.front());
  if (bytes == 0) return {0xFFFD, 1, false};
  if (bytes == 1) return {first, 1, true};
  // The first byte of n carries 7 - n bits, each further one six.
  char32_t code = first & (0x7FU >> bytes);
  for (std::size_t at = 1; at < bytes; ++at)
    code = code << 6 | (static_cast<unsigned char>(text[at]) & 0x3FU);
  return {code, bytes, true};
}

}  // namespace walkie::cli
