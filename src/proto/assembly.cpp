// SPDX-License-Identifier: MIT
// How the block of an arriving message grows.
#include <proto/assembly.hpp>

#include <algorithm>
#include <cstring>

namespace walkie::proto {

MutableBytes Assembly::reserve(base::BufferPool& pool, std::size_t bytes) {
  if (block_.capacity - size_ < bytes) {
    const base::Block larger = pool.acquire(std::max(size_ + bytes, 2 * block_.capacity));
    if (size_ > 0) std::memcpy(larger.data, block_.data, size_);
    if (block_.data) pool.release(block_);
    block_ = larger;
  }
  return {block_.data + size_, block_.capacity - size_};
}

void Assembly::release(base::BufferPool& pool) noexcept {
  if (block_.data) pool.release(block_);
  block_ = {};
  size_ = 0;
}

}  // namespace walkie::proto
