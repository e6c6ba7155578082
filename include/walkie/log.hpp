// SPDX-License-Identifier: MIT
// Where the library's log lines go: one sink, given at construction. The default discards all.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

namespace walkie {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// A key with its value; both views live for the call.
struct LogField {
  std::string_view key;
  std::string_view value;
};

/// One line: an event in words and its fields.
struct LogRecord {
  LogLevel level = LogLevel::info;
  std::string_view event;
  std::span<const LogField> fields;
};

/// Receives every record at or above `level`, from any shard's thread, several at once:
/// `write` must be safe to call so, and must not block for long.
struct LogSink {
  LogLevel level = LogLevel::info;
  std::function<void(const LogRecord&)> write;

  [[nodiscard]] bool takes(LogLevel candidate) const noexcept {
    return write && candidate >= level;
  }
};

}  // namespace walkie
