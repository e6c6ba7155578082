// SPDX-License-Identifier: MIT
// Basic authentication (RFC 7617): what stands in Authorization and Proxy-Authorization.
#pragma once

#include <string>
#include <string_view>

namespace walkie::http {

/// Base64 of `bytes` with padding (RFC 4648 §4).
[[nodiscard]] std::string base64(std::string_view bytes);

/// "Basic dXNlcjpwYXNz". A user name must have no ':' (RFC 7617 §2): see is_basic_user().
[[nodiscard]] std::string basic_credentials(std::string_view user, std::string_view password);

/// Whether a server can tell `user` from the password behind it.
[[nodiscard]] inline bool is_basic_user(std::string_view user) noexcept {
  return user.find(':') == std::string_view::npos;
}

}  // namespace walkie::http
