// SPDX-License-Identifier: MIT
// What of the user's options goes into an opening handshake, checked before anything is dialled.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <http/url.hpp>
#include <walkie/client.hpp>
#include <walkie/error.hpp>

namespace walkie::client {

/// What is wrong with `headers` (those of the attempt) or with the handshake's other options, for
/// people; nothing where all is well. `url` may bring user and password.
[[nodiscard]] std::optional<std::string> handshake_fault(
    std::span<const std::pair<std::string, std::string>> headers, const ClientOptions& options,
    const http::Url& url);

/// The Authorization that `options` and the URL's user and password make (RFC 6750 §2.1, RFC 7617
/// §2); empty: none.
[[nodiscard]] std::string authorization_of(const ClientOptions& options, const http::Url& url);

/// A URL that a WebSocket may have: http and https become ws and wss. Errors as of parse_url(), and
/// for every other scheme.
[[nodiscard]] Result<http::Url> parse_websocket_url(std::string_view text);

/// Whether a header of that name carries credentials that belong to one origin.
[[nodiscard]] bool is_credential(std::string_view header) noexcept;

}  // namespace walkie::client
