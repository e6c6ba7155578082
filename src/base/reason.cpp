// SPDX-License-Identifier: MIT
// The system's words for an error, to stand inside a line of ours.
#include <base/reason.hpp>

namespace walkie::base {

// "RPC ..." and "I/O error" stay as they are: a second letter in lower case makes a word.
std::string reason_of(std::error_code error) {
  std::string words = error.message();
  const auto is_in = [](char c, char first, char last) { return first <= c && c <= last; };
  if (words.size() > 1 && is_in(words[0], 'A', 'Z') &&
      (is_in(words[1], 'a', 'z') || words[1] == ' '))
    words[0] = static_cast<char>(words[0] - 'A' + 'a');
  return words;
}

}  // namespace walkie::base
