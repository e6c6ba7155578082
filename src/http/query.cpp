// SPDX-License-Identifier: MIT
// Reads what is packed into a target and into the Cookie field.
#include <http/query.hpp>

#include <cstddef>

#include <http/characters.hpp>

namespace walkie::http {
namespace {

/// Cuts the part before the next `separator` off the front of `list`.
std::string_view next_part(std::string_view& list, char separator) noexcept {
  const std::size_t end = list.find(separator);
  const std::string_view part = list.substr(0, end);
  list.remove_prefix(end == std::string_view::npos ? list.size() : end + 1);
  return part;
}

/// One byte of `text` at `at`, which moves behind it; -1 where an escape is malformed or NUL.
int next_decoded(std::string_view text, std::size_t& at) noexcept {
  const char c = text[at++];
  if (c != '%') return static_cast<unsigned char>(c);
  if (text.size() - at < 2) return -1;
  const int high = hex_value(text[at]);
  const int low = hex_value(text[at + 1]);
  at += 2;
  if (high < 0 || low < 0 || (high | low) == 0) return -1;
  return high * 16 + low;
}

/// As percent_decoded(); with `form`, '+' stands for a space.
std::optional<std::string> decoded(std::string_view text, bool form) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (form && text[at] == '+') {
      result.push_back(' ');
      ++at;
      continue;
    }
    const int byte = next_decoded(text, at);
    if (byte < 0) return std::nullopt;
    result.push_back(static_cast<char>(byte));
  }
  return result;
}

}  // namespace

std::optional<std::string> percent_decoded(std::string_view text) { return decoded(text, false); }

std::optional<std::string> query_value(std::string_view query, std::string_view key) {
  while (!query.empty()) {
    std::string_view value = next_part(query, '&');
    if (value.empty()) continue;
    if (decoded(next_part(value, '='), true) != key) continue;
    if (auto result = decoded(value, true)) return result;
  }
  return std::nullopt;
}

std::optional<std::string_view> cookie_value(std::span<const HeaderField> fields,
                                             std::string_view name) noexcept {
  for (const HeaderField& field : fields) {
    if (!equal_ignoring_case(field.name, "Cookie")) continue;
    std::string_view list = field.value;
    while (!list.empty()) {
      const std::string_view value = trim(next_part(list, ';'));
      const std::size_t equals = value.find('=');
      if (equals == std::string_view::npos || trim(value.substr(0, equals)) != name) continue;
      return trim(value.substr(equals + 1));
    }
  }
  return std::nullopt;
}

}  // namespace walkie::http
