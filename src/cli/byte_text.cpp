// SPDX-License-Identifier: MIT
// Bytes as text and back.
#include <cli/byte_text.hpp>

#include <algorithm>
#include <cstdint>

#include <fmt/core.h>

namespace walkie::cli {
namespace {

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBlanks = " \t\r\n";

std::optional<unsigned> hex_digit(char letter) noexcept {
  if (letter >= '0' && letter <= '9') return static_cast<unsigned>(letter - '0');
  if (letter >= 'a' && letter <= 'f') return static_cast<unsigned>(letter - 'a' + 10);
  if (letter >= 'A' && letter <= 'F') return static_cast<unsigned>(letter - 'A' + 10);
  return std::nullopt;
}

std::optional<unsigned> base64_digit(char letter) noexcept {
  if (letter == '-') letter = '+';
  if (letter == '_') letter = '/';
  const std::size_t at = kBase64.find(letter);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<unsigned>(at);
}

std::string_view trimmed(std::string_view text) noexcept {
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  const std::size_t last = text.find_last_not_of(kBlanks);
  return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

}  // namespace

std::string hex_of(BytesView bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += kDigits[std::to_integer<std::size_t>(byte >> 4)];
    text += kDigits[std::to_integer<std::size_t>(byte & std::byte{15})];
  }
  return text;
}

std::optional<std::string> parse_hex(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  std::string bytes;
  while (!text.empty()) {
    if (text.front() == ':' || kBlanks.find(text.front()) != std::string_view::npos) {
      text.remove_prefix(1);
      continue;
    }
    if (text.size() < 2) return std::nullopt;
    const auto high = hex_digit(text[0]);
    const auto low = hex_digit(text[1]);
    if (!high || !low) return std::nullopt;
    bytes += static_cast<char>(*high << 4 | *low);
    text.remove_prefix(2);
  }
  return bytes;
}

std::string base64_of(BytesView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes = bytes.subspan(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t group = 0;
    for (std::size_t at = 0; at < 3; ++at)
      group = group << 8 | (at < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at]) : 0U);
    for (std::size_t at = 0; at < 4; ++at)
      text += at <= bytes.size() ? kBase64[group >> (18 - 6 * at) & 63U] : '=';
  }
  return text;
}

std::optional<std::string> parse_base64(std::string_view text) {
  text = trimmed(text);
  const std::size_t padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
  if (padding > 2 || (padding > 0 && text.size() % 4 != 0)) return std::nullopt;
  text.remove_suffix(padding);
  if (text.size() % 4 == 1) return std::nullopt;
  std::string bytes;
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char letter : text) {
    const auto digit = base64_digit(letter);
    if (!digit) return std::nullopt;
    group = group << 6 | *digit;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes += static_cast<char>(group >> bits & 0xFFU);
  }
  return bytes;
}

std::string hex_dump(BytesView bytes, std::size_t bytes_max) {
  constexpr std::size_t kPerLine = 16;
  const BytesView shown = bytes.first(std::min(bytes.size(), bytes_max));
  std::string dump;
  for (std::size_t at = 0; at < shown.size(); at += kPerLine) {
    const BytesView line = shown.subspan(at, std::min(kPerLine, shown.size() - at));
    std::string hex;
    std::string letters;
    for (const std::byte byte : line) {
      const auto code = std::to_integer<unsigned>(byte);
      hex += fmt::format("{}{:02x}", hex.size() == kPerLine * 3 / 2 ? "  " : " ", code);
      letters += code >= 0x20 && code < 0x7F ? static_cast<char>(code) : '.';
    }
    dump += fmt::format("{}{:08x} {:<49}  |{}|", at == 0 ? "" : "\n", at, hex, letters);
  }
  if (shown.size() < bytes.size())
    dump += fmt::format("\n... and {} bytes more", bytes.size() - shown.size());
  return dump;
}

}  // namespace walkie::cli
