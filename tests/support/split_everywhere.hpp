// SPDX-License-Identifier: MIT
// Replays an input in every way in which a network may deliver it.
#pragma once

#include <algorithm>
#include <vector>

#include <support/bytes.hpp>

namespace walkie::test {

using Parts = std::vector<Bytes>;

/// Calls `check(parts)` with `input` whole, byte by byte, and cut in two at every position; of a
/// long input at its first and last `near` positions and at some between.
template <class Check>
void split_everywhere(BytesView input, Check&& check, std::size_t near = 96) {
  check(Parts{copy_of(input)});
  Parts single;
  for (const std::byte byte : input) single.push_back({byte});
  check(single);
  const std::size_t middle_step = std::max<std::size_t>(1, input.size() / 16);
  for (std::size_t at = 1; at < input.size();) {
    check(Parts{copy_of(input.first(at)), copy_of(input.subspan(at))});
    const bool edge = at < near || input.size() - at <= near;
    at = edge ? at + 1 : std::max(at + 1, std::min(at + middle_step, input.size() - near));
  }
}

}  // namespace walkie::test
