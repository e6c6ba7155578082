// SPDX-License-Identifier: MIT
// The one table of HTTP/1.1 faults.
#include <http/head_error.hpp>

#include <array>
#include <cstddef>
#include <utility>

namespace walkie::http {
namespace {

struct Row {
  HeadError error;
  HeadErrorFacts facts;
};

constexpr std::array kRows{
    Row{HeadError::none, {200, "no fault", "RFC 9112"}},
    Row{HeadError::bare_line_feed, {400, "a line ends with a bare LF", "RFC 9112 §2.2"}},
    Row{HeadError::bare_carriage_return, {400, "a CR without its LF", "RFC 9112 §2.2"}},
    Row{HeadError::control_byte, {400, "a control byte in a field value", "RFC 9110 §5.5"}},
    Row{HeadError::bad_request_line,
        {400, "the request line is not 'method target version'", "RFC 9112 §3"}},
    Row{HeadError::bad_method, {400, "the method is not a token", "RFC 9112 §3.1"}},
    Row{HeadError::bad_target, {400, "the request target is malformed", "RFC 9112 §3.2"}},
    Row{HeadError::unsupported_version, {505, "only HTTP/1.x is spoken here", "RFC 9112 §2.3"}},
    Row{HeadError::bad_status_line, {502, "the status line is malformed", "RFC 9112 §4"}},
    Row{HeadError::bad_field_name, {400, "a field name is not a token", "RFC 9112 §5"}},
    Row{HeadError::space_before_colon,
        {400, "white space between a field name and its colon", "RFC 9112 §5.1"}},
    Row{HeadError::folded_line, {400, "a line begins with white space", "RFC 9112 §5.2"}},
    Row{HeadError::missing_host, {400, "the Host field is missing", "RFC 9112 §3.2"}},
    Row{HeadError::double_host, {400, "more than one Host field", "RFC 9112 §3.2"}},
    Row{HeadError::bad_host, {400, "the Host field is malformed", "RFC 9112 §3.2"}},
    Row{HeadError::bad_content_length,
        {400, "Content-Length is not one decimal number", "RFC 9112 §6.3"}},
    Row{HeadError::conflicting_content_length,
        {400, "more than one Content-Length field", "RFC 9112 §6.3"}},
    Row{HeadError::length_with_transfer_encoding,
        {400, "Content-Length beside Transfer-Encoding", "RFC 9112 §6.3"}},
    Row{HeadError::bad_transfer_encoding,
        {400, "Transfer-Encoding does not end in one chunked, or is in HTTP/1.0", "RFC 9112 §6.1"}},
    Row{HeadError::unsupported_transfer_encoding,
        {501, "no transfer coding but chunked is understood", "RFC 9112 §6.1"}},
    Row{HeadError::unknown_expectation,
        {417, "no expectation but 100-continue is met", "RFC 9110 §10.1.1"}},
    Row{HeadError::bad_chunk,
        {400, "the chunked body is malformed, or its extensions or trailers are too long",
         "RFC 9112 §7.1"}},
    Row{HeadError::head_too_large, {431, "the head is too large", "RFC 6585 §5"}},
    Row{HeadError::target_too_long, {414, "the request target is too long", "RFC 9110 §15.5.15"}},
    Row{HeadError::body_too_large, {413, "the body is too large", "RFC 9110 §15.5.14"}},
    Row{HeadError::head_timeout, {408, "the head took too long", "RFC 9110 §15.5.9"}},
    Row{HeadError::body_timeout, {408, "the body took too long", "RFC 9110 §15.5.9"}},
    Row{HeadError::too_many_interim_answers,
        {502, "too many interim answers (1xx) in front of the final one", "RFC 9110 §15.2"}},
    Row{HeadError::not_http,
        {400, "this is not HTTP: a TLS handshake on a plain port looks like that", "RFC 9112 §3"}},
};

consteval bool rows_are_in_order() {
  for (std::size_t i = 0; i < kRows.size(); ++i)
    if (std::to_underlying(kRows[i].error) != i) return false;
  return std::to_underlying(HeadError::not_http) + 1 == kRows.size();
}
static_assert(rows_are_in_order());

}  // namespace

const HeadErrorFacts& facts_of(HeadError error) noexcept {
  return kRows[std::to_underlying(error)].facts;
}

}  // namespace walkie::http
