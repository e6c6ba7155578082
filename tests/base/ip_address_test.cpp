// SPDX-License-Identifier: MIT
// Numeric addresses: what is one, what is none, and prefixes.
#include <base/ip_address.hpp>

#include <doctest/doctest.h>

#include <arpa/inet.h>

#include <algorithm>
#include <string>

using walkie::base::IpAddress;
using walkie::base::parse_ip;

namespace {

/// What the C library makes of `text`, if it takes it.
std::optional<IpAddress> by_inet_pton(const std::string& text) {
  IpAddress address;
  address.v6 = text.contains(':');
  const int family = address.v6 ? AF_INET6 : AF_INET;
  if (inet_pton(family, text.c_str(), address.octets.data()) != 1) return std::nullopt;
  return address;
}

bool share(std::string_view a, std::string_view b, unsigned bits) {
  return parse_ip(a)->shares_prefix(*parse_ip(b), bits);
}

}  // namespace

TEST_CASE("addresses are read as inet_pton reads them [RFC 4291 2.2]") {
  for (const std::string text : {"0.0.0.0", "127.0.0.1", "255.255.255.255", "::", "::1", "1::",
                                 "2001:db8::1", "2001:DB8:0:0:8:800:200C:417A", "::ffff:192.0.2.1",
                                 "64:ff9b::192.0.2.33", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4",
                                 "1::8", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "fe80::1"}) {
    CAPTURE(text);
    const auto address = parse_ip(text);
    REQUIRE(address);
    CHECK(*address == by_inet_pton(text));
    CHECK(address->bytes().size() == (text.contains(':') ? 16 : 4));
  }
}

TEST_CASE("what is no address is none, as for inet_pton [RFC 4291 2.2]") {
  for (const std::string text : {"",
                                 "1",
                                 "1.2.3",
                                 "1.2.3.4.5",
                                 "1.2.3.256",
                                 "01.2.3.4",
                                 "1.2.3.",
                                 ".1.2.3",
                                 "1..2.3",
                                 "0x7f.0.0.1",
                                 "1.2.3.4 ",
                                 "1.2.3.-4",
                                 ":",
                                 ":::",
                                 "1:",
                                 ":1",
                                 "1::2::3",
                                 "12345::",
                                 "g::",
                                 "1:2:3:4:5:6:7",
                                 "1:2:3:4:5:6:7:8:9",
                                 "1:2:3:4:5:6:7:1.2.3.4",
                                 "1.2.3.4::",
                                 "::1.2.3",
                                 "::1.2.3.4:5",
                                 "fe80::1%eth0",
                                 "[::1]",
                                 "1:2:3:4:5:6:7:8::",
                                 "::1:2:3:4:5:6:7:8",
                                 "1.2.3.1234567890123456789012345678901234567890"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip(text));
    CHECK_FALSE(by_inet_pton(text));
  }
}

TEST_CASE("an IPv4 address mapped into IPv6 is an IPv4 address [RFC 4291 2.5.5.2]") {
  CHECK(parse_ip("::ffff:192.0.2.1")->unmapped() == *parse_ip("192.0.2.1"));
  CHECK(parse_ip("::fffe:192.0.2.1")->unmapped() == *parse_ip("::fffe:192.0.2.1"));
  CHECK(parse_ip("192.0.2.1")->unmapped() == *parse_ip("192.0.2.1"));
}

TEST_CASE("prefixes are compared bit by bit, within one family") {
  CHECK(share("10.1.2.3", "10.255.0.0", 8));
  CHECK_FALSE(share("11.1.2.3", "10.0.0.0", 8));
  CHECK(share("10.1.2.3", "192.0.2.1", 0));
  CHECK(share("172.16.0.1", "172.31.255.255", 12));
  CHECK_FALSE(share("172.32.0.1", "172.31.255.255", 12));
  CHECK(share("192.0.2.1", "192.0.2.1", 32));
  CHECK_FALSE(share("192.0.2.1", "192.0.2.0", 32));
  CHECK(share("fd12::1", "fd00::", 8));
  CHECK(share("2001:db8::1", "2001:db8::", 127));
  CHECK_FALSE(share("2001:db8::2", "2001:db8::", 127));
  CHECK_FALSE(share("2001:db8::1", "2001:db8::", 128));
  CHECK_FALSE(share("::", "0.0.0.0", 0));
}
