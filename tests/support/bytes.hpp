// SPDX-License-Identifier: MIT
// Byte literals for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <walkie/bytes.hpp>

namespace walkie::test {

using Bytes = std::vector<std::byte>;

inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  throw std::invalid_argument("not a hex digit");
}

/// hex("81 05 48656c6c6f"): lower case, spaces ignored.
[[nodiscard]] inline Bytes hex(std::string_view digits) {
  Bytes bytes;
  int high = -1;
  for (const char c : digits) {
    if (c == ' ') continue;
    const int digit = hex_digit(c);
    if (high < 0) {
      high = digit;
      continue;
    }
    bytes.push_back(static_cast<std::byte>(high * 16 + digit));
    high = -1;
  }
  if (high >= 0) throw std::invalid_argument("half a byte");
  return bytes;
}

[[nodiscard]] inline std::string to_hex(BytesView bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<std::size_t>(byte) >> 4];
    text += kDigits[std::to_integer<std::size_t>(byte) & 15];
  }
  return text;
}

[[nodiscard]] inline Bytes copy_of(BytesView bytes) { return {bytes.begin(), bytes.end()}; }
[[nodiscard]] inline Bytes copy_of(std::string_view text) { return copy_of(bytes_of(text)); }

/// All of them, one after the other.
template <class... More>
[[nodiscard]] Bytes joined(Bytes first, const More&... more) {
  const auto append = [&first](BytesView bytes) {
    first.reserve(first.size() + bytes.size());
    for (const std::byte byte : bytes) first.push_back(byte);
  };
  (append(more), ...);
  return first;
}

}  // namespace walkie::test
