// SPDX-License-Identifier: MIT
// How a message's body is framed and whether its connection persists.
#include <http/framing.hpp>

#include <limits>
#include <optional>

#include <http/characters.hpp>

namespace walkie::http {
namespace {

/// 1*DIGIT that fits; nothing else: no sign, no list, no white space (RFC 9110 §8.6).
std::optional<std::uint64_t> length_of(std::string_view digits) noexcept {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint64_t>::max();
  if (digits.empty() || !all_are(kDigitChar, digits)) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : digits) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (length > (kMax - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

HeadError framed_by_length(std::span<const HeaderField> fields, BodyFraming& framing) noexcept {
  const auto length = length_of(find_header(fields, "Content-Length").value_or(""));
  if (!length) return HeadError::bad_content_length;
  framing = {BodyFraming::Kind::length, *length};
  return HeadError::none;
}

/// What all Transfer-Encoding fields together list.
struct Codings {
  unsigned chunked = 0;
  unsigned others = 0;
  bool chunked_is_last = false;
};

Codings codings_of(std::span<const HeaderField> fields) noexcept {
  Codings codings;
  for (const HeaderField& field : fields) {
    if (!equal_ignoring_case(field.name, "Transfer-Encoding")) continue;
    std::string_view list = field.value;
    while (const auto coding = next_list_element(list)) {
      codings.chunked_is_last = equal_ignoring_case(*coding, "chunked");
      ++(codings.chunked_is_last ? codings.chunked : codings.others);
    }
  }
  return codings;
}

/// §6.1: one field that says just "chunked", and not in HTTP/1.0. Lists with empty elements and
/// such would be legal, but only smugglers send them.
HeadError judge_codings(int minor_version, std::span<const HeaderField> fields) noexcept {
  const bool once = count_headers(fields, "Transfer-Encoding") == 1;
  const auto value = find_header(fields, "Transfer-Encoding").value_or("");
  if (minor_version == 0) return HeadError::bad_transfer_encoding;
  if (once && equal_ignoring_case(value, "chunked")) return HeadError::none;
  const Codings codings = codings_of(fields);
  const bool framed = codings.chunked_is_last && codings.chunked == 1;
  return framed && codings.others ? HeadError::unsupported_transfer_encoding
                                  : HeadError::bad_transfer_encoding;
}

/// `unframed` is what a message without both fields has.
HeadError body_of(int minor_version, std::span<const HeaderField> fields,
                  BodyFraming::Kind unframed, BodyFraming& framing) noexcept {
  framing = {unframed, 0};
  const std::size_t lengths = count_headers(fields, "Content-Length");
  const std::size_t encodings = count_headers(fields, "Transfer-Encoding");
  if (lengths && encodings) return HeadError::length_with_transfer_encoding;
  if (lengths > 1) return HeadError::conflicting_content_length;
  if (lengths) return framed_by_length(fields, framing);
  if (!encodings) return HeadError::none;
  framing.kind = BodyFraming::Kind::chunked;
  return judge_codings(minor_version, fields);
}

}  // namespace

HeadError request_body(const RequestHead& head, BodyFraming& framing) noexcept {
  return body_of(head.minor_version, head.fields, BodyFraming::Kind::none, framing);
}

HeadError response_body(const ResponseHead& head, std::string_view request_method,
                        BodyFraming& framing) noexcept {
  const bool tunnel = request_method == "CONNECT" && head.status / 100 == 2;
  const bool bodiless = head.status / 100 == 1 || head.status == 204 || head.status == 304;
  framing = {};
  if (request_method == "HEAD" || tunnel || bodiless) return HeadError::none;
  return body_of(head.minor_version, head.fields, BodyFraming::Kind::until_close, framing);
}

bool keeps_alive(int minor_version, std::span<const HeaderField> fields) noexcept {
  if (header_has_token(fields, "Connection", "close")) return false;
  return minor_version >= 1 || header_has_token(fields, "Connection", "keep-alive");
}

}  // namespace walkie::http
