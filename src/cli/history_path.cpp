// SPDX-License-Identifier: MIT
// The XDG state directory.
#include <cli/history_path.hpp>

namespace walkie::cli {

std::optional<std::string> history_path(const Environment& environment, std::string_view name) {
  const auto absolute = [&environment](const std::string& variable) -> std::optional<std::string> {
    auto path = environment(variable);
    if (!path || !path->starts_with('/')) return std::nullopt;
    return path;
  };
  auto folder = absolute("XDG_STATE_HOME");
  if (!folder) {
    folder = absolute("HOME");
    if (!folder) return std::nullopt;
    *folder += "/.local/state";
  }
  return folder->append("/walkie/").append(name);
}

}  // namespace walkie::cli
