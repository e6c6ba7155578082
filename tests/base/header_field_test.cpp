// SPDX-License-Identifier: MIT
// Header names, tokens and lists.
#include <base/header_field.hpp>

#include <array>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace walkie {
namespace {

std::vector<std::string> elements_of(std::string_view list) {
  std::vector<std::string> elements;
  while (const auto element = next_list_element(list)) elements.emplace_back(*element);
  CHECK(list.empty());
  return elements;
}

using Elements = std::vector<std::string>;

TEST_CASE("header names compare in any case, ASCII only [RFC 9110 5.1]") {
  CHECK(equal_ignoring_case("Sec-WebSocket-Key", "sec-websocket-KEY"));
  CHECK(equal_ignoring_case("", ""));
  CHECK_FALSE(equal_ignoring_case("Upgrade", "Upgrad"));
  CHECK_FALSE(equal_ignoring_case("Upgrad", "Upgrade"));
  CHECK_FALSE(equal_ignoring_case("a-b", "a_b"));
  // Neighbours of the letters: no letter differs from them by the case bit.
  CHECK_FALSE(equal_ignoring_case("@", "`"));
  CHECK_FALSE(equal_ignoring_case("[", "{"));
  CHECK_FALSE(equal_ignoring_case("\xC4", "\xE4"));
}

TEST_CASE("the first field of a name is found and all are counted") {
  const std::array<HeaderField, 3> fields{{{"Host", "a"}, {"X-One", "1"}, {"x-one", "2"}}};
  CHECK(find_header(fields, "X-ONE") == "1");
  CHECK(find_header(fields, "X-Two") == std::nullopt);
  CHECK(count_headers(fields, "x-One") == 2);
  CHECK(count_headers(fields, "host") == 1);
  CHECK(count_headers(fields, "X-Two") == 0);
  CHECK(find_header({}, "Host") == std::nullopt);
}

TEST_CASE("a token is found in any element of any line of its name [RFC 9110 5.6.1]") {
  const std::array<HeaderField, 3> fields{
      {{"Connection", "keep-alive"}, {"connection", " ,TE , UPGRADE"}, {"Other", "close"}}};
  CHECK(header_has_token(fields, "Connection", "upgrade"));
  CHECK(header_has_token(fields, "Connection", "Keep-Alive"));
  CHECK_FALSE(header_has_token(fields, "Connection", "close"));
  CHECK_FALSE(header_has_token(fields, "Connection", "up"));
  CHECK_FALSE(header_has_token(fields, "Connection", "upgrade2"));
  CHECK_FALSE(header_has_token(fields, "Connection", ""));
}

TEST_CASE("a token inside a quoted string is not an element") {
  const std::array<HeaderField, 1> fields{{{"Upgrade", R"(x="a, websocket, b")"}}};
  CHECK_FALSE(header_has_token(fields, "Upgrade", "websocket"));
}

TEST_CASE("lists are split at commas and trimmed; empty elements are skipped [RFC 9110 5.6.1.2]") {
  CHECK(elements_of("") == Elements{});
  CHECK(elements_of(" \t ") == Elements{});
  CHECK(elements_of(",") == Elements{});
  CHECK(elements_of(", ,\t,") == Elements{});
  CHECK(elements_of("a") == Elements{"a"});
  CHECK(elements_of("a,b") == Elements{"a", "b"});
  CHECK(elements_of(" a ,\tb c\t, d") == Elements{"a", "b c", "d"});
  CHECK(elements_of(",a,,b,") == Elements{"a", "b"});
}

TEST_CASE("commas in quoted strings do not separate [RFC 9110 5.6.4]") {
  CHECK(elements_of(R"(a="1,2", b)") == Elements{R"(a="1,2")", "b"});
  CHECK(elements_of(R"(a="1\",2", b)") == Elements{R"(a="1\",2")", "b"});
  CHECK(elements_of(R"(a="1\\", b)") == Elements{R"(a="1\\")", "b"});
  CHECK(elements_of(R"("",b)") == Elements{R"("")", "b"});
}

TEST_CASE("a quoted string that is never closed takes the rest of the list") {
  CHECK(elements_of(R"(a, b="1, c)") == Elements{"a", R"(b="1, c)"});
  CHECK(elements_of(R"(a="1\)") == Elements{R"(a="1\)"});
  CHECK(elements_of(R"(")") == Elements{R"(")"});
}

TEST_CASE("tokens are made of tchar alone [RFC 9110 5.6.2]") {
  const std::string_view allowed =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  CHECK(is_token(allowed));
  CHECK_FALSE(is_token(""));
  for (int value = 0; value < 256; ++value) {
    const std::string text(1, static_cast<char>(value));
    CAPTURE(value);
    CHECK(is_token(text) == allowed.contains(text));
    CHECK(is_token("a" + text) == allowed.contains(text));
  }
}

TEST_CASE("trimming takes spaces and tabs off both ends only") {
  CHECK(trim("") == "");
  CHECK(trim(" \t \t") == "");
  CHECK(trim("a") == "a");
  CHECK(trim("\t a b \t") == "a b");
  CHECK(trim("\na\r") == "\na\r");
}

}  // namespace
}  // namespace walkie
