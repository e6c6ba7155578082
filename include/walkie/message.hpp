// SPDX-License-Identifier: MIT
// What travels on a WebSocket: messages, borrowed and owned, and pieces of large ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <walkie/bytes.hpp>

namespace walkie {

/// The two kinds of data messages; the values are the opcodes of RFC 6455 §5.2.
enum class MessageKind : std::uint8_t { text = 0x1, binary = 0x2 };

/// A message that owns its bytes; free to keep and to move between threads.
struct Message {
  MessageKind kind = MessageKind::text;
  std::string payload;

  [[nodiscard]] bool is_text() const noexcept { return kind == MessageKind::text; }
  [[nodiscard]] std::string_view text() const noexcept { return payload; }
  [[nodiscard]] BytesView bytes() const noexcept { return bytes_of(payload); }
};

/// A borrowed message. Received ones die when the callback that got them returns:
/// keep one with to_owned(). A received text message is valid UTF-8 (RFC 6455 §8.1).
class MessageView {
 public:
  MessageView(MessageKind kind, BytesView bytes) noexcept : bytes_(bytes), kind_(kind) {}
  MessageView(std::string_view text) noexcept : MessageView(MessageKind::text, bytes_of(text)) {}
  MessageView(const char* text) noexcept : MessageView(std::string_view(text)) {}
  MessageView(const std::string& text) noexcept : MessageView(std::string_view(text)) {}
  MessageView(const Message& message) noexcept : MessageView(message.kind, message.bytes()) {}

  [[nodiscard]] MessageKind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_text() const noexcept { return kind_ == MessageKind::text; }
  [[nodiscard]] BytesView bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::string_view text() const noexcept { return text_of(bytes_); }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] Message to_owned() const { return {kind_, std::string(text())}; }

 private:
  BytesView bytes_;
  MessageKind kind_;
};

/// A binary message of `bytes`; MessageView("...") makes a text one.
[[nodiscard]] inline MessageView binary(BytesView bytes) noexcept {
  return {MessageKind::binary, bytes};
}

/// One piece of a message that is delivered while it arrives. The bytes die with the callback.
/// A piece of a text message may end inside a UTF-8 sequence; the whole is valid.
struct PieceView {
  MessageKind kind = MessageKind::text;
  bool first = true;  ///< No piece of this message came before.
  bool last = true;   ///< The message ends here; such a piece may be empty.
  BytesView bytes;
};

}  // namespace walkie
