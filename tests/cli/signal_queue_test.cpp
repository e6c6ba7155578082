// SPDX-License-Identifier: MIT
// Signals in a queue.
#include <cli/signal_queue.hpp>

#include <csignal>

#include <doctest/doctest.h>
#include <poll.h>

namespace walkie::cli {
namespace {

bool readable(int fd) {
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 0) == 1;
}

TEST_CASE("a signal waits in the queue in place of its effect") {
  SignalQueue queue{SIGUSR1, SIGUSR2};
  CHECK_FALSE(readable(queue.descriptor()));
  CHECK_FALSE(queue.next());
  std::raise(SIGUSR1);
  CHECK(readable(queue.descriptor()));
  CHECK(queue.next() == SIGUSR1);
  CHECK_FALSE(queue.next());
}

TEST_CASE("what waits at the end is lost, not delivered") {
  {
    const SignalQueue queue{SIGUSR1};
    std::raise(SIGUSR1);
  }
  CHECK(true);  // SIGUSR1 would have ended the process
}

TEST_CASE("an ignored signal stays ignored") {
  std::signal(SIGUSR1, SIG_IGN);
  {
    SignalQueue queue{SIGUSR1};
    std::raise(SIGUSR1);
    CHECK_FALSE(queue.next());
  }
  std::signal(SIGUSR1, SIG_DFL);
}

}  // namespace
}  // namespace walkie::cli
