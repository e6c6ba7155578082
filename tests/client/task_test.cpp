// SPDX-License-Identifier: MIT
// Tasks and their loop. Built without optimisation (tests/CMakeLists.txt): stacks must not grow
// there either.
#include <walkie/task.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::test {
namespace {

using namespace std::chrono_literals;

Task<int> number(int value) { co_return value; }

Task<std::unique_ptr<std::string>> owned(std::string_view text) {
  co_return std::make_unique<std::string>(text);
}

Task<int> failing(int value) {
  if (value >= 0) throw std::runtime_error("failing");
  co_return value;
}

/// Tells of its end.
struct Mark {
  explicit Mark(int& on) noexcept : count(on) {}
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  ~Mark() { ++count; }
  int& count;
};

TEST_CASE("a task gives its value to who awaits it, also one that can only be moved") {
  ClientLoop loop;
  const auto sum = [](ClientLoop&) -> Task<int> {
    const int one = co_await number(1);
    const auto text = co_await owned("22");
    co_return one + std::stoi(*text);
  };
  CHECK(block_on(loop, sum(loop)) == 23);
  CHECK(*block_on(loop, owned("x")) == "x");
}

TEST_CASE("what a task throws reaches who awaits it, through every task between") {
  ClientLoop loop;
  CHECK_THROWS_WITH(block_on(loop, failing(1)), "failing");
  const auto outer = []() -> Task<std::string> {
    try {
      (void)co_await failing(2);
    } catch (const std::runtime_error& error) {
      co_return std::string("caught ") + error.what();
    }
    co_return "nothing";
  };
  CHECK(block_on(loop, outer()) == "caught failing");
  const auto passing = [](ClientLoop& on) -> Task<> {
    co_await sleep(on, 1ms);
    (void)co_await failing(3);
  };
  CHECK_THROWS_WITH(block_on(loop, passing(loop)), "failing");
}

TEST_CASE("a task does nothing until it is awaited, and nothing at all when it is not") {
  ClientLoop loop;
  bool ran = false;
  const auto run = [&]() -> Task<> {
    ran = true;
    co_return;
  };
  {
    const Task<> never = run();
  }
  CHECK(!ran);
  block_on(loop, run());
  CHECK(ran);
}

TEST_CASE("a million co_awaits that need not wait take no stack") {
  ClientLoop loop;
  const auto count = [](ClientLoop& on) -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 500'000; ++i) sum += co_await number(1);
    co_await sleep(on, 1ms);  // and the same from inside a resumption
    for (int i = 0; i < 500'000; ++i) sum += co_await number(1);
    co_return sum;
  };
  CHECK(block_on(loop, count(loop)) == 1'000'000);
}

TEST_CASE("a hundred thousand co_awaits of a task that waits take no stack") {
  ClientLoop loop;
  const auto turn = [](ClientLoop& on) -> Task<int> {
    struct Turn {
      ClientLoop& loop;
      [[nodiscard]] bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<> self) const {
        loop.post([self] { self.resume(); });
      }
      void await_resume() const noexcept {}
    };
    co_await Turn{on};
    co_return 1;
  };
  const auto count = [&](ClientLoop& on) -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += co_await turn(on);
    co_return sum;
  };
  CHECK(block_on(loop, count(loop)) == 100'000);
}

TEST_CASE("sleep() goes on after its time, several in the order of theirs") {
  ClientLoop loop;
  std::vector<int> order;
  const auto sleeper = [&](ClientLoop& on, int time_ms) -> Task<> {
    co_await sleep(on, std::chrono::milliseconds(time_ms));
    order.push_back(time_ms);
  };
  const auto start = std::chrono::steady_clock::now();
  for (const int time_ms : {60, 20, 40}) spawn(loop, sleeper(loop, time_ms));
  block_on(loop, sleeper(loop, 80));
  CHECK(std::chrono::steady_clock::now() - start >= 80ms);
  CHECK(order == std::vector{20, 40, 60, 80});
}

TEST_CASE("a task that is destroyed while it waits destroys what it holds, and is not resumed") {
  int ends = 0;
  bool resumed = false;
  const auto waiting = [&](ClientLoop& on) -> Task<> {
    const Mark mark(ends);
    co_await sleep(on, 1h);
    resumed = true;
  };
  const auto nested = [&](ClientLoop& on) -> Task<> {
    const Mark mark(ends);
    co_await waiting(on);
  };
  SUBCASE("with its loop") {
    {
      ClientLoop loop;
      spawn(loop, nested(loop));
      loop.run_once(0ms);
      CHECK(ends == 0);
    }
    CHECK(ends == 2);
  }
  SUBCASE("with a loop that has a thread") {
    {
      ClientLoop loop;
      spawn(loop, nested(loop));
      loop.start_thread();
      std::promise<void> turned;
      loop.post([&] { turned.set_value(); });
      turned.get_future().wait();
    }
    CHECK(ends == 2);
  }
  SUBCASE("before it began") {
    {
      ClientLoop loop;
      spawn(loop, nested(loop));
    }
    CHECK(ends == 0);
  }
  CHECK(!resumed);
}

TEST_CASE("spawn() and post() may come from any thread, and run on the loop's") {
  std::atomic<int> ran{0};
  std::atomic<int> strays{0};
  std::promise<void> all;
  ClientLoop loop;
  loop.start_thread();
  std::promise<std::thread::id> told;
  loop.post([&] { told.set_value(std::this_thread::get_id()); });
  const std::thread::id home = told.get_future().get();
  const auto step = [&](ClientLoop& on) -> Task<> {
    co_await sleep(on, 1ms);
    if (std::this_thread::get_id() != home) ++strays;
    if (++ran == 400) all.set_value();
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) spawn(loop, step(loop));
    });
  for (auto& thread : threads) thread.join();
  CHECK(all.get_future().wait_for(10s) == std::future_status::ready);
  CHECK(strays == 0);
}

TEST_CASE("post_after() runs tasks when they are due, and destroys those that never are") {
  auto kept = std::make_shared<int>(0);
  {
    ClientLoop loop;
    std::string order;
    loop.post_after(30ms, [&] { order += 'c'; });
    loop.post_after(10ms, [&] { order += 'b'; });
    loop.post_after(-1ms, [&] { order += 'a'; });
    loop.post_after(std::chrono::milliseconds::max(), [kept, &order] { order += 'x'; });
    for (int i = 0; i < 500 && order.size() < 3; ++i) {
      const auto timeout = loop.timeout();
      loop.run_once(timeout.value_or(10ms));
    }
    CHECK(order == "abc");
    CHECK(kept.use_count() == 2);
  }
  CHECK(kept.use_count() == 1);
}

}  // namespace
}  // namespace walkie::test
