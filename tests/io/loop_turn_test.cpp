// SPDX-License-Identifier: MIT
// A turn's order, its timers, wake-ups from elsewhere, and its counters.
#include <io/loop.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <functional>
#include <numeric>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <io/loop_fixture.hpp>
#include <io/mailbox.hpp>

namespace walkie::io {
namespace {

struct Phases : TurnHandler {
  explicit Phases(Loop& on) : loop(on) { loop.set_turn_handler(this); }
  ~Phases() { loop.set_turn_handler(nullptr); }
  void on_wake() override {
    ++wakes;
    if (act_on_wake) act_on_wake();
  }
  void on_turn_end() override {
    ++turn_ends;
    if (act_on_turn_end) act_on_turn_end();
  }
  Loop& loop;
  int wakes = 0;
  int turn_ends = 0;
  std::function<void()> act_on_wake;
  std::function<void()> act_on_turn_end;
};

struct Alarm final : base::Timer {
  void on_timer(Instant now) override {
    fired_at = now;
    ++fired;
    if (act) act();
  }
  Instant fired_at{};
  int fired = 0;
  std::function<void()> act;
};

TEST_CASE("a turn tells sockets, then timers, then wake-ups, then its end") {
  Pair pair;
  std::string order;
  Phases phases(*pair.loop);
  Alarm alarm;
  pair.recorder.act_on_received = [&](MutableBytes) { order += "socket "; };
  alarm.act = [&] { order += "timer "; };
  phases.act_on_wake = [&] { order += "wake "; };
  phases.act_on_turn_end = [&] { order += "end "; };
  put(pair.peer, "x");
  pair.loop->wake();
  pair.loop->timers().arm(alarm, pair.loop->now());
  REQUIRE(pair.loop->run_turn(seconds(1)));
  CHECK(order == "socket timer wake end ");
}

TEST_CASE("a turn waits until a timer is due, no longer, and without spinning") {
  const auto loop = make();
  Alarm alarm;
  const Instant when = loop->now() + milliseconds(20);
  loop->timers().arm(alarm, when);
  REQUIRE(run_until(*loop, [&] { return alarm.fired == 1; }, 10));
  CHECK(alarm.fired_at >= when);
  CHECK(loop->now() == alarm.fired_at);
  CHECK(loop->stats().turns <= 4);
}

TEST_CASE("a turn waits no longer than it was told to, and time passes in it") {
  const auto loop = make();
  const Instant before = loop->now();
  REQUIRE(loop->run_turn(milliseconds(3)));
  CHECK(loop->now() - before >= milliseconds(3));
  REQUIRE(loop->run_turn(Duration::zero()));
  REQUIRE(loop->run_turn(-seconds(1)));
}

/// A timer comes due between two turns. Returns how long the turn that runs it took.
Duration turn_after_late_timer(Loop& loop) {
  Alarm alarm;
  REQUIRE(loop.run_turn(Duration::zero()));
  const Instant due = loop.now() + milliseconds(40);
  loop.timers().arm(alarm, due);
  std::this_thread::sleep_until(due);
  const Instant before = std::chrono::steady_clock::now();
  REQUIRE(run_until(loop, [&] { return alarm.fired == 1; }, 3));
  return std::chrono::steady_clock::now() - before;
}

TEST_CASE("a turn does not wait for a timer that came due before it began") {
  const auto loop = make();
  Duration fastest = seconds(1);  // of a few: the machine may be busy with others
  for (int i = 0; i < 3; ++i) fastest = std::min(fastest, turn_after_late_timer(*loop));
  CHECK(fastest < milliseconds(20));
}

TEST_CASE("wake-ups before a turn end its wait at once and come as one") {
  const auto loop = make();
  Phases phases(*loop);
  for (int i = 0; i < 5; ++i) loop->wake();
  REQUIRE(loop->run_turn(seconds(60)));
  CHECK(phases.wakes == 1);
  CHECK(idle(*loop));
  CHECK(phases.wakes == 1);
}

TEST_CASE("a wake-up from inside on_wake ends the next wait") {
  const auto loop = make();
  Phases phases(*loop);
  phases.act_on_wake = [&] {
    if (phases.wakes == 1) loop->wake();
  };
  loop->wake();
  REQUIRE(loop->run_turn(seconds(60)));
  REQUIRE(loop->run_turn(seconds(60)));
  CHECK(phases.wakes == 2);
}

TEST_CASE("another thread's wake-up ends the wait") {
  const auto loop = make();
  Phases phases(*loop);
  std::jthread waker([&loop] { loop->wake(); });
  REQUIRE(run_until(*loop, [&] { return phases.wakes == 1; }));
}

TEST_CASE("what several threads post into a mailbox before waking the loop all arrives") {
  constexpr int kThreads = 3;
  constexpr std::uint64_t kItems = 20'000;
  const auto loop = make();
  Phases phases(*loop);
  Mailbox<std::uint64_t> mailbox(256);
  std::uint64_t taken = 0;
  std::uint64_t sum = 0;
  phases.act_on_wake = [&] {
    while (const auto item = mailbox.take()) {
      ++taken;
      sum += *item;
    }
  };
  std::vector<std::jthread> posters;
  for (int i = 0; i < kThreads; ++i) {
    posters.emplace_back([&] {
      for (std::uint64_t item = 1; item <= kItems; ++item) {
        while (!mailbox.post(std::uint64_t{item})) std::this_thread::yield();
        loop->wake();
      }
    });
  }
  REQUIRE(run_until(*loop, [&] { return taken == kThreads * kItems; }, 1'000'000));
  CHECK(sum == kThreads * kItems * (kItems + 1) / 2);
}

std::atomic<Loop*> signalled_loop{nullptr};

TEST_CASE("a signal handler may wake the loop") {
  const auto loop = make();
  Phases phases(*loop);
  signalled_loop = loop.get();
  const auto before = std::signal(SIGUSR1, [](int) { signalled_loop.load()->wake(); });
  std::raise(SIGUSR1);
  REQUIRE(loop->run_turn(seconds(60)));
  CHECK(phases.wakes == 1);
  std::signal(SIGUSR1, before);
  signalled_loop = nullptr;
}

TEST_CASE("a send that breaks at a turn's end is told at once in the next turn") {
  Pair pair;
  Phases phases(*pair.loop);
  reset_and_close(std::move(pair.peer));
  pair.loop->set_receiving(pair.id, false);
  phases.act_on_turn_end = [&] {
    if (phases.turn_ends == 1) CHECK(send_text(*pair.loop, pair.id, "late") == 0);
  };
  // The first turn may have told the reset already; what counts is that it is told, once, unwaited.
  REQUIRE(pair.loop->run_turn(Duration::zero()));
  if (pair.recorder.errors.empty()) REQUIRE(pair.loop->run_turn(seconds(60)));
  CHECK(pair.recorder.errors.size() == 1);
}

TEST_CASE("counters tell turns and how long they worked, to any thread") {
  const auto loop = make();
  std::jthread reader([&loop](const std::stop_token& stop) {
    while (!stop.stop_requested()) static_cast<void>(loop->stats());
  });
  Phases phases(*loop);
  phases.act_on_turn_end = [&] {
    const Instant until = std::chrono::steady_clock::now() + milliseconds(2);
    while (phases.turn_ends == 1 && std::chrono::steady_clock::now() < until) {
    }
  };
  run_turns(*loop, 10);
  const LoopStats stats = loop->stats();
  CHECK(stats.turns == 10);
  CHECK(std::accumulate(stats.turn_us.begin(), stats.turn_us.end(), std::uint64_t{0}) == 10);
  CHECK(stats.busy_ns >= 2'000'000);
  std::uint64_t slow = 0;
  for (std::size_t i = 7; i < stats.turn_us.size(); ++i) slow += stats.turn_us[i];
  CHECK(slow >= 1);
}

}  // namespace
}  // namespace walkie::io
