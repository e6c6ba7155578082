// SPDX-License-Identifier: MIT
// One option, described once: its names in file, flags and environment, its type, range and help.
// Everything that speaks of options (parsing, --help, `walkie config`, the manual) reads this.
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace walkie::cli {

enum class OptionKind : std::uint8_t {
  on_off,    ///< A number, 0 or 1; "on", "off", "true", "false"; a flag without a value is on.
  number,    ///< A whole number from `min` to `max`.
  size,      ///< Bytes, "64KiB".
  duration,  ///< Milliseconds, "30s".
  mode,      ///< File permissions in octal, "660".
  text,
  choice,  ///< One of `choices`.
  list,    ///< Any number of texts; a flag repeats, a variable separates them by commas.
};

struct Option {
  std::string_view key = {};   ///< The path in a TOML file: "log.level". Unique in its table.
  std::string_view flag = {};  ///< Without its dashes: "log-level". Also names the variable.
  char letter = 0;             ///< The short flag, "-v"; 0: none.
  OptionKind kind = OptionKind::text;
  std::string_view preset = {};  ///< The default, as it would be written in a variable.
  std::string_view help = {};    ///< One sentence without its full stop.
  std::int64_t min = 0;          ///< Of numbers, sizes (bytes), durations (milliseconds) and modes.
  std::int64_t max = INT64_MAX;
  std::string_view zero_word = {};  ///< How 0 may also be written, and is printed: "auto", "off".
  std::span<const std::string_view> choices = {};
  std::string_view value_name = {};  ///< For help, where the kind's own is too vague: "FILE".
  bool flag_only = false;            ///< Neither in files nor in the environment.
};

using OptionTable = std::span<const Option>;

/// Numbers of all kinds; text and choice; list.
using OptionValue = std::variant<std::int64_t, std::string, std::vector<std::string>>;

/// What `text` means for `option`, or what is wrong with it: "\"x\" is not a number from 1 to 9".
[[nodiscard]] std::expected<OptionValue, std::string> parse_value(const Option& option,
                                                                  std::string_view text);

/// The value as a TOML value that reads back to the same.
[[nodiscard]] std::string toml_value(const Option& option, const OptionValue& value);

/// The same without quotes, lists with commas: as it would be written in a variable.
[[nodiscard]] std::string plain_value(const Option& option, const OptionValue& value);

/// "WALKIE_LOG_LEVEL" for the flag "log-level".
[[nodiscard]] std::string variable_name(const Option& option);

/// What stands for the value in help: "SIZE", "on|off", "debug|info".
[[nodiscard]] std::string placeholder(const Option& option);

/// `text` as a TOML basic string, quoted and escaped.
[[nodiscard]] std::string toml_string(std::string_view text);

}  // namespace walkie::cli
