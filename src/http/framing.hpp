// SPDX-License-Identifier: MIT
// How a message's body is framed and whether its connection persists (RFC 9112 §6.3 and §9.3): the
// rules that smuggling would bend.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include <base/header_field.hpp>
#include <http/head.hpp>

namespace walkie::http {

/// How a message's body is framed (RFC 9112 §6.3).
struct BodyFraming {
  enum class Kind : std::uint8_t { none, length, chunked, until_close } kind = Kind::none;
  std::uint64_t length = 0;  ///< Of Kind::length.
};

/// Framing of a request's body, or the smuggling attempt that it is (close the connection).
/// Errors: bad_content_length, conflicting_content_length, length_with_transfer_encoding,
///         bad_transfer_encoding, unsupported_transfer_encoding.
[[nodiscard]] HeadError request_body(const RequestHead& head, BodyFraming& framing) noexcept;

/// The same for the response to a request with that method.
[[nodiscard]] HeadError response_body(const ResponseHead& head, std::string_view request_method,
                                      BodyFraming& framing) noexcept;

/// Whether the connection persists after this message (RFC 9112 §9.3).
[[nodiscard]] bool keeps_alive(int minor_version, std::span<const HeaderField> fields) noexcept;

}  // namespace walkie::http
