// SPDX-License-Identifier: MIT
// What a terminal gets of others' text.
#include <cli/terminal_text.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

TEST_CASE("plain text, tabs, line feeds and other scripts stay as they are") {
  CHECK(harmless("a\tb\nc \\ \xC3\xB6\xE6\x97\xA5\xF0\x9F\x98\x80") ==
        "a\tb\nc \\ \xC3\xB6\xE6\x97\xA5\xF0\x9F\x98\x80");
}

TEST_CASE("escape sequences are shown, not obeyed") {
  CHECK(harmless("\033[2J\033]0;title\a") == "\\x1b[2J\\x1b]0;title\\x07");
  CHECK(harmless("a\rb\bc\x7F") == "a\\x0db\\x08c\\x7f");
  // U+009B is the one-character form of ESC [.
  CHECK(harmless("\xC2\x9B"
                 "31m") == "\\u009b31m");
}

TEST_CASE("marks that reorder text are shown") {
  CHECK(harmless("a\xE2\x80\xAE"
                 "b") == "a\\u202eb");
  CHECK(harmless("\xE2\x81\xA6") == "\\u2066");
}

TEST_CASE("bytes that are no UTF-8 are shown one by one") {
  CHECK(harmless("\xFF\xC3") == "\\xff\\xc3");
  CHECK(harmless(std::string_view("\0", 1)) == "\\x00");
}

TEST_CASE("one line stays one line") {
  CHECK(harmless_line("a\nb") == "a\\nb");
  CHECK(harmless_line("a\xE2\x80\xA8"
                      "b") == "a\\u2028b");
}

TEST_CASE("colours come only where they are wanted") {
  CHECK(in_colour(Colour::red, "x", true) == "\033[31mx\033[0m");
  CHECK(in_colour(Colour::red, "x", false) == "x");
  CHECK(in_colour(Colour::plain, "x", true) == "x");
}

}  // namespace
}  // namespace walkie::cli
