// SPDX-License-Identifier: MIT
// The choice of a backend.
#include <io/loop.hpp>

namespace walkie::io {

Result<std::unique_ptr<Loop>> make_loop(Backend backend, const LoopOptions& options) {
  switch (backend) {
    case Backend::automatic:
    case Backend::epoll:
      break;
  }
  return make_epoll_loop(options);
}

}  // namespace walkie::io
