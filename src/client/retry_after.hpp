// SPDX-License-Identifier: MIT
// How long a server asks to be left alone.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include <base/time.hpp>
#include <walkie/connect_error.hpp>

namespace walkie::client {

inline constexpr Duration kRetryAfterMax = std::chrono::hours(24);

/// The time that an answer's Retry-After asks for (RFC 9110 §10.2.3), in seconds or as a date
/// against the answer's own Date; from 0 to kRetryAfterMax. Nothing where there is none or it is
/// malformed.
[[nodiscard]] std::optional<Duration> retry_after(const HttpAnswer& answer) noexcept;

/// An IMF-fixdate, "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 §5.6.7). The two obsolete forms, which
/// nobody may send, are not understood; nor is a day of the week that does not fit the date.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_http_date(
    std::string_view text) noexcept;

}  // namespace walkie::client
