// SPDX-License-Identifier: MIT
// A JSON reader that writes while it reads: nothing is stored but the output.
#include <cli/json_layout.hpp>

#include <algorithm>
#include <array>

#include <cli/terminal_text.hpp>

namespace walkie::cli {
namespace {

constexpr int kDepthMax = 100;

bool is_digit(char letter) noexcept { return letter >= '0' && letter <= '9'; }

bool is_hex(char letter) noexcept {
  return is_digit(letter) || (letter >= 'a' && letter <= 'f') || (letter >= 'A' && letter <= 'F');
}

/// Recursive descent; each step answers whether the text was JSON so far.
class Writer {
 public:
  Writer(std::string_view text, JsonLayout layout) : rest_(text), layout_(layout) {}

  std::optional<std::string> run() {
    skip_blanks();
    if (rest_.empty() || (rest_.front() != '{' && rest_.front() != '[')) return std::nullopt;
    if (!value(0)) return std::nullopt;
    skip_blanks();
    if (!rest_.empty()) return std::nullopt;
    return std::move(out_);
  }

 private:
  bool value(int depth) {
    if (rest_.empty() || depth > kDepthMax) return false;
    switch (rest_.front()) {
      case '{':
        return container('}', depth, true);
      case '[':
        return container(']', depth, false);
      case '"':
        return string(Colour::green);
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool container(char end, int depth, bool has_keys) {
    out_ += rest_.front();
    rest_.remove_prefix(1);
    skip_blanks();
    if (take(end)) return true;
    do {
      start_line(depth + 1);
      skip_blanks();
      if (has_keys && !key()) return false;
      if (!value(depth + 1)) return false;
      skip_blanks();
    } while (take(',', layout_.indented ? "," : ", "));
    start_line(depth);
    return take(end);
  }

  bool key() {
    if (rest_.empty() || rest_.front() != '"' || !string(Colour::blue)) return false;
    skip_blanks();
    if (!take(':', ": ")) return false;
    skip_blanks();
    return true;
  }

  bool string(Colour colour) {
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      const char letter = rest_[at];
      if (static_cast<unsigned char>(letter) < 0x20) return false;
      if (letter == '"') return emit(at + 1, colour);
      if (letter != '\\') continue;
      ++at;
      if (!escape_at(at)) return false;
    }
    return false;
  }

  /// Whether `rest_[at]` ends a two-character escape or starts the digits of a longer one.
  bool escape_at(std::size_t at) const {
    constexpr std::string_view kShort = "\"\\/bfnrt";
    constexpr std::size_t kDigits = 4;
    if (at >= rest_.size()) return false;
    if (kShort.find(rest_[at]) != std::string_view::npos) return true;
    const std::string_view digits = rest_.substr(at + 1, kDigits);
    return rest_[at] == 'u' && digits.size() == kDigits && std::ranges::all_of(digits, is_hex);
  }

  bool number() {
    std::size_t at = rest_.starts_with('-') ? 1 : 0;
    const auto digits = [this, &at] {
      const std::size_t start = at;
      while (at < rest_.size() && is_digit(rest_[at])) ++at;
      return at - start;
    };
    const auto next_is = [this, &at](std::string_view any) {
      return at < rest_.size() && any.find(rest_[at]) != std::string_view::npos;
    };
    const bool zero = next_is("0");
    const std::size_t whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    if (next_is(".")) {
      ++at;
      if (digits() == 0) return false;
    }
    if (next_is("eE")) {
      ++at;
      if (next_is("+-")) ++at;
      if (digits() == 0) return false;
    }
    return emit(at, Colour::cyan);
  }

  bool word(std::string_view name) {
    return rest_.starts_with(name) && emit(name.size(), Colour::magenta);
  }

  bool emit(std::size_t bytes, Colour colour) {
    out_ += in_colour(colour, harmless_line(rest_.substr(0, bytes)), layout_.coloured);
    rest_.remove_prefix(bytes);
    return true;
  }

  bool take(char letter, std::string_view written = {}) {
    if (!rest_.starts_with(letter)) return false;
    rest_.remove_prefix(1);
    if (written.empty())
      out_ += letter;
    else
      out_ += written;
    return true;
  }

  void start_line(int depth) {
    constexpr std::size_t kIndent = 2;
    if (!layout_.indented) return;
    out_.append(1, '\n').append(static_cast<std::size_t>(depth) * kIndent, ' ');
  }

  void skip_blanks() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\r\n"), rest_.size()));
  }

  std::string_view rest_;
  JsonLayout layout_;
  std::string out_;
};

}  // namespace

std::optional<std::string> lay_out_json(std::string_view text, JsonLayout layout) {
  return Writer(text, layout).run();
}

}  // namespace walkie::cli
