// SPDX-License-Identifier: MIT
// Reads what is packed into a target and into the Cookie field: escapes, query values, cookies.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <base/header_field.hpp>

namespace walkie::http {

/// Decodes %XX (RFC 3986 §2.1); nothing where an escape is malformed or gives a NUL byte.
[[nodiscard]] std::optional<std::string> percent_decoded(std::string_view text);

/// The value of the first `key` in a query ("a=1&b=2"), decoded with '+' as space; nothing where it
/// is absent. A pair with a malformed escape does not count.
[[nodiscard]] std::optional<std::string> query_value(std::string_view query, std::string_view key);

/// The value of cookie `name` in the Cookie fields (RFC 6265 §5.4), as sent; nothing where absent.
/// Lives as long as the fields' bytes.
[[nodiscard]] std::optional<std::string_view> cookie_value(std::span<const HeaderField> fields,
                                                           std::string_view name) noexcept;

}  // namespace walkie::http
