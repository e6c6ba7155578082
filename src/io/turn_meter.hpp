// SPDX-License-Identifier: MIT
// Counts how long turns worked: one thread writes, any thread reads.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <base/time.hpp>
#include <io/loop.hpp>

namespace walkie::io {

/// Relaxed atomics with plain loads and stores: no read-modify-write on the loop's path.
class TurnMeter {
 public:
  /// A turn worked for `busy`. The loop's thread only.
  void add(Duration busy) noexcept;

  /// Any thread; counters may be of neighbouring turns.
  [[nodiscard]] LoopStats read() const noexcept;

 private:
  std::atomic<std::uint64_t> turns_{0};
  std::atomic<std::uint64_t> busy_ns_{0};
  std::array<std::atomic<std::uint64_t>, LoopStats::kBoundsUs.size() + 1> turn_us_{};
};

}  // namespace walkie::io
