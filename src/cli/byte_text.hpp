// SPDX-License-Identifier: MIT
// Bytes as text: hexadecimal, Base64, and a dump for reading.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include <walkie/bytes.hpp>

namespace walkie::cli {

[[nodiscard]] std::string hex_of(BytesView bytes);

/// The bytes of "de ad be:ef" or "0xDEADBEEF": digits in pairs in any case; blanks, colons and a
/// leading 0x do not count. Nothing for anything else.
[[nodiscard]] std::optional<std::string> parse_hex(std::string_view text);

/// With padding, in one line (RFC 4648 §4).
[[nodiscard]] std::string base64_of(BytesView bytes);

/// The bytes of Base64 in the standard or the URL alphabet, with or without padding; blanks around
/// it do not count. Nothing for anything else.
[[nodiscard]] std::optional<std::string> parse_base64(std::string_view text);

/// Lines of 16 bytes with offset and characters: "00000000  68 69 ...  |hi|". Of more than
/// `bytes_max` bytes the first, and a line that says how many follow.
[[nodiscard]] std::string hex_dump(BytesView bytes, std::size_t bytes_max);

}  // namespace walkie::cli
