// SPDX-License-Identifier: MIT
// Signals as something to poll for.
#pragma once

#include <initializer_list>
#include <optional>

#include <csignal>

#include <io/endpoint.hpp>

namespace walkie::cli {

/// While alive, these signals wait here in place of their effect, in the thread that made it and in
/// threads started after it. Those that the process ignores (nohup, a shell's background) stay
/// ignored. Restores the mask when destroyed; what waits then is lost.
class SignalQueue {
 public:
  explicit SignalQueue(std::initializer_list<int> signals);
  ~SignalQueue();
  SignalQueue(const SignalQueue&) = delete;
  SignalQueue& operator=(const SignalQueue&) = delete;

  /// Readable while a signal waits.
  [[nodiscard]] int descriptor() const noexcept { return fd_.get(); }
  [[nodiscard]] std::optional<int> next();

 private:
  io::Fd fd_;
  sigset_t before_{};
};

}  // namespace walkie::cli
