// SPDX-License-Identifier: MIT
// Blocks of a few fixed sizes, kept on free lists: what a connection borrows while it has something
// to hold, and gives back when idle. One pool per shard; not thread safe.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <walkie/bytes.hpp>

namespace walkie::base {

/// A borrowed block. `data` points to `capacity` bytes, aligned to 16.
struct Block {
  std::byte* data = nullptr;
  std::size_t capacity = 0;
};

class BufferPool {
 public:
  /// Capacities handed out, ascending. Larger requests come from the heap and go back to it.
  static constexpr std::array<std::size_t, 7> kBlockBytes{128,   512,     4096,     16384,
                                                          65536, 262'144, 1'048'576};
  /// The largest block that bytes on their way out are cut into; larger ones hold whole messages.
  static constexpr std::size_t kChunkBytes = 65536;

  /// Free blocks are kept up to `kept_bytes_max` in all; the rest goes back to the heap.
  explicit BufferPool(std::size_t kept_bytes_max = std::size_t{16} << 20) noexcept;
  ~BufferPool();
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  /// A block of at least `bytes`. Throws std::bad_alloc where the heap does.
  [[nodiscard]] Block acquire(std::size_t bytes);

  /// Takes back a block that acquire() of this pool gave.
  void release(Block block) noexcept;

  /// Bytes lent out and not yet returned: for limits, metrics and leak checks in tests.
  [[nodiscard]] std::size_t lent_bytes() const noexcept { return lent_bytes_; }
  /// Free bytes held for the next acquire().
  [[nodiscard]] std::size_t kept_bytes() const noexcept { return kept_bytes_; }

 private:
  struct FreeBlock {
    FreeBlock* next;
  };
  std::array<FreeBlock*, kBlockBytes.size()> free_{};
  std::size_t kept_bytes_ = 0;
  std::size_t kept_bytes_max_;
  std::size_t lent_bytes_ = 0;
};

}  // namespace walkie::base
