// SPDX-License-Identifier: MIT
// Points in time and spans between them. Machines get them as arguments; only loops read clocks.
#pragma once

#include <chrono>

namespace walkie {

/// Monotonic time, nanosecond resolution. A default one is "never happened".
using Instant = std::chrono::steady_clock::time_point;
using Duration = std::chrono::nanoseconds;

inline constexpr Instant kNever = Instant::max();

}  // namespace walkie
