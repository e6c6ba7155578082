// SPDX-License-Identifier: MIT
// The loop that both commands share.
#include <cli/stream_session.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/core.h>
#include <poll.h>
#include <unistd.h>

#include <cli/utf8_text.hpp>

namespace walkie::cli {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;

using Clock = std::chrono::steady_clock;

/// The whole file, or why not.
Result<std::string> read_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected(errno_error("opening " + path));
  std::string content;
  std::array<char, kReadBytes> piece{};
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0) {
    content.append(piece.data(), static_cast<std::size_t>(file.gcount()));
    if (content.size() > bytes_max)
      return std::unexpected(Error{path + " is longer than --max-message", {}});
  }
  if (file.bad()) return std::unexpected(errno_error("reading " + path));
  return content;
}

}  // namespace

StreamSession::StreamSession(StreamPlan plan, ConsoleKind kind, std::string history_file)
    : plan_(std::move(plan)),
      kind_(kind),
      history_file_(std::move(history_file)),
      signals_(plan_.interactive
                   ? std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP}
                   : std::initializer_list<int>{SIGINT, SIGTERM, SIGHUP}),
      console_(plan_),
      splitter_(plan_.separator, plan_.message_bytes_max),
      messages_max_(plan_.messages_max),
      started_(Clock::now()),
      last_arrival_(started_) {
  std::signal(SIGPIPE, SIG_IGN);  // write() says it as well
}

StreamSession::~StreamSession() = default;

void StreamSession::run() {
  if (plan_.interactive)
    run_interactive();
  else
    run_stream();
}

void StreamSession::run_interactive() {
  LineEditor editor({.coloured = plan_.style.coloured,
                     .history_file = plan_.history ? history_file_ : std::string{}},
                    [this] { return wait_for_key(); });
  editor_ = &editor;
  console_.attach(&editor);
  while (!ended_) {
    const auto line = editor.read_line();
    if (ended_) break;
    if (line) {
      accept_typed(*line);
      continue;
    }
    ask_close();
    while (!ended_) static_cast<void>(turn(false));
  }
  console_.attach(nullptr);
  editor_ = nullptr;
}

bool StreamSession::wait_for_key() {
  while (!ended_)
    if (turn(true)) return true;
  return false;
}

void StreamSession::run_stream() {
  while (!ended_) {
    const bool reads = takes_input() && !end_of_input_ && !held_ && !asked_;
    if (turn(reads)) read_stream();
    if (std::exchange(held_again_, false) && held_) {
      send_or_hold(*std::exchange(held_, std::nullopt));
      send_lines();
      if (end_of_input_) end_of_stream();
    }
  }
}

/// Waits once, and does what there is to do; true where stdin can be read.
bool StreamSession::turn(bool wants_input) {
  std::array<pollfd, 3> wanted{
      {{.fd = wake_descriptor(), .events = POLLIN, .revents = 0},
       {.fd = signals_.descriptor(), .events = POLLIN, .revents = 0},
       {.fd = wants_input ? STDIN_FILENO : -1, .events = POLLIN, .revents = 0}}};
  ::poll(wanted.data(), wanted.size(), timeout_ms());
  on_wake();
  take_signals();
  check_deadlines();
  check_output();
  return wanted[2].revents != 0 && !ended_;
}

/// Of --timeout, and of the silence after the end of the input.
std::optional<StreamSession::Time> StreamSession::deadline() const {
  std::optional<Time> first;
  if (plan_.timeout.count() > 0 && !verdict_) first = started_ + plan_.timeout;
  const bool waits_for_silence = end_of_input_ && !held_ && !asked_ && plan_.close_on_eof &&
                                 messages_max_ == 0 && takes_input();
  if (!waits_for_silence) return first;
  const Time silence = last_arrival_ + plan_.wait;
  return first ? std::min(*first, silence) : silence;
}

int StreamSession::timeout_ms() const {
  std::int64_t timeout = wake_timeout().value_or(std::chrono::milliseconds(-1)).count();
  if (const auto next = deadline()) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now()).count();
    const std::int64_t wait = std::max<std::int64_t>(left, 0);
    timeout = timeout < 0 ? wait : std::min(timeout, wait);
  }
  return static_cast<int>(std::min<std::int64_t>(timeout, INT32_MAX));
}

void StreamSession::check_deadlines() {
  const Time now = Clock::now();
  const auto next = deadline();
  if (ended_ || !next || now < *next) return;
  if (plan_.timeout.count() > 0 && !verdict_ && now >= started_ + plan_.timeout) {
    console_.complain(fmt::format("the --timeout of {} ms has passed", plan_.timeout.count()));
    verdict_ = ExitCode::timeout;
  }
  ask_close();
}

void StreamSession::check_output() {
  const int error = console_.output_errno();
  if (error == 0 || verdict_) return;
  if (error != EPIPE) console_.complain(fmt::format("writing to stdout: {}", std::strerror(error)));
  verdict_ = error == EPIPE ? ExitCode::broken_pipe : ExitCode::failure;
  ask_close();
}

void StreamSession::take_signals() {
  while (const auto signal = signals_.next()) take_signal(*signal);
}

void StreamSession::take_signal(int signal) {
  if (signal == SIGWINCH) {
    console_.set_columns(process_surroundings(process_environment()).columns);
    if (editor_ != nullptr) editor_->resized();
  } else if (signal == SIGTSTP) {
    if (editor_ != nullptr) editor_->suspend();
  } else if (asked_) {
    end(ExitCode::interrupted);
  } else {
    console_.note("closing; Ctrl-C again leaves at once");
    ask_close();
  }
}

void StreamSession::ask_close() {
  if (std::exchange(asked_, true)) return;
  close_politely();
}

void StreamSession::end(ExitCode verdict) {
  verdict_ = verdict;
  ended_ = true;
}

void StreamSession::received(MessageView message, std::uint32_t client) {
  if (messages_max_ != 0 && messages_ == messages_max_) return;
  ++messages_;
  last_arrival_ = Clock::now();
  console_.message(message, client);
  if (messages_ == messages_max_) ask_close();
}

void StreamSession::set_prompt(std::string prompt) {
  if (editor_ != nullptr) editor_->set_prompt(std::move(prompt));
}

// -- the stream -----------------------------------------------------------------------------------

void StreamSession::read_stream() {
  std::array<char, kReadBytes> piece{};
  const ssize_t bytes = ::read(STDIN_FILENO, piece.data(), piece.size());
  if (bytes < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (bytes < 0) {
    console_.complain(errno_error("reading stdin").message);
    verdict_ = ExitCode::failure;
    return ask_close();
  }
  const std::string_view read(piece.data(), static_cast<std::size_t>(bytes));
  if (bytes == 0) return end_of_stream();
  if (plan_.input == InputForm::raw) return send_line(std::string(read));
  splitter_.feed(read);
  send_lines();
}

void StreamSession::end_of_stream() {
  end_of_input_ = true;
  last_arrival_ = Clock::now();
  if (held_ || asked_) return;
  if (auto last = splitter_.rest()) send_line(std::move(*last));
}

void StreamSession::send_lines() {
  while (!held_ && !asked_) {
    auto line = splitter_.next();
    if (!line) break;
    send_line(std::move(*line));
  }
  if (!splitter_.too_long() || asked_) return;
  console_.complain(fmt::format("line {} of the input is longer than --max-message", lines_ + 1));
  verdict_ = ExitCode::failure;
  ask_close();
}

void StreamSession::send_line(std::string line) {
  ++lines_;
  if (plan_.commands) return accept_typed(line);
  auto message = message_of_line(std::move(line), plan_.input);
  if (message) return send_or_hold(std::move(*message));
  console_.complain(fmt::format("line {} of the input {}", lines_, message.error().message));
  verdict_ = ExitCode::failure;
  ask_close();
}

void StreamSession::send_or_hold(Message message) {
  switch (send(message)) {
    case Sent::yes:
      return;
    case Sent::later:
      held_ = std::move(message);
      return;
    case Sent::no:
      break;
  }
  if (asked_ || ended_) return;
  verdict_ = ExitCode::failure;
  ask_close();
}

// -- the console ----------------------------------------------------------------------------------

void StreamSession::accept_typed(const std::string& line) {
  const auto command = parse_console_line(line, kind_);
  if (!command) return console_.complain(command.error().message);
  switch (command->verb) {
    case ConsoleVerb::say:
      if (!command->text.empty()) say(command->text);
      return;
    case ConsoleVerb::binary:
      return say(binary(bytes_of(command->text)));
    case ConsoleVerb::send_file:
      return send_file(command->text);
    case ConsoleVerb::help:
      return console_.answer(console_help(kind_));
    case ConsoleVerb::quit:
      return ask_close();
    default:
      return run_command(*command);
  }
}

void StreamSession::say(MessageView message) {
  if (message.is_text() && !is_utf8(message.text()))
    return console_.complain("not sent: text messages must be UTF-8");
  if (send(message) == Sent::later)
    console_.complain("not sent: too much waits already; try again later");
}

void StreamSession::send_file(const std::string& path) {
  const auto content = read_file(path, plan_.message_bytes_max);
  if (!content) return console_.complain(content.error().message);
  if (is_utf8(*content))
    say(*content);
  else
    say(binary(bytes_of(*content)));
}

}  // namespace walkie::cli
