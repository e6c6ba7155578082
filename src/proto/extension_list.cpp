// SPDX-License-Identifier: MIT
// A parser by recursive descent; each function takes its part off the front of the text.
#include <proto/extension_list.hpp>

#include <algorithm>
#include <utility>

namespace walkie::proto {
namespace {

class ExtensionParser {
 public:
  explicit ExtensionParser(std::string_view text) noexcept : rest_(text) {}

  /// Appends to `list`; false where the text does not follow the grammar.
  bool parse(std::vector<Extension>& list) {
    while (true) {
      while (skip(',')) {
      }
      if (rest_.empty()) return true;
      Extension extension;
      if (!parse_extension(extension)) return false;
      list.push_back(std::move(extension));
      if (!rest_.empty() && rest_.front() != ',') return false;
    }
  }

 private:
  void skip_spaces() noexcept {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t"), rest_.size()));
  }

  /// Skips `c` and the spaces around it; false where something else stands there.
  bool skip(char c) noexcept {
    skip_spaces();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    skip_spaces();
    return true;
  }

  bool parse_extension(Extension& extension) {
    if (!parse_token(extension.name)) return false;
    while (skip(';')) {
      if (!parse_parameter(extension.parameters.emplace_back())) return false;
    }
    return true;
  }

  bool parse_parameter(ExtensionParameter& parameter) {
    if (!parse_token(parameter.name)) return false;
    if (!skip('=')) return true;
    std::string& value = parameter.value.emplace();
    if (rest_.starts_with('"')) return parse_quoted(value) && is_token(value);
    std::string_view token;
    if (!parse_token(token)) return false;
    value = token;
    return true;
  }

  bool parse_token(std::string_view& token) noexcept {
    const auto end = std::ranges::find_if_not(rest_, [](char c) { return is_token({&c, 1}); });
    token = rest_.substr(0, static_cast<std::size_t>(end - rest_.begin()));
    rest_.remove_prefix(token.size());
    return !token.empty();
  }

  bool parse_quoted(std::string& value) {
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      if (rest_[i] == '"') {
        rest_.remove_prefix(i + 1);
        return true;
      }
      if (rest_[i] == '\\') ++i;
      if (i == rest_.size()) return false;
      value.push_back(rest_[i]);
    }
    return false;  // never closed
  }

  std::string_view rest_;
};

}  // namespace

std::optional<std::vector<Extension>> parse_extensions(std::span<const HeaderField> fields) {
  std::vector<Extension> list;
  for (const HeaderField& field : fields) {
    if (!equal_ignoring_case(field.name, "Sec-WebSocket-Extensions")) continue;
    if (!ExtensionParser(field.value).parse(list)) return std::nullopt;
  }
  return list;
}

}  // namespace walkie::proto
