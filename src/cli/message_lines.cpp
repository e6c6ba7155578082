// SPDX-License-Identifier: MIT
// Messages and events as text.
#include <cli/message_lines.hpp>

#include <ctime>
#include <vector>

#include <fmt/core.h>

#include <cli/byte_text.hpp>
#include <cli/json_layout.hpp>
#include <cli/terminal_text.hpp>

namespace walkie::cli {
namespace {

/// What a dump shows of one message.
constexpr std::size_t kDumpBytesMax = 512;

std::string message_event(MessageView message, const MessageStyle& style,
                          const MessageOrigin& origin) {
  std::vector<EventField> fields;
  if (origin.client != 0) fields.push_back({"client", std::to_string(origin.client)});
  fields.push_back({"kind", message.is_text() ? R"("text")" : R"("binary")"});
  if (message.is_text())
    fields.push_back({"text", json_string(message.text())});
  else if (style.binary == BinaryForm::hex)
    fields.push_back({"hex", json_string(hex_of(message.bytes()))});
  else
    fields.push_back({"base64", json_string(base64_of(message.bytes()))});
  return event_line("message", origin.time, fields);
}

/// A payload for programs.
std::string payload_text(MessageView message, const MessageStyle& style) {
  if (!message.is_text() && style.binary == BinaryForm::base64) return base64_of(message.bytes());
  if (!message.is_text() && style.binary == BinaryForm::hex) return hex_of(message.bytes());
  return std::string(message.text());
}

std::string text_for_people(std::string_view text, const MessageStyle& style) {
  if (!style.pretty) return harmless(text);
  const auto line = lay_out_json(text, {.coloured = false, .indented = false});
  if (!line) return harmless(text);
  return *lay_out_json(text, {style.coloured, line->size() > style.columns});
}

std::string binary_for_people(MessageView message, const MessageStyle& style) {
  if (style.binary == BinaryForm::base64) return base64_of(message.bytes());
  if (style.binary == BinaryForm::hex) return hex_of(message.bytes());
  if (style.binary == BinaryForm::as_is) return harmless(message.text());
  const std::string size = fmt::format("binary, {} bytes", message.size());
  const std::string dump = hex_dump(message.bytes(), kDumpBytesMax);
  return in_colour(Colour::magenta, size, style.coloured) + (dump.empty() ? "" : "\n") + dump;
}

std::string time_prefix(const MessageStyle& style, WallTime time) {
  if (!style.timestamps) return {};
  return in_colour(Colour::dim, clock_time(time), style.coloured) + ' ';
}

}  // namespace

std::string message_text(MessageView message, const MessageStyle& style,
                         const MessageOrigin& origin) {
  if (style.events) return message_event(message, style, origin);
  if (!style.for_people) return payload_text(message, style).append(style.separator);
  std::string line = time_prefix(style, origin.time);
  if (origin.client != 0)
    line += in_colour(Colour::cyan, fmt::format("#{} ", origin.client), style.coloured);
  line += in_colour(Colour::green, "<", style.coloured) + ' ';
  line += message.is_text() ? text_for_people(message.text(), style)
                            : binary_for_people(message, style);
  return line + '\n';
}

std::string event_line(std::string_view event, WallTime time, std::span<const EventField> fields) {
  std::string line =
      fmt::format(R"({{"time":"{}","event":{})", timestamp(time), json_string(event));
  for (const EventField& field : fields)
    line += fmt::format(",{}:{}", json_string(field.key), field.json);
  return line + "}\n";
}

std::string clock_time(WallTime time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm local{};
  localtime_r(&seconds, &local);
  return fmt::format("{:02}:{:02}:{:02}", local.tm_hour, local.tm_min, local.tm_sec);
}

std::string note_line(std::string_view text, const MessageStyle& style, WallTime time) {
  return time_prefix(style, time) + in_colour(Colour::dim, "* " + harmless(text), style.coloured) +
         '\n';
}

}  // namespace walkie::cli
