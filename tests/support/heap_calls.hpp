// SPDX-License-Identifier: MIT
// Counts this thread's calls of operator new, to show what allocates nothing.
#pragma once

#include <cstddef>

namespace walkie::test {

/// Calls so far by the calling thread. zlib's malloc does not count: it happens when a compressor
/// is made, which the pools and the connections do once.
[[nodiscard]] std::size_t heap_calls() noexcept;

}  // namespace walkie::test
