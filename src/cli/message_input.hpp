// SPDX-License-Identifier: MIT
// Messages from a stream of bytes: one for each line, in plain text or encoded, or one for each
// piece as it comes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <walkie/error.hpp>
#include <walkie/message.hpp>

namespace walkie::cli {

enum class InputForm : std::uint8_t {
  text,    ///< A line is a text message.
  binary,  ///< A line is a binary message, as it is.
  base64,  ///< A line is a binary message in Base64.
  hex,     ///< A line is a binary message in hexadecimal.
  raw,     ///< What one read gives is a binary message.
};

/// Cuts a stream at a separator.
class LineSplitter {
 public:
  LineSplitter(char separator, std::size_t line_bytes_max) noexcept
      : separator_(separator), line_bytes_max_(line_bytes_max) {}

  void feed(std::string_view bytes);
  /// The next whole line without its separator.
  [[nodiscard]] std::optional<std::string> next();
  /// What is left at the end of the stream: a last line without separator.
  [[nodiscard]] std::optional<std::string> rest();
  /// A line is longer than allowed; nothing good will come any more.
  [[nodiscard]] bool too_long() const noexcept;

 private:
  char separator_;
  std::size_t line_bytes_max_;
  std::string waiting_;
  std::size_t taken_ = 0;     ///< Bytes at the front of `waiting_` that are used up.
  std::size_t searched_ = 0;  ///< Up to here there is no separator.
};

/// The message that a line stands for.
/// Errors: a text line that is no UTF-8, a line that is not in its encoding.
[[nodiscard]] Result<Message> message_of_line(std::string line, InputForm form);

}  // namespace walkie::cli
