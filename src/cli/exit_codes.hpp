// SPDX-License-Identifier: MIT
// What `walkie connect` answers to its caller.
#pragma once

#include <string>
#include <string_view>

#include <cli/commands.hpp>
#include <walkie/close_code.hpp>
#include <walkie/connect_error.hpp>

namespace walkie::cli {

[[nodiscard]] ExitCode exit_code_of(ConnectFault fault) noexcept;

/// How a connection that was open ended; `asked`: we closed it because that was wanted.
[[nodiscard]] ExitCode exit_code_of(const CloseInfo& close, bool asked) noexcept;

/// The end of a connection in one line: "the server closed: 1008 policy"; `peer` is "the server".
[[nodiscard]] std::string close_text(const CloseInfo& close, std::string_view peer = "the server");

/// All codes with their meaning, a line each.
[[nodiscard]] std::string exit_codes_help();

}  // namespace walkie::cli
