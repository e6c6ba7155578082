// SPDX-License-Identifier: MIT
// A configuration file as a flat list of keys, values and lines. The only place that knows toml++.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <walkie/error.hpp>

namespace walkie::cli {

/// A type that no option takes (a float, a date, a list of tables), by its name: "a date".
struct TomlOther {
  std::string_view type;
};

/// One "key = value"; tables become paths: `[log]` and `level` give "log.level".
struct TomlEntry {
  std::string key;
  std::variant<bool, std::int64_t, std::string, std::vector<std::string>, TomlOther> value;
  unsigned line = 0;
};

struct TomlFile {
  std::string name;  ///< As the user wrote it; for messages.
  std::vector<TomlEntry> entries;
};

/// Errors: "walkie.toml:7: ..." where it is not TOML.
[[nodiscard]] Result<TomlFile> parse_toml(std::string_view text, std::string name);

/// The same of a file; "reading walkie.toml: No such file or directory".
[[nodiscard]] Result<TomlFile> read_toml(const std::string& path);

}  // namespace walkie::cli
