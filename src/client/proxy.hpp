// SPDX-License-Identifier: MIT
// Which proxy a URL goes through: the option, else the environment's variables. Pure: the
// environment comes in.
//
// Where it differs from curl, the model: HTTP_PROXY in upper case counts too, outside of CGI; an
// option goes before NO_PROXY; an entry of NO_PROXY may have a port; "*" counts among other
// entries; a proxy without a port is at its scheme's (80, 443, 1080), not always at 1080; WS_PROXY
// and WSS_PROXY are not looked at; SOCKS 4 is not spoken.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <http/url.hpp>
#include <walkie/error.hpp>

namespace walkie::client {

/// Looks up a variable; nothing where it is not set.
using Variable = std::function<std::optional<std::string>(std::string_view name)>;

/// The proxy for `url`, nothing for a direct connection. `option` wins ("direct": none); else
/// HTTPS_PROXY for wss, HTTP_PROXY for ws (only in lower case where REQUEST_METHOD is set: a CGI
/// program's requests must not choose it), then ALL_PROXY, each in lower case first, unless
/// NO_PROXY covers the host. An empty variable counts as not set. A proxy without a scheme is an
/// http one; the path of its URL is not looked at. Errors name the variable or the option, and what
/// is wrong.
[[nodiscard]] Result<std::optional<http::Url>> proxy_for(const http::Url& url,
                                                         std::string_view option,
                                                         const Variable& variable);

/// Whether `list` (of NO_PROXY's form) covers that host and port. Entries stand between commas or
/// white space: names ("example.com", ".example.com" and "*.example.com" each cover the name and
/// what is below it), addresses, networks ("10.0.0.0/8", "fd00::/8"), each with an optional ":port"
/// (IPv6 then in brackets), or "*" for all. Names cover no numeric hosts, and addresses no names:
/// nothing is resolved. An entry that is none of these covers nothing.
[[nodiscard]] bool covers(std::string_view list, std::string_view host,
                          std::uint16_t port) noexcept;

}  // namespace walkie::client
