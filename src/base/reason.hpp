// SPDX-License-Identifier: MIT
// The system's words for an error, to stand inside a line of ours.
#pragma once

#include <string>
#include <system_error>

namespace walkie::base {

/// "connection refused": as the system says it, but beginning in lower case.
[[nodiscard]] std::string reason_of(std::error_code error);

}  // namespace walkie::base
