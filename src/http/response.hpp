// SPDX-License-Identifier: MIT
// Writes HTTP/1.1 heads, and answers requests for static files (RFC 9110 §8.8, §13).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <base/header_field.hpp>
#include <http/head.hpp>

namespace walkie::http {

/// "OK", "Not Found"; "Status" for codes that are not registered.
[[nodiscard]] std::string_view reason_of(int status) noexcept;

/// The Content-Type of a file by its name's ending; application/octet-stream where unknown.
[[nodiscard]] std::string_view content_type_of(std::string_view path) noexcept;

/// What write_response_head() is told beside the caller's own fields.
struct ResponseFraming {
  int status = 200;
  bool keep_alive = true;                ///< Else "Connection: close".
  int minor_version = 1;                 ///< The request's: an HTTP/1.0 client needs "keep-alive".
  std::optional<std::uint64_t> content_length;  ///< Absent for 1xx, 204 and 101.
  std::string_view date;                 ///< An IMF-fixdate of now; empty: none.
};

/// Appends a response head to `out`. Fields whose name is no token or whose value has a CR, LF or
/// NUL are left out and make it return false: a handler's bug must not split a response.
bool write_response_head(std::string& out, const ResponseFraming& framing,
                         std::span<const std::pair<std::string, std::string>> fields);

/// The 101 answer to an upgrade (RFC 6455 §4.2.2).
bool write_upgrade_response(std::string& out, std::string_view accept, std::string_view subprotocol,
                            std::string_view extensions,
                            std::span<const std::pair<std::string, std::string>> fields);

/// IMF-fixdate (RFC 9110 §5.6.7) of a Unix time, 29 characters.
[[nodiscard]] std::string imf_date(std::int64_t unix_seconds);

/// A strong entity tag of `content`, quoted.
[[nodiscard]] std::string entity_tag(std::string_view content);

/// Whether If-None-Match says that the client has `tag` already (weak comparison, lists, "*").
[[nodiscard]] bool none_match(std::span<const HeaderField> fields, std::string_view tag) noexcept;

}  // namespace walkie::http
