// SPDX-License-Identifier: MIT
// A configuration file as a flat list.
#include <cli/toml_file.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

TEST_CASE("a TOML file becomes paths, values and lines in the order of the file") {
  const auto file =
      parse_toml("threads = 2\nlisten = [\"a:1\"]\n\n[log]\nlevel = \"debug\"\n", "f");
  REQUIRE(file);
  REQUIRE(file->entries.size() == 3);
  CHECK(file->entries[0].key == "threads");
  CHECK(std::get<std::int64_t>(file->entries[0].value) == 2);
  CHECK(file->entries[1].key == "listen");
  CHECK(std::get<std::vector<std::string>>(file->entries[1].value) ==
        std::vector<std::string>{"a:1"});
  CHECK(file->entries[2].key == "log.level");
  CHECK(std::get<std::string>(file->entries[2].value) == "debug");
  CHECK(file->entries[2].line == 5);
}

TEST_CASE("an empty list is a list of texts") {
  const auto file = parse_toml("listen = []", "f");
  REQUIRE(file);
  CHECK(std::get<std::vector<std::string>>(file->entries[0].value).empty());
}

TEST_CASE("values of types that no option has are named") {
  const auto type_of = [](const char* text) {
    return std::get<TomlOther>(parse_toml(text, "f").value().entries[0].value).type;
  };
  CHECK(type_of("a = 1.5") == "a number with a point");
  CHECK(type_of("a = 2026-01-31") == "a date");
  CHECK(type_of("a = [1, 2]") == "a list of other things than texts");
}

TEST_CASE("what is no TOML is refused with file and line") {
  const auto file = parse_toml("threads = 2\nlisten = \n", "walkie.toml");
  REQUIRE(!file);
  CHECK(file.error().message.starts_with("walkie.toml:2: "));
  CHECK(file.error().message.find('\n') == std::string::npos);
}

TEST_CASE("a missing file is refused with its name and the reason") {
  const auto file = read_toml("/nonexistent/walkie.toml");
  REQUIRE(!file);
  CHECK(file.error().message == "reading /nonexistent/walkie.toml: No such file or directory");
}

}  // namespace
}  // namespace walkie::cli
