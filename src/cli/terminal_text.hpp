// SPDX-License-Identifier: MIT
// Text of others made harmless for a terminal, and colours.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace walkie::cli {

/// `text` without anything that a terminal would obey: control characters (C0 but for tab and line
/// feed, DEL, C1), marks that reorder text, and bytes that are no UTF-8 come out as "\\x1b",
/// "\\u202e". A backslash stays as it is: this is for reading, not for reading back.
[[nodiscard]] std::string harmless(std::string_view text);

/// The same in one line: line feeds as "\\n".
[[nodiscard]] std::string harmless_line(std::string_view text);

enum class Colour : std::uint8_t { plain, dim, red, green, yellow, blue, magenta, cyan };

/// `text` in that colour where `coloured`; `text` as it is otherwise.
[[nodiscard]] std::string in_colour(Colour colour, std::string_view text, bool coloured);

}  // namespace walkie::cli
