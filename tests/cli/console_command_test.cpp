// SPDX-License-Identifier: MIT
// Lines typed at the console.
#include <cli/console_command.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

ConsoleCommand parsed(std::string_view line, ConsoleKind kind = ConsoleKind::connect) {
  const auto command = parse_console_line(line, kind);
  REQUIRE_MESSAGE(command, command.error().message);
  return *command;
}

std::string error_of(std::string_view line, ConsoleKind kind = ConsoleKind::connect) {
  const auto command = parse_console_line(line, kind);
  return command ? "" : command.error().message;
}

TEST_CASE("a line without a slash is a message, and two slashes send one") {
  CHECK(parsed("hi /close").verb == ConsoleVerb::say);
  CHECK(parsed("  hi ").text == "  hi ");
  CHECK(parsed("//close").verb == ConsoleVerb::say);
  CHECK(parsed("//close").text == "/close");
  CHECK(parsed("").text.empty());
}

TEST_CASE("close takes a code, a reason, both or neither") {
  CHECK(parsed("/close").code == CloseCode::normal);
  CHECK(parsed("/close 4001 see you").code == CloseCode{4001});
  CHECK(parsed("/close 4001 see you").text == "see you");
  CHECK(parsed("/close see you").code == CloseCode::normal);
  CHECK(parsed("/close see you").text == "see you");
}

TEST_CASE("close refuses what may not stand in a Close frame [RFC 6455 7.4]") {
  for (const char* line :
       {"/close 1005", "/close 1006", "/close 999", "/close 5000", "/close 70000"})
    CHECK(error_of(line).find("may not be sent") != std::string::npos);
  CHECK(error_of("/close " + std::string(123, 'x')).empty());
  CHECK(error_of("/close " + std::string(124, 'x')) == "a reason has at most 123 bytes, not 124");
  CHECK(error_of("/close \xFF") == "a reason must be UTF-8");
}

TEST_CASE("ping takes at most what a control frame carries [RFC 6455 5.5]") {
  CHECK(parsed("/ping").text.empty());
  CHECK(parsed("/ping a b").text == "a b");
  CHECK(error_of("/ping " + std::string(126, 'x')) == "a Ping carries at most 125 bytes, not 126");
}

TEST_CASE("binary takes hexadecimal, send takes a path with its blanks") {
  CHECK(parsed("/binary 48 69").text == "Hi");
  CHECK(error_of("/binary 4").starts_with("/binary takes hexadecimal"));
  CHECK(parsed("/send /tmp/a b").text == "/tmp/a b");
  CHECK(error_of("/send") == "/send takes the path of a file");
}

TEST_CASE("listen chooses and dismisses clients by number") {
  CHECK(parsed("/to 2", ConsoleKind::listen).client == 2);
  CHECK(parsed("/to #2", ConsoleKind::listen).client == 2);
  CHECK(parsed("/to all", ConsoleKind::listen).client == 0);
  CHECK(parsed("/kick 3 be nice", ConsoleKind::listen).text == "be nice");
  CHECK(error_of("/kick all", ConsoleKind::listen) == "\"all\" is no client's number");
  CHECK(error_of("/to 0", ConsoleKind::listen) == "\"0\" is no client's number");
  CHECK(parsed("/clients", ConsoleKind::listen).verb == ConsoleVerb::clients);
}

TEST_CASE("an unknown command is refused with the nearest known one") {
  CHECK(error_of("/clsoe") == "unknown command /clsoe; did you mean /close?");
  CHECK(error_of("/banana x") == "unknown command /banana; /help lists them, //banana sends it");
  CHECK(error_of("/kick 1").starts_with("unknown command /kick"));
}

TEST_CASE("help lists what the console knows") {
  CHECK(console_help(ConsoleKind::connect).find("/close [CODE] [REASON] ") != std::string::npos);
  CHECK(console_help(ConsoleKind::connect).find("/kick") == std::string::npos);
  CHECK(console_help(ConsoleKind::listen).find("/kick") != std::string::npos);
}

}  // namespace
}  // namespace walkie::cli
