// SPDX-License-Identifier: MIT
// What a failed assertion does.
#include <base/assert.hpp>

#include <cstdio>
#include <cstdlib>

namespace walkie::base {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
  std::abort();
}

}  // namespace walkie::base
