// SPDX-License-Identifier: MIT
// Writes HTTP/1.1 response heads.
#include <http/response.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <initializer_list>

#include <http/characters.hpp>

namespace walkie::http {
namespace {

struct Reason {
  int status;
  std::string_view text;
};

// RFC 9110 §15, RFC 6585, RFC 7725; ascending.
constexpr std::array kReasons{
    Reason{100, "Continue"},
    Reason{101, "Switching Protocols"},
    Reason{200, "OK"},
    Reason{201, "Created"},
    Reason{202, "Accepted"},
    Reason{203, "Non-Authoritative Information"},
    Reason{204, "No Content"},
    Reason{205, "Reset Content"},
    Reason{206, "Partial Content"},
    Reason{300, "Multiple Choices"},
    Reason{301, "Moved Permanently"},
    Reason{302, "Found"},
    Reason{303, "See Other"},
    Reason{304, "Not Modified"},
    Reason{307, "Temporary Redirect"},
    Reason{308, "Permanent Redirect"},
    Reason{400, "Bad Request"},
    Reason{401, "Unauthorized"},
    Reason{402, "Payment Required"},
    Reason{403, "Forbidden"},
    Reason{404, "Not Found"},
    Reason{405, "Method Not Allowed"},
    Reason{406, "Not Acceptable"},
    Reason{407, "Proxy Authentication Required"},
    Reason{408, "Request Timeout"},
    Reason{409, "Conflict"},
    Reason{410, "Gone"},
    Reason{411, "Length Required"},
    Reason{412, "Precondition Failed"},
    Reason{413, "Content Too Large"},
    Reason{414, "URI Too Long"},
    Reason{415, "Unsupported Media Type"},
    Reason{416, "Range Not Satisfiable"},
    Reason{417, "Expectation Failed"},
    Reason{421, "Misdirected Request"},
    Reason{422, "Unprocessable Content"},
    Reason{426, "Upgrade Required"},
    Reason{428, "Precondition Required"},
    Reason{429, "Too Many Requests"},
    Reason{431, "Request Header Fields Too Large"},
    Reason{451, "Unavailable For Legal Reasons"},
    Reason{500, "Internal Server Error"},
    Reason{501, "Not Implemented"},
    Reason{502, "Bad Gateway"},
    Reason{503, "Service Unavailable"},
    Reason{504, "Gateway Timeout"},
    Reason{505, "HTTP Version Not Supported"},
    Reason{511, "Network Authentication Required"},
};
static_assert(std::ranges::is_sorted(kReasons, {}, &Reason::status));

struct Ending {
  std::string_view ending;
  std::string_view type;
};

constexpr std::array kEndings{
    Ending{".html", "text/html; charset=utf-8"},
    Ending{".htm", "text/html; charset=utf-8"},
    Ending{".css", "text/css; charset=utf-8"},
    Ending{".js", "text/javascript; charset=utf-8"},
    Ending{".mjs", "text/javascript; charset=utf-8"},
    Ending{".json", "application/json"},
    Ending{".map", "application/json"},
    Ending{".webmanifest", "application/manifest+json"},
    Ending{".svg", "image/svg+xml"},
    Ending{".png", "image/png"},
    Ending{".jpg", "image/jpeg"},
    Ending{".jpeg", "image/jpeg"},
    Ending{".gif", "image/gif"},
    Ending{".webp", "image/webp"},
    Ending{".avif", "image/avif"},
    Ending{".ico", "image/x-icon"},
    Ending{".woff", "font/woff"},
    Ending{".woff2", "font/woff2"},
    Ending{".ttf", "font/ttf"},
    Ending{".otf", "font/otf"},
    Ending{".txt", "text/plain; charset=utf-8"},
    Ending{".md", "text/markdown; charset=utf-8"},
    Ending{".csv", "text/csv; charset=utf-8"},
    Ending{".xml", "application/xml"},
    Ending{".pdf", "application/pdf"},
    Ending{".wasm", "application/wasm"},
    Ending{".mp3", "audio/mpeg"},
    Ending{".mp4", "video/mp4"},
    Ending{".webm", "video/webm"},
};

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

/// `width` digits with zeros in front.
void append_padded(std::string& out, unsigned number, unsigned width) {
  for (unsigned divisor = width == 4 ? 1000 : 10; divisor; divisor /= 10)
    out.push_back(static_cast<char>('0' + number / divisor % 10));
}

void append_line(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

/// False, and nothing appended, where the field would break out of its line.
bool append_checked(std::string& out, std::string_view name, std::string_view value) {
  if (!is_token(name) || !all_are(kValueChar, value)) return false;
  append_line(out, name, value);
  return true;
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
  return std::ranges::any_of(
      names, [name](std::string_view other) { return equal_ignoring_case(name, other); });
}

bool is_about_framing(std::string_view name) noexcept {
  return is_one_of(name, {"Content-Length", "Transfer-Encoding", "Connection"});
}

/// Whether the connection persists, and what Upgrade needs beside it (RFC 9110 §7.8).
void append_connection(std::string& out, const ResponseFraming& framing, ResponseFields fields) {
  std::string options;
  if (!framing.keep_alive) options = "close";
  if (framing.keep_alive && framing.minor_version == 0) options = "keep-alive";
  for (const auto& [name, value] : fields)
    if (equal_ignoring_case(name, "Upgrade")) options += options.empty() ? "Upgrade" : ", Upgrade";
  if (!options.empty()) append_line(out, "Connection", options);
}

std::string_view without_weakness(std::string_view tag) noexcept {
  return tag.starts_with("W/") ? tag.substr(2) : tag;
}

}  // namespace

std::string_view reason_of(int status) noexcept {
  const auto found = std::ranges::lower_bound(kReasons, status, {}, &Reason::status);
  return found != kReasons.end() && found->status == status ? found->text : "Status";
}

std::string_view content_type_of(std::string_view path) noexcept {
  for (const Ending& known : kEndings) {
    if (path.size() <= known.ending.size()) continue;
    if (equal_ignoring_case(path.substr(path.size() - known.ending.size()), known.ending))
      return known.type;
  }
  return "application/octet-stream";
}

bool write_response_head(std::string& out, const ResponseFraming& framing, ResponseFields fields) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::uint64_t>(framing.status));
  out.append(" ").append(reason_of(framing.status)).append("\r\n");
  bool whole = true;
  if (!framing.date.empty()) whole &= append_checked(out, "Date", framing.date);
  if (!framing.content_type.empty())
    whole &= append_checked(out, "Content-Type", framing.content_type);
  if (framing.content_length) {
    out.append("Content-Length: ");
    append_number(out, *framing.content_length);
    out.append("\r\n");
  }
  append_connection(out, framing, fields);
  for (const auto& [name, value] : fields) {
    if (!framing.date.empty() && equal_ignoring_case(name, "Date")) continue;
    whole &= !is_about_framing(name) && append_checked(out, name, value);
  }
  out.append("\r\n");
  return whole;
}

bool write_upgrade_response(std::string& out, const UpgradeAnswer& answer, ResponseFields fields) {
  out.append(
      "HTTP/1.1 101 Switching Protocols\r\n"
      "Upgrade: websocket\r\n"
      "Connection: Upgrade\r\n");
  bool whole = append_checked(out, "Sec-WebSocket-Accept", answer.accept);
  if (!answer.subprotocol.empty())
    whole &= append_checked(out, "Sec-WebSocket-Protocol", answer.subprotocol);
  if (!answer.extensions.empty())
    whole &= append_checked(out, "Sec-WebSocket-Extensions", answer.extensions);
  for (const auto& [name, value] : fields) {
    const bool ours = is_about_framing(name) ||
                      is_one_of(name, {"Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol",
                                       "Sec-WebSocket-Extensions"});
    whole &= !ours && append_checked(out, name, value);
  }
  out.append("\r\n");
  return whole;
}

std::string imf_date(std::int64_t unix_seconds) {
  static constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  static constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999
  const std::chrono::sys_seconds time{
      std::chrono::seconds{std::clamp<std::int64_t>(unix_seconds, 0, kLastSecond)}};
  const auto midnight = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date{midnight};
  const std::chrono::hh_mm_ss hour{time - midnight};
  const auto append_two = [](std::string& text, auto number) {
    append_padded(text, static_cast<unsigned>(number), 2);
  };
  std::string out{kDays.substr(std::chrono::weekday{midnight}.c_encoding() * 3, 3)};
  out.append(", ");
  append_two(out, static_cast<unsigned>(date.day()));
  out.append(" ").append(kMonths.substr(static_cast<unsigned>(date.month()) * 3 - 3, 3));
  out.append(" ");
  append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out.append(" ");
  append_two(out, hour.hours().count());
  out.append(":");
  append_two(out, hour.minutes().count());
  out.append(":");
  append_two(out, hour.seconds().count());
  return out.append(" GMT");
}

std::string entity_tag(std::string_view content) {
  std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a
  for (const char c : content) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), hash, 16).ptr;
  std::string tag = "\"";
  append_number(tag, content.size());
  tag.append("-").append(digits.data(), end).append("\"");
  return tag;
}

bool none_match(std::span<const HeaderField> fields, std::string_view tag) noexcept {
  for (const HeaderField& field : fields) {
    if (!equal_ignoring_case(field.name, "If-None-Match")) continue;
    std::string_view list = field.value;
    while (const auto element = next_list_element(list))
      if (*element == "*" || without_weakness(*element) == without_weakness(tag)) return true;
  }
  return false;
}

}  // namespace walkie::http
