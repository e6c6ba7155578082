// SPDX-License-Identifier: MIT
// Hosts and request targets.
#include <http/host.hpp>

#include <doctest/doctest.h>

using namespace walkie::http;

TEST_CASE("an authority is a host with an optional port [RFC 3986 3.2]") {
  for (const std::string_view good :
       {"a", "example.com", "example.com:80", "127.0.0.1:8000", "[::1]", "[2001:db8::1]:443",
        "a:", "a:65535", "xn--bcher-kva.example", "a_b", "a%20b", "[::ffff:1.2.3.4]"}) {
    CAPTURE(good);
    CHECK(is_authority(good));
  }
  for (const std::string_view bad :
       {"",    ":80",    "a:65536", "a:-1",  "a:80:80",  "::1",     "[::1",
        "[]",  "[::1]x", "[::1]:x", "[g::]", "a b",      "a/b",     "u@a",
        "a%2", "a%zz",   "a\\b",    "a\"",   "a:000080", "\xc3\xa9"}) {
    CAPTURE(bad);
    CHECK_FALSE(is_authority(bad));
  }
}

TEST_CASE("origin-form gives path and query [RFC 9112 3.2.1]") {
  TargetParts parts;
  REQUIRE(parse_target("GET", "/a/b?c?d", parts) == HeadError::none);
  CHECK(parts.path == "/a/b");
  CHECK(parts.query == "c?d");
  CHECK(parts.authority.empty());
  REQUIRE(parse_target("GET", "//x/y", parts) == HeadError::none);
  CHECK(parts.path == "//x/y");
  CHECK(parts.query.empty());
}

TEST_CASE("absolute-form gives authority, path and query [RFC 9112 3.2.2]") {
  TargetParts parts;
  REQUIRE(parse_target("GET", "HTTP://h:1/p?q", parts) == HeadError::none);
  CHECK(parts.authority == "h:1");
  CHECK(parts.path == "/p");
  CHECK(parts.query == "q");
  REQUIRE(parse_target("GET", "ws://h", parts) == HeadError::none);
  CHECK(parts.path == "/");
  REQUIRE(parse_target("GET", "wss://h?q", parts) == HeadError::none);
  CHECK(parts.path == "/");
  CHECK(parts.query == "q");
  for (const std::string_view bad :
       {"http://", "http:///p", "http://u@h/", "http://u:p@h/", "ftp://h/", "http:/h", "h/p"}) {
    CAPTURE(bad);
    CHECK(parse_target("GET", bad, parts) == HeadError::bad_target);
  }
}

TEST_CASE("authority-form is for CONNECT alone, and CONNECT takes no other [RFC 9112 3.2.3]") {
  TargetParts parts;
  REQUIRE(parse_target("CONNECT", "h:443", parts) == HeadError::none);
  CHECK(parts.authority == "h:443");
  CHECK(parse_target("CONNECT", "[::1]:443", parts) == HeadError::none);
  CHECK(parse_target("CONNECT", "h", parts) == HeadError::bad_target);
  CHECK(parse_target("CONNECT", "[::1]", parts) == HeadError::bad_target);
  CHECK(parse_target("CONNECT", "/", parts) == HeadError::bad_target);
  CHECK(parse_target("GET", "h:443", parts) == HeadError::bad_target);
}

TEST_CASE("asterisk-form is for OPTIONS alone [RFC 9112 3.2.4]") {
  TargetParts parts;
  CHECK(parse_target("OPTIONS", "*", parts) == HeadError::none);
  CHECK(parts.path == "/");
  CHECK(parse_target("GET", "*", parts) == HeadError::bad_target);
}
