// SPDX-License-Identifier: MIT
// Retry-After: a number of seconds, or a date.
#include <client/retry_after.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

#include <base/header_field.hpp>

namespace walkie::client {

namespace {

constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

/// One or more digits and nothing else; more than `max` is `max`.
std::optional<std::uint32_t> parse_digits(std::string_view text, std::uint32_t max) noexcept {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = std::min<std::uint64_t>(value * 10 + static_cast<std::uint64_t>(c - '0'), max);
  }
  return static_cast<std::uint32_t>(value);
}

/// The place of `name` in `names`; their number where it is none of them.
template <std::size_t N>
unsigned place_of(std::string_view name, const std::array<std::string_view, N>& names) noexcept {
  return static_cast<unsigned>(std::find(names.begin(), names.end(), name) - names.begin());
}

/// "08:49:37", and 23:59:60 for a leap second.
std::optional<std::chrono::seconds> parse_time_of_day(std::string_view text) noexcept {
  const auto hour = parse_digits(text.substr(0, 2), 99);
  const auto minute = parse_digits(text.substr(3, 2), 99);
  const auto second = parse_digits(text.substr(6, 2), 99);
  if (text[2] != ':' || text[5] != ':' || !hour || !minute || !second) return std::nullopt;
  if (*hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  return std::chrono::hours(*hour) + std::chrono::minutes(*minute) + std::chrono::seconds(*second);
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) noexcept {
  //  0    5  8   12   17       26
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  if (text.size() != 29 || text.substr(3, 2) != ", " || text[7] != ' ' || text[11] != ' ' ||
      text[16] != ' ' || text.substr(25) != " GMT")
    return std::nullopt;
  const unsigned weekday = place_of(text.substr(0, 3), kDays);
  const auto day = parse_digits(text.substr(5, 2), 99);
  const unsigned month = place_of(text.substr(8, 3), kMonths) + 1;
  const auto year = parse_digits(text.substr(12, 4), 9999);
  const auto time = parse_time_of_day(text.substr(17, 8));
  if (!day || !year || !time) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(month), std::chrono::day(*day));
  if (!date.ok()) return std::nullopt;
  const std::chrono::sys_days days(date);
  if (std::chrono::weekday(days).c_encoding() != weekday) return std::nullopt;
  return days + *time;
}

std::optional<Duration> retry_after(const HttpAnswer& answer) noexcept {
  const std::string_view value = trim(answer.header("Retry-After"));
  constexpr auto kSecondsMax = std::chrono::duration_cast<std::chrono::seconds>(kRetryAfterMax);
  if (const auto seconds = parse_digits(value, static_cast<std::uint32_t>(kSecondsMax.count())))
    return std::chrono::seconds(*seconds);
  const auto then = parse_http_date(value);
  const auto now = parse_http_date(trim(answer.header("Date")));
  if (!then || !now) return std::nullopt;
  return std::clamp(*then - *now, std::chrono::seconds(0), kSecondsMax);
}

}  // namespace walkie::client
