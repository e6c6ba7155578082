// SPDX-License-Identifier: MIT
// What the shared options mean at a terminal and in pipes.
#include <cli/stream_options.hpp>

#include <initializer_list>

#include <doctest/doctest.h>

#include <cli/connect_options.hpp>

namespace walkie::cli {
namespace {

constexpr Surroundings kTerminal{
    .input_is_terminal = true, .output_is_terminal = true, .columns = 40};
constexpr Surroundings kPipes{};

Result<StreamPlan> planned(const Surroundings& around,
                           std::initializer_list<std::string_view> words) {
  const auto arguments = parse_arguments(connect_options(), {words.begin(), words.size()});
  REQUIRE_MESSAGE(arguments, arguments.error().message);
  Settings settings(connect_options());
  if (auto applied = settings.apply_flags(arguments->flags); !applied)
    return std::unexpected(applied.error());
  return stream_plan(settings, around);
}

TEST_CASE("a terminal gets an editor, commands, colours, times and JSON laid out") {
  const auto plan = planned(kTerminal, {});
  REQUIRE(plan);
  CHECK(plan->interactive);
  CHECK(plan->commands);
  CHECK(plan->style.for_people);
  CHECK(plan->style.coloured);
  CHECK(plan->style.timestamps);
  CHECK(plan->style.pretty);
  CHECK(plan->style.columns == 40);
  CHECK(plan->style.binary == BinaryForm::dump);
}

TEST_CASE("pipes get payloads alone") {
  const auto plan = planned(kPipes, {});
  REQUIRE(plan);
  CHECK_FALSE(plan->interactive);
  CHECK_FALSE(plan->commands);
  CHECK_FALSE(plan->style.for_people);
  CHECK_FALSE(plan->style.coloured);
  CHECK(plan->style.separator == "\n");
  CHECK(plan->style.binary == BinaryForm::as_is);
}

TEST_CASE("a pipe that asks for what people read gets it") {
  CHECK(planned(kPipes, {"--pretty"})->style.for_people);
  CHECK(planned(kPipes, {"--timestamps"})->style.timestamps);
  CHECK_FALSE(planned(kPipes, {"--timestamps"})->style.pretty);
  CHECK(planned(kPipes, {"--color=always"})->style.coloured);
  CHECK_FALSE(planned(kPipes, {"--no-pretty"})->style.for_people);
}

TEST_CASE("a dumb terminal and NO_COLOR are honoured") {
  Surroundings dumb = kTerminal;
  dumb.dumb = true;
  CHECK_FALSE(planned(dumb, {})->interactive);
  CHECK(planned(dumb, {})->commands);
  CHECK_FALSE(planned(dumb, {})->style.coloured);
  Surroundings plain = kTerminal;
  plain.no_color = true;
  CHECK(planned(plain, {})->interactive);
  CHECK_FALSE(planned(plain, {})->style.coloured);
  CHECK(planned(plain, {"--color=always"})->style.coloured);
}

TEST_CASE("output that goes elsewhere is no session, but what is typed still has commands") {
  Surroundings piped = kTerminal;
  piped.output_is_terminal = false;
  CHECK_FALSE(planned(piped, {})->interactive);
  CHECK(planned(piped, {})->commands);
}

TEST_CASE("forms of messages are chosen one at a time") {
  CHECK(planned(kPipes, {"-b"})->input == InputForm::binary);
  CHECK(planned(kPipes, {"--base64"})->input == InputForm::base64);
  CHECK(planned(kPipes, {"--hex"})->style.binary == BinaryForm::hex);
  CHECK(planned(kPipes, {"--raw"})->style.separator.empty());
  CHECK(planned(kPipes, {"-0"})->separator == '\0');
  CHECK(planned(kPipes, {"-0"})->style.separator.size() == 1);
  CHECK(planned(kPipes, {"--hex", "--base64"}).error().message ==
        "--base64 and --hex exclude each other");
  CHECK(planned(kPipes, {"--json", "--raw"}).error().message ==
        "--json and --raw exclude each other");
}

TEST_CASE("JSON events are for programs, also at a terminal") {
  const auto plan = planned(kTerminal, {"--json"});
  CHECK(plan->style.events);
  CHECK_FALSE(plan->style.for_people);
  CHECK_FALSE(plan->interactive);
}

TEST_CASE("when it ends is chosen by count, time and silence") {
  const auto plan = planned(kPipes, {"-n", "3", "-t", "5s", "-w", "0", "--no-close-on-eof"});
  REQUIRE(plan);
  CHECK(plan->messages_max == 3);
  CHECK(plan->timeout == std::chrono::seconds(5));
  CHECK(plan->wait == std::chrono::milliseconds(0));
  CHECK_FALSE(plan->close_on_eof);
  CHECK(planned(kPipes, {"-1"})->one);
  CHECK(planned(kPipes, {"-1", "-n3"}).error().message ==
        "--one and --max-messages exclude each other");
}

TEST_CASE("a header is a name and a value") {
  CHECK(parse_header("X-A: b: c ") == std::pair<std::string, std::string>("X-A", "b: c"));
  CHECK(parse_header("X-A:")->second.empty());
  CHECK(parse_header("X-A").error().message == "\"X-A\" is no header; expected NAME: VALUE");
  CHECK_FALSE(parse_header(": b"));
}

}  // namespace
}  // namespace walkie::cli
