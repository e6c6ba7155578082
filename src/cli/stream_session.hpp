// SPDX-License-Identifier: MIT
// What `walkie connect` and `walkie listen` do alike: read lines or a stream, obey commands,
// signals and deadlines, and end in good order.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <cli/commands.hpp>
#include <cli/console.hpp>
#include <cli/console_command.hpp>
#include <cli/message_input.hpp>
#include <cli/signal_queue.hpp>
#include <cli/stream_options.hpp>
#include <walkie/message.hpp>

namespace walkie::cli {

/// A loop over stdin, signals, deadlines and one thing more, which the derived class brings. All on
/// one thread.
class StreamSession {
 public:
  StreamSession(const StreamSession&) = delete;
  StreamSession& operator=(const StreamSession&) = delete;

 protected:
  using Time = std::chrono::steady_clock::time_point;
  enum class Sent : std::uint8_t { yes, later, no };

  StreamSession(StreamPlan plan, ConsoleKind kind, std::string history_file);
  virtual ~StreamSession();

  /// Until end().
  void run();

  /// Readable, or its time passed: on_wake() has something to do.
  [[nodiscard]] virtual int wake_descriptor() const = 0;
  [[nodiscard]] virtual std::optional<std::chrono::milliseconds> wake_timeout() const = 0;
  virtual void on_wake() = 0;
  /// Whether the stream is read now.
  [[nodiscard]] virtual bool takes_input() const = 0;
  /// `later`: input_goes_on() tells when to try again. `no`: it was said why.
  virtual Sent send(MessageView message) = 0;
  /// All but say, binary, send_file, help and quit.
  virtual void run_command(const ConsoleCommand& command) = 0;
  /// Starts a clean end; end() follows.
  virtual void close_politely() = 0;

  /// A message arrived: writes and counts it.
  void received(MessageView message, std::uint32_t client = 0);
  void input_goes_on() { held_again_ = true; }
  /// Wants the end; close_politely() is called once.
  void ask_close();
  /// The end is under way as it was wanted: close_politely() is not called any more.
  void set_asked() { asked_ = true; }
  /// Leaves run(). A verdict counts more than how the connection ended.
  void end() { ended_ = true; }
  void end(ExitCode verdict);
  void set_messages_max(std::uint64_t count) { messages_max_ = count; }

  [[nodiscard]] bool asked() const noexcept { return asked_; }
  [[nodiscard]] std::optional<ExitCode> verdict() const noexcept { return verdict_; }
  [[nodiscard]] Console& console() noexcept { return console_; }
  [[nodiscard]] const StreamPlan& plan() const noexcept { return plan_; }
  void set_prompt(std::string prompt);

 private:
  [[nodiscard]] bool turn(bool wants_input);
  [[nodiscard]] int timeout_ms() const;
  [[nodiscard]] std::optional<Time> deadline() const;
  [[nodiscard]] bool wait_for_key();
  void run_interactive();
  void run_stream();
  void read_stream();
  void end_of_stream();
  void send_lines();
  void send_line(std::string line);
  void send_or_hold(Message message);
  void accept_typed(const std::string& line);
  void say(MessageView message);
  void send_file(const std::string& path);
  void take_signals();
  void take_signal(int signal);
  void check_deadlines();
  void check_output();

  StreamPlan plan_;
  ConsoleKind kind_;
  std::string history_file_;
  SignalQueue signals_;
  Console console_;
  LineEditor* editor_ = nullptr;
  LineSplitter splitter_;
  std::optional<Message> held_;  ///< Did not fit yet.
  bool held_again_ = false;      ///< It may fit now.
  bool end_of_input_ = false;
  std::uint64_t lines_ = 0;
  std::uint64_t messages_ = 0;
  std::uint64_t messages_max_ = 0;
  Time started_;
  Time last_arrival_;  ///< Of a message, or of the end of the input.
  bool asked_ = false;
  bool ended_ = false;
  std::optional<ExitCode> verdict_;
};

}  // namespace walkie::cli
