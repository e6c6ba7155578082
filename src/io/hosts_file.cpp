// SPDX-License-Identifier: MIT
// One line after the other: ADDRESS NAME [NAME...] [# comment]
#include <io/hosts_file.hpp>

#include <algorithm>
#include <fstream>
#include <optional>

#include <base/header_field.hpp>

namespace walkie::io {
namespace {

constexpr std::string_view kBlanks = " \t\r";

/// Takes the next word off the front; empty at the end.
std::string_view next_word(std::string_view& line) noexcept {
  line.remove_prefix(std::min(line.find_first_not_of(kBlanks), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlanks));
  line.remove_prefix(word.size());
  return word;
}

bool names(std::string_view line, std::string_view name) noexcept {
  for (std::string_view word = next_word(line); !word.empty(); word = next_word(line))
    if (equal_ignoring_case(word, name)) return true;
  return false;
}

}  // namespace

std::vector<SocketAddress> hosts_addresses(std::istream& lines, std::string_view name,
                                           std::uint16_t port) {
  std::vector<SocketAddress> found;
  for (std::string text; std::getline(lines, text);) {
    std::string_view line(text);
    line = line.substr(0, line.find('#'));
    const std::string_view host = next_word(line);
    if (host.empty() || !names(line, name)) continue;
    const auto address = numeric_address(host, port);
    const auto same = [&](const SocketAddress& other) { return other.host() == address->host(); };
    if (address && std::none_of(found.begin(), found.end(), same)) found.push_back(*address);
  }
  return found;
}

std::vector<SocketAddress> hosts_addresses(const std::string& path, std::string_view name,
                                           std::uint16_t port) {
  std::ifstream file(path);
  return hosts_addresses(file, name, port);
}

}  // namespace walkie::io
