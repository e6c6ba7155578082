// SPDX-License-Identifier: MIT
// Walking UTF-8 that may be broken.
#include <cli/utf8_text.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

TEST_CASE("a sequence is as long as its character [RFC 3629 4]") {
  CHECK(sequence_bytes("a") == 1);
  CHECK(sequence_bytes("\xC3\xB6x") == 2);
  CHECK(sequence_bytes("\xE6\x97\xA5") == 3);
  CHECK(sequence_bytes("\xF0\x9F\x98\x80") == 4);
}

TEST_CASE("cut, overlong and surrogate sequences are none [RFC 3629 3]") {
  for (const char* text : {"\x80", "\xC3", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF5\x80"})
    CHECK(sequence_bytes(text) == 0);
}

TEST_CASE("text is UTF-8 where all of it is") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("a\xC3\xB6"));
  CHECK_FALSE(is_utf8("a\xC3"));
}

TEST_CASE("the front character is decoded, a broken byte stands for itself") {
  CHECK(front_rune("\xC3\xB6").code == 0xF6);
  CHECK(front_rune("\xE6\x97\xA5").code == 0x65E5);
  CHECK(front_rune("\xF0\x9F\x98\x80").code == 0x1F600);
  const Rune broken = front_rune("\xFFz");
  CHECK_FALSE(broken.valid);
  CHECK(broken.bytes == 1);
}

}  // namespace
}  // namespace walkie::cli
