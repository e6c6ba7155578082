// SPDX-License-Identifier: MIT
// Many timers, cheaply: a hierarchical wheel of intrusive timers. Arming, re-arming and cancelling
// are O(1); a timer never fires early, and at most one tick late.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <base/time.hpp>

namespace walkie::base {

class TimerWheel;

/// Derive from it (privately owned by its session) and override on_timer(). Cancels itself when destroyed.
class Timer {
 public:
  Timer() noexcept = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  [[nodiscard]] bool armed() const noexcept { return next_ != nullptr; }

 protected:
  ~Timer();
  /// Runs from TimerWheel::advance(), disarmed; may re-arm, cancel or destroy any timer, itself included.
  virtual void on_timer(Instant now) = 0;

 private:
  friend class TimerWheel;
  Timer* previous_ = nullptr;
  Timer* next_ = nullptr;
  std::uint64_t tick_ = 0;
};

/// Not thread safe. Timers must be cancelled or destroyed before the wheel.
class TimerWheel {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(1);

  explicit TimerWheel(Instant start) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  /// Fires at the first advance() at or after `when` (rounded up to a tick). Re-arms an armed timer.
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
  struct Head final : Timer {  // the ring's sentinel
    void on_timer(Instant) override {}
  };
  std::array<std::array<Head, kSlots>, kLevels> slots_;
  std::array<std::uint64_t, kLevels> occupied_{};  ///< One bit per slot that holds a timer.
  Instant start_;
  std::uint64_t tick_ = 0;
  std::size_t armed_ = 0;
};

}  // namespace walkie::base
