// SPDX-License-Identifier: MIT
// Sizes and times as people write them: "64KiB", "16M", "500ms", "2m".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walkie::cli {

/// A whole number of at most 18 digits; nothing for anything else, signs included.
[[nodiscard]] std::optional<std::int64_t> parse_number(std::string_view text);

/// Bytes. "K", "M", "G" and "KiB", "MiB", "GiB" count in 1024s, "kB", "MB", "GB" in 1000s (any
/// case); without a unit, or with "B", bytes. Nothing where it is none or would not fit.
[[nodiscard]] std::optional<std::int64_t> parse_size(std::string_view text);

/// A time with its unit: "ms", "s", "m" or "h". Only "0" may go without.
[[nodiscard]] std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// The shortest form that parse_size() reads back to the same number: "64KiB", "1000B".
[[nodiscard]] std::string format_size(std::int64_t bytes);

/// The shortest form that parse_duration() reads back to the same time: "2m", "500ms", "0s".
[[nodiscard]] std::string format_duration(std::chrono::milliseconds time);

}  // namespace walkie::cli
