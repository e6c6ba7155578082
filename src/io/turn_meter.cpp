// SPDX-License-Identifier: MIT
// The histogram of turns.
#include <io/turn_meter.hpp>

#include <algorithm>

namespace walkie::io {
namespace {

void increase(std::atomic<std::uint64_t>& counter, std::uint64_t by) noexcept {
  counter.store(counter.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

void TurnMeter::add(Duration busy) noexcept {
  const auto ns = static_cast<std::uint64_t>(std::max<Duration::rep>(busy.count(), 0));
  std::size_t bucket = 0;
  while (bucket < LoopStats::kBoundsUs.size() && ns > LoopStats::kBoundsUs[bucket] * 1000ULL)
    ++bucket;
  increase(turns_, 1);
  increase(busy_ns_, ns);
  increase(turn_us_[bucket], 1);
}

LoopStats TurnMeter::read() const noexcept {
  LoopStats stats;
  stats.turns = turns_.load(std::memory_order_relaxed);
  stats.busy_ns = busy_ns_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < turn_us_.size(); ++i)
    stats.turn_us[i] = turn_us_[i].load(std::memory_order_relaxed);
  return stats;
}

}  // namespace walkie::io
