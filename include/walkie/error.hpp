// SPDX-License-Identifier: MIT
// Errors as values: what was being done, and why it failed.
#pragma once

#include <expected>
#include <string>
#include <system_error>

namespace walkie {

/// An operating error in one line a person can act on, such as
/// "binding 0.0.0.0:443: permission denied".
struct Error {
  std::string message;
  std::error_code code;  ///< The system's code where there was one; else empty.
};

/// A value, or why there is none.
template <class T>
using Result = std::expected<T, Error>;

/// "doing: reason of code".
[[nodiscard]] inline Error system_error(std::string doing, std::error_code code) {
  return {std::move(doing) + ": " + code.message(), code};
}

/// The same for the current errno.
[[nodiscard]] Error errno_error(std::string doing);

}  // namespace walkie
