// SPDX-License-Identifier: MIT
// Whether a browser's page may open a WebSocket here (RFC 6455 §10.2).
#pragma once

#include <string_view>

#include <walkie/server.hpp>

namespace walkie::server {

/// `origin` as in the Origin header ("https://example.com:8443", "null"), `host` as in the Host
/// header. Without an origin the client is no browser: allowed. A scheme's default port may be left
/// out on either side.
[[nodiscard]] bool origin_allowed(const OriginPolicy& policy, std::string_view origin,
                                  std::string_view host);

}  // namespace walkie::server
