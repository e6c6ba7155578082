// SPDX-License-Identifier: MIT
// The command line against an option table, and the table as text for people.
#include <cli/arguments.hpp>

#include <algorithm>

#include <fmt/core.h>

#include <cli/suggest.hpp>

namespace walkie::cli {
namespace {

std::unexpected<Error> usage_fault(std::string text) {
  return std::unexpected(Error{std::move(text), {}});
}

std::unexpected<Error> unknown_flag(OptionTable table, std::string_view name) {
  std::vector<std::string_view> known{"help"};
  for (const Option& option : table) known.push_back(option.flag);
  const std::string_view near = closest(name, known);
  if (near.empty()) return usage_fault(fmt::format("unknown option --{}", name));
  return usage_fault(fmt::format("unknown option --{}; did you mean --{}?", name, near));
}

/// Walks the arguments once.
class Walk {
 public:
  Walk(OptionTable table, std::span<const std::string_view> rest) : table_(table), rest_(rest) {}

  Result<Arguments> run() {
    while (!rest_.empty()) {
      const std::string_view argument = take();
      if (argument == "--") {
        result_.words.insert(result_.words.end(), rest_.begin(), rest_.end());
        break;
      }
      if (argument == "-h" || argument == "--help")
        result_.help = true;
      else if (!argument.starts_with('-') || argument == "-")
        result_.words.emplace_back(argument);
      else if (auto taken = take_flag(argument); !taken)
        return std::unexpected(std::move(taken.error()));
    }
    return std::move(result_);
  }

 private:
  std::string_view take() {
    const std::string_view first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  Result<void> take_flag(std::string_view argument) {
    if (!argument.starts_with("--")) return take_letters(argument);
    const std::string_view body = argument.substr(2);
    const std::size_t equals = body.find('=');
    const std::string_view name = body.substr(0, equals);
    const auto option = std::ranges::find(table_, name, &Option::flag);
    if (option == table_.end()) return take_negated(body);
    if (equals != std::string_view::npos) return keep(*option, body.substr(equals + 1));
    const bool next_is_switch = !rest_.empty() && (rest_.front() == "on" || rest_.front() == "off");
    if (option->kind == OptionKind::on_off && !next_is_switch) return keep(*option, "on");
    return take_value(*option, argument);
  }

  Result<void> take_value(const Option& option, std::string_view as_given) {
    if (rest_.empty() || rest_.front().starts_with("--"))
      return usage_fault(fmt::format("{} needs a value: {}", as_given, placeholder(option)));
    return keep(option, take());
  }

  /// "--no-flag" of one that is on or off.
  Result<void> take_negated(std::string_view body) {
    constexpr std::string_view kNo = "no-";
    const std::string_view name = body.substr(0, body.find('='));
    if (!body.starts_with(kNo)) return unknown_flag(table_, name);
    const auto option = std::ranges::find(table_, body.substr(kNo.size()), &Option::flag);
    if (option == table_.end() || option->kind != OptionKind::on_off)
      return unknown_flag(table_, name);
    return keep(*option, "off");
  }

  Result<void> take_letters(std::string_view argument) {
    for (std::string_view letters = argument.substr(1); !letters.empty();) {
      const auto option = std::ranges::find(table_, letters.front(), &Option::letter);
      if (option == table_.end())
        return usage_fault(
            fmt::format("unknown option {}; long options start with two dashes", argument));
      const std::string_view as_given = letters.substr(0, 1);
      letters.remove_prefix(1);
      if (option->kind != OptionKind::on_off)
        return letters.empty() ? take_value(*option, fmt::format("-{}", as_given))
                               : keep(*option, letters);
      if (auto kept = keep(*option, "on"); !kept) return kept;
    }
    return {};
  }

  Result<void> keep(const Option& option, std::string_view value) {
    result_.flags.push_back({&option, std::string(value)});
    return {};
  }

  OptionTable table_;
  std::span<const std::string_view> rest_;
  Arguments result_;
};

std::string default_text(const Option& option) {
  if (option.preset.empty() || option.kind == OptionKind::list) return std::string(option.preset);
  const auto value = parse_value(option, option.preset);
  return value ? plain_value(option, *value) : std::string(option.preset);
}

/// Appends `text` in lines of at most 80 characters under an option's heading.
void append_wrapped(std::string& out, std::string_view text) {
  constexpr std::string_view kIndent = "        ";
  constexpr std::size_t kWidth = 80 - kIndent.size();
  while (!text.empty()) {
    std::size_t cut = text.size();
    if (cut > kWidth) {
      const std::size_t blank = text.rfind(' ', kWidth);
      cut = blank == std::string_view::npos ? kWidth : blank;
    }
    out.append(kIndent).append(text.substr(0, cut)).append(1, '\n');
    text.remove_prefix(cut);
    if (text.starts_with(' ')) text.remove_prefix(1);
  }
}

/// "-v, " of an option with a letter.
std::string letter_text(const Option& option) {
  return option.letter == 0 ? std::string{} : fmt::format("-{}, ", option.letter);
}

std::string escaped_for_markdown(std::string_view text) {
  std::string escaped;
  for (const char letter : text) escaped.append(letter == '|' ? "\\" : "").append(1, letter);
  return escaped;
}

}  // namespace

Result<Arguments> parse_arguments(OptionTable table, std::span<const std::string_view> arguments) {
  return Walk(table, arguments).run();
}

std::string options_help(OptionTable table) {
  std::string help;
  for (const Option& option : table) {
    const bool is_switch = option.kind == OptionKind::on_off;
    const std::string preset = default_text(option);
    help += fmt::format("  {}--{}{}\n", letter_text(option), option.flag,
                        is_switch ? "" : " " + placeholder(option));
    append_wrapped(help, preset.empty() ? std::string(option.help)
                                        : fmt::format("{} [{}]", option.help, preset));
  }
  return help;
}

std::string options_markdown(OptionTable table) {
  const bool flags_only = std::ranges::all_of(table, &Option::flag_only);
  std::string rows = flags_only ? "| Flag | Default | Meaning |\n"
                                  "|---|---|---|\n"
                                : "| In the file | Flag | Variable | Default | Meaning |\n"
                                  "|---|---|---|---|---|\n";
  for (const Option& option : table) {
    const std::string preset = default_text(option);
    const bool bare = flags_only && option.kind == OptionKind::on_off;
    const std::string flag = fmt::format("`{}--{}{}`", letter_text(option), option.flag,
                                         bare ? "" : " " + placeholder(option));
    const std::string key = option.flag_only ? "" : fmt::format("`{}`", option.key);
    const std::string variable = option.flag_only ? "" : fmt::format("`{}`", variable_name(option));
    rows += flags_only ? fmt::format("| {} |", escaped_for_markdown(flag))
                       : fmt::format("| {} | {} | {} |", key, escaped_for_markdown(flag), variable);
    rows += fmt::format(" {} | {} |\n", preset.empty() ? "" : fmt::format("`{}`", preset),
                        escaped_for_markdown(option.help));
  }
  return rows;
}

}  // namespace walkie::cli
