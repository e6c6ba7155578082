// SPDX-License-Identifier: MIT
// One HTTP header field, borrowed, and the list questions that handshakes ask (RFC 9110 §5).
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

namespace walkie {

/// A field line; both views live as long as the head they were parsed from.
struct HeaderField {
  std::string_view name;   ///< As sent; compare with equal_ignoring_case().
  std::string_view value;  ///< Without the white space around it.
};

/// Only ASCII letters have a case here.
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;

/// The value of the first field of that name.
[[nodiscard]] std::optional<std::string_view> find_header(std::span<const HeaderField> fields,
                                                          std::string_view name) noexcept;

[[nodiscard]] std::size_t count_headers(std::span<const HeaderField> fields,
                                        std::string_view name) noexcept;

/// Whether any field of that name lists `token` (comma separated, any case; RFC 9110 §5.6.1).
[[nodiscard]] bool header_has_token(std::span<const HeaderField> fields, std::string_view name,
                                    std::string_view token) noexcept;

/// Splits a comma-separated list element off the front of `list`, trimmed; commas in quoted strings
/// do not separate. Empty elements are skipped. Nothing at the end.
[[nodiscard]] std::optional<std::string_view> next_list_element(std::string_view& list) noexcept;

/// Whether `text` is a token of RFC 9110 §5.6.2 (one or more tchar).
[[nodiscard]] bool is_token(std::string_view text) noexcept;

/// Without spaces and tabs around it.
[[nodiscard]] std::string_view trim(std::string_view text) noexcept;

}  // namespace walkie
