// SPDX-License-Identifier: MIT
// Effective values: the layers and their errors.
#include <cli/settings.hpp>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include <fmt/core.h>

#include <base/assert.hpp>
#include <cli/suggest.hpp>

namespace walkie::cli {
namespace {

std::unexpected<Error> fault(std::string_view place, std::string_view text) {
  return std::unexpected(Error{fmt::format("{}: {}", place, text), {}});
}

std::string unknown_key(OptionTable table, std::string_view key) {
  std::vector<std::string_view> known;
  for (const Option& option : table)
    if (!option.flag_only) known.push_back(option.key);
  return fmt::format("unknown key \"{}\"{}", key, did_you_mean(key, known));
}

/// A file's value in the notation of parse_value(), or why its type is wrong. Numbers without a
/// unit are bytes where a size is wanted; a time always needs its unit.
std::expected<std::string, std::string> text_of_entry(const Option& option,
                                                      const TomlEntry& entry) {
  if (const auto* text = std::get_if<std::string>(&entry.value)) {
    // "1" in quotes is a slip that other TOML readers would refuse as well.
    const bool bare_type = option.kind == OptionKind::on_off ||
                           (option.kind == OptionKind::number && *text != option.zero_word);
    if (!bare_type) return *text;
    return std::unexpected(option.kind == OptionKind::on_off
                               ? std::string("expected true or false without quotes")
                               : std::string("expected a number without quotes"));
  }
  if (const auto* number = std::get_if<std::int64_t>(&entry.value)) {
    if (option.kind == OptionKind::number || option.kind == OptionKind::size ||
        option.kind == OptionKind::duration)
      return std::to_string(*number);
    if (option.kind == OptionKind::mode)
      return std::unexpected(fmt::format("expected a mode in quotes: \"{}\"", *number));
    return std::unexpected(std::string("a number is not expected here"));
  }
  if (const auto* flag = std::get_if<bool>(&entry.value)) {
    if (option.kind == OptionKind::on_off) return *flag ? "on" : "off";
    return std::unexpected(std::string("true or false is not expected here"));
  }
  if (const auto* other = std::get_if<TomlOther>(&entry.value))
    return std::unexpected(fmt::format("{} is not expected here", other->type));
  return std::unexpected(std::string("a list is not expected here"));
}

}  // namespace

Settings::Settings(OptionTable table) : table_(table) {
  for (const Option& option : table) {
    auto value = parse_value(option, option.preset);
    WALKIE_ASSERT(value.has_value());
    entries_.push_back({std::move(*value), "default"});
  }
}

Result<void> Settings::assign(const Option& option, std::string_view text, std::string source) {
  auto value = parse_value(option, text);
  if (!value) return fault(source, value.error());
  entry(option) = {std::move(*value), std::move(source)};
  return {};
}

Result<void> Settings::apply_file(const TomlFile& file) {
  for (const TomlEntry& given : file.entries) {
    std::string place = fmt::format("{}:{}", file.name, given.line);
    const auto option = std::ranges::find(table_, given.key, &Option::key);
    if (option == table_.end() || option->flag_only)
      return fault(place, unknown_key(table_, given.key));
    const auto* list = std::get_if<std::vector<std::string>>(&given.value);
    if (list && option->kind == OptionKind::list) {
      entry(*option) = {*list, std::move(place)};
      continue;
    }
    const auto text = text_of_entry(*option, given);
    const auto named = fmt::format("{}: {}", place, given.key);
    if (!text) return fault(named, text.error());
    if (auto assigned = assign(*option, *text, named); !assigned) return assigned;
    entry(*option).source = std::move(place);
  }
  return {};
}

Result<void> Settings::apply_environment(const Environment& environment) {
  for (const Option& option : table_) {
    if (option.flag_only) continue;
    std::string name = variable_name(option);
    const auto text = environment(name);
    if (!text || text->empty()) continue;
    if (auto assigned = assign(option, *text, std::move(name)); !assigned) return assigned;
  }
  return {};
}

Result<void> Settings::apply_flags(const std::vector<GivenFlag>& flags) {
  for (const GivenFlag& flag : flags) {
    std::string name = fmt::format("--{}", flag.option->flag);
    Entry& place = entry(*flag.option);
    auto* list = std::get_if<std::vector<std::string>>(&place.value);
    if (list && place.source == name) {
      list->push_back(flag.value);
    } else if (list) {
      place = {std::vector{flag.value}, std::move(name)};
    } else if (auto assigned = assign(*flag.option, flag.value, std::move(name)); !assigned) {
      return assigned;
    }
  }
  return {};
}

std::size_t Settings::index_of(std::string_view key) const {
  const auto option = std::ranges::find(table_, key, &Option::key);
  WALKIE_ASSERT(option != table_.end());
  return static_cast<std::size_t>(option - table_.begin());
}

std::int64_t Settings::number(std::string_view key) const {
  return std::get<std::int64_t>(entries_[index_of(key)].value);
}

const std::string& Settings::text(std::string_view key) const {
  return std::get<std::string>(entries_[index_of(key)].value);
}

const std::vector<std::string>& Settings::list(std::string_view key) const {
  return std::get<std::vector<std::string>>(entries_[index_of(key)].value);
}

const OptionValue& Settings::value(const Option& option) const {
  return entries_[index_of(option.key)].value;
}

const std::string& Settings::source(const Option& option) const {
  return entries_[index_of(option.key)].source;
}

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  };
}

std::string settings_as_toml(const Settings& settings) {
  std::string toml;
  std::string table;
  for (const Option& option : settings.table()) {
    if (option.flag_only) continue;
    const std::size_t point = option.key.rfind('.');
    const bool nested = point != std::string_view::npos;
    const std::string_view in = nested ? option.key.substr(0, point) : std::string_view{};
    const std::string_view name = nested ? option.key.substr(point + 1) : option.key;
    if (in != table) {
      table = in;
      toml += fmt::format("\n[{}]\n", table);
    }
    toml += fmt::format("{} = {}  # {}\n", name, toml_value(option, settings.value(option)),
                        settings.source(option));
  }
  return toml;
}

}  // namespace walkie::cli
