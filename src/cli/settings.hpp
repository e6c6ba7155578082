// SPDX-License-Identifier: MIT
// The effective value of every option and where it came from: flag over environment over file
// over default.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cli/option.hpp>
#include <cli/toml_file.hpp>
#include <walkie/error.hpp>

namespace walkie::cli {

/// A flag as it stood on the command line; a flag that needs no value may have none.
struct GivenFlag {
  const Option* option = nullptr;
  std::string value;
};

/// Looks a variable of the environment up; nothing where it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// One option's value for every option of a table. The table must outlive it.
class Settings {
 public:
  /// All at their defaults.
  explicit Settings(OptionTable table);

  /// Lays the layers over the defaults, lowest first. Each error names its place in one line:
  /// "walkie.toml:3: ...", "WALKIE_THREADS: ...", "--threads: ...". A layer replaces a list whole;
  /// an empty variable counts as not set.
  [[nodiscard]] Result<void> apply_file(const TomlFile& file);
  [[nodiscard]] Result<void> apply_environment(const Environment& environment);
  [[nodiscard]] Result<void> apply_flags(const std::vector<GivenFlag>& flags);

  /// The value of the option with that key, which must exist and be of that type.
  [[nodiscard]] std::int64_t number(std::string_view key) const;
  [[nodiscard]] bool on(std::string_view key) const { return number(key) != 0; }
  [[nodiscard]] const std::string& text(std::string_view key) const;
  [[nodiscard]] const std::vector<std::string>& list(std::string_view key) const;

  [[nodiscard]] OptionTable table() const noexcept { return table_; }
  [[nodiscard]] const OptionValue& value(const Option& option) const;
  /// "default", "walkie.toml:3", "WALKIE_THREADS" or "--threads".
  [[nodiscard]] const std::string& source(const Option& option) const;

 private:
  struct Entry {
    OptionValue value;
    std::string source;
  };
  [[nodiscard]] std::size_t index_of(std::string_view key) const;
  [[nodiscard]] Entry& entry(const Option& option) { return entries_[index_of(option.key)]; }
  [[nodiscard]] Result<void> assign(const Option& option, std::string_view text,
                                    std::string source);
  OptionTable table_;
  std::vector<Entry> entries_;  ///< In the table's order.
};

/// This process's environment.
[[nodiscard]] Environment process_environment();

/// The settings as a TOML file, each value with a comment that names its source.
[[nodiscard]] std::string settings_as_toml(const Settings& settings);

}  // namespace walkie::cli
