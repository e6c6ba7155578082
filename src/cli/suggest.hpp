// SPDX-License-Identifier: MIT
// "Did you mean": the known word nearest to a mistyped one.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace walkie::cli {

/// Letters to insert, remove, replace or swap with their neighbour to make `b` of `a`.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

/// The word of `known` nearest to `word`, where it is near enough to be a slip (a third of its
/// letters, at least one); else empty.
[[nodiscard]] std::string_view closest(std::string_view word,
                                       std::span<const std::string_view> known);

/// "; did you mean \"...\"?" for such a word, else empty.
[[nodiscard]] std::string did_you_mean(std::string_view word,
                                       std::span<const std::string_view> known);

}  // namespace walkie::cli
