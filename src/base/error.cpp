// SPDX-License-Identifier: MIT
// errno as an Error.
#include <walkie/error.hpp>

#include <cerrno>
#include <utility>

namespace walkie {

Error errno_error(std::string doing) {
  return system_error(std::move(doing), {errno, std::system_category()});
}

}  // namespace walkie
