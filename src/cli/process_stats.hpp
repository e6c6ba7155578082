// SPDX-License-Identifier: MIT
// What another process used: processor time and memory, as Linux counts them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <sys/types.h>

#include <walkie/error.hpp>

namespace walkie::cli {

/// Processor time of all threads of `pid` since its start, user and kernel, in nanoseconds.
[[nodiscard]] Result<std::chrono::nanoseconds> process_cpu_time(pid_t pid);

/// Memory of a process in bytes, from /proc/PID/smaps_rollup. Kernel memory is not in it.
struct ProcessMemory {
  std::int64_t resident = 0;
  std::int64_t proportional = 0;   ///< Shared pages count by their share.
  std::int64_t private_dirty = 0;  ///< Written and not shared: heap and stacks.
};
[[nodiscard]] Result<ProcessMemory> process_memory(pid_t pid);

/// The parser of the above, for tests; missing lines count as 0.
[[nodiscard]] ProcessMemory parse_smaps_rollup(std::string_view text);

/// Raises the soft limit of descriptors to the hard one; an error that says what to do where that
/// is less than `count`.
[[nodiscard]] Result<void> allow_descriptors(std::size_t count);

}  // namespace walkie::cli
