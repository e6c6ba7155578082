// SPDX-License-Identifier: MIT
// Many timers, cheaply: a hierarchical wheel of intrusive timers. Arming, re-arming and cancelling
// are O(1); a timer never fires early, and at most one tick late.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <base/time.hpp>

namespace walkie::base {

class TimerWheel;

/// A place in a ring of timers.
struct TimerLink {
  TimerLink* previous = nullptr;
  TimerLink* next = nullptr;
};

/// Derive from it (privately owned by its session) and override on_timer(). Cancels itself when
/// destroyed.
class Timer : private TimerLink {
 public:
  Timer() noexcept = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  [[nodiscard]] bool armed() const noexcept { return next != nullptr; }

 protected:
  ~Timer();
  /// Runs from TimerWheel::advance(), disarmed; may re-arm, cancel or destroy any timer, itself
  /// included.
  virtual void on_timer(Instant now) = 0;

 private:
  friend class TimerWheel;
  TimerWheel* wheel_ = nullptr;  ///< While armed.
  std::uint64_t tick_ = 0;
};

/// Not thread safe. Timers must be cancelled or destroyed before the wheel.
class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(1);

  explicit TimerWheel(Instant start) noexcept;
  ~TimerWheel();
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Fires at the first advance() at or after `when` (rounded up to a tick). Re-arms an armed
  /// timer.
  void arm(Timer& timer, Instant when) noexcept;
  void cancel(Timer& timer) noexcept;

  /// Runs what is due. Timers armed by callbacks for a time already past run at the next advance().
  void advance(Instant now);

  /// No timer fires before this; nothing where none is armed. May be earlier than the first timer
  /// (a cascade is due then): call advance() and ask again.
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return armed_; }

 private:
  static constexpr std::size_t kLevels = 5;
  static constexpr unsigned kSlotBits = 6;
  static constexpr std::size_t kSlots = std::size_t{1} << kSlotBits;
  static constexpr std::uint64_t kRangeTicks = std::uint64_t{1} << (kLevels * kSlotBits);

  /// A ring's sentinel, linked to itself while the ring is empty.
  struct Ring : TimerLink {
    Ring() noexcept { previous = next = this; }
    [[nodiscard]] bool empty() const noexcept { return next == this; }
  };

  [[nodiscard]] std::uint64_t tick_after(Instant when) const noexcept;
  [[nodiscard]] std::uint64_t next_event_tick() const noexcept;
  static void insert(Ring& ring, Timer& timer) noexcept;
  static void move_all(Ring& from, Ring& to) noexcept;
  void place(Timer& timer, Ring& due) noexcept;
  void remove(Timer& timer) noexcept;
  void forget_empty_slot(const TimerLink& ring) noexcept;
  void collect_due(std::uint64_t now_tick) noexcept;
  void cascade(std::size_t level) noexcept;

  /// Level L's slot s holds the timers of the next tick t with (t >> 6L) % 64 == s.
  std::array<Ring, kLevels * kSlots> slots_;
  std::array<std::uint64_t, kLevels> occupied_{};  ///< One bit per slot that holds a timer.
  Ring overdue_;                                   ///< Armed for a time already past.
  Ring firing_;                                    ///< Due in the advance() under way.
  Instant start_;
  std::uint64_t tick_ = 0;  ///< All ticks up to this one were collected.
  std::size_t armed_ = 0;
};

}  // namespace walkie::base
