// SPDX-License-Identifier: MIT
// Through an HTTP proxy by CONNECT (RFC 9110 §9.3.6): the request, and the answer judged. Pure.
#pragma once

#include <optional>

#include <client/exchange.hpp>
#include <http/client_connection.hpp>
#include <http/url.hpp>
#include <walkie/connect_error.hpp>

namespace walkie::client {

/// Asks `proxy` for a tunnel to the host and port of `url`; with the proxy's user and password, by
/// basic authentication. ws:// too goes through a tunnel (RFC 6455 §4.1).
[[nodiscard]] OutgoingRequest connect_request(const http::Url& proxy, const http::Url& url);

/// Judges what came of it: nothing where the tunnel stands (any 2xx), with its first bytes in the
/// connection's leftover(). Errors: proxy, with the answer where one came; the message names the
/// proxy, its status, and of 407 which credentials are missing.
[[nodiscard]] std::optional<ConnectError> judge_connect_answer(const http::Url& proxy,
                                                               const http::Url& url,
                                                               const http::ClientEvent& event);

}  // namespace walkie::client
