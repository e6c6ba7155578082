// SPDX-License-Identifier: MIT
// Termination signals as a callback on a thread of its own, so that a library user's threads are
// not interrupted.
#pragma once

#include <functional>
#include <initializer_list>
#include <memory>
#include <span>

namespace walkie::io {

/// While alive: calls `on_signal(number)` on its own thread for each of `signals`, whichever thread
/// the kernel gives it to. Blocks them in the calling thread (and so in threads started after it);
/// in older threads a handler runs for a moment. Restores mask and handlers when destroyed. One at
/// a time per process.
class SignalWatch {
 public:
  SignalWatch(std::span<const int> signals, std::function<void(int)> on_signal);
  SignalWatch(std::initializer_list<int> signals, std::function<void(int)> on_signal);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace walkie::io
