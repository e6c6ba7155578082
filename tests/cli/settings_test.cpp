// SPDX-License-Identifier: MIT
// The layers of settings, their precedence and their errors.
#include <cli/settings.hpp>

#include <array>
#include <map>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

using List = std::vector<std::string>;

constexpr auto kTable = std::to_array<Option>({
    {.key = "config", .flag = "config", .flag_only = true},
    {.key = "listen", .flag = "listen", .kind = OptionKind::list, .preset = "127.0.0.1:8000"},
    {.key = "threads",
     .flag = "threads",
     .kind = OptionKind::number,
     .preset = "1",
     .min = 1,
     .max = 64,
     .zero_word = "auto"},
    {.key = "log.name", .flag = "log-name", .preset = "walkie"},
    {.key = "limits.head",
     .flag = "max-head",
     .kind = OptionKind::size,
     .preset = "16KiB",
     .min = 256},
    {.key = "limits.idle",
     .flag = "idle",
     .kind = OptionKind::duration,
     .preset = "off",
     .zero_word = "off"},
    {.key = "limits.on", .flag = "on", .kind = OptionKind::on_off, .preset = "on"},
    {.key = "limits.mode", .flag = "mode", .kind = OptionKind::mode, .preset = "660"},
});

const Option& option_named(std::string_view key) {
  for (const Option& option : kTable)
    if (option.key == key) return option;
  throw std::invalid_argument("no such option");
}

Environment variables(std::map<std::string, std::string> values) {
  return [values = std::move(values)](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    return found == values.end() ? std::nullopt : std::optional(found->second);
  };
}

std::string file_error(std::string_view text) {
  Settings settings(kTable);
  const auto applied = settings.apply_file(parse_toml(text, "walkie.toml").value());
  return applied ? "" : applied.error().message;
}

TEST_CASE("a flag wins over a variable, a variable over the file, the file over the default") {
  Settings settings(kTable);
  CHECK(settings.number("threads") == 1);
  CHECK(settings.source(option_named("threads")) == "default");
  REQUIRE(settings.apply_file(parse_toml("\nthreads = 2", "walkie.toml").value()));
  CHECK(settings.number("threads") == 2);
  CHECK(settings.source(option_named("threads")) == "walkie.toml:2");
  REQUIRE(settings.apply_environment(variables({{"WALKIE_THREADS", "3"}})));
  CHECK(settings.number("threads") == 3);
  CHECK(settings.source(option_named("threads")) == "WALKIE_THREADS");
  REQUIRE(settings.apply_flags({{&option_named("threads"), "4"}}));
  CHECK(settings.number("threads") == 4);
  CHECK(settings.source(option_named("threads")) == "--threads");
  CHECK(settings.source(option_named("log.name")) == "default");
}

TEST_CASE("a repeated flag adds to the list and replaces what lower layers listed") {
  Settings settings(kTable);
  REQUIRE(settings.apply_environment(variables({{"WALKIE_LISTEN", "a:1,b:2"}})));
  CHECK(settings.list("listen") == List{"a:1", "b:2"});
  const Option& listen = option_named("listen");
  REQUIRE(settings.apply_flags({{&listen, "c:3"}, {&listen, "unix:/x,y"}}));
  CHECK(settings.list("listen") == List{"c:3", "unix:/x,y"});
}

TEST_CASE("the last of a flag that does not repeat counts") {
  Settings settings(kTable);
  const Option& threads = option_named("threads");
  REQUIRE(settings.apply_flags({{&threads, "2"}, {&threads, "5"}}));
  CHECK(settings.number("threads") == 5);
}

TEST_CASE("an empty variable counts as not set") {
  Settings settings(kTable);
  REQUIRE(settings.apply_environment(variables({{"WALKIE_THREADS", ""}})));
  CHECK(settings.number("threads") == 1);
}

TEST_CASE("the file takes each type in its natural form") {
  Settings settings(kTable);
  REQUIRE(settings.apply_file(parse_toml("threads = \"auto\"\nlisten = \"a:1\"\n[limits]\n"
                                         "head = 512\nidle = \"2m\"\non = false\nmode = \"600\"",
                                         "f")
                                  .value()));
  CHECK(settings.number("threads") == 0);
  CHECK(settings.list("listen") == List{"a:1"});
  CHECK(settings.number("limits.head") == 512);
  CHECK(settings.number("limits.idle") == 120'000);
  CHECK_FALSE(settings.on("limits.on"));
  CHECK(settings.number("limits.mode") == 0600);
}

TEST_CASE("an unknown key is refused with its line and the nearest key") {
  CHECK(file_error("\n\ntreads = 2") ==
        "walkie.toml:3: unknown key \"treads\"; did you mean \"threads\"?");
  CHECK(file_error("[limit]\nhead = 1") ==
        "walkie.toml:2: unknown key \"limit.head\"; did you mean \"limits.head\"?");
  CHECK(file_error("banana = 2") == "walkie.toml:1: unknown key \"banana\"");
}

TEST_CASE("a key that only a flag may give is unknown in the file") {
  CHECK(file_error("config = \"x\"") == "walkie.toml:1: unknown key \"config\"");
}

TEST_CASE("a wrong type in the file is refused with line and key") {
  CHECK(file_error("threads = \"2\"") ==
        "walkie.toml:1: threads: expected a number without quotes");
  CHECK(file_error("threads = true") ==
        "walkie.toml:1: threads: true or false is not expected here");
  CHECK(file_error("threads = 1.5") ==
        "walkie.toml:1: threads: a number with a point is not expected here");
  CHECK(file_error("threads = [\"1\"]") == "walkie.toml:1: threads: a list is not expected here");
  CHECK(file_error("threads = -1") ==
        "walkie.toml:1: threads: \"-1\" is not a whole number or "
        "\"auto\"");
  CHECK(file_error("[limits]\non = \"true\"") ==
        "walkie.toml:2: limits.on: expected true or false without quotes");
  CHECK(file_error("[limits]\nmode = 660") ==
        "walkie.toml:2: limits.mode: expected a mode in quotes: \"660\"");
  CHECK(file_error("log.name = 1") == "walkie.toml:1: log.name: a number is not expected here");
}

TEST_CASE("a time without its unit is refused in the file") {
  CHECK(file_error("limits.idle = 30") ==
        "walkie.toml:1: limits.idle: \"30\" is not a time with its unit such as 500ms, 30s or 2m "
        "or \"off\"");
}

TEST_CASE("a wrong variable or flag is refused with its name") {
  Settings settings(kTable);
  const auto variable = settings.apply_environment(variables({{"WALKIE_MAX_HEAD", "1"}}));
  REQUIRE(!variable);
  CHECK(variable.error().message == "WALKIE_MAX_HEAD: 1 is out of range: at least 256B");
  const auto flag = settings.apply_flags({{&option_named("threads"), "65"}});
  REQUIRE(!flag);
  CHECK(flag.error().message == "--threads: 65 is out of range: from 1 to 64");
}

TEST_CASE("the printed settings name each source and read back to the same") {
  Settings settings(kTable);
  REQUIRE(
      settings.apply_environment(variables({{"WALKIE_LISTEN", "a:1"}, {"WALKIE_IDLE", "90s"}})));
  const std::string toml = settings_as_toml(settings);
  CHECK(toml ==
        "listen = [\"a:1\"]  # WALKIE_LISTEN\n"
        "threads = 1  # default\n"
        "\n[log]\n"
        "name = \"walkie\"  # default\n"
        "\n[limits]\n"
        "head = \"16KiB\"  # default\n"
        "idle = \"90s\"  # WALKIE_IDLE\n"
        "on = true  # default\n"
        "mode = \"660\"  # default\n");
  Settings again(kTable);
  REQUIRE(again.apply_file(parse_toml(toml, "printed").value()));
  for (const Option& option : kTable) CHECK(again.value(option) == settings.value(option));
}

}  // namespace
}  // namespace walkie::cli
