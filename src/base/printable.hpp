// SPDX-License-Identifier: MIT
// Text of others made fit for one line of a message or a log.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace walkie::base {

/// `text` in which every byte but visible ASCII and the space stands as \xNN, so that it can
/// neither break a line nor steer a terminal. More than `bytes_max` bytes are cut there, with
/// "..." behind.
[[nodiscard]] std::string printable(std::string_view text, std::size_t bytes_max = 200);

}  // namespace walkie::base
