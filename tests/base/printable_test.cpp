// SPDX-License-Identifier: MIT
// Text of others on one line.
#include <base/printable.hpp>

#include <doctest/doctest.h>

using walkie::base::printable;
using std::string_view_literals::operator""sv;

TEST_CASE("visible text stays as it is") {
  CHECK(printable("").empty());
  CHECK(printable("wss://example.com/?a=1 ~") == "wss://example.com/?a=1 ~");
}

TEST_CASE("bytes that break lines, steer terminals or are no ASCII are written out") {
  CHECK(printable("a\r\nb\tc\0\x7f"sv) == R"(a\x0d\x0ab\x09c\x00\x7f)");
  CHECK(printable("\x1b[31m") == R"(\x1b[31m)");
  CHECK(printable("b\xc3\xbc") == R"(b\xc3\xbc)");
}

TEST_CASE("long text is cut, and says so") {
  CHECK(printable("abcdef", 6) == "abcdef");
  CHECK(printable("abcdefg", 6) == "abcdef...");
}
