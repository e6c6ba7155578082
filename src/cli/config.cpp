// SPDX-License-Identifier: MIT
// `walkie config`: the effective options of `serve`, as a file that `serve --config` reads.
#include <fmt/core.h>

#include <cli/commands.hpp>
#include <cli/connect_options.hpp>
#include <cli/listen_options.hpp>
#include <cli/serve_options.hpp>

namespace walkie::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: walkie config [OPTION...]\n\n"
    "Prints the options that `walkie serve` would run with as TOML; the comment behind each says\n"
    "where it comes from. Takes the options of `serve`, and:\n\n"
    "  --markdown [COMMAND]  Print a table of all options for the manual instead: of serve, "
    "connect\n"
    "                        or listen\n\n";

constexpr std::string_view kMarkdown = "--markdown";

ExitCode print_markdown(std::string_view command) {
  if (command != "serve" && command != "connect" && command != "listen")
    return complain(fmt::format("config: there is no table of \"{}\"", command), ExitCode::usage);
  const OptionTable table = command == "connect"  ? connect_options()
                            : command == "listen" ? listen_options()
                                                  : serve_options();
  fmt::print("{}", options_markdown(table));
  return ExitCode::success;
}

}  // namespace

ExitCode run_config(CommandArguments arguments) {
  // "--markdown" belongs to this command; all other flags are those of `serve`.
  if (!arguments.empty() && arguments.size() <= 2 && arguments.front() == kMarkdown)
    return print_markdown(arguments.size() == 2 ? arguments[1] : "serve");
  const auto parsed = parse_arguments(serve_options(), arguments);
  if (!parsed) return complain(parsed.error().message, ExitCode::usage);
  if (parsed->help) {
    fmt::print("{}{}", kUsage, options_help(serve_options()));
    return ExitCode::success;
  }
  if (!parsed->words.empty())
    return complain(fmt::format("config takes no \"{}\"", parsed->words.front()), ExitCode::usage);
  const auto settings = load_serve_settings(*parsed, process_environment());
  if (!settings) return complain(settings.error().message, ExitCode::usage);
  fmt::print("{}", settings_as_toml(*settings));
  return ExitCode::success;
}

}  // namespace walkie::cli
