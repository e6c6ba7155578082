// SPDX-License-Identifier: MIT
// Log records as lines of text or JSON.
#include <cli/log_lines.hpp>

#include <algorithm>
#include <cstring>
#include <ctime>

#include <fmt/core.h>
#include <unistd.h>

#include <cli/utf8_text.hpp>

namespace walkie::cli {
namespace {

void append_escaped(std::string& out, char letter) {
  const auto byte = static_cast<unsigned char>(letter);
  if (letter == '"' || letter == '\\')
    out.append({'\\', letter});
  else if (letter == '\n')
    out += "\\n";
  else if (byte < 0x20 || byte == 0x7f)
    out += fmt::format("\\u{:04x}", byte);
  else
    out += letter;
}

bool needs_quotes(std::string_view value) {
  return value.empty() || std::ranges::any_of(value, [](char letter) {
           const auto byte = static_cast<unsigned char>(letter);
           return byte <= ' ' || byte == 0x7f || letter == '"' || letter == '\\' || letter == '=';
         });
}

/// An event in words comes from us, its values from anyone.
void append_text_value(std::string& line, std::string_view value) {
  line += needs_quotes(value) ? json_string(value) : std::string(value);
}

}  // namespace

std::string timestamp(WallTime time) {
  const auto since_epoch = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     since_epoch.count() - seconds * 1000);
}

std::string_view level_name(LogLevel level) noexcept {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      break;
  }
  return "error";
}

std::string json_string(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t bytes = sequence_bytes(text);
    if (bytes == 0)
      json += "\xEF\xBF\xBD";
    else if (bytes == 1)
      append_escaped(json, text.front());
    else
      json += text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return json + '"';
}

std::string log_line_text(const LogRecord& record, WallTime time) {
  std::string line =
      fmt::format("{} {:<7} {}", timestamp(time), level_name(record.level), record.event);
  for (const LogField& field : record.fields) {
    line.append(" ").append(field.key).append("=");
    append_text_value(line, field.value);
  }
  return line + '\n';
}

std::string log_line_json(const LogRecord& record, WallTime time) {
  std::string line = fmt::format(R"({{"time":"{}","level":"{}","event":{})", timestamp(time),
                                 level_name(record.level), json_string(record.event));
  for (const LogField& field : record.fields)
    line += fmt::format(",{}:{}", json_string(field.key), json_string(field.value));
  return line + "}\n";
}

LogSink make_log_sink(LogLevel level, LogFormat format, int fd) {
  return {level, [format, fd](const LogRecord& record) {
            const WallTime now = std::chrono::system_clock::now();
            const std::string line =
                format == LogFormat::json ? log_line_json(record, now) : log_line_text(record, now);
            // A log that cannot be written has nowhere to say so; serving goes on.
            [[maybe_unused]] const ssize_t written = ::write(fd, line.data(), line.size());
          }};
}

}  // namespace walkie::cli
