// SPDX-License-Identifier: MIT
// What can be wrong with an HTTP/1.1 message, and how each fault is answered.
#pragma once

#include <cstdint>
#include <string_view>

namespace walkie::http {

/// Why a message was refused; the table behind facts_of() gives status, text and RFC section.
enum class HeadError : std::uint8_t {
  none,
  bare_line_feed,
  bare_carriage_return,
  control_byte,
  bad_request_line,
  bad_method,
  bad_target,
  unsupported_version,  // 505
  bad_status_line,
  bad_field_name,
  space_before_colon,
  folded_line,  // obs-fold
  missing_host,
  double_host,
  bad_host,
  bad_content_length,
  conflicting_content_length,
  length_with_transfer_encoding,
  bad_transfer_encoding,          // chunked is not last, or stands there twice, or HTTP/1.0
  unsupported_transfer_encoding,  // 501
  unknown_expectation,            // 417
  bad_chunk,
  head_too_large,   // 431
  target_too_long,  // 414
  body_too_large,   // 413
  head_timeout,     // 408
  body_timeout,     // 408
  too_many_interim_answers,
  not_http,  // such as a TLS ClientHello on a plain port
};

struct HeadErrorFacts {
  int status;               ///< What a server answers.
  std::string_view text;    ///< What is wrong, for people. Static.
  std::string_view clause;  ///< "RFC 9112 §2.2". Static.
};
[[nodiscard]] const HeadErrorFacts& facts_of(HeadError error) noexcept;

}  // namespace walkie::http
