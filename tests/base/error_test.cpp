// SPDX-License-Identifier: MIT
// Errors in one line.
#include <walkie/error.hpp>

#include <cerrno>
#include <ostream>

#include <doctest/doctest.h>

namespace walkie {
namespace {

TEST_CASE("an error says what was being done and why it failed") {
  errno = EACCES;
  const Error error = errno_error("binding 0.0.0.0:443");
  CHECK(error.message == "binding 0.0.0.0:443: Permission denied");
  CHECK(error.code == std::errc::permission_denied);
}

}  // namespace
}  // namespace walkie
