// SPDX-License-Identifier: MIT
// Hosts and request targets: what a request is for (RFC 9112 §3.2, RFC 3986 §3.2).
#pragma once

#include <string_view>

#include <http/head_error.hpp>

namespace walkie::http {

/// Whether `text` is uri-host [":" port]: a name, an IPv4 address or a bracketed IPv6 one, not
/// empty; a port of at most 65535, which may be empty.
[[nodiscard]] bool is_authority(std::string_view text) noexcept;

/// A target taken apart; views point into it.
struct TargetParts {
  std::string_view authority;  ///< Of absolute-form and authority-form; else empty.
  std::string_view path = "/";
  std::string_view query;
};

/// Takes `target` apart in the form that `method` allows (§3.2.1 to §3.2.4). Errors: bad_target.
[[nodiscard]] HeadError parse_target(std::string_view method, std::string_view target,
                                     TargetParts& parts) noexcept;

}  // namespace walkie::http
