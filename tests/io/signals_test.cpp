// SPDX-License-Identifier: MIT
// Signals as calls on a thread of their own.
#include <io/signals.hpp>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <mutex>
#include <thread>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

namespace walkie::io {
namespace {

/// Signals as they come, to be waited for.
class Caught {
 public:
  void add(int number) {
    const std::lock_guard lock(mutex_);
    numbers_.push_back(number);
    thread_ = std::this_thread::get_id();
    changed_.notify_all();
  }
  std::vector<int> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return numbers_.size() >= count; });
    return numbers_;
  }
  std::thread::id thread() {
    const std::lock_guard lock(mutex_);
    return thread_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int> numbers_;
  std::thread::id thread_;
};

bool blocked(int number) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, number) == 1;
}

TEST_CASE("signal watch calls back on its own thread for each signal") {
  Caught caught;
  const SignalWatch watch({SIGUSR1, SIGUSR2}, [&caught](int number) { caught.add(number); });
  kill(getpid(), SIGUSR1);
  CHECK(caught.wait_for(1) == std::vector{SIGUSR1});
  kill(getpid(), SIGUSR2);
  CHECK(caught.wait_for(2) == std::vector{SIGUSR1, SIGUSR2});
  CHECK(caught.thread() != std::this_thread::get_id());
}

TEST_CASE("signal watch blocks its signals in threads started after it") {
  Caught caught;
  const SignalWatch watch({SIGUSR1}, [&caught](int number) { caught.add(number); });
  std::thread([] { CHECK(blocked(SIGUSR1)); }).join();
}

TEST_CASE("signal watch takes signals that the kernel gives to a thread older than it") {
  int done[2];
  REQUIRE(pipe(done) == 0);
  // In read(), as ThreadSanitizer runs handlers in calls that it knows only.
  std::thread older([&done] {
    char byte = 0;
    CHECK(read(done[0], &byte, 1) == 0);
  });
  Caught caught;
  {
    const SignalWatch watch({SIGUSR1}, [&caught](int number) { caught.add(number); });
    pthread_kill(older.native_handle(), SIGUSR1);
    CHECK(caught.wait_for(1) == std::vector{SIGUSR1});
    CHECK(caught.thread() != older.get_id());
  }
  struct sigaction after{};
  sigaction(SIGUSR1, nullptr, &after);
  CHECK((after.sa_handler == SIG_DFL));
  close(done[1]);
  older.join();
  close(done[0]);
}

TEST_CASE("signal watch restores the mask, and can be made again") {
  REQUIRE_FALSE(blocked(SIGUSR1));
  for (int i = 0; i < 3; ++i) {
    const SignalWatch watch({SIGUSR1}, [](int) {});
    CHECK(blocked(SIGUSR1));
  }
  CHECK_FALSE(blocked(SIGUSR1));
}

TEST_CASE("a signal that comes while the watch is destroyed does not end the process") {
  for (int i = 0; i < 50; ++i) {
    const SignalWatch watch({SIGUSR1, SIGUSR2}, [](int) {});
    kill(getpid(), SIGUSR2);
    kill(getpid(), SIGUSR1);
  }
  CHECK_FALSE(blocked(SIGUSR1));
}

}  // namespace
}  // namespace walkie::io
