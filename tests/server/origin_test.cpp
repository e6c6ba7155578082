// SPDX-License-Identifier: MIT
// Which pages may connect.
#include <server/origin.hpp>

#include <doctest/doctest.h>

using walkie::OriginPolicy;
using walkie::server::origin_allowed;

TEST_CASE("a client without Origin is no browser and passes [RFC 6455 10.2]") {
  CHECK(origin_allowed({}, "", "example.com"));
}

TEST_CASE("a page of the same host and port passes") {
  const OriginPolicy policy;
  CHECK(origin_allowed(policy, "http://example.com", "example.com"));
  CHECK(origin_allowed(policy, "http://EXAMPLE.com", "example.COM"));
  CHECK(origin_allowed(policy, "http://localhost:8000", "localhost:8000"));
  CHECK(origin_allowed(policy, "http://example.com", "example.com:80"));
  CHECK(origin_allowed(policy, "https://example.com:443", "example.com"));
  CHECK(origin_allowed(policy, "http://[::1]:8000", "[::1]:8000"));
  CHECK(origin_allowed(policy, "http://[::1]", "[::1]"));
}

TEST_CASE("a page of another host, port or of none is refused") {
  const OriginPolicy policy;
  CHECK_FALSE(origin_allowed(policy, "http://evil.example", "example.com"));
  CHECK_FALSE(origin_allowed(policy, "http://localhost:8001", "localhost:8000"));
  CHECK_FALSE(origin_allowed(policy, "https://example.com", "example.com:8443"));
  CHECK_FALSE(origin_allowed(policy, "null", "example.com"));
  CHECK_FALSE(origin_allowed(policy, "http://example.com.evil.example", "example.com"));
}

TEST_CASE("an allow-list takes exact origins, subdomain wildcards and everything") {
  const OriginPolicy policy{.same_origin = false,
                            .allowed = {"https://example.com", "https://*.example.org"}};
  CHECK(origin_allowed(policy, "https://example.com", "other"));
  CHECK(origin_allowed(policy, "https://example.com:443", "other"));
  CHECK(origin_allowed(policy, "https://a.example.org", "other"));
  CHECK(origin_allowed(policy, "https://a.b.example.org", "other"));
  CHECK_FALSE(origin_allowed(policy, "https://example.org", "other"));
  CHECK_FALSE(origin_allowed(policy, "https://evilexample.org", "other"));
  CHECK_FALSE(origin_allowed(policy, "http://example.com", "other"));
  CHECK_FALSE(origin_allowed(policy, "https://example.com:8443", "other"));
  CHECK_FALSE(origin_allowed(policy, "http://other", "other"));
  const OriginPolicy all{.same_origin = false, .allowed = {"*"}};
  CHECK(origin_allowed(all, "null", "other"));
  CHECK(origin_allowed(all, "https://anything.example", "other"));
}

TEST_CASE("an allow-list entry's port may be a wildcard, or 'null' for opaque origins") {
  const OriginPolicy policy{.same_origin = false, .allowed = {"http://localhost:*", "null"}};
  CHECK(origin_allowed(policy, "http://localhost:5173", "x"));
  CHECK(origin_allowed(policy, "http://localhost", "x"));
  CHECK(origin_allowed(policy, "null", "x"));
  CHECK_FALSE(origin_allowed(policy, "http://127.0.0.1:5173", "x"));
}

TEST_CASE("under TLS of our own only https pages are of the same origin [RFC 6454 4]") {
  const OriginPolicy policy;
  CHECK(origin_allowed(policy, "https://example.com", "example.com", true));
  CHECK(origin_allowed(policy, "https://example.com:8443", "example.com:8443", true));
  CHECK_FALSE(origin_allowed(policy, "http://example.com", "example.com", true));
  CHECK_FALSE(origin_allowed(policy, "http://example.com:8443", "example.com:8443", true));
  CHECK(origin_allowed(policy, "https://example.com", "example.com", false));
}
