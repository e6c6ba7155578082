// SPDX-License-Identifier: MIT
// Received bytes that wait for the rest of their message.
#include <http/input_buffer.hpp>

#include <algorithm>
#include <cstring>

#include <base/assert.hpp>

namespace walkie::http {

InputBuffer::~InputBuffer() { clear(); }

void InputBuffer::append(BytesView bytes) {
  if (bytes.empty()) return;
  if (block_.capacity - end_ < bytes.size()) make_room(bytes.size());
  std::memcpy(block_.data + end_, bytes.data(), bytes.size());
  end_ += bytes.size();
}

/// Moves the unread bytes to the block's front where that frees half of it or more (so that each
/// byte moves O(1) times), else to a block of twice the size.
void InputBuffer::make_room(std::size_t bytes) {
  const std::size_t unread_bytes = size();
  const bool fits = unread_bytes + bytes <= block_.capacity;
  if (!holds_taken_ && fits && unread_bytes <= block_.capacity / 2) {
    std::memmove(block_.data, block_.data + begin_, unread_bytes);
  } else {
    const base::Block larger = pool_->acquire(std::max(unread_bytes + bytes, 2 * unread_bytes));
    if (unread_bytes) std::memcpy(larger.data, block_.data + begin_, unread_bytes);
    if (holds_taken_)
      taken_block_ = block_;
    else
      give_back(*pool_, block_);
    block_ = larger;
    holds_taken_ = false;
  }
  begin_ = 0;
  end_ = unread_bytes;
}

void InputBuffer::truncate(std::size_t bytes) noexcept {
  WALKIE_ASSERT(bytes <= size());
  end_ = begin_ + bytes;
}

void InputBuffer::take(std::size_t bytes) noexcept {
  WALKIE_ASSERT(bytes <= size());
  begin_ += bytes;
  holds_taken_ = true;
}

void InputBuffer::release() noexcept {
  give_back(*pool_, taken_block_);
  holds_taken_ = false;
  if (!empty()) return;
  give_back(*pool_, block_);
  begin_ = end_ = 0;
}

void InputBuffer::clear() noexcept {
  end_ = begin_;
  release();
}

void InputBuffer::give_back(base::BufferPool& pool, base::Block& block) noexcept {
  if (block.data) pool.release(block);
  block = {};
}

}  // namespace walkie::http
