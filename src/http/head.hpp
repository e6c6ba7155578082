// SPDX-License-Identifier: MIT
// HTTP/1.1 heads (RFC 9112 §2 to §5): strict, bounded, and without copies.
//
//   method SP target SP HTTP/1.x CRLF          HTTP/1.x SP status SP reason CRLF
//   *( name ":" OWS value OWS CRLF )           *( name ":" OWS value OWS CRLF )
//   CRLF                                       CRLF
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <base/header_field.hpp>
#include <http/head_error.hpp>

namespace walkie::http {

struct HeadLimits {
  std::size_t head_bytes_max =
      16 * 1024;  ///< Start line and fields with their line ends; else 431.
  std::size_t target_bytes_max = 8 * 1024;  ///< Else 414.
  std::size_t fields_max = 100;             ///< Else 431.
};

/// A parsed request head; views point into the bytes it was parsed from.
struct RequestHead {
  std::string_view method;
  std::string_view target;  ///< As sent: origin-form, absolute-form, "*", or authority-form.
  std::string_view path;    ///< Of the target, still percent-encoded, at least "/".
  std::string_view query;   ///< Behind '?', without it.
  /// The authority of the target where it has one, which overrides the Host field (RFC 9112 §3.2.2;
  /// `fields` then show it too); else the Host field; may be empty.
  std::string_view host;
  int minor_version = 1;  ///< 0 or 1; higher ones count as 1.
  std::vector<HeaderField> fields;
};

struct ResponseHead {
  int status = 0;  ///< 100 to 999.
  std::string_view reason;
  int minor_version = 1;
  std::vector<HeaderField> fields;
};

enum class HeadStatus : std::uint8_t { incomplete, complete, failed };

/// Where a parse stands. Start with a fresh one for each head.
struct HeadProgress {
  std::size_t scanned = 0;  ///< Bytes that will not be looked at again until the head is complete.
  std::size_t head_bytes = 0;  ///< On complete: how much of the input is the head.
  HeadError error = HeadError::none;

  std::size_t element_start = 0;  ///< The parser's own: where the element under the scan begins,
  std::size_t fields = 0;         ///< how many field lines began,
  std::uint8_t stage = 0;         ///< and which element it is.
};

/// Parses a head at the front of `in`. Incremental use: call again with the same bytes (they may
/// have moved) and more; each byte is looked at twice at most, so a slow trickle costs O(n). `head`
/// is valid on complete only. A fault is told as soon as its byte is there, and the same fault
/// however the bytes were cut. One empty line in front of a request is skipped (RFC 9112 §2.2).
[[nodiscard]] HeadStatus parse_request(std::string_view in, const HeadLimits& limits,
                                       HeadProgress& progress, RequestHead& head);
[[nodiscard]] HeadStatus parse_response(std::string_view in, const HeadLimits& limits,
                                        HeadProgress& progress, ResponseHead& head);

}  // namespace walkie::http
