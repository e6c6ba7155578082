// SPDX-License-Identifier: MIT
// The commands of the `walkie` program, one file each.
#pragma once

#include <span>
#include <string_view>

namespace walkie::cli {

/// What a program answers to its caller. From `resolve` on of `walkie connect`: exit_codes.cpp has
/// their meaning.
enum class ExitCode : int {
  success = 0,
  failure = 1,
  usage = 2,
  resolve = 3,
  refused = 4,
  unreachable = 5,
  tls = 6,
  rejected = 7,
  proxy = 8,
  protocol = 9,
  timeout = 10,
  abnormal = 11,
  closed_by_peer = 12,
  interrupted = 130,  ///< 128 + SIGINT, as shells say it.
  broken_pipe = 141,  ///< 128 + SIGPIPE.
};

/// Gets the words after the command's name.
using CommandArguments = std::span<const std::string_view>;

[[nodiscard]] ExitCode run_serve(CommandArguments arguments);
[[nodiscard]] ExitCode run_config(CommandArguments arguments);
[[nodiscard]] ExitCode run_bench(CommandArguments arguments);
[[nodiscard]] ExitCode run_connect(CommandArguments arguments);
[[nodiscard]] ExitCode run_listen(CommandArguments arguments);

/// Prints "walkie: ..." in one line to stderr; returns `code`.
ExitCode complain(std::string_view text, ExitCode code);

[[nodiscard]] std::string_view version() noexcept;

}  // namespace walkie::cli
