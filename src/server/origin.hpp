// SPDX-License-Identifier: MIT
// Whether a browser's page may open a WebSocket here (RFC 6455 §10.2).
#pragma once

#include <string_view>

#include <walkie/server.hpp>

namespace walkie::server {

/// `origin` as in the Origin header ("https://example.com:8443", "null"), `host` as in the Host
/// header. Without an origin the client is no browser: allowed. A scheme's default port may be left
/// out on either side. Under TLS of our own (`secure`) only https pages are of the same origin;
/// else a proxy may have spoken TLS, and either scheme is.
[[nodiscard]] bool origin_allowed(const OriginPolicy& policy, std::string_view origin,
                                  std::string_view host, bool secure = false);

}  // namespace walkie::server
