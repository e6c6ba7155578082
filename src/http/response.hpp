// SPDX-License-Identifier: MIT
// Writes HTTP/1.1 response heads, and the small rules of what stands in them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <base/header_field.hpp>

namespace walkie::http {

/// "OK", "Not Found"; "Status" for codes that are not registered.
[[nodiscard]] std::string_view reason_of(int status) noexcept;

/// The Content-Type of a file by its name's ending; application/octet-stream where unknown.
[[nodiscard]] std::string_view content_type_of(std::string_view path) noexcept;

/// Fields of a response, as handlers give them.
using ResponseFields = std::span<const std::pair<std::string, std::string>>;

/// What write_response_head() is told beside the caller's own fields.
struct ResponseFraming {
  int status = 200;
  bool keep_alive = true;  ///< Else "Connection: close".
  int minor_version = 1;   ///< The request's: an HTTP/1.0 client needs "keep-alive".
  std::optional<std::uint64_t> content_length{};  ///< Absent for 1xx, 204 and 101.
  std::string_view content_type{};                ///< Empty: none.
  std::string_view date{};                        ///< An IMF-fixdate of now; empty: none.
};

/// Appends a response head to `out`. Fields whose name is no token or whose value has a control
/// byte (CR, LF, NUL, ...) are left out and make it return false: a handler's bug must not split a
/// response. So do those that would contradict the framing: Content-Length, Transfer-Encoding,
/// Connection, which lists Upgrade where a field of that name is there. A Date of the caller's own
/// is left out where `framing` has one.
bool write_response_head(std::string& out, const ResponseFraming& framing, ResponseFields fields);

/// The agreed parts of a 101; empty subprotocol or extensions: no such field.
struct UpgradeAnswer {
  std::string_view accept;
  std::string_view subprotocol;
  std::string_view extensions;
};

/// The 101 answer to an upgrade (RFC 6455 §4.2.2). Leaves out fields as write_response_head() does,
/// and those that the handshake itself writes.
bool write_upgrade_response(std::string& out, const UpgradeAnswer& answer, ResponseFields fields);

/// IMF-fixdate (RFC 9110 §5.6.7) of a Unix time, 29 characters; of the years 1970 to 9999.
[[nodiscard]] std::string imf_date(std::int64_t unix_seconds);

/// A strong entity tag of `content`, quoted (RFC 9110 §8.8.3). Tells versions of a file apart; it
/// is no proof against someone who makes two files collide.
[[nodiscard]] std::string entity_tag(std::string_view content);

/// Whether If-None-Match says that the client has `tag` already (weak comparison, lists, "*";
/// RFC 9110 §13.1.2).
[[nodiscard]] bool none_match(std::span<const HeaderField> fields, std::string_view tag) noexcept;

}  // namespace walkie::http
