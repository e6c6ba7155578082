// SPDX-License-Identifier: MIT
// "Did you mean".
#include <cli/suggest.hpp>

#include <array>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

TEST_CASE("the edit distance counts each insertion, removal, replacement and swap as one") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("threads", "threads") == 0);
  CHECK(edit_distance("treads", "threads") == 1);
  CHECK(edit_distance("thread", "threads") == 1);
  CHECK(edit_distance("thraeds", "threads") == 1);
  CHECK(edit_distance("io", "oi") == 1);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

constexpr std::array<std::string_view, 4> kWords{"listen", "threads", "io", "log.level"};

TEST_CASE("a slip finds the word that was meant") {
  CHECK(closest("treads", kWords) == "threads");
  CHECK(closest("log.levle", kWords) == "log.level");
  CHECK(did_you_mean("listne", kWords) == "; did you mean \"listen\"?");
}

TEST_CASE("a word that is near to none finds none") {
  CHECK(closest("compression", kWords).empty());
  CHECK(closest("xy", kWords).empty());
  CHECK(did_you_mean("compression", kWords).empty());
}

}  // namespace
}  // namespace walkie::cli
