// SPDX-License-Identifier: MIT
// Lines and what they mean.
#include <cli/message_input.hpp>

#include <utility>

#include <cli/byte_text.hpp>
#include <cli/utf8_text.hpp>

namespace walkie::cli {
namespace {

Result<Message> decoded(std::optional<std::string> bytes, std::string_view encoding) {
  if (!bytes) return std::unexpected(Error{"is not " + std::string(encoding), {}});
  return Message{MessageKind::binary, std::move(*bytes)};
}

}  // namespace

void LineSplitter::feed(std::string_view bytes) {
  if (taken_ > 0) {
    waiting_.erase(0, taken_);
    searched_ -= taken_;
    taken_ = 0;
  }
  waiting_ += bytes;
}

std::optional<std::string> LineSplitter::next() {
  const std::size_t end = waiting_.find(separator_, searched_);
  searched_ = end == std::string::npos ? waiting_.size() : end + 1;
  if (end == std::string::npos || end - taken_ > line_bytes_max_) return std::nullopt;
  std::string line = waiting_.substr(taken_, end - taken_);
  taken_ = end + 1;
  return line;
}

std::optional<std::string> LineSplitter::rest() {
  if (taken_ == waiting_.size()) return std::nullopt;
  std::string last = waiting_.substr(taken_);
  taken_ = waiting_.size();
  return last;
}

bool LineSplitter::too_long() const noexcept { return searched_ - taken_ > line_bytes_max_; }

Result<Message> message_of_line(std::string line, InputForm form) {
  switch (form) {
    case InputForm::base64:
      return decoded(parse_base64(line), "Base64");
    case InputForm::hex:
      return decoded(parse_hex(line), "hexadecimal: digits in pairs");
    case InputForm::binary:
    case InputForm::raw:
      return Message{MessageKind::binary, std::move(line)};
    case InputForm::text:
      break;
  }
  if (!is_utf8(line))
    return std::unexpected(
        Error{"is not UTF-8, as text messages must be; --binary sends bytes", {}});
  return Message{MessageKind::text, std::move(line)};
}

}  // namespace walkie::cli
