// SPDX-License-Identifier: MIT
// HTTP/1.1 heads (RFC 9112 §2 to §5): strict, bounded, and without copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <base/header_field.hpp>

namespace walkie::http {

/// Why a head was refused; the table behind facts_of() gives status, text and RFC section.
enum class HeadError : std::uint8_t {
  none,
  bare_line_feed,
  bare_carriage_return,
  control_byte,
  bad_request_line,
  bad_method,
  bad_target,
  unsupported_version,   // 505
  bad_status_line,
  bad_field_name,
  space_before_colon,
  folded_line,           // obs-fold
  missing_host,
  double_host,
  bad_host,
  bad_content_length,
  conflicting_content_length,
  length_with_transfer_encoding,
  unsupported_transfer_encoding,  // 501
  bad_chunk,
  head_too_large,        // 431
  target_too_long,       // 414
  body_too_large,        // 413
  head_timeout,          // 408
  not_http,              // such as a TLS ClientHello on a plain port
};

struct HeadErrorFacts {
  int status;
  std::string_view text;
  std::string_view clause;
};
[[nodiscard]] const HeadErrorFacts& facts_of(HeadError error) noexcept;

struct HeadLimits {
  std::size_t head_bytes_max = 16 * 1024;  ///< Start line and fields with their line ends; else 431.
  std::size_t target_bytes_max = 8 * 1024;
  std::size_t fields_max = 100;
};

/// A parsed request head; views point into the bytes it was parsed from.
struct RequestHead {
  std::string_view method;
  std::string_view target;  ///< As sent: origin-form, absolute-form, "*", or authority-form.
  std::string_view path;    ///< Of the target, still percent-encoded, at least "/".
  std::string_view query;   ///< Behind '?', without it.
  int minor_version = 1;
  std::vector<HeaderField> fields;
};

struct ResponseHead {
  int status = 0;
  std::string_view reason;
  int minor_version = 1;
  std::vector<HeaderField> fields;
};

/// How a message's body is framed (RFC 9112 §6.3).
struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close } kind = Kind::none;
  std::uint64_t length = 0;
};

enum class HeadStatus : std::uint8_t { incomplete, complete, failed };

/// Parses a head at the front of `in`. Incremental use: call again with the same bytes and more;
/// `scanned` (start with 0) remembers where the search for the end stands, so a slow trickle costs O(n).
/// On complete, `head_bytes` says how much it took.
struct HeadProgress {
  std::size_t scanned = 0;
  std::size_t head_bytes = 0;
  HeadError error = HeadError::none;
};
[[nodiscard]] HeadStatus parse_request(std::string_view in, const HeadLimits& limits,
                                       HeadProgress& progress, RequestHead& head);
[[nodiscard]] HeadStatus parse_response(std::string_view in, const HeadLimits& limits,
                                        HeadProgress& progress, ResponseHead& head);

/// Framing of a request's body, or the smuggling attempt that it is (both errors close the connection).
[[nodiscard]] HeadError request_body(const RequestHead& head, BodyFraming& framing) noexcept;
[[nodiscard]] HeadError response_body(const ResponseHead& head, std::string_view request_method,
                                      BodyFraming& framing) noexcept;

/// Whether the connection persists after this message (RFC 9112 §9.3).
[[nodiscard]] bool keeps_alive(int minor_version, std::span<const HeaderField> fields) noexcept;

/// Decodes %XX; nothing where an escape is malformed or gives a NUL byte.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// The value of `key` in a query ("a=1&b=2"), decoded with '+' as space; nothing where absent.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view key);

/// The value of cookie `name` in the Cookie fields (RFC 6265 §5.4); nothing where absent.
[[nodiscard]] std::optional<std::string_view> cookie_value(std::span<const HeaderField> fields,
                                                           std::string_view name) noexcept;

}  // namespace walkie::http
