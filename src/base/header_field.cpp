// SPDX-License-Identifier: MIT
// Header field questions: names in any case, tokens, comma-separated lists (RFC 9110 §5).
#include <base/header_field.hpp>

#include <algorithm>
#include <array>

namespace walkie {
namespace {

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

constexpr std::array<bool, 256> kTokenCharacter = [] {
  std::array<bool, 256> is{};
  for (char c = '0'; c <= '9'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (char c = 'a'; c <= 'z'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (char c = 'A'; c <= 'Z'; ++c) is[static_cast<unsigned char>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) is[static_cast<unsigned char>(c)] = true;
  return is;
}();

/// Where the element at the front of `list` ends: at a comma outside of quoted strings. A quoted
/// string that is never closed takes the rest.
std::size_t element_bytes(std::string_view list) noexcept {
  bool quoted = false;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const char c = list[i];
    if (quoted && c == '\\') {
      ++i;  // quoted-pair: whatever follows is content
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      return i;
    }
  }
  return list.size();
}

}  // namespace

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

std::optional<std::string_view> find_header(std::span<const HeaderField> fields,
                                            std::string_view name) noexcept {
  for (const HeaderField& field : fields) {
    if (equal_ignoring_case(field.name, name)) return field.value;
  }
  return std::nullopt;
}

std::size_t count_headers(std::span<const HeaderField> fields, std::string_view name) noexcept {
  std::size_t count = 0;
  for (const HeaderField& field : fields) {
    if (equal_ignoring_case(field.name, name)) ++count;
  }
  return count;
}

bool header_has_token(std::span<const HeaderField> fields, std::string_view name,
                      std::string_view token) noexcept {
  for (const HeaderField& field : fields) {
    if (!equal_ignoring_case(field.name, name)) continue;
    std::string_view rest = field.value;
    while (const auto element = next_list_element(rest)) {
      if (equal_ignoring_case(*element, token)) return true;
    }
  }
  return false;
}

std::optional<std::string_view> next_list_element(std::string_view& list) noexcept {
  while (!list.empty()) {
    const std::size_t bytes = element_bytes(list);
    const std::string_view element = trim(list.substr(0, bytes));
    list.remove_prefix(std::min(bytes + 1, list.size()));  // the comma too
    if (!element.empty()) return element;
  }
  return std::nullopt;
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return kTokenCharacter[static_cast<unsigned char>(c)];
  });
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

}  // namespace walkie
