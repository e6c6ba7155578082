// SPDX-License-Identifier: MIT
// Which backend a run of the tests is about: WALKIE_TEST_IO, "epoll" or "uring"; without it what
// the machine would choose.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include <io/loop.hpp>
#include <walkie/server.hpp>

namespace walkie::test {

inline io::Backend backend() {
  const char* name = std::getenv("WALKIE_TEST_IO");
  if (name == nullptr) return io::Backend::automatic;
  return std::string_view(name) == "uring" ? io::Backend::uring : io::Backend::epoll;
}

/// The same for a server.
inline IoBackend io_backend() {
  switch (backend()) {
    case io::Backend::epoll:
      return IoBackend::epoll;
    case io::Backend::uring:
      return IoBackend::uring;
    case io::Backend::automatic:
      break;
  }
  return IoBackend::automatic;
}

/// A program that is to test io_uring where the kernel has none is skipped: its code is 77.
inline const bool kBackendIsThere = [] {
  if (backend() != io::Backend::uring) return true;
  const auto loop = io::make_uring_loop();
  if (loop) return true;
  std::fprintf(stderr, "skipped: %s\n", loop.error().message.c_str());
  std::exit(77);
}();

}  // namespace walkie::test
