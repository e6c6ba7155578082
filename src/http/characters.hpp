// SPDX-License-Identifier: MIT
// Which bytes may stand where in an HTTP/1.1 head: one table, one look per byte.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace walkie::http {

enum CharacterClass : std::uint8_t {
  kTokenChar = 1,   ///< tchar (RFC 9110 §5.6.2).
  kTargetChar = 2,  ///< Visible ASCII but '#': a target has no fragment (RFC 9112 §3.2).
  kValueChar = 4,   ///< HTAB, SP, visible ASCII, obs-text (RFC 9110 §5.5).
  kHostChar = 8,    ///< unreserved and sub-delims of a reg-name (RFC 3986 §3.2.2).
  kDigitChar = 16,
  kAddressChar = 32,  ///< Inside the brackets of an IPv6 literal.
};

namespace detail {
consteval std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  const auto mark = [&classes](std::string_view characters, unsigned bits) {
    for (const char c : characters) {
      auto& entry = classes[static_cast<unsigned char>(c)];
      entry = static_cast<std::uint8_t>(entry | bits);
    }
  };
  for (unsigned c = 0x21; c <= 0x7e; ++c)
    if (c != '#') classes[c] = kTargetChar;
  for (unsigned c = 0x20; c <= 0xff; ++c)
    if (c != 0x7f) classes[c] = static_cast<std::uint8_t>(classes[c] | kValueChar);
  mark("\t", kValueChar);
  mark("0123456789", kTokenChar | kHostChar | kDigitChar | kAddressChar);
  mark("abcdefABCDEF:.", kAddressChar);
  mark("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", kTokenChar | kHostChar);
  mark("!#$%&'*+-.^_`|~", kTokenChar);
  mark("-._~!$&'()*+,;=", kHostChar);
  return classes;
}
inline constexpr std::array<std::uint8_t, 256> kClasses = make_classes();
}  // namespace detail

[[nodiscard]] constexpr bool is_a(CharacterClass wanted, char c) noexcept {
  return (detail::kClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

/// Whether all of `text` is of that class (true for an empty one).
[[nodiscard]] constexpr bool all_are(CharacterClass wanted, std::string_view text) noexcept {
  for (const char c : text)
    if (!is_a(wanted, c)) return false;
  return true;
}

/// 0 to 15, or -1.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace walkie::http
