// SPDX-License-Identifier: MIT
// Log records as lines: for people, or as one JSON object each.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <walkie/log.hpp>

namespace walkie::cli {

enum class LogFormat : std::uint8_t { text, json };

using WallTime = std::chrono::system_clock::time_point;

/// "2026-01-31T12:00:00.123Z": RFC 3339, UTC, milliseconds.
[[nodiscard]] std::string timestamp(WallTime time);

/// "2026-01-31T12:00:00.123Z info    websocket closed code=1002
/// clause=\"RFC 6455 5.1\"\n". Values with blanks, quotes or control bytes are quoted, so a
/// record is always one line, whatever a peer put into it.
[[nodiscard]] std::string log_line_text(const LogRecord& record, WallTime time);

/// {"time":"...","level":"info","event":"...","code":"1002"}\n. All values are strings. Bytes that
/// are no UTF-8 become U+FFFD.
[[nodiscard]] std::string log_line_json(const LogRecord& record, WallTime time);

/// `text` as a JSON string with its quotes (RFC 8259 §7).
[[nodiscard]] std::string json_string(std::string_view text);

[[nodiscard]] std::string_view level_name(LogLevel level) noexcept;

/// Writes each record's line to descriptor `fd` in one write(2): threads do not mix their lines.
[[nodiscard]] LogSink make_log_sink(LogLevel level, LogFormat format, int fd);

}  // namespace walkie::cli
