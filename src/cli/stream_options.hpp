// SPDX-License-Identifier: MIT
// What `walkie connect` and `walkie listen` share: options about input and output, and what they
// mean at a terminal and in pipes.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <cli/message_input.hpp>
#include <cli/message_lines.hpp>
#include <cli/settings.hpp>
#include <walkie/error.hpp>

namespace walkie::cli {

/// What the process runs in.
struct Surroundings {
  bool input_is_terminal = false;
  bool output_is_terminal = false;
  bool dumb = false;      ///< TERM is "dumb" or absent: no cursor movements, no colours.
  bool no_color = false;  ///< NO_COLOR is set (no-color.org).
  std::size_t columns = 80;
};

[[nodiscard]] Surroundings process_surroundings(const Environment& environment);

/// The shared options as they were meant.
struct StreamPlan {
  InputForm input = InputForm::text;
  char separator = '\n';  ///< Of input lines.
  MessageStyle style{};
  bool interactive = false;  ///< A line editor, with what arrives above it.
  bool commands = false;     ///< Lines that begin with a slash are commands.
  bool quiet = false;
  bool verbose = false;
  bool history = true;
  std::vector<std::string> first{};  ///< Sent before anything else.
  std::size_t message_bytes_max = 0;
  bool one = false;
  std::uint64_t messages_max = 0;        ///< 0: no limit.
  std::chrono::milliseconds timeout{0};  ///< Of the whole; 0: none.
  std::chrono::milliseconds wait{0};     ///< Silence after the end of the input.
  bool close_on_eof = true;
};

/// At a terminal output is for people; in pipes for programs, unless --pretty, --timestamps or
/// --color=always asks for what people read.
/// Errors: options that exclude each other.
[[nodiscard]] Result<StreamPlan> stream_plan(const Settings& settings, const Surroundings& around);

/// "NAME: VALUE" in two, without blanks around.
/// Errors: no colon, no name.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_header(std::string_view text);

/// Whether the option was given, whatever its value.
[[nodiscard]] bool is_given(const Settings& settings, std::string_view key);

// The shared rows of both tables.
inline constexpr Option kSendOption{.key = "send",
                                    .flag = "send",
                                    .letter = 'x',
                                    .kind = OptionKind::list,
                                    .help = "Send this text first; may be given several times",
                                    .flag_only = true};
inline constexpr Option kOneOption{.key = "one",
                                   .flag = "one",
                                   .letter = '1',
                                   .kind = OptionKind::on_off,
                                   .preset = "off",
                                   .help = "End after the first message that arrives",
                                   .flag_only = true};
inline constexpr Option kMaxMessagesOption{.key = "max_messages",
                                           .flag = "max-messages",
                                           .letter = 'n',
                                           .kind = OptionKind::number,
                                           .preset = "unlimited",
                                           .help = "End after so many messages that arrive",
                                           .min = 1,
                                           .zero_word = "unlimited",
                                           .flag_only = true};
inline constexpr std::int64_t kLongestMs = std::int64_t{30} * 24 * 3600 * 1000;
inline constexpr Option kTimeoutOption{
    .key = "timeout",
    .flag = "timeout",
    .letter = 't',
    .kind = OptionKind::duration,
    .preset = "off",
    .help = "End after this time with exit code 10, whatever happens",
    .min = 1,
    .max = kLongestMs,
    .zero_word = "off",
    .flag_only = true};
inline constexpr Option kWaitOption{
    .key = "wait",
    .flag = "wait",
    .letter = 'w',
    .kind = OptionKind::duration,
    .preset = "1s",
    .help = "At the end of the input, close when nothing has arrived for this time",
    .max = kLongestMs,
    .flag_only = true};
inline constexpr Option kCloseOnEofOption{
    .key = "close_on_eof",
    .flag = "close-on-eof",
    .kind = OptionKind::on_off,
    .preset = "on",
    .help = "Close at the end of the input; --no-close-on-eof stays until the other side closes",
    .flag_only = true};
inline constexpr Option kBinaryOption{.key = "binary",
                                      .flag = "binary",
                                      .letter = 'b',
                                      .kind = OptionKind::on_off,
                                      .preset = "off",
                                      .help = "Lines are sent as binary messages, as they are",
                                      .flag_only = true};
inline constexpr Option kBase64Option{
    .key = "base64",
    .flag = "base64",
    .kind = OptionKind::on_off,
    .preset = "off",
    .help = "Lines are Base64 of binary messages, and binary messages that arrive are written so",
    .flag_only = true};
inline constexpr Option kHexOption{.key = "hex",
                                   .flag = "hex",
                                   .kind = OptionKind::on_off,
                                   .preset = "off",
                                   .help = "The same in hexadecimal",
                                   .flag_only = true};
inline constexpr Option kRawOption{
    .key = "raw",
    .flag = "raw",
    .kind = OptionKind::on_off,
    .preset = "off",
    .help =
        "Bytes as they are: a binary message for each piece that is read, and nothing written "
        "between messages that arrive",
    .flag_only = true};
inline constexpr Option kNullOption{
    .key = "null",
    .flag = "null",
    .letter = '0',
    .kind = OptionKind::on_off,
    .preset = "off",
    .help = "Messages end with a zero byte in place of a line feed, both ways",
    .flag_only = true};
inline constexpr Option kJsonOption{
    .key = "json",
    .flag = "json",
    .kind = OptionKind::on_off,
    .preset = "off",
    .help =
        "Write one JSON object a line for each message that arrives and each change of the "
        "connection",
    .flag_only = true};
inline constexpr Option kPrettyOption{
    .key = "pretty",
    .flag = "pretty",
    .kind = OptionKind::on_off,
    .preset = "on",
    .help = "Lay out JSON that arrives; only at a terminal unless given",
    .flag_only = true};
inline constexpr Option kTimestampsOption{
    .key = "timestamps",
    .flag = "timestamps",
    .kind = OptionKind::on_off,
    .preset = "on",
    .help = "The time in front of each message; only at a terminal unless given",
    .flag_only = true};
inline constexpr std::array<std::string_view, 3> kColourWords{"auto", "always", "never"};
inline constexpr Option kColourOption{
    .key = "color",
    .flag = "color",
    .kind = OptionKind::choice,
    .preset = "auto",
    .help = "Colours; auto: at a terminal, where NO_COLOR is not set",
    .choices = kColourWords,
    .flag_only = true};
inline constexpr Option kHistoryOption{
    .key = "history",
    .flag = "history",
    .kind = OptionKind::on_off,
    .preset = "on",
    .help = "Keep the lines that are typed, the last 1000, for the next time",
    .flag_only = true};
inline constexpr Option kPingIntervalOption{.key = "ping_interval",
                                            .flag = "ping-interval",
                                            .kind = OptionKind::duration,
                                            .preset = "30s",
                                            .help = "Between our Pings",
                                            .min = 1,
                                            .max = kLongestMs,
                                            .zero_word = "off",
                                            .flag_only = true};
inline constexpr Option kPongTimeoutOption{
    .key = "pong_timeout",
    .flag = "pong-timeout",
    .kind = OptionKind::duration,
    .preset = "20s",
    .help = "Silence after a Ping until the other side counts as gone",
    .min = 1,
    .max = kLongestMs,
    .flag_only = true};
inline constexpr Option kCompressionOption{.key = "compression",
                                           .flag = "compression",
                                           .kind = OptionKind::on_off,
                                           .preset = "on",
                                           .help =
                                               "permessage-deflate (RFC 7692); "
                                               "--no-compression for none",
                                           .flag_only = true};
inline constexpr Option kMaxMessageOption{.key = "max_message",
                                          .flag = "max-message",
                                          .kind = OptionKind::size,
                                          .preset = "64MiB",
                                          .help = "The longest message that is taken, both ways",
                                          .min = 1,
                                          .max = std::int64_t{1} << 40,
                                          .flag_only = true};
inline constexpr Option kQuietOption{.key = "quiet",
                                     .flag = "quiet",
                                     .letter = 'q',
                                     .kind = OptionKind::on_off,
                                     .preset = "off",
                                     .help = "Say nothing but messages and errors",
                                     .flag_only = true};

}  // namespace walkie::cli
