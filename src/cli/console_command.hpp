// SPDX-License-Identifier: MIT
// What is typed at the console of `walkie connect` and `walkie listen`: messages, and commands that
// begin with a slash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <walkie/close_code.hpp>
#include <walkie/error.hpp>

namespace walkie::cli {

enum class ConsoleVerb : std::uint8_t {
  say,        ///< `text` is the message.
  ping,       ///< `text` is the payload.
  close,      ///< `code`, and `text` is the reason.
  binary,     ///< `text` holds the bytes.
  send_file,  ///< `text` is the path.
  help,
  quit,
  to,       ///< Of listen: messages go to `client`; 0: to all.
  kick,     ///< Of listen: closes `client` with 1008; `text` is the reason.
  clients,  ///< Of listen: who is connected.
};

struct ConsoleCommand {
  ConsoleVerb verb = ConsoleVerb::say;
  std::string text{};
  CloseCode code = CloseCode::normal;
  std::uint32_t client = 0;
};

enum class ConsoleKind : std::uint8_t { connect, listen };

/// What a line means. "//x" is the message "/x".
/// Errors: an unknown command (with the nearest known one), arguments that make no sense.
[[nodiscard]] Result<ConsoleCommand> parse_console_line(std::string_view line, ConsoleKind kind);

/// The commands with their meaning, a line each.
[[nodiscard]] std::string console_help(ConsoleKind kind);

}  // namespace walkie::cli
