// SPDX-License-Identifier: MIT
// One option: between text, values and TOML.
#include <cli/option.hpp>

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/core.h>

#include <cli/suggest.hpp>
#include <cli/units.hpp>

namespace walkie::cli {
namespace {

std::optional<std::int64_t> parse_mode(std::string_view text) {
  constexpr std::int64_t kModeMax = 0777;
  std::int64_t mode = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
  if (mode < 0 || mode > kModeMax) return {};
  return mode;
}

std::optional<std::int64_t> parse_on_off(std::string_view text) {
  if (text == "on" || text == "true" || text == "yes" || text == "1") return 1;
  if (text == "off" || text == "false" || text == "no" || text == "0") return 0;
  return {};
}

std::optional<std::int64_t> parse_numeric(const Option& option, std::string_view text) {
  if (!option.zero_word.empty() && text == option.zero_word) return 0;
  switch (option.kind) {
    case OptionKind::on_off:
      return parse_on_off(text);
    case OptionKind::size:
      return parse_size(text);
    case OptionKind::mode:
      return parse_mode(text);
    case OptionKind::duration: {
      const auto time = parse_duration(text);
      return time ? std::optional(std::int64_t{time->count()}) : std::nullopt;
    }
    default:
      return parse_number(text);
  }
}

/// The number in the option's own notation.
std::string numeric_text(const Option& option, std::int64_t number) {
  if (number == 0 && !option.zero_word.empty()) return std::string(option.zero_word);
  switch (option.kind) {
    case OptionKind::on_off:
      return number != 0 ? "true" : "false";
    case OptionKind::size:
      return format_size(number);
    case OptionKind::mode:
      return fmt::format("{:o}", number);
    case OptionKind::duration:
      return format_duration(std::chrono::milliseconds(number));
    default:
      return std::to_string(number);
  }
}

std::string expected_numeric(const Option& option) {
  const auto described = [&option]() -> std::string {
    switch (option.kind) {
      case OptionKind::on_off:
        return "\"on\" or \"off\"";
      case OptionKind::size:
        return "a size such as 64KiB or 16M";
      case OptionKind::mode:
        return "an octal file mode such as 660";
      case OptionKind::duration:
        return "a time with its unit such as 500ms, 30s or 2m";
      default:
        return "a whole number";
    }
  };
  return option.zero_word.empty() ? described()
                                  : fmt::format("{} or \"{}\"", described(), option.zero_word);
}

std::string range_text(const Option& option) {
  if (option.max == INT64_MAX) return fmt::format("at least {}", numeric_text(option, option.min));
  return fmt::format("from {} to {}", numeric_text(option, option.min),
                     numeric_text(option, option.max));
}

std::expected<OptionValue, std::string> parse_choice(const Option& option, std::string_view text) {
  if (std::ranges::find(option.choices, text) != option.choices.end()) return std::string(text);
  return std::unexpected(fmt::format("\"{}\" is none of {}{}", text, placeholder(option),
                                     did_you_mean(text, option.choices)));
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    std::string_view item = text.substr(0, comma);
    text.remove_prefix(std::min(comma + 1, text.size()));
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

}  // namespace

std::expected<OptionValue, std::string> parse_value(const Option& option, std::string_view text) {
  if (option.kind == OptionKind::text) return std::string(text);
  if (option.kind == OptionKind::list) return split_list(text);
  if (option.kind == OptionKind::choice) return parse_choice(option, text);
  const auto number = parse_numeric(option, text);
  if (!number)
    return std::unexpected(fmt::format("\"{}\" is not {}", text, expected_numeric(option)));
  const bool is_zero_word = *number == 0 && !option.zero_word.empty();
  if (!is_zero_word && (*number < option.min || *number > option.max))
    return std::unexpected(fmt::format("{} is out of range: {}", text, range_text(option)));
  return *number;
}

std::string toml_string(std::string_view text) {
  std::string quoted = "\"";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\')
      quoted.append({'\\', letter});
    else if (byte < 0x20 || byte == 0x7f)
      quoted += fmt::format("\\u{:04X}", byte);
    else
      quoted += letter;
  }
  return quoted + '"';
}

std::string toml_value(const Option& option, const OptionValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    const std::string text = numeric_text(option, *number);
    const bool bare = option.kind == OptionKind::on_off ||
                      (option.kind == OptionKind::number && parse_number(text));
    return bare ? text : toml_string(text);
  }
  if (const auto* text = std::get_if<std::string>(&value)) return toml_string(*text);
  std::string list = "[";
  for (const std::string& item : std::get<std::vector<std::string>>(value))
    list.append(list.size() > 1 ? ", " : "").append(toml_string(item));
  return list + "]";
}

std::string plain_value(const Option& option, const OptionValue& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    if (option.kind == OptionKind::on_off) return *number != 0 ? "on" : "off";
    return numeric_text(option, *number);
  }
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  std::string list;
  for (const std::string& item : std::get<std::vector<std::string>>(value))
    list.append(list.empty() ? "" : ",").append(item);
  return list;
}

std::string variable_name(const Option& option) {
  std::string name = "WALKIE_";
  for (const char letter : option.flag)
    name += letter == '-' ? '_' : static_cast<char>(letter - 'a' + 'A');
  return name;
}

std::string placeholder(const Option& option) {
  if (!option.value_name.empty()) return std::string(option.value_name);
  switch (option.kind) {
    case OptionKind::on_off:
      return "on|off";
    case OptionKind::number:
      return "N";
    case OptionKind::size:
      return "SIZE";
    case OptionKind::duration:
      return "TIME";
    case OptionKind::mode:
      return "MODE";
    case OptionKind::text:
    case OptionKind::list:
      return "TEXT";
    case OptionKind::choice:
      break;
  }
  std::string choices;
  for (const std::string_view choice : option.choices)
    choices.append(choices.empty() ? "" : "|").append(choice);
  return choices;
}

}  // namespace walkie::cli
