// SPDX-License-Identifier: MIT
// The command line after the command's name: flags of an option table, and other words.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <cli/settings.hpp>
#include <walkie/error.hpp>

namespace walkie::cli {

struct Arguments {
  std::vector<GivenFlag> flags;    ///< In the order given.
  std::vector<std::string> words;  ///< What is no flag; all after "--".
  bool help = false;               ///< "--help" or "-h" was there; the rest may be incomplete.
};

/// Takes "--flag value", "--flag=value" and, for flags that are on or off, "--flag" and "--no-flag"
/// alone; of options with a letter also "-f value", "-fvalue" and "-vk" for "-v -k".
/// Errors: an unknown flag (with the nearest known one), a flag without its value.
[[nodiscard]] Result<Arguments> parse_arguments(OptionTable table,
                                                std::span<const std::string_view> arguments);

/// The options of a table as aligned lines for --help.
[[nodiscard]] std::string options_help(OptionTable table);

/// The options as a Markdown table: file key, flag, variable, default, meaning; of a table whose
/// options are all flags only: flag, default, meaning.
[[nodiscard]] std::string options_markdown(OptionTable table);

}  // namespace walkie::cli
