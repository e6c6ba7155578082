// SPDX-License-Identifier: MIT
// A counter that one thread writes and any thread reads: no atomic read-modify-write.
#pragma once

#include <atomic>
#include <cstdint>

namespace walkie::link {

class Counter {
 public:
  /// The writer's thread only.
  void add(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t amount = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - amount, std::memory_order_relaxed);
  }
  void set(std::uint64_t amount) noexcept { value_.store(amount, std::memory_order_relaxed); }
  /// Any thread.
  [[nodiscard]] std::uint64_t get() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace walkie::link
