// SPDX-License-Identifier: MIT
// A thread in sigwait(): the signals are blocked in the threads that we start, so that it takes
// them. Threads older than the watch do not block them; a handler there passes them on.
#include <io/signals.hpp>

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <thread>
#include <utility>
#include <vector>

#include <base/assert.hpp>

namespace walkie::io {
namespace {

std::atomic<bool> watch_exists{false};
std::atomic<pid_t> watching_thread{0};  ///< 0 before it runs.

/// Runs on a thread older than the watch. The kernel's number of a thread stays harmless once that
/// thread is gone, where pthread_kill() would not.
void pass_on(int number) noexcept {
  const int saved = errno;
  syscall(SYS_tgkill, getpid(), watching_thread.load(), number);
  errno = saved;
}

sigset_t set_of(std::span<const int> signals) noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : signals) sigaddset(&set, number);
  return set;
}

/// Takes what is still pending: unblocked, it would end the process.
void drain(const sigset_t& signals) noexcept {
  constexpr timespec kNoWait{};
  while (sigtimedwait(&signals, nullptr, &kNoWait) > 0) {
  }
}

}  // namespace

struct SignalWatch::State {
  sigset_t signals{};
  sigset_t mask_before{};
  int stop_signal = 0;  ///< Sent to the thread itself, to end its wait.
  std::function<void(int)> on_signal;
  std::atomic<bool> stopping{false};
  std::vector<std::pair<int, struct sigaction>> actions_before;
  std::thread thread;

  void take_actions(std::span<const int> numbers) {
    struct sigaction action{};
    action.sa_handler = pass_on;
    action.sa_flags = SA_RESTART;
    for (const int number : numbers) {
      struct sigaction before{};
      sigaction(number, &action, &before);
      actions_before.emplace_back(number, before);
    }
  }

  void restore_actions() {
    for (const auto& [number, before] : actions_before) sigaction(number, &before, nullptr);
  }

  void watch() {
    watching_thread.store(gettid());
    watching_thread.notify_one();
    while (true) {
      int number = 0;
      if (sigwait(&signals, &number) != 0) continue;
      if (stopping.load(std::memory_order_acquire)) return;
      on_signal(number);
    }
  }
};

SignalWatch::SignalWatch(std::span<const int> signals, std::function<void(int)> on_signal)
    : state_(std::make_unique<State>()) {
  WALKIE_ASSERT(!signals.empty());
  WALKIE_ASSERT(!watch_exists.exchange(true));
  state_->signals = set_of(signals);
  state_->stop_signal = signals.front();
  state_->on_signal = std::move(on_signal);
  // The thread inherits a full mask: no handler of the application ever runs on it.
  sigset_t everything;
  sigfillset(&everything);
  pthread_sigmask(SIG_SETMASK, &everything, &state_->mask_before);
  state_->thread = std::thread([state = state_.get()] { state->watch(); });
  pthread_sigmask(SIG_SETMASK, &state_->mask_before, nullptr);
  pthread_sigmask(SIG_BLOCK, &state_->signals, nullptr);
  watching_thread.wait(0);
  state_->take_actions(signals);
}

SignalWatch::SignalWatch(std::initializer_list<int> signals, std::function<void(int)> on_signal)
    : SignalWatch(std::span(signals.begin(), signals.size()), std::move(on_signal)) {}

SignalWatch::~SignalWatch() {
  state_->stopping.store(true, std::memory_order_release);
  pthread_kill(state_->thread.native_handle(), state_->stop_signal);
  state_->thread.join();
  drain(state_->signals);
  state_->restore_actions();
  watching_thread.store(0);
  pthread_sigmask(SIG_SETMASK, &state_->mask_before, nullptr);
  watch_exists.store(false);
}

}  // namespace walkie::io
