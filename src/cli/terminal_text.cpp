// SPDX-License-Identifier: MIT
// Text of others made harmless for a terminal.
#include <cli/terminal_text.hpp>

#include <fmt/core.h>

#include <cli/utf8_text.hpp>

namespace walkie::cli {
namespace {

/// Marks that reorder or hide text: what is shown would not be what was sent.
bool reorders(char32_t code) noexcept {
  return code == 0x061C || code == 0x200E || code == 0x200F || (code >= 0x202A && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

bool is_control(char32_t code) noexcept {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x2028 || code == 0x2029;
}

std::string shown(std::string_view text, bool keeps_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Rune rune = front_rune(text);
    const bool kept = rune.code == '\t' || (rune.code == '\n' && keeps_lines);
    if (!rune.valid || (is_control(rune.code) && rune.code < 0x80 && !kept && rune.code != '\n'))
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    else if (rune.code == '\n' && !keeps_lines)
      out += "\\n";
    else if (!kept && (is_control(rune.code) || reorders(rune.code)))
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(rune.code));
    else
      out += text.substr(0, rune.bytes);
    text.remove_prefix(rune.bytes);
  }
  return out;
}

std::string_view code_of(Colour colour) noexcept {
  switch (colour) {
    case Colour::dim:
      return "\033[2m";
    case Colour::red:
      return "\033[31m";
    case Colour::green:
      return "\033[32m";
    case Colour::yellow:
      return "\033[33m";
    case Colour::blue:
      return "\033[34m";
    case Colour::magenta:
      return "\033[35m";
    case Colour::cyan:
      return "\033[36m";
    case Colour::plain:
      break;
  }
  return "";
}

}  // namespace

std::string harmless(std::string_view text) { return shown(text, true); }

std::string harmless_line(std::string_view text) { return shown(text, false); }

std::string in_colour(Colour colour, std::string_view text, bool coloured) {
  if (!coloured || colour == Colour::plain || text.empty()) return std::string(text);
  return std::string(code_of(colour)).append(text).append("\033[0m");
}

}  // namespace walkie::cli
