// SPDX-License-Identifier: MIT
// Reads the frames in a stream of bytes without taking part: what a trace shows.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <proto/frame.hpp>
#include <walkie/bytes.hpp>

namespace walkie::link {

/// A frame that passed. The payload is that of a control frame, unmasked, and lives until the next
/// call; of data frames only the header is looked at.
struct SeenFrame {
  proto::FrameHeader header;
  BytesView payload;
};

/// One direction of one connection. Not thread safe.
class FrameWatch {
 public:
  /// The next frame at the front of `bytes`, which moves behind what was read; nothing where more
  /// bytes are needed, or where a header is malformed: then it looks at nothing more.
  [[nodiscard]] std::optional<SeenFrame> next(BytesView& bytes);

 private:
  [[nodiscard]] bool take_header(BytesView& bytes);
  void skip_payload(BytesView& bytes) noexcept;

  std::array<std::byte, proto::kHeaderBytesMax> partial_{};
  std::array<std::byte, proto::kControlPayloadBytesMax> control_{};
  proto::FrameHeader header_{};
  std::uint64_t payload_left_ = 0;
  std::uint8_t partial_bytes_ = 0;
  std::uint8_t control_bytes_ = 0;
  bool in_control_ = false;
  bool broken_ = false;
};

}  // namespace walkie::link
