// SPDX-License-Identifier: MIT
// Frames of the load generator.
#include <cli/load_frames.hpp>

#include <algorithm>
#include <cstring>

#include <proto/mask.hpp>

namespace walkie::cli {

std::optional<FramePiece> FrameReader::next(BytesView& in) {
  if (failed_) return std::nullopt;
  if (!in_payload_ && !take_header(in)) return std::nullopt;
  if (in.empty() && payload_left_ > 0) return std::nullopt;
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(in.size(), payload_left_));
  payload_left_ -= bytes;
  in_payload_ = payload_left_ > 0;
  const FramePiece piece{opcode_, fin_, !in_payload_, in.first(bytes)};
  in = in.subspan(bytes);
  return piece;
}

bool FrameReader::take_header(BytesView& in) {
  if (in.empty()) return false;
  proto::DecodedHeader decoded;
  if (partial_bytes_ == 0) {
    decoded = proto::decode_header(in);
  } else {
    const std::size_t more = std::min(in.size(), partial_.size() - partial_bytes_);
    std::memcpy(partial_.data() + partial_bytes_, in.data(), more);
    decoded = proto::decode_header(BytesView(partial_).first(partial_bytes_ + more));
  }
  failed_ = decoded.error != proto::ProtocolError::none || decoded.header.mask.has_value() ||
            decoded.header.rsv1;
  if (failed_) return false;
  if (decoded.header_bytes == 0) {  // incomplete: less than a header's length is here
    if (partial_bytes_ == 0) std::memcpy(partial_.data(), in.data(), in.size());
    partial_bytes_ = static_cast<std::uint8_t>(partial_bytes_ + in.size());
    in = in.subspan(in.size());
    return false;
  }
  in = in.subspan(decoded.header_bytes - std::size_t{partial_bytes_});
  partial_bytes_ = 0;
  opcode_ = decoded.header.opcode;
  fin_ = decoded.header.fin;
  payload_left_ = decoded.header.payload_bytes;
  in_payload_ = true;
  return true;
}

std::vector<std::byte> masked_frame(proto::Opcode opcode, BytesView payload, proto::MaskKey key) {
  proto::FrameHeader header;
  header.opcode = opcode;
  header.mask = key;
  header.payload_bytes = payload.size();
  std::vector<std::byte> frame(proto::encoded_header_bytes(header) + payload.size());
  const std::size_t header_bytes = proto::encode_header(header, frame.data());
  std::ranges::copy(payload, frame.begin() + static_cast<std::ptrdiff_t>(header_bytes));
  proto::apply_mask(MutableBytes(frame).subspan(header_bytes), key);
  return frame;
}

NumberedMessage::NumberedMessage(const NumberedMessageOptions& options)
    : answer_(options.payload_bytes),
      raw_(options.raw),
      numbered_(options.payload_bytes >= kNumberBytes) {
  // Printable and not constant, so that a shifted answer does not match by chance.
  for (std::size_t i = 0; i < answer_.size(); ++i)
    answer_[i] = static_cast<std::byte>('a' + (i * 7 + i / 26) % 26);
  const auto opcode = static_cast<proto::Opcode>(options.kind);
  frame_ = masked_frame(opcode, answer_, options.mask_key);
  number_in_frame_ = frame_.size() - options.payload_bytes;
  for (std::size_t i = 0; i < kNumberBytes; ++i) mask_[i] = options.mask_key[i % 4];
  if (raw_) answer_ = frame_;
}

void NumberedMessage::set_number(std::uint32_t number) noexcept {
  if (!numbered_) return;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::byte* const in_frame = frame_.data() + number_in_frame_;
  std::byte* const in_answer = answer_.data() + (raw_ ? number_in_frame_ : 0);
  for (std::size_t i = 0; i < kNumberBytes; ++i) {
    const auto digit = static_cast<std::byte>(kDigits[(number >> (28 - 4 * i)) & 0xF]);
    in_frame[i] = digit ^ mask_[i];
    in_answer[i] = raw_ ? in_frame[i] : digit;
  }
}

BytesView NumberedMessage::frame(std::uint32_t number) noexcept {
  set_number(number);
  return frame_;
}

bool NumberedMessage::matches(std::uint32_t number, std::size_t offset, BytesView bytes) noexcept {
  if (offset > answer_.size() || bytes.size() > answer_.size() - offset) return false;
  set_number(number);
  return bytes.empty() || std::memcmp(answer_.data() + offset, bytes.data(), bytes.size()) == 0;
}

}  // namespace walkie::cli
