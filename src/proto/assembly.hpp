// SPDX-License-Identifier: MIT
// A message that does not lie whole in one receive buffer: its bytes so far, in one growing block.
#pragma once

#include <cstddef>

#include <base/buffer_pool.hpp>
#include <walkie/bytes.hpp>

namespace walkie::proto {

/// Empty, it owns nothing. Its owner passes the same pool to every call and calls release() before
/// the end; so that a connection holds three words and no pool of its own.
class Assembly {
 public:
  Assembly() noexcept = default;
  Assembly(const Assembly&) = delete;
  Assembly& operator=(const Assembly&) = delete;

  /// At least `bytes` of room at the end, to be filled in place and kept with commit(). Grows
  /// geometrically; what is there already moves, so earlier views die.
  [[nodiscard]] MutableBytes reserve(base::BufferPool& pool, std::size_t bytes);
  void commit(std::size_t bytes) noexcept { size_ += bytes; }

  /// Forgets the bytes, keeps the block.
  void rewind() noexcept { size_ = 0; }
  void release(base::BufferPool& pool) noexcept;

  [[nodiscard]] MutableBytes bytes() const noexcept { return {block_.data, size_}; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  base::Block block_;
  std::size_t size_ = 0;
};

}  // namespace walkie::proto
