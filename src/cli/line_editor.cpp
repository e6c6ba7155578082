// SPDX-License-Identifier: MIT
// libedit, with a read function that lets other things happen between two keys.
#include <cli/line_editor.hpp>

#include <algorithm>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cwchar>
#include <filesystem>
#include <utility>

#include <histedit.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace walkie::cli {
namespace {

constexpr int kHistoryLines = 1000;
constexpr std::size_t kPasteCharactersMax = 1 << 20;
constexpr char kPromptEscape = '\1';  // libedit counts no columns between two of these

// A paste arrives between ESC [200~ and ESC [201~, so that its line feeds do not send.
constexpr const char* kPasteOn = "\033[?2004h";
constexpr const char* kPasteOff = "\033[?2004l";
constexpr std::wstring_view kPasteEnd = L"\033[201~";

std::size_t terminal_columns() {
  winsize window{};
  const bool known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0;
  return known ? window.ws_col : 80;
}

std::size_t columns_of(wchar_t letter) {
  const int columns = ::wcwidth(letter);
  return columns > 0 ? static_cast<std::size_t>(columns) : 0;
}

/// How many rows below the prompt's the cursor stands, by libedit's way to wrap.
std::size_t cursor_row(std::size_t prompt_columns, std::wstring_view before, std::size_t width) {
  std::size_t row = prompt_columns / width;
  std::size_t column = prompt_columns % width;
  for (const wchar_t letter : before) {
    // Control characters are shown as ^X.
    const std::size_t wide = letter < L' ' ? 2 : columns_of(letter);
    if (letter == L'\n' || column + wide > width) {
      ++row;
      column = 0;
    }
    if (letter != L'\n') column += wide;
    if (column < width) continue;
    ++row;
    column = 0;
  }
  return row;
}

}  // namespace

struct LineEditor::State {
  Options options;
  std::function<bool()> wait_for_key;
  EditLine* editor = nullptr;
  History* history = nullptr;
  HistEvent event{};
  std::string prompt;    ///< With its colour.
  std::string pending;   ///< Bytes of a character that is not complete.
  bool reading = false;  ///< Inside el_gets().
  bool ended = false;    ///< wait_for_key said no.

  static State& of(EditLine* editor) {
    State* state = nullptr;
    el_get(editor, EL_CLIENTDATA, &state);
    return *state;
  }

  void set_prompt(std::string text) {
    options.prompt = std::move(text);
    const auto colour = [](const char* code) {
      return std::string(1, kPromptEscape) + code + kPromptEscape;
    };
    prompt =
        options.coloured ? colour("\033[36m") + options.prompt + colour("\033[0m") : options.prompt;
  }

  /// Moves to the start of the prompt and clears from there on.
  void erase_line() const {
    const LineInfoW* line = el_wline(editor);
    const std::wstring_view before(line->buffer,
                                   static_cast<std::size_t>(line->cursor - line->buffer));
    const std::size_t rows = cursor_row(options.prompt.size(), before, terminal_columns());
    if (rows > 0) std::fprintf(stdout, "\033[%zuA", rows);
    std::fputs("\r\033[J", stdout);
  }

  /// The next character; 1 where there is one, 0 at the end.
  int read_character(wchar_t* letter) {
    for (;;) {
      if (!wait_for_key()) {
        ended = true;
        erase_line();
        return 0;
      }
      char byte = 0;
      if (::read(STDIN_FILENO, &byte, 1) != 1) return 0;
      pending += byte;
      std::mbstate_t start{};
      const std::size_t used = std::mbrtowc(letter, pending.data(), pending.size(), &start);
      if (used == static_cast<std::size_t>(-2)) continue;
      pending.clear();
      if (used != static_cast<std::size_t>(-1)) return 1;
    }
  }

  unsigned char paste() {
    std::wstring text;
    wchar_t letter = 0;
    while (text.size() < kPasteCharactersMax && el_wgetc(editor, &letter) == 1) {
      text += letter == L'\r' ? L'\n' : letter;
      if (!text.ends_with(kPasteEnd)) continue;
      text.resize(text.size() - kPasteEnd.size());
      break;
    }
    // What would be obeyed when it is shown again has no place in a message either.
    std::erase_if(text, [](wchar_t each) {
      return (each < L' ' && each != L'\n' && each != L'\t') || each == L'\x7F';
    });
    while (text.ends_with(L'\n')) text.pop_back();
    if (!text.empty() && el_winsertstr(editor, text.c_str()) != 0) return CC_ERROR;
    return CC_REFRESH;
  }

  void load_history() {
    if (options.history_file.empty()) return;
    history = history_init();
    ::history(history, &event, H_SETSIZE, kHistoryLines);
    ::history(history, &event, H_SETUNIQUE, 1);
    ::history(history, &event, H_LOAD, options.history_file.c_str());
    el_set(editor, EL_HIST, ::history, history);
  }

  /// By way of another file, so that a full disk loses nothing. What fails is not worth a word at
  /// the end of a session.
  void save_history() {
    const std::filesystem::path path(options.history_file);
    std::filesystem::path fresh = path;
    fresh += ".new";
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (::history(history, &event, H_SAVE, fresh.c_str()) < 0) return;
    std::filesystem::permissions(
        fresh, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, error);
    std::filesystem::rename(fresh, path, error);
  }

  /// As shells do: what begins with a blank is not kept.
  void remember(const std::string& line) {
    if (history == nullptr || line.empty() || line.starts_with(' ')) return;
    ::history(history, &event, H_ENTER, line.c_str());
  }
};

LineEditor::LineEditor(Options options, std::function<bool()> wait_for_key)
    : state_(std::make_unique<State>()) {
  // Characters and their widths; messages are UTF-8 whatever the user's locale is.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  state_->wait_for_key = std::move(wait_for_key);
  state_->options = std::move(options);
  state_->set_prompt(state_->options.prompt);
  EditLine* editor = el_init("walkie", stdin, stdout, stderr);
  state_->editor = editor;
  el_set(editor, EL_CLIENTDATA, state_.get());
  el_set(editor, EL_EDITOR, "emacs");
  el_set(
      editor, EL_PROMPT_ESC, +[](EditLine* of) { return State::of(of).prompt.data(); },
      kPromptEscape);
  el_set(
      editor, EL_GETCFN,
      +[](EditLine* of, wchar_t* letter) { return State::of(of).read_character(letter); });
  // In wide characters: libedit would copy narrow ones and never free them.
  el_wset(
      editor, EL_ADDFN, L"walkie-paste", L"Insert what is pasted",
      +[](EditLine* of, int) { return State::of(of).paste(); });
  el_set(editor, EL_BIND, "\\e[200~", "walkie-paste", nullptr);
  el_set(editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  el_set(editor, EL_BIND, "\\e[1;5C", "em-next-word", nullptr);
  el_set(editor, EL_BIND, "\\e[1;5D", "ed-prev-word", nullptr);
  state_->load_history();
  std::fputs(kPasteOn, stdout);
}

LineEditor::~LineEditor() {
  std::fputs(kPasteOff, stdout);
  std::fflush(stdout);
  if (state_->history != nullptr) {
    state_->save_history();
    history_end(state_->history);
  }
  el_end(state_->editor);
}

std::optional<std::string> LineEditor::read_line() {
  int bytes = 0;
  state_->reading = true;
  const char* typed = el_gets(state_->editor, &bytes);
  state_->reading = false;
  if (typed == nullptr || bytes <= 0 || state_->ended) {
    if (!state_->ended) std::fputs("\r\033[J", stdout);
    return std::nullopt;
  }
  std::string line(typed, static_cast<std::size_t>(bytes));
  if (line.ends_with('\n')) line.pop_back();
  state_->remember(line);
  return line;
}

bool LineEditor::print_above(std::string_view lines) {
  if (state_->reading) state_->erase_line();
  std::fwrite(lines.data(), 1, lines.size(), stdout);
  if (state_->reading) el_set(state_->editor, EL_REFRESH);
  return std::fflush(stdout) == 0;
}

void LineEditor::set_prompt(std::string prompt) {
  if (state_->reading) state_->erase_line();
  state_->set_prompt(std::move(prompt));
  if (state_->reading) print_above({});
}

void LineEditor::resized() {
  el_resize(state_->editor);
  if (state_->reading) print_above({});
}

void LineEditor::suspend() {
  std::fputs(kPasteOff, stdout);
  el_set(state_->editor, EL_PREP_TERM, 0);
  std::fputs("\n", stdout);
  std::fflush(stdout);
  std::raise(SIGSTOP);
  el_set(state_->editor, EL_PREP_TERM, 1);
  std::fputs(kPasteOn, stdout);
  resized();
}

}  // namespace walkie::cli
