// SPDX-License-Identifier: MIT
// The choice of a backend.
#include <io/loop.hpp>

namespace walkie::io {

Result<std::unique_ptr<Loop>> make_loop(Backend backend, const LoopOptions& options) {
  switch (backend) {
    case Backend::epoll:
      return make_epoll_loop(options);
    case Backend::uring:
      return make_uring_loop(options);
    case Backend::automatic:
      break;
  }
  // A ring may be refused although it works: by the limit on locked memory, or a sandbox.
  if (auto loop = make_uring_loop(options)) return loop;
  return make_epoll_loop(options);
}

}  // namespace walkie::io
