// SPDX-License-Identifier: MIT
// The options of `walkie serve` and what they mean to the server library.
#pragma once

#include <string>
#include <vector>

#include <cli/arguments.hpp>
#include <cli/option.hpp>
#include <cli/settings.hpp>
#include <walkie/error.hpp>
#include <walkie/server.hpp>

namespace walkie::cli {

[[nodiscard]] OptionTable serve_options() noexcept;

/// Flags over environment over the file that --config or WALKIE_CONFIG names over defaults.
/// Errors are one line for the user (exit code 2).
[[nodiscard]] Result<Settings> load_serve_settings(const Arguments& arguments,
                                                   const Environment& environment);

/// Lines about variables that start with WALKIE_ and look like a slip of a known one.
[[nodiscard]] std::vector<std::string> suspicious_variables(OptionTable table,
                                                            const char* const* environment);

[[nodiscard]] ServerOptions server_options(const Settings& settings, LogSink log);

/// The two routes differ only in how large a message may be.
[[nodiscard]] WebSocketOptions websocket_options(const Settings& settings,
                                                 std::string_view message_bytes_key);
inline constexpr std::string_view kEchoMessageKey = "limits.echo_message";
inline constexpr std::string_view kChatMessageKey = "limits.chat_message";

}  // namespace walkie::cli
