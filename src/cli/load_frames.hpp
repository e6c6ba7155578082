// SPDX-License-Identifier: MIT
// What the load generator writes and reads: frames encoded beforehand, and a reader that looks at
// headers only. It is leaner than proto::Connection because it has to outpace the server.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <proto/frame.hpp>
#include <walkie/bytes.hpp>
#include <walkie/message.hpp>

namespace walkie::cli {

/// A piece of a frame's payload, as far as it is here.
struct FramePiece {
  proto::Opcode opcode = proto::Opcode::binary;
  bool fin = false;
  bool frame_ends = false;  ///< The frame is complete with this piece.
  BytesView bytes;          ///< Lives as long as the bytes that were handed over.
};

/// Reads a server's frames.
class FrameReader {
 public:
  /// The next piece at the front of `in`, which moves behind it; nothing where more bytes are
  /// needed or failed() is true.
  [[nodiscard]] std::optional<FramePiece> next(BytesView& in);

  /// A server's frame that is no frame, or is masked or compressed, which nobody asked for.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  [[nodiscard]] bool take_header(BytesView& in);
  std::array<std::byte, proto::kHeaderBytesMax> partial_{};  ///< A header that came in parts.
  std::uint8_t partial_bytes_ = 0;
  bool in_payload_ = false;
  bool failed_ = false;
  bool fin_ = false;
  proto::Opcode opcode_ = proto::Opcode::binary;
  std::uint64_t payload_left_ = 0;
};

/// A client's frame with this payload, masked by `key`.
[[nodiscard]] std::vector<std::byte> masked_frame(proto::Opcode opcode, BytesView payload,
                                                  proto::MaskKey key);

struct NumberedMessageOptions {
  MessageKind kind = MessageKind::text;
  std::size_t payload_bytes = 32;
  bool raw = false;  ///< The peer echoes the frame's bytes as they are, not its payload.
  proto::MaskKey mask_key{};
};

/// Messages of one length whose first 8 characters are a number, where they are that long: so a
/// reply that is lost, doubled or out of order is found.
class NumberedMessage {
 public:
  static constexpr std::size_t kNumberBytes = 8;

  explicit NumberedMessage(const NumberedMessageOptions& options);

  /// The masked frame of message `number`; lives until the next call.
  [[nodiscard]] BytesView frame(std::uint32_t number) noexcept;

  /// Whether `bytes` is what the answer to message `number` has at `offset`.
  [[nodiscard]] bool matches(std::uint32_t number, std::size_t offset, BytesView bytes) noexcept;

  [[nodiscard]] std::size_t answer_bytes() const noexcept { return answer_.size(); }
  [[nodiscard]] std::size_t frame_bytes() const noexcept { return frame_.size(); }

 private:
  void set_number(std::uint32_t number) noexcept;
  std::vector<std::byte> frame_;
  std::vector<std::byte> answer_;
  std::array<std::byte, kNumberBytes> mask_{};  ///< The key as it falls on the number.
  std::size_t number_in_frame_ = 0;
  bool raw_;
  bool numbered_;
};

}  // namespace walkie::cli
