// SPDX-License-Identifier: MIT
// Names that the machine's own table knows: /etc/hosts.
#pragma once

#include <cstdint>
#include <istream>
#include <string>
#include <string_view>
#include <vector>

#include <io/endpoint.hpp>

namespace walkie::io {

/// The addresses of both families that hosts(5) lines give `name`, in their order, each once; the
/// case of letters does not count. Lines that do not begin with an address are skipped.
[[nodiscard]] std::vector<SocketAddress> hosts_addresses(std::istream& lines, std::string_view name,
                                                         std::uint16_t port);

/// The same from a file, read anew at each call; none where it cannot be read.
[[nodiscard]] std::vector<SocketAddress> hosts_addresses(const std::string& path,
                                                         std::string_view name, std::uint16_t port);

}  // namespace walkie::io
