// SPDX-License-Identifier: MIT
// Latencies in log-linear buckets.
#include <cli/histogram.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace walkie::cli {
namespace {

constexpr int kLinearBits = 11;  ///< Below 2^11 each value has its own bucket.
constexpr std::uint64_t kHalf = std::uint64_t{1} << (kLinearBits - 1);

/// How far a value is shifted so that kLinearBits bits remain.
int shift_of(std::uint64_t value) noexcept {
  return std::max(0, static_cast<int>(std::bit_width(value)) - kLinearBits);
}

std::size_t bucket_of(std::uint64_t value) noexcept {
  const int shift = shift_of(value);
  return static_cast<std::size_t>(shift) * kHalf + static_cast<std::size_t>(value >> shift);
}

/// The largest value that falls into `bucket`.
std::uint64_t top_of(std::size_t bucket) noexcept {
  if (bucket < 2 * kHalf) return bucket;
  const std::size_t shift = bucket / kHalf - 1;
  return ((bucket - shift * kHalf + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(bucket_of(kValueMax) + 1) {}

void Histogram::record(std::uint64_t value) noexcept {
  ++buckets_[bucket_of(std::min(value, kValueMax))];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::clear() noexcept {
  std::ranges::fill(buckets_, 0);
  count_ = max_ = 0;
  sum_ = 0;
}

double Histogram::mean() const noexcept {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

std::uint64_t Histogram::quantile(double fraction) const noexcept {
  const double share = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(count_);
  const auto rank = std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(share)));
  std::uint64_t seen = 0;
  for (std::size_t bucket = 0; bucket < buckets_.size(); ++bucket) {
    seen += buckets_[bucket];
    if (seen >= rank) return std::min(top_of(bucket), max_);
  }
  return max_;
}

}  // namespace walkie::cli
