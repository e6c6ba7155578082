// SPDX-License-Identifier: MIT
// Sizes and times as people write them.
#include <cli/units.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <ranges>
#include <span>

namespace walkie::cli {
namespace {

struct Unit {
  std::string_view name;  ///< Lower case where matched in any case.
  std::int64_t factor;
};

constexpr std::int64_t kKibi = 1024;
constexpr std::int64_t kKilo = 1000;

constexpr std::array<Unit, 11> kSizeUnits{{{"", 1},
                                           {"b", 1},
                                           {"k", kKibi},
                                           {"kib", kKibi},
                                           {"kb", kKilo},
                                           {"m", kKibi* kKibi},
                                           {"mib", kKibi* kKibi},
                                           {"mb", kKilo* kKilo},
                                           {"g", kKibi* kKibi* kKibi},
                                           {"gib", kKibi* kKibi* kKibi},
                                           {"gb", kKilo* kKilo* kKilo}}};

constexpr std::array<Unit, 4> kTimeUnits{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& letter : lower)
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  return lower;
}

std::optional<std::int64_t> parse_with_unit(std::string_view text, std::span<const Unit> units) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto count = parse_number(text.substr(0, digits));
  if (!count) return std::nullopt;
  std::string_view rest = text.substr(digits);
  if (rest.size() > 1 && rest.starts_with(' ')) rest.remove_prefix(1);
  const auto unit = std::ranges::find(units, lower_case(rest), &Unit::name);
  if (unit == units.end()) return std::nullopt;
  if (*count > std::numeric_limits<std::int64_t>::max() / unit->factor) return std::nullopt;
  return *count * unit->factor;
}

}  // namespace

std::optional<std::int64_t> parse_number(std::string_view text) {
  constexpr std::size_t kDigitsMax = 18;
  std::int64_t number = 0;
  if (text.empty() || text.size() > kDigitsMax || text.front() == '-') return std::nullopt;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  return parse_with_unit(text, kSizeUnits);
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return std::chrono::milliseconds(0);
  const auto time_ms = parse_with_unit(text, kTimeUnits);
  if (!time_ms) return std::nullopt;
  return std::chrono::milliseconds(*time_ms);
}

std::string format_size(std::int64_t bytes) {
  constexpr std::array<Unit, 3> kUnits{
      {{"GiB", kKibi * kKibi * kKibi}, {"MiB", kKibi * kKibi}, {"KiB", kKibi}}};
  for (const Unit& unit : kUnits)
    if (bytes != 0 && bytes % unit.factor == 0)
      return std::to_string(bytes / unit.factor).append(unit.name);
  return std::to_string(bytes) + "B";
}

std::string format_duration(std::chrono::milliseconds time) {
  const std::int64_t time_ms = time.count();
  if (time_ms == 0) return "0s";
  for (const Unit& unit : kTimeUnits | std::views::reverse)
    if (time_ms % unit.factor == 0) return std::to_string(time_ms / unit.factor).append(unit.name);
  return std::to_string(time_ms) + "ms";
}

}  // namespace walkie::cli
