// SPDX-License-Identifier: MIT
// Character classes.
#include <http/characters.hpp>

#include <doctest/doctest.h>

#include <base/header_field.hpp>

using namespace walkie;
using namespace walkie::http;

TEST_CASE("token characters are those that make a token [RFC 9110 5.6.2]") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    CHECK(is_a(kTokenChar, c) == is_token({&c, 1}));
  }
}

TEST_CASE("targets have visible ASCII without '#' [RFC 9112 3.2]") {
  for (int byte = 0; byte < 256; ++byte)
    CHECK(is_a(kTargetChar, static_cast<char>(byte)) ==
          (byte > 0x20 && byte < 0x7f && byte != '#'));
}

TEST_CASE("a class holds for a text where it holds for all of it") {
  CHECK(all_are(kDigitChar, ""));
  CHECK(all_are(kDigitChar, "0189"));
  CHECK_FALSE(all_are(kDigitChar, "01x"));
  CHECK_FALSE(all_are(kValueChar, "a\r\nb"));
}

TEST_CASE("hexadecimal digits have values in both cases") {
  CHECK(hex_value('0') == 0);
  CHECK(hex_value('9') == 9);
  CHECK(hex_value('a') == 10);
  CHECK(hex_value('F') == 15);
  CHECK(hex_value('g') == -1);
  CHECK(hex_value(' ') == -1);
}
