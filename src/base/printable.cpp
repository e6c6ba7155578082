// SPDX-License-Identifier: MIT
// Text of others made fit for one line.
#include <base/printable.hpp>

namespace walkie::base {

std::string printable(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  const bool cut = text.size() > bytes_max;
  std::string line;
  line.reserve(text.size() < bytes_max ? text.size() : bytes_max + 3);
  for (const char c : text.substr(0, bytes_max)) {
    if (c >= ' ' && c <= '~') {
      line += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    line.append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  }
  return cut ? line.append("...") : line;
}

}  // namespace walkie::base
