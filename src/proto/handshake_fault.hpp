// SPDX-License-Identifier: MIT
// What is wrong with a handshake.
#pragma once

#include <string_view>

namespace walkie::proto {

/// Why a handshake does not hold.
struct HandshakeFault {
  int status = 400;         ///< What a server answers: 400, 405, 426.
  std::string_view text;    ///< What is wrong, for people. Static.
  std::string_view clause;  ///< "RFC 6455 §4.2.1". Static.
};

}  // namespace walkie::proto
