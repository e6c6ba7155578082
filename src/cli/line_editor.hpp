// SPDX-License-Identifier: MIT
// Lines typed at a terminal, with editing and history (libedit), while other output appears above
// them.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace walkie::cli {

/// Reads lines from stdin, which must be a terminal, as stdout. Emacs keys, arrows, Ctrl-R;
/// a paste of several lines is one text. One at a time per process, on one thread.
class LineEditor {
 public:
  struct Options {
    std::string prompt = "> ";
    bool coloured = false;
    std::string history_file{};  ///< Empty: lines are not kept. Its folder is made.
  };

  /// `wait_for_key` is called before each key is read. It returns true when stdin can be read, and
  /// false to end the reading; it may print_above(), resized() and suspend() meanwhile.
  LineEditor(Options options, std::function<bool()> wait_for_key);
  ~LineEditor();  ///< Saves the history and gives the terminal back.
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  /// A line without its end, UTF-8; nothing after Ctrl-D in an empty line and where wait_for_key
  /// ended it.
  [[nodiscard]] std::optional<std::string> read_line();

  /// Writes whole lines above the one that is edited. False where the terminal is gone.
  bool print_above(std::string_view lines);

  void set_prompt(std::string prompt);
  /// The terminal has another size.
  void resized();
  /// Stops this process, as Ctrl-Z does; returns when it goes on.
  void suspend();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace walkie::cli
