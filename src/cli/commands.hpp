// SPDX-License-Identifier: MIT
// The commands of the `walkie` program, one file each.
#pragma once

#include <span>
#include <string_view>

namespace walkie::cli {

/// What a program answers to its caller.
enum class ExitCode : int { success = 0, failure = 1, usage = 2 };

/// Gets the words after the command's name.
using CommandArguments = std::span<const std::string_view>;

[[nodiscard]] ExitCode run_serve(CommandArguments arguments);
[[nodiscard]] ExitCode run_config(CommandArguments arguments);
[[nodiscard]] ExitCode run_bench(CommandArguments arguments);

/// Prints "walkie: ..." in one line to stderr; returns `code`.
ExitCode complain(std::string_view text, ExitCode code);

[[nodiscard]] std::string_view version() noexcept;

}  // namespace walkie::cli
