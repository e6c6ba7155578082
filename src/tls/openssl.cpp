// SPDX-License-Identifier: MIT
// The first error in the queue is the cause; later ones say who passed it on.
#include <tls/openssl.hpp>

namespace walkie::tls {

std::string take_error() {
  const unsigned long code = ERR_get_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  ERR_clear_error();
  return reason ? reason : "unknown error";
}

}  // namespace walkie::tls
