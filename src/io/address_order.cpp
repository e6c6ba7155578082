// SPDX-License-Identifier: MIT
// Each destination becomes a row of numbers, one for each rule: the smaller row comes first.
#include <io/address_order.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <sys/socket.h>

namespace walkie::io {
namespace {

using Bytes = std::array<std::uint8_t, 16>;

/// IPv4 as ::ffff:a.b.c.d, as the policy table has it.
Bytes bytes_of(const SocketAddress& address) noexcept {
  Bytes bytes{};
  if (address.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address.storage);
    std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  } else {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address.storage);
    bytes[10] = bytes[11] = 0xff;
    std::memcpy(&bytes[12], &v4.sin_addr, 4);
  }
  return bytes;
}

unsigned common_bits(const Bytes& a, const Bytes& b) noexcept {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (const auto difference = static_cast<std::uint8_t>(a[i] ^ b[i]))
      return static_cast<unsigned>(i * 8) + static_cast<unsigned>(std::countl_zero(difference));
  return 128;
}

struct Policy {
  Bytes prefix;
  unsigned bits;
  int precedence;
  int label;
};

/// RFC 6724 §2.1, longest prefixes first.
constexpr std::array<Policy, 9> kPolicies{{
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, 50, 0},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, 35, 4},
    {{}, 96, 1, 3},
    {{0x20, 0x01, 0, 0}, 32, 5, 5},
    {{0x20, 0x02}, 16, 30, 2},
    {{0x3f, 0xfe}, 16, 1, 12},
    {{0xfe, 0xc0}, 10, 1, 11},
    {{0xfc}, 7, 3, 13},
    {{}, 0, 40, 1},
}};

const Policy& policy_of(const Bytes& address) noexcept {
  return *std::find_if(kPolicies.begin(), kPolicies.end(), [&](const Policy& policy) {
    return common_bits(policy.prefix, address) >= policy.bits;
  });
}

constexpr int kLinkLocal = 0x2;
constexpr int kSiteLocal = 0x5;
constexpr int kGlobal = 0xe;

/// RFC 6724 §3.1 and §3.2: loopback counts as link-local.
int scope_of(const Bytes& address) noexcept {
  if (policy_of(address).label == 4)
    return address[12] == 127 || (address[12] == 169 && address[13] == 254) ? kLinkLocal : kGlobal;
  if (address[0] == 0xff) return address[1] & 0xf;
  if (policy_of(address).label == 0) return kLinkLocal;
  if (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) return kLinkLocal;
  if (address[0] == 0xfe && (address[1] & 0xc0) == 0xc0) return kSiteLocal;
  return kGlobal;
}

/// Rules 1, 2, 5, 6, 8 and 9, in this order.
using Row = std::array<int, 6>;

Row row_of(const SocketAddress& destination, const SourceOf& source_of) {
  const Bytes to = bytes_of(destination);
  const int precedence = -policy_of(to).precedence;
  const auto source = source_of(destination);
  if (!source) return {1, 1, 1, precedence, scope_of(to), 0};
  const Bytes from = bytes_of(*source);
  // Beyond the subnet, which is 64 bits wide, closeness means nothing; nor does it in IPv4.
  const bool v6 = destination.family() == AF_INET6;
  const int closeness = v6 ? static_cast<int>(std::min(common_bits(from, to), 64U)) : 0;
  return {0,
          scope_of(from) == scope_of(to) ? 0 : 1,
          policy_of(from).label == policy_of(to).label ? 0 : 1,
          precedence,
          scope_of(to),
          -closeness};
}

}  // namespace

std::optional<SocketAddress> system_source(const SocketAddress& to) {
  const Fd probe(::socket(to.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!probe ||
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length) != 0)
    return std::nullopt;
  const auto source = local_address(probe);
  if (!source) return std::nullopt;
  return *source;
}

void sort_destinations(std::vector<SocketAddress>& destinations, const SourceOf& source_of) {
  if (destinations.size() < 2) return;
  std::vector<std::pair<Row, std::size_t>> rows;  // the place settles what rules leave open
  rows.reserve(destinations.size());
  for (const SocketAddress& destination : destinations)
    rows.emplace_back(row_of(destination, source_of), rows.size());
  std::sort(rows.begin(), rows.end());
  std::vector<SocketAddress> sorted;
  sorted.reserve(rows.size());
  for (const auto& [row, place] : rows) sorted.push_back(destinations[place]);
  destinations = std::move(sorted);
}

}  // namespace walkie::io
