// SPDX-License-Identifier: MIT
// When timers fire, what callbacks may do, and a comparison with an ordered map.
#include <base/timer_wheel.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::base {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Instant kStart{hours(1000)};

class Probe final : public Timer {
 public:
  explicit Probe(std::function<void(Instant)> act = {}) : act_(std::move(act)) {}
  int fired = 0;

 private:
  void on_timer(Instant now) override {
    ++fired;
    if (act_) act_(now);
  }
  std::function<void(Instant)> act_;
};

static_assert(sizeof(Timer) <= 40);

TEST_CASE("a timer fires once, not early, and at most one tick late") {
  TimerWheel wheel(kStart);
  Probe timer;
  wheel.arm(timer, kStart + microseconds(1500));
  CHECK(timer.armed());
  CHECK(wheel.size() == 1);
  wheel.advance(kStart + microseconds(1999));
  CHECK(timer.fired == 0);
  wheel.advance(kStart + milliseconds(2));
  CHECK(timer.fired == 1);
  CHECK_FALSE(timer.armed());
  wheel.advance(kStart + hours(1));
  CHECK(timer.fired == 1);
  CHECK(wheel.size() == 0);
}

TEST_CASE("a timer armed for the past fires at the next advance, even within the same tick") {
  TimerWheel wheel(kStart);
  wheel.advance(kStart + seconds(10));
  Probe timer;
  wheel.arm(timer, kStart + seconds(3));
  CHECK(wheel.next_deadline() <= kStart + seconds(10));
  wheel.advance(kStart + seconds(10));
  CHECK(timer.fired == 1);
  wheel.arm(timer, kStart - seconds(1));
  wheel.advance(kStart + seconds(10));
  CHECK(timer.fired == 2);
}

TEST_CASE("a wheel without timers has no deadline") {
  TimerWheel wheel(kStart);
  CHECK(wheel.next_deadline() == std::nullopt);
  Probe timer;
  wheel.arm(timer, kStart + milliseconds(7));
  CHECK(wheel.next_deadline() == kStart + milliseconds(7));
  wheel.cancel(timer);
  wheel.cancel(timer);
  CHECK(wheel.next_deadline() == std::nullopt);
  wheel.advance(kStart + seconds(1));
  CHECK(timer.fired == 0);
}

TEST_CASE("re-arming replaces the earlier time, in both directions") {
  TimerWheel wheel(kStart);
  Probe timer;
  wheel.arm(timer, kStart + milliseconds(5));
  wheel.arm(timer, kStart + seconds(50));
  CHECK(wheel.size() == 1);
  wheel.advance(kStart + seconds(49));
  CHECK(timer.fired == 0);
  wheel.arm(timer, kStart + milliseconds(49'001));
  wheel.advance(kStart + milliseconds(49'001));
  CHECK(timer.fired == 1);
}

TEST_CASE("a destroyed timer does not fire and leaves no slot behind") {
  TimerWheel wheel(kStart);
  {
    Probe timer;
    wheel.arm(timer, kStart + hours(3));
  }
  CHECK(wheel.size() == 0);
  CHECK(wheel.next_deadline() == std::nullopt);
  wheel.advance(kStart + hours(4));
}

TEST_CASE("a timer's callback may re-arm it, for the past too, without starving the wheel") {
  TimerWheel wheel(kStart);
  Probe timer([&](Instant now) { wheel.arm(timer, now - milliseconds(5)); });
  wheel.arm(timer, kStart + milliseconds(1));
  wheel.advance(kStart + milliseconds(10));
  CHECK(timer.fired == 1);
  CHECK(timer.armed());
  wheel.advance(kStart + milliseconds(10));
  CHECK(timer.fired == 2);
}

TEST_CASE("a timer's callback may destroy, cancel and arm others due at the same tick") {
  TimerWheel wheel(kStart);
  auto victim = std::make_unique<Probe>();
  Probe cancelled;
  Probe late;
  Probe first([&](Instant now) {
    victim.reset();
    wheel.cancel(cancelled);
    wheel.arm(late, now + milliseconds(1));
  });
  const Instant when = kStart + milliseconds(300);
  for (Probe* timer : {&first, victim.get(), &cancelled, &late}) wheel.arm(*timer, when);
  wheel.advance(when);
  CHECK(first.fired == 1);
  CHECK(cancelled.fired == 0);
  CHECK(late.fired == 0);
  wheel.advance(when + milliseconds(1));
  CHECK(late.fired == 1);
}

TEST_CASE("a timer's callback may destroy the timer itself") {
  TimerWheel wheel(kStart);
  std::unique_ptr<Probe> timer;
  int fired = 0;
  timer = std::make_unique<Probe>([&](Instant) {
    ++fired;
    timer.reset();
  });
  wheel.arm(*timer, kStart + milliseconds(1));
  wheel.advance(kStart + seconds(1));
  CHECK(fired == 1);
  CHECK(wheel.size() == 0);
}

TEST_CASE("timers of one advance fire in the order of their ticks") {
  TimerWheel wheel(kStart);
  std::vector<int> order;
  std::vector<std::unique_ptr<Probe>> timers;
  for (const int ms : {5000, 64, 1, 300, 63, 4096, 65, 2}) {
    timers.push_back(std::make_unique<Probe>([&order, ms](Instant) { order.push_back(ms); }));
    wheel.arm(*timers.back(), kStart + milliseconds(ms));
  }
  wheel.advance(kStart + seconds(6));
  CHECK(order == std::vector{1, 2, 63, 64, 65, 300, 4096, 5000});
}

TEST_CASE("a timer beyond the wheel's range fires at its time") {
  TimerWheel wheel(kStart);
  Probe month;
  Probe never;
  wheel.arm(month, kStart + hours(24 * 30) + milliseconds(1));
  wheel.arm(never, kNever);
  for (Instant now = kStart; now <= kStart + hours(24 * 30); now += hours(7)) wheel.advance(now);
  CHECK(month.fired == 0);
  wheel.advance(kStart + hours(24 * 30));
  CHECK(month.fired == 0);
  wheel.advance(kStart + hours(24 * 30) + milliseconds(1));
  CHECK(month.fired == 1);
  wheel.advance(kStart + hours(24 * 365 * 20));
  CHECK(never.fired == 0);
  CHECK(wheel.next_deadline().has_value());
}

TEST_CASE("advancing from deadline to deadline reaches a far timer in a few steps") {
  TimerWheel wheel(kStart);
  Probe timer;
  const Instant when = kStart + hours(24 * 10) + milliseconds(123);
  wheel.arm(timer, when);
  int steps = 0;
  while (timer.fired == 0 && ++steps < 10) {
    REQUIRE(*wheel.next_deadline() <= when);
    wheel.advance(*wheel.next_deadline());
  }
  CHECK(timer.fired == 1);
  CHECK(steps <= 5);
}

TEST_CASE("time that stands still or goes back fires nothing") {
  TimerWheel wheel(kStart);
  Probe timer;
  wheel.advance(kStart + seconds(5));
  wheel.arm(timer, kStart + seconds(6));
  wheel.advance(kStart + seconds(5));
  wheel.advance(kStart);
  wheel.advance(Instant{});
  CHECK(timer.fired == 0);
  wheel.advance(kStart + seconds(6));
  CHECK(timer.fired == 1);
}

/// The wheel's promise, kept by an ordered map of due ticks.
struct Model {
  std::multimap<std::int64_t, int> due;

  void cancel(int id) {
    std::erase_if(due, [id](const auto& entry) { return entry.second == id; });
  }
  void arm(int id, Instant when) {
    cancel(id);
    const auto since = (when - kStart).count();
    due.emplace(since <= 0 ? 0 : (since + 999'999) / 1'000'000, id);
  }
  std::vector<int> advance(Instant now) {
    const auto end = due.upper_bound((now - kStart).count() / 1'000'000);
    std::vector<int> fired;
    for (auto entry = due.begin(); entry != end; ++entry) fired.push_back(entry->second);
    due.erase(due.begin(), end);
    std::sort(fired.begin(), fired.end());
    return fired;
  }
};

/// Mostly short, sometimes far beyond the wheel's range.
Duration random_delay(std::mt19937_64& random) {
  const std::uint64_t magnitude = random() % 52;
  return nanoseconds(static_cast<std::int64_t>(random() % (std::uint64_t{1} << (magnitude + 1))));
}

TEST_CASE("wheel agrees with an ordered map under random operations") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 30; ++round) {
    TimerWheel wheel(kStart);
    Model model;
    std::vector<int> fired;
    std::vector<std::unique_ptr<Probe>> timers;
    const auto renew = [&](int id) {
      return std::make_unique<Probe>([&fired, id](Instant) { fired.push_back(id); });
    };
    for (int id = 0; id < 100; ++id) timers.push_back(renew(id));
    Instant now = kStart;
    for (int step = 0; step < 3000; ++step) {
      const int id = static_cast<int>(random() % timers.size());
      auto& timer = timers[static_cast<std::size_t>(id)];
      switch (random() % 8) {
        case 0:
          wheel.cancel(*timer);
          model.cancel(id);
          break;
        case 1:
          timer = renew(id);
          model.cancel(id);
          break;
        case 2:
        case 3: {
          const auto deadline = wheel.next_deadline();
          now = deadline && random() % 2 ? std::max(now, *deadline) : now + random_delay(random);
          if (!model.due.empty() && deadline)
            CHECK((*deadline - kStart).count() / 1'000'000 <=
                  std::max(model.due.begin()->first, (now - kStart).count() / 1'000'000));
          fired.clear();
          wheel.advance(now);
          std::sort(fired.begin(), fired.end());
          REQUIRE(fired == model.advance(now));
          break;
        }
        default: {
          const Instant when = now + random_delay(random) - milliseconds(random() % 3);
          wheel.arm(*timer, when);
          model.arm(id, when);
        }
      }
      REQUIRE(wheel.size() == model.due.size());
    }
    timers.clear();
    CHECK(wheel.next_deadline() == std::nullopt);
  }
}

}  // namespace
}  // namespace walkie::base
