// SPDX-License-Identifier: MIT
// A configuration file as a flat list. toml++ is slow to compile: only here.
#include <cli/toml_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include <fmt/core.h>
#include <toml++/toml.h>

namespace walkie::cli {
namespace {

std::string_view type_name(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::array:
      return "a list of other things than texts";
    case toml::node_type::floating_point:
      return "a number with a point";
    case toml::node_type::date:
      return "a date";
    case toml::node_type::time:
      return "a time of day";
    case toml::node_type::date_time:
      return "a date with a time";
    default:
      return "something else";
  }
}

decltype(TomlEntry::value) value_of(const toml::node& node) {
  if (const auto* flag = node.as_boolean()) return flag->get();
  if (const auto* number = node.as_integer()) return number->get();
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* array = node.as_array();
      array && (array->empty() || array->is_homogeneous<std::string>())) {
    std::vector<std::string> list;
    for (const toml::node& item : *array) list.push_back(item.as_string()->get());
    return list;
  }
  return TomlOther{type_name(node)};
}

void collect(const toml::table& table, const std::string& prefix, std::vector<TomlEntry>& entries) {
  for (const auto& [key, node] : table) {
    const std::string path = prefix + std::string(key.str());
    if (const auto* inner = node.as_table())
      collect(*inner, path + ".", entries);
    else
      entries.push_back({path, value_of(node), key.source().begin.line});
  }
}

}  // namespace

Result<TomlFile> parse_toml(std::string_view text, std::string name) {
  TomlFile file{std::move(name), {}};
  try {
    collect(toml::parse(text), "", file.entries);
  } catch (const toml::parse_error& error) {
    return std::unexpected(Error{
        fmt::format("{}:{}: {}", file.name, error.source().begin.line, error.description()), {}});
  }
  std::ranges::sort(file.entries, {}, &TomlEntry::line);
  return file;
}

Result<TomlFile> read_toml(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"),
                                                             &std::fclose);
  if (!file) return std::unexpected(errno_error("reading " + path));
  std::string text;
  char block[4096];
  while (const std::size_t bytes = std::fread(block, 1, sizeof block, file.get()))
    text.append(block, bytes);
  if (std::ferror(file.get()) != 0) return std::unexpected(errno_error("reading " + path));
  return parse_toml(text, path);
}

}  // namespace walkie::cli
