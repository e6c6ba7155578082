// SPDX-License-Identifier: MIT
// One option between text, values and TOML.
#include <cli/option.hpp>

#include <array>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

constexpr std::array<std::string_view, 3> kPolicies{"close", "drop-oldest", "keep-latest"};
constexpr Option kThreads{.key = "threads",
                          .flag = "threads",
                          .kind = OptionKind::number,
                          .preset = "1",
                          .min = 1,
                          .max = 64,
                          .zero_word = "auto"};
constexpr Option kBytes{.key = "limits.head",
                        .flag = "max-head",
                        .kind = OptionKind::size,
                        .preset = "16KiB",
                        .min = 256};
constexpr Option kPolicy{
    .key = "policy", .flag = "policy", .kind = OptionKind::choice, .choices = kPolicies};
constexpr Option kList{.key = "listen", .flag = "listen", .kind = OptionKind::list};
constexpr Option kMode{
    .key = "mode", .flag = "mode", .kind = OptionKind::mode, .max = 0777, .zero_word = "umask"};

std::string error_of(const Option& option, std::string_view text) {
  const auto value = parse_value(option, text);
  return value ? "" : value.error();
}

TEST_CASE("a number in its range is taken") {
  CHECK(std::get<std::int64_t>(*parse_value(kThreads, "1")) == 1);
  CHECK(std::get<std::int64_t>(*parse_value(kThreads, "64")) == 64);
}

TEST_CASE("the word for zero is taken though zero is out of range") {
  CHECK(std::get<std::int64_t>(*parse_value(kThreads, "auto")) == 0);
  CHECK(toml_value(kThreads, std::int64_t{0}) == "\"auto\"");
  CHECK(plain_value(kThreads, std::int64_t{0}) == "auto");
}

TEST_CASE("a number out of range is refused with the range") {
  CHECK(error_of(kThreads, "65") == "65 is out of range: from 1 to 64");
  CHECK(error_of(kBytes, "1") == "1 is out of range: at least 256B");
}

TEST_CASE("a value of the wrong type is refused with an example of a right one") {
  CHECK(error_of(kThreads, "many") == "\"many\" is not a whole number or \"auto\"");
  CHECK(error_of(kBytes, "many") == "\"many\" is not a size such as 64KiB or 16M");
}

TEST_CASE("a wrong choice is refused with all choices and the nearest") {
  CHECK(error_of(kPolicy, "drop-old") == "\"drop-old\" is none of close|drop-oldest|keep-latest");
  CHECK(error_of(kPolicy, "clsoe") ==
        "\"clsoe\" is none of close|drop-oldest|keep-latest; did you mean \"close\"?");
}

TEST_CASE("a list is separated by commas") {
  using List = std::vector<std::string>;
  CHECK(std::get<List>(*parse_value(kList, "a:1, unix:/b ,")) == List{"a:1", "unix:/b"});
  CHECK(std::get<List>(*parse_value(kList, "")).empty());
  CHECK(toml_value(kList, List{"a:1", "b:2"}) == R"(["a:1", "b:2"])");
  CHECK(plain_value(kList, List{"a:1", "b:2"}) == "a:1,b:2");
}

TEST_CASE("a file mode is octal") {
  CHECK(std::get<std::int64_t>(*parse_value(kMode, "660")) == 0660);
  CHECK(toml_value(kMode, std::int64_t{0660}) == "\"660\"");
  for (const char* text : {"", "8", "1777", "-1", "rw"}) CHECK(!error_of(kMode, text).empty());
}

TEST_CASE("the variable's name comes from the flag's") {
  CHECK(variable_name(kBytes) == "WALKIE_MAX_HEAD");
}

TEST_CASE("a TOML string escapes quotes, backslashes and control bytes") {
  CHECK(toml_string("a\"b\\c\n\x7f") == R"("a\"b\\c\u000A\u007F")");
}

}  // namespace
}  // namespace walkie::cli
