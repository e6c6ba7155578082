// SPDX-License-Identifier: MIT
// Lines to where they belong.
#include <cli/console.hpp>

#include <cerrno>

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cli/terminal_text.hpp>

namespace walkie::cli {
namespace {

/// Writes all of it, also to descriptors that do not block. 0, or the errno that ended it.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd wanted{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&wanted, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

WallTime now() { return std::chrono::system_clock::now(); }

/// Each line of `lines` in that colour.
std::string coloured_lines(Colour colour, std::string_view lines, bool coloured) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size() - 1);
    out += in_colour(colour, lines.substr(0, end), coloured) + '\n';
    lines.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

void Console::write_output(std::string_view text) {
  if (output_errno_ != 0) return;
  if (editor_ == nullptr)
    output_errno_ = write_all(STDOUT_FILENO, text);
  else if (!editor_->print_above(text))
    output_errno_ = EIO;
}

void Console::write_aside(std::string_view text) {
  if (editor_ != nullptr)
    write_output(text);
  else
    write_all(STDERR_FILENO, text);
}

void Console::message(MessageView message, std::uint32_t client) {
  write_output(message_text(message, plan_.style, {now(), client}));
}

void Console::event(std::string_view event, std::span<const EventField> fields) {
  if (plan_.style.events) write_output(event_line(event, now(), fields));
}

void Console::note(std::string_view text) {
  const bool watched = plan_.interactive || plan_.commands || plan_.verbose;
  if (watched && !plan_.quiet) write_aside(note_line(text, plan_.style, now()));
}

void Console::answer(std::string_view lines) { write_aside(lines); }

void Console::trace(std::string_view lines) {
  if (!plan_.verbose) return;
  write_aside(coloured_lines(Colour::dim, lines, editor_ != nullptr && plan_.style.coloured));
}

void Console::complain(std::string_view text) {
  const bool coloured = editor_ != nullptr && plan_.style.coloured;
  write_aside(in_colour(Colour::red, fmt::format("walkie: {}", harmless_line(text)), coloured) +
              '\n');
}

}  // namespace walkie::cli
