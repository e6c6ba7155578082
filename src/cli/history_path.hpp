// SPDX-License-Identifier: MIT
// Where typed lines are kept between sessions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <cli/settings.hpp>

namespace walkie::cli {

/// The file `name` in walkie's folder of the XDG state directory: $XDG_STATE_HOME/walkie, or
/// ~/.local/state/walkie. Nothing where neither variable holds an absolute path.
[[nodiscard]] std::optional<std::string> history_path(const Environment& environment,
                                                      std::string_view name);

}  // namespace walkie::cli
