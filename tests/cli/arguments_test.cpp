// SPDX-License-Identifier: MIT
// The command line against an option table.
#include <cli/arguments.hpp>

#include <array>
#include <initializer_list>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

constexpr auto kTable = std::to_array<Option>({
    {.key = "listen",
     .flag = "listen",
     .kind = OptionKind::list,
     .preset = "a:1",
     .help = "Listen here",
     .value_name = "HOST:PORT|unix:PATH"},
    {.key = "log.level", .flag = "log-level", .preset = "info", .help = "How much"},
    {.key = "json", .flag = "json", .kind = OptionKind::on_off, .preset = "off", .help = "As JSON"},
});

constexpr auto kLetters = std::to_array<Option>({
    {.key = "header",
     .flag = "header",
     .letter = 'H',
     .kind = OptionKind::list,
     .help = "One | more",
     .flag_only = true},
    {.key = "verbose",
     .flag = "verbose",
     .letter = 'v',
     .kind = OptionKind::on_off,
     .preset = "off",
     .help = "Tell more",
     .flag_only = true},
});

std::vector<std::string> letters_of(std::initializer_list<std::string_view> words) {
  const auto parsed = parse_arguments(kLetters, {words.begin(), words.size()});
  if (!parsed) return {parsed.error().message};
  std::vector<std::string> given;
  for (const GivenFlag& flag : parsed->flags)
    given.push_back(std::string(flag.option->flag) + "=" + flag.value);
  return given;
}

Result<Arguments> parse(std::initializer_list<std::string_view> words) {
  return parse_arguments(kTable, {words.begin(), words.size()});
}

std::string error_of(std::initializer_list<std::string_view> words) {
  const auto parsed = parse(words);
  return parsed ? "" : parsed.error().message;
}

TEST_CASE("a flag takes the next word or what stands behind its equals sign") {
  const auto parsed = parse({"--listen", "b:2", "--log-level=x=y"});
  REQUIRE(parsed);
  REQUIRE(parsed->flags.size() == 2);
  CHECK(parsed->flags[0].option == &kTable[0]);
  CHECK(parsed->flags[0].value == "b:2");
  CHECK(parsed->flags[1].value == "x=y");
}

TEST_CASE("a switch is on without a value and takes only on or off from the next word") {
  CHECK(parse({"--json"})->flags[0].value == "on");
  CHECK(parse({"--json", "off"})->flags[0].value == "off");
  CHECK(parse({"--json=off"})->flags[0].value == "off");
  const auto parsed = parse({"--json", "echo"});
  CHECK(parsed->flags[0].value == "on");
  CHECK(parsed->words == std::vector<std::string>{"echo"});
}

TEST_CASE("a switch is off with no- before its name, and nothing else has such a form") {
  CHECK(parse({"--no-json"})->flags[0].value == "off");
  CHECK(error_of({"--no-listen"}) == "unknown option --no-listen; did you mean --listen?");
  CHECK(error_of({"--no-json=on"}) == "unknown option --no-json");
}

TEST_CASE("letters stand alone, together, or before their value") {
  using List = std::vector<std::string>;
  CHECK(letters_of({"-H", "a: b", "-v"}) == List{"header=a: b", "verbose=on"});
  CHECK(letters_of({"-Ha: b"}) == List{"header=a: b"});
  CHECK(letters_of({"-vH", "x"}) == List{"verbose=on", "header=x"});
  CHECK(letters_of({"-vHx"}) == List{"verbose=on", "header=x"});
  CHECK(letters_of({"-vx"}) == List{"unknown option -vx; long options start with two dashes"});
  CHECK(letters_of({"-H"}) == List{"-H needs a value: TEXT"});
}

TEST_CASE("words and what follows two dashes are no flags") {
  const auto parsed = parse({"echo", "-", "--", "--listen"});
  REQUIRE(parsed);
  CHECK(parsed->flags.empty());
  CHECK(parsed->words == std::vector<std::string>{"echo", "-", "--listen"});
}

TEST_CASE("help is found in both forms") {
  CHECK(parse({"-h"})->help);
  CHECK(parse({"--json", "--help"})->help);
  CHECK_FALSE(parse({"--json"})->help);
}

TEST_CASE("an unknown flag is refused with the nearest known one") {
  CHECK(error_of({"--lisen", "x"}) == "unknown option --lisen; did you mean --listen?");
  CHECK(error_of({"--banana"}) == "unknown option --banana");
  CHECK(error_of({"-x"}) == "unknown option -x; long options start with two dashes");
}

TEST_CASE("a flag without its value is refused") {
  CHECK(error_of({"--log-level"}) == "--log-level needs a value: TEXT");
  CHECK(error_of({"--listen", "--json"}) == "--listen needs a value: HOST:PORT|unix:PATH");
}

TEST_CASE("help lists every option with its default") {
  CHECK(options_help(kTable) ==
        "  --listen HOST:PORT|unix:PATH\n        Listen here [a:1]\n"
        "  --log-level TEXT\n        How much [info]\n"
        "  --json\n        As JSON [off]\n");
}

TEST_CASE("help wraps at 80 characters and loses no word") {
  const std::string words =
      "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
      "sixteen seventeen eighteen nineteen twenty";
  const std::string help = options_help(std::array{Option{.key = "a", .flag = "a", .help = words}});
  CHECK(help ==
        "  --a TEXT\n"
        "        one two three four five six seven eight nine ten eleven twelve thirteen\n"
        "        fourteen fifteen sixteen seventeen eighteen nineteen twenty\n");
}

TEST_CASE("help and the manual show letters, and the manual only what a table of flags has") {
  CHECK(
      options_help(kLetters).starts_with("  -H, --header TEXT\n        One | more\n  -v, --verb"));
  CHECK(options_markdown(kLetters) ==
        "| Flag | Default | Meaning |\n|---|---|---|\n"
        "| `-H, --header TEXT` |  | One \\| more |\n"
        "| `-v, --verbose` | `off` | Tell more |\n");
}

TEST_CASE("the manual's table escapes bars") {
  CHECK(options_markdown(kTable).find(
            "| `listen` | `--listen HOST:PORT\\|unix:PATH` | `WALKIE_LISTEN` | `a:1` | Listen here "
            "|\n") != std::string::npos);
}

}  // namespace
}  // namespace walkie::cli
