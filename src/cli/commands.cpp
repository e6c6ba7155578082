// SPDX-License-Identifier: MIT
// What all commands share: how they complain, and the version they report.
#include <cli/commands.hpp>

#include <fmt/core.h>

namespace walkie::cli {

ExitCode complain(std::string_view text, ExitCode code) {
  fmt::print(stderr, "walkie: {}\n", text);
  return code;
}

std::string_view version() noexcept { return WALKIE_VERSION; }

}  // namespace walkie::cli
