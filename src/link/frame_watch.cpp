// SPDX-License-Identifier: MIT
// Headers are gathered where the end of a buffer cuts them; payloads of data frames are skipped.
#include <link/frame_watch.hpp>

#include <algorithm>

#include <proto/mask.hpp>

namespace walkie::link {

std::optional<SeenFrame> FrameWatch::next(BytesView& bytes) {
  while (!broken_) {
    if (!in_control_) {
      skip_payload(bytes);
      if (bytes.empty() || !take_header(bytes)) return std::nullopt;
      payload_left_ = header_.payload_bytes;
      if (!proto::is_control(header_.opcode)) return SeenFrame{header_, {}};
      in_control_ = true;
      control_bytes_ = 0;
    }
    const std::size_t taken = std::min<std::size_t>(bytes.size(), payload_left_);
    std::copy_n(bytes.begin(), taken, control_.begin() + control_bytes_);
    bytes = bytes.subspan(taken);
    control_bytes_ = static_cast<std::uint8_t>(control_bytes_ + taken);
    payload_left_ -= taken;
    if (payload_left_ > 0) return std::nullopt;
    in_control_ = false;
    const auto payload = std::span(control_).first(control_bytes_);
    if (header_.mask) proto::apply_mask(payload, *header_.mask);
    return SeenFrame{header_, payload};
  }
  return std::nullopt;
}

bool FrameWatch::take_header(BytesView& bytes) {
  while (!bytes.empty()) {
    partial_[partial_bytes_++] = bytes.front();
    bytes = bytes.subspan(1);
    const auto decoded = proto::decode_header(std::span(partial_).first(partial_bytes_));
    if (decoded.error != proto::ProtocolError::none) {
      broken_ = true;
      return false;
    }
    if (decoded.header_bytes == 0) continue;
    partial_bytes_ = 0;
    header_ = decoded.header;
    return true;
  }
  return false;
}

void FrameWatch::skip_payload(BytesView& bytes) noexcept {
  const auto skipped =
      static_cast<std::size_t>(std::min<std::uint64_t>(bytes.size(), payload_left_));
  bytes = bytes.subspan(skipped);
  payload_left_ -= skipped;
}

}  // namespace walkie::link
