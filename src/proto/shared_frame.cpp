// SPDX-License-Identifier: MIT
// Encoding one message for many.
#include <proto/shared_frame.hpp>

#include <cstring>

#include <base/assert.hpp>
#include <proto/frame.hpp>

namespace walkie::proto {

namespace {

constexpr int kWindowBitsMin = 9;
constexpr int kWindowBitsMax = 15;

base::SharedBytes encode(MessageKind kind, bool compressed, BytesView payload) {
  const FrameHeader header{.fin = true,
                           .rsv1 = compressed,
                           .opcode = static_cast<Opcode>(kind),
                           .mask = std::nullopt,
                           .payload_bytes = payload.size()};
  base::SharedBytes bytes =
      base::SharedBytes::allocate(encoded_header_bytes(header) + payload.size());
  std::byte* const to = bytes.writable().data();
  const std::size_t header_bytes = encode_header(header, to);
  if (!payload.empty()) std::memcpy(to + header_bytes, payload.data(), payload.size());
  return bytes;
}

}  // namespace

SharedFrame::SharedFrame(MessageView message, DeflatePool& pool, int level) noexcept
    : message_(message), pool_(&pool), level_(level) {}

const base::SharedBytes& SharedFrame::plain() {
  if (!plain_) plain_ = encode(message_.kind(), false, message_.bytes());
  return plain_;
}

const base::SharedBytes& SharedFrame::compressed(int window_bits) {
  WALKIE_ASSERT(window_bits >= kWindowBitsMin && window_bits <= kWindowBitsMax);
  base::SharedBytes& form = compressed_[static_cast<std::size_t>(window_bits - kWindowBitsMin)];
  if (form) return form;
  std::vector<std::byte> payload;
  std::unique_ptr<Deflater> deflater = pool_->acquire_deflater(window_bits, level_);
  deflater->compress(message_.bytes(), true, payload);
  pool_->release(std::move(deflater));
  form = payload.size() < message_.size() ? encode(message_.kind(), true, payload) : plain();
  return form;
}

}  // namespace walkie::proto
