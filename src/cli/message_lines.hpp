// SPDX-License-Identifier: MIT
// Received messages and what happens to a connection, as text: for people, for pipes, or as one
// JSON object each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include <cli/log_lines.hpp>
#include <walkie/message.hpp>

namespace walkie::cli {

enum class BinaryForm : std::uint8_t { as_is, base64, hex, dump };

struct MessageStyle {
  bool events = false;      ///< One JSON object for each message and event.
  bool for_people = false;  ///< Made harmless, with a mark in front; else payloads for programs.
  bool coloured = false;    ///< Of the next three only for people.
  bool timestamps = false;
  bool pretty = false;       ///< JSON objects and arrays are laid out.
  std::size_t columns = 80;  ///< JSON that fits in these stays in one line.
  BinaryForm binary = BinaryForm::as_is;
  std::string_view separator = "\n";  ///< After each payload for programs; static.
};

/// Where and when a message arrived.
struct MessageOrigin {
  WallTime time{};
  std::uint32_t client = 0;  ///< Of `walkie listen`: its number; 0: there is but one.
};

/// What is written for a received message, its line end or separator included.
[[nodiscard]] std::string message_text(MessageView message, const MessageStyle& style,
                                       const MessageOrigin& origin);

/// A value of an event: JSON text, such as json_string() makes.
struct EventField {
  std::string_view key;
  std::string json;
};

/// {"time":"...","event":"open","url":"..."}\n.
[[nodiscard]] std::string event_line(std::string_view event, WallTime time,
                                     std::span<const EventField> fields);

/// "12:00:00", in the local time zone.
[[nodiscard]] std::string clock_time(WallTime time);

/// A line about something that happened, for people: "12:00:00 * connected\n".
[[nodiscard]] std::string note_line(std::string_view text, const MessageStyle& style,
                                    WallTime time);

}  // namespace walkie::cli
