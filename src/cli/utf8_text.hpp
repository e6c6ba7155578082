// SPDX-License-Identifier: MIT
// Walking UTF-8 text that may not be any.
#pragma once

#include <cstddef>
#include <string_view>

namespace walkie::cli {

/// The length of the UTF-8 sequence at the front of `text`, which is not empty; 0 where there is
/// none (RFC 3629 §4).
[[nodiscard]] std::size_t sequence_bytes(std::string_view text) noexcept;

[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

/// A character with the bytes that it takes.
struct Rune {
  char32_t code = 0;      ///< U+FFFD where there is no valid sequence.
  std::size_t bytes = 1;  ///< At least 1.
  bool valid = true;
};

/// The character at the front of `text`, which is not empty.
[[nodiscard]] Rune front_rune(std::string_view text) noexcept;

}  // namespace walkie::cli
