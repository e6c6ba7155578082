// SPDX-License-Identifier: MIT
// Where a session's lines go: above a line editor, to the terminal, or into pipes.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <cli/line_editor.hpp>
#include <cli/message_lines.hpp>
#include <cli/stream_options.hpp>

namespace walkie::cli {

/// Writes messages to stdout and everything else to stderr, or both above the line editor while one
/// is attached. On one thread. Waits where the reader of stdout is slow.
class Console {
 public:
  explicit Console(const StreamPlan& plan) : plan_(plan) {}

  void attach(LineEditor* editor) noexcept { editor_ = editor; }
  void set_columns(std::size_t columns) noexcept { plan_.style.columns = columns; }

  void message(MessageView message, std::uint32_t client = 0);
  /// With --json: one event.
  void event(std::string_view event, std::span<const EventField> fields);
  /// Something happened: for people, not under --quiet.
  void note(std::string_view text);
  /// Lines that were asked for: a command's answer.
  void answer(std::string_view lines);
  /// The lines of -v.
  void trace(std::string_view lines);
  /// Something that was asked for did not work.
  void complain(std::string_view text);

  /// Why stdout takes no more; 0 while it does.
  [[nodiscard]] int output_errno() const noexcept { return output_errno_; }

 private:
  void write_output(std::string_view text);
  void write_aside(std::string_view text);
  StreamPlan plan_;
  LineEditor* editor_ = nullptr;
  int output_errno_ = 0;
};

}  // namespace walkie::cli
