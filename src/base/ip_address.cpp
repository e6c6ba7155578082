// SPDX-License-Identifier: MIT
// Numeric IP addresses, read from text.
#include <base/ip_address.hpp>

#include <algorithm>

namespace walkie::base {
namespace {

constexpr bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

constexpr int hex_digit(char c) noexcept {
  if (is_digit(c)) return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/// 0 to 255 in decimal, cut off the front of `text`; -1 where there is none.
int take_octet(std::string_view& text) noexcept {
  std::size_t digits = 0;
  int value = 0;
  while (digits < text.size() && digits < 4 && is_digit(text[digits]))
    value = value * 10 + (text[digits++] - '0');
  const bool padded = digits > 1 && text.front() == '0';
  if (digits == 0 || digits > 3 || padded || value > 255) return -1;
  text.remove_prefix(digits);
  return value;
}

bool read_v4(std::string_view text, std::uint8_t* octets) noexcept {
  for (int i = 0; i < 4; ++i) {
    if (i > 0) {
      if (!text.starts_with('.')) return false;
      text.remove_prefix(1);
    }
    const int octet = take_octet(text);
    if (octet < 0) return false;
    octets[i] = static_cast<std::uint8_t>(octet);
  }
  return text.empty();
}

/// One to four hex digits.
bool read_group(std::string_view text, std::uint8_t* octets) noexcept {
  unsigned value = 0;
  if (text.empty() || text.size() > 4) return false;
  for (const char c : text) {
    const int digit = hex_digit(c);
    if (digit < 0) return false;
    value = value * 16 + static_cast<unsigned>(digit);
  }
  octets[0] = static_cast<std::uint8_t>(value >> 8);
  octets[1] = static_cast<std::uint8_t>(value & 0xff);
  return true;
}

/// Groups with a colon between each two, at most `octets_max` octets of them; the last may be an
/// IPv4 address. How many octets they are; -1 where malformed.
int read_groups(std::string_view text, int octets_max, std::uint8_t* octets) noexcept {
  int count = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    const bool v4 = last && group.contains('.');
    if (count + (v4 ? 4 : 2) > octets_max) return -1;
    if (!(v4 ? read_v4(group, octets + count) : read_group(group, octets + count))) return -1;
    count += v4 ? 4 : 2;
    if (last) return count;
    text.remove_prefix(colon + 1);
    if (text.empty()) return -1;
  }
  return count;
}

bool read_v6(std::string_view text, std::array<std::uint8_t, 16>& octets) noexcept {
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return read_groups(text, 16, octets.data()) == 16;
  // "::" stands for one group of zeros at least (RFC 4291 §2.2; one alone is said by RFC 5952).
  const std::string_view head = text.substr(0, gap);
  const int front = head.contains('.') ? -1 : read_groups(head, 14, octets.data());
  if (front < 0) return false;
  std::array<std::uint8_t, 16> tail{};
  const int back = read_groups(text.substr(gap + 2), 14 - front, tail.data());
  if (back < 0) return false;
  std::copy_n(tail.begin(), back, octets.end() - back);
  return true;
}

}  // namespace

IpAddress IpAddress::unmapped() const noexcept {
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!v6 || !std::ranges::equal(kMapped, std::span(octets).first(12))) return *this;
  IpAddress v4;
  std::copy_n(octets.begin() + 12, 4, v4.octets.begin());
  return v4;
}

bool IpAddress::shares_prefix(const IpAddress& other, unsigned bits) const noexcept {
  if (v6 != other.v6) return false;
  const std::size_t whole = std::min<std::size_t>(bits / 8, bytes().size());
  if (!std::equal(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(whole),
                  other.octets.begin()))
    return false;
  const unsigned rest = bits % 8;
  if (rest == 0 || whole == bytes().size()) return true;
  return ((octets[whole] ^ other.octets[whole]) >> (8 - rest)) == 0;
}

std::optional<IpAddress> parse_ip(std::string_view text) noexcept {
  constexpr std::size_t kLongest = 45;  // "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
  IpAddress address;
  if (text.size() > kLongest) return std::nullopt;
  address.v6 = text.contains(':');
  const bool read =
      address.v6 ? read_v6(text, address.octets) : read_v4(text, address.octets.data());
  return read ? std::optional(address) : std::nullopt;
}

}  // namespace walkie::base
