// SPDX-License-Identifier: MIT
// RFC 6724's examples and rules, with sources that the tests choose.
#include <io/address_order.hpp>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::io {
namespace {

SocketAddress address(std::string_view host) {
  const auto parsed = numeric_address(host, 80);
  REQUIRE(parsed);
  return *parsed;
}

/// Destinations with their sources ("": no route), as given; the hosts as sorted.
std::string sorted(const std::vector<std::pair<std::string, std::string>>& routes) {
  std::map<std::string, std::string> sources;
  std::vector<SocketAddress> destinations;
  for (const auto& [to, from] : routes) {
    destinations.push_back(address(to));
    sources[destinations.back().host()] = from;
  }
  sort_destinations(destinations, [&](const SocketAddress& to) -> std::optional<SocketAddress> {
    const std::string& from = sources.at(to.host());
    if (from.empty()) return std::nullopt;
    return address(from);
  });
  std::string hosts;
  for (const SocketAddress& destination : destinations) hosts += destination.host() + " ";
  return hosts;
}

TEST_CASE("destinations without a route come last [RFC 6724 6, rule 1]") {
  CHECK(sorted({{"2001:db8:1::1", ""}, {"2001:db8:2::1", "2001:db8:2::2"}}) ==
        "2001:db8:2::1 2001:db8:1::1 ");
  CHECK(sorted({{"192.0.2.1", ""}, {"198.51.100.1", "198.51.100.2"}}) == "198.51.100.1 192.0.2.1 ");
}

TEST_CASE("destinations whose source has their scope come first [RFC 6724 6, rule 2]") {
  CHECK(sorted({{"2001:db8:1::1", "fe80::1"}, {"fe80::2%1", "fe80::1"}}) ==
        "fe80::2%1 2001:db8:1::1 ");
  CHECK(sorted({{"198.51.100.121", "169.254.13.78"}, {"169.254.1.1", "169.254.13.78"}}) ==
        "169.254.1.1 198.51.100.121 ");
}

TEST_CASE("destinations whose source has their label come first [RFC 6724 6, rule 5]") {
  CHECK(sorted({{"2001:db8:1::1", "2002:c633:6401::2"},
                {"2002:c633:6401::1", "2002:c633:6401::2"}}) == "2002:c633:6401::1 2001:db8:1::1 ");
  // A machine with only a local address (ULA) reaches its neighbours rather than the world.
  CHECK(sorted({{"2001:db8:1::1", "fd00::1"}, {"fd00::2", "fd00::1"}}) == "fd00::2 2001:db8:1::1 ");
}

TEST_CASE("destinations of higher precedence come first [RFC 6724 6, rule 6]") {
  CHECK(sorted({{"2002:c633:6401::1", "2002:c633:6401::2"}, {"2001:db8:1::1", "2001:db8:1::2"}}) ==
        "2001:db8:1::1 2002:c633:6401::1 ");
}

TEST_CASE("destinations of smaller scope come first [RFC 6724 6, rule 8]") {
  CHECK(sorted({{"2001:db8:1::1", "2001:db8:1::2"}, {"fe80::1%1", "fe80::2"}}) ==
        "fe80::1%1 2001:db8:1::1 ");
}

TEST_CASE("IPv6 destinations that share more bits with their source come first [rule 9]") {
  CHECK(sorted({{"2001:db8:3ffe::1", "2001:db8:1::2"}, {"2001:db8:1::1", "2001:db8:1::2"}}) ==
        "2001:db8:1::1 2001:db8:3ffe::1 ");
  // Within one subnet of 64 bits, none is closer.
  CHECK(sorted({{"2001:db8::ffff", "2001:db8::2"}, {"2001:db8::3", "2001:db8::2"}}) ==
        "2001:db8::ffff 2001:db8::3 ");
}

TEST_CASE("what no rule sets apart stays in the resolver's order [RFC 6724 6, rule 10]") {
  CHECK(sorted({{"203.0.113.9", "192.0.2.1"},
                {"192.0.2.2", "192.0.2.1"},
                {"198.51.100.1", "192.0.2.1"}}) == "203.0.113.9 192.0.2.2 198.51.100.1 ");
}

TEST_CASE("the system's source of a loopback address is loopback") {
  const auto source = system_source(address("127.0.0.1"));
  REQUIRE(source);
  CHECK(source->host() == "127.0.0.1");
  CHECK_FALSE(system_source(address("255.255.255.255")));
}

}  // namespace
}  // namespace walkie::io
