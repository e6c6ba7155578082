// SPDX-License-Identifier: MIT
// Latencies, counted in log-linear buckets: three significant digits from nanoseconds to minutes.
//
//   value   0 ... 2047 | 2048 ... 4095 | 4096 ... 8191 | ...
//   bucket  1 wide     | 2 wide        | 4 wide        | ...   (1024 buckets per power of two)
#pragma once

#include <cstdint>
#include <vector>

namespace walkie::cli {

/// Not thread safe. record() costs a few instructions and never allocates.
class Histogram {
 public:
  Histogram();

  /// Values above kValueMax count in the last bucket; max() still knows the largest exactly.
  void record(std::uint64_t value) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// 0 where nothing was recorded.
  [[nodiscard]] std::uint64_t max() const noexcept { return max_; }
  [[nodiscard]] double mean() const noexcept;
  /// The value that `fraction` (0 to 1) of all records do not exceed, at most 0.1 % too high.
  [[nodiscard]] std::uint64_t quantile(double fraction) const noexcept;

  static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << 40) - 1;  ///< 18 min in ns.

 private:
  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace walkie::cli
