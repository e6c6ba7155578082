// SPDX-License-Identifier: MIT
// Assertions for our own bugs. A peer's fault is never one.
#pragma once

namespace walkie::base {

/// Prints the failed condition with its place and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace walkie::base

/// Checked in every build: the cost is a compare.
#define WALKIE_ASSERT(condition)      \
  ((condition) ? static_cast<void>(0) \
               : ::walkie::base::assertion_failed(#condition, __FILE__, __LINE__))
