// SPDX-License-Identifier: MIT
// Numeric IP addresses, read from text without asking the operating system (RFC 4291 §2.2).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace walkie::base {

/// An IPv4 or IPv6 address. A value.
struct IpAddress {
  std::array<std::uint8_t, 16> octets{};  ///< In network order; of IPv4 the first four.
  bool v6 = false;

  [[nodiscard]] std::span<const std::uint8_t> bytes() const noexcept {
    return std::span(octets).first(v6 ? 16 : 4);
  }
  /// As IPv4 where it is one mapped into IPv6 (::ffff:192.0.2.1, RFC 4291 §2.5.5.2).
  [[nodiscard]] IpAddress unmapped() const noexcept;
  /// Whether the first `bits` bits (at most the address's) are those of `other`; not across
  /// families.
  [[nodiscard]] bool shares_prefix(const IpAddress& other, unsigned bits) const noexcept;
  [[nodiscard]] bool operator==(const IpAddress&) const noexcept = default;
};

/// Four decimal numbers without leading zeros (the forms that inet_aton() knows beside it are
/// names here), or IPv6 without brackets and without a zone.
[[nodiscard]] std::optional<IpAddress> parse_ip(std::string_view text) noexcept;

}  // namespace walkie::base
