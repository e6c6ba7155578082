// SPDX-License-Identifier: MIT
// Escapes, query values and cookies.
#include <http/query.hpp>

#include <doctest/doctest.h>

#include <array>

using namespace walkie;
using namespace walkie::http;

TEST_CASE("escapes are decoded in both cases, and '+' is not one [RFC 3986 2.1]") {
  CHECK(percent_decoded("/a%20b%C3%a9+c") == "/a b\xc3\xa9+c");
  CHECK(percent_decoded("") == "");
  CHECK(percent_decoded("%2525") == "%25");
}

TEST_CASE("malformed escapes and NUL bytes are not decoded [RFC 3986 2.1]") {
  for (const std::string_view bad : {"%", "%2", "%zz", "%2z", "%-1", "% 1", "a%00b", "%%20"}) {
    CAPTURE(bad);
    CHECK_FALSE(percent_decoded(bad));
  }
}

TEST_CASE("a query value is found by its decoded key") {
  CHECK(query_value("a=1&b=2", "b") == "2");
  CHECK(query_value("a=1&a=2", "a") == "1");
  CHECK(query_value("a%62=x+y%2B", "ab") == "x y+");
  CHECK(query_value("a=b=c", "a") == "b=c");
  CHECK(query_value("flag&x=1", "flag") == "");
  CHECK(query_value("a=&b", "a") == "");
  CHECK(query_value("&&a=1&&", "a") == "1");
  CHECK_FALSE(query_value("a=1", "A"));
  CHECK_FALSE(query_value("", "a"));
  CHECK_FALSE(query_value("ab=1", "a"));
}

TEST_CASE("a query pair with a malformed escape does not count") {
  CHECK(query_value("a=%zz&a=2", "a") == "2");
  CHECK_FALSE(query_value("a=%zz", "a"));
  CHECK_FALSE(query_value("%zz=1", "%zz"));
}

TEST_CASE("a cookie is found by its exact name [RFC 6265 5.4]") {
  const std::array<HeaderField, 3> fields{HeaderField{"X", "a=0"},
                                          HeaderField{"Cookie", "a=1; b=x=y;c=\"q\" ; d"},
                                          HeaderField{"cookie", "e=5"}};
  CHECK(cookie_value(fields, "a") == "1");
  CHECK(cookie_value(fields, "b") == "x=y");
  CHECK(cookie_value(fields, "c") == "\"q\"");
  CHECK(cookie_value(fields, "e") == "5");
  CHECK_FALSE(cookie_value(fields, "A"));
  CHECK_FALSE(cookie_value(fields, "d"));
  CHECK_FALSE(cookie_value(fields, "x"));
}
