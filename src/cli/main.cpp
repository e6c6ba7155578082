// SPDX-License-Identifier: MIT
// The `walkie` program: picks the command.
#include <algorithm>
#include <array>
#include <cstdio>
#include <exception>
#include <vector>

#include <fmt/core.h>

#include <cli/commands.hpp>
#include <cli/suggest.hpp>

namespace walkie::cli {
namespace {

struct Command {
  std::string_view name;
  std::string_view help;
  ExitCode (*run)(CommandArguments arguments);
};

constexpr std::array<Command, 5> kCommands{
    {{"connect", "Talk to a WebSocket from the terminal or from scripts", run_connect},
     {"listen", "The other side: a server whose clients are the terminal", run_listen},
     {"serve", "Run the server: a page with a console and a chat, /echo, /chat/:room", run_serve},
     {"config", "Print the effective options of `serve` as TOML, with where each comes from",
      run_config},
     {"bench", "Measure a server: echo, fan-out, idle connections", run_bench}}};

std::string usage() {
  std::string text = "Usage: walkie COMMAND [OPTION...]\n\nCommands:\n";
  for (const Command& command : kCommands)
    text += fmt::format("  {:<8} {}\n", command.name, command.help);
  return text +
         "  help     Print this; `walkie COMMAND --help` prints a command's options\n\n"
         "  --version  Print the version\n";
}

ExitCode print(std::string_view text) {
  fmt::print("{}", text);
  return ExitCode::success;
}

ExitCode unknown_command(std::string_view name) {
  std::vector<std::string_view> known{"help"};
  for (const Command& command : kCommands) known.push_back(command.name);
  const std::string text = fmt::format("unknown command \"{}\"{}", name, did_you_mean(name, known));
  return complain(text.ends_with('?') ? text : text + "; see `walkie help`", ExitCode::usage);
}

ExitCode run(CommandArguments arguments) {
  if (arguments.empty()) {
    fmt::print(stderr, "{}", usage());
    return ExitCode::usage;
  }
  const std::string_view name = arguments.front();
  if (name == "--version" || name == "version") return print(fmt::format("walkie {}\n", version()));
  if (name == "--help" || name == "-h") return print(usage());
  if (name == "help" && arguments.size() == 1) return print(usage());
  // "help serve" is "serve --help".
  const bool wants_help = name == "help";
  const std::string_view asked = wants_help ? arguments[1] : name;
  const auto command = std::ranges::find(kCommands, asked, &Command::name);
  if (command == kCommands.end()) return unknown_command(asked);
  constexpr std::array<std::string_view, 1> kHelp{"--help"};
  return command->run(wants_help ? CommandArguments(kHelp) : arguments.subspan(1));
}

}  // namespace

}  // namespace walkie::cli

int main(int count, char** words) {
  const std::vector<std::string_view> arguments(words + std::min(count, 1), words + count);
  try {
    return static_cast<int>(walkie::cli::run(arguments));
  } catch (const std::exception& error) {
    return static_cast<int>(walkie::cli::complain(error.what(), walkie::cli::ExitCode::failure));
  }
}
