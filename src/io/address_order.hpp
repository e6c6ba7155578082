// SPDX-License-Identifier: MIT
// Which address of a name to try first (RFC 6724 §6).
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include <io/endpoint.hpp>

namespace walkie::io {

/// The address that the system would send from to reach `to`; nothing where it has no route.
using SourceOf = std::function<std::optional<SocketAddress>(const SocketAddress& to)>;

/// Asks the kernel; sends nothing.
[[nodiscard]] std::optional<SocketAddress> system_source(const SocketAddress& to);

/// Puts destinations of one family into the order of RFC 6724 §6 with the policy table of §2.1,
/// without rules 3, 4 and 7: the kernel does not tell what they ask for. Those that the rules do
/// not set apart stay as the resolver gave them. Asks `source_of` once for each.
void sort_destinations(std::vector<SocketAddress>& destinations, const SourceOf& source_of);

}  // namespace walkie::io
