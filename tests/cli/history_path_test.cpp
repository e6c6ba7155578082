// SPDX-License-Identifier: MIT
// Where the history is kept.
#include <cli/history_path.hpp>

#include <map>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

std::optional<std::string> path_in(std::map<std::string, std::string> variables) {
  return history_path(
      [variables](const std::string& name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        if (found == variables.end()) return std::nullopt;
        return found->second;
      },
      "h");
}

TEST_CASE("the history stands in the state directory, or in the default one under home") {
  CHECK(path_in({{"XDG_STATE_HOME", "/s"}, {"HOME", "/h"}}) == "/s/walkie/h");
  CHECK(path_in({{"HOME", "/h"}}) == "/h/.local/state/walkie/h");
}

TEST_CASE("paths that are not absolute do not count") {
  CHECK(path_in({{"XDG_STATE_HOME", "s"}, {"HOME", "/h"}}) == "/h/.local/state/walkie/h");
  CHECK_FALSE(path_in({{"HOME", ""}}));
  CHECK_FALSE(path_in({}));
}

}  // namespace
}  // namespace walkie::cli
