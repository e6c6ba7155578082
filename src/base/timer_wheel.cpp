// SPDX-License-Identifier: MIT
// The wheel: five levels of 64 slots, a slot of level L spanning 64^L ticks. A timer sits in the
// lowest level that reaches it and moves down a level whenever the wheel comes to its slot.
#include <base/timer_wheel.hpp>

#include <algorithm>
#include <bit>

#include <base/assert.hpp>

namespace walkie::base {
namespace {

constexpr std::uint64_t kNoTick = UINT64_MAX;

}  // namespace

Timer::~Timer() {
  if (armed()) wheel_->cancel(*this);
}

TimerWheel::TimerWheel(Instant start) noexcept : start_(start) {}

TimerWheel::~TimerWheel() { WALKIE_ASSERT(armed_ == 0); }

void TimerWheel::arm(Timer& timer, Instant when) noexcept {
  if (timer.armed()) cancel(timer);
  timer.tick_ = tick_after(when);
  timer.wheel_ = this;
  ++armed_;
  place(timer, overdue_);
}

void TimerWheel::cancel(Timer& timer) noexcept {
  if (!timer.armed()) return;
  WALKIE_ASSERT(timer.wheel_ == this);
  remove(timer);
}

void TimerWheel::advance(Instant now) {
  move_all(overdue_, firing_);
  if (now > start_) collect_due(static_cast<std::uint64_t>((now - start_) / kTick));
  while (!firing_.empty()) {
    Timer& timer = static_cast<Timer&>(*firing_.next);
    remove(timer);
    timer.on_timer(now);
  }
}

std::optional<Instant> TimerWheel::next_deadline() const noexcept {
  if (armed_ == 0) return std::nullopt;
  const bool due = !overdue_.empty() || !firing_.empty();
  const std::uint64_t tick = due ? tick_ : next_event_tick();
  return start_ + static_cast<Duration::rep>(tick) * kTick;
}

/// The first tick that is not before `when`.
std::uint64_t TimerWheel::tick_after(Instant when) const noexcept {
  if (when <= start_) return 0;
  const Duration since = when - start_;
  return static_cast<std::uint64_t>(since / kTick) + (since % kTick > Duration::zero() ? 1 : 0);
}

/// The next tick at which a timer fires or a slot cascades; kNoTick where all slots are empty.
std::uint64_t TimerWheel::next_event_tick() const noexcept {
  std::uint64_t first = kNoTick;
  for (std::size_t level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) continue;
    const auto shift = static_cast<unsigned>(level) * kSlotBits;
    const std::uint64_t position = tick_ >> shift;
    // The current slot counts as a whole turn away: it was emptied when the wheel came to it.
    const auto to_next = static_cast<int>((position + 1) % kSlots);
    const int distance = std::countr_zero(std::rotr(occupied_[level], to_next)) + 1;
    first = std::min(first, (position + static_cast<std::uint64_t>(distance)) << shift);
  }
  return first;
}

void TimerWheel::insert(Ring& ring, Timer& timer) noexcept {
  timer.previous = ring.previous;
  timer.next = &ring;
  ring.previous->next = &timer;
  ring.previous = &timer;
}

void TimerWheel::move_all(Ring& from, Ring& to) noexcept {
  if (from.empty()) return;
  from.next->previous = to.previous;
  to.previous->next = from.next;
  from.previous->next = &to;
  to.previous = from.previous;
  from.previous = from.next = &from;
}

// A timer beyond the wheel's range waits in the farthest slot and is placed again from there.
void TimerWheel::place(Timer& timer, Ring& due) noexcept {
  if (timer.tick_ <= tick_) return insert(due, timer);
  const std::uint64_t distance = std::min(timer.tick_ - tick_, kRangeTicks - 1);
  const auto reach = static_cast<std::size_t>(std::bit_width(distance) - 1) / kSlotBits;
  const std::size_t level = std::min(reach, kLevels - 1);
  const std::uint64_t slot = ((tick_ + distance) >> (level * kSlotBits)) % kSlots;
  insert(slots_[level * kSlots + slot], timer);
  occupied_[level] |= std::uint64_t{1} << slot;
}

void TimerWheel::remove(Timer& timer) noexcept {
  TimerLink& before = *timer.previous;
  before.next = timer.next;
  timer.next->previous = timer.previous;
  timer.previous = timer.next = nullptr;
  timer.wheel_ = nullptr;
  --armed_;
  if (before.next == &before) forget_empty_slot(before);
}

void TimerWheel::forget_empty_slot(const TimerLink& ring) noexcept {
  if (&ring == &overdue_ || &ring == &firing_) return;
  const auto index = static_cast<std::size_t>(static_cast<const Ring*>(&ring) - slots_.data());
  occupied_[index / kSlots] &= ~(std::uint64_t{1} << (index % kSlots));
}

void TimerWheel::collect_due(std::uint64_t now_tick) noexcept {
  while (tick_ < now_tick) {
    tick_ = std::min(next_event_tick(), now_tick);
    for (std::size_t level = kLevels - 1; level > 0; --level)
      if (tick_ % (std::uint64_t{1} << (level * kSlotBits)) == 0) cascade(level);
    cascade(0);
  }
}

/// Places the timers of the current slot of `level` again: they are due, or fit a lower level.
void TimerWheel::cascade(std::size_t level) noexcept {
  const std::uint64_t slot = (tick_ >> (level * kSlotBits)) % kSlots;
  if ((occupied_[level] & (std::uint64_t{1} << slot)) == 0) return;
  occupied_[level] &= ~(std::uint64_t{1} << slot);
  Ring moving;
  move_all(slots_[level * kSlots + slot], moving);
  while (!moving.empty()) {
    Timer& timer = static_cast<Timer&>(*moving.next);
    moving.next = timer.next;
    timer.next->previous = &moving;
    place(timer, firing_);
  }
}

}  // namespace walkie::base
