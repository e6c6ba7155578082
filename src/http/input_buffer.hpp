// SPDX-License-Identifier: MIT
// Received bytes that wait for the rest of their message. Owns nothing while it is empty.
//
//   block: [ taken: what a pending request's views point into | unread | room ]
#pragma once

#include <cstddef>

#include <base/buffer_pool.hpp>
#include <walkie/bytes.hpp>

namespace walkie::http {

/// A resource; not thread safe. The pool must outlive it.
class InputBuffer {
 public:
  explicit InputBuffer(base::BufferPool& pool) noexcept : pool_(&pool) {}
  ~InputBuffer();
  InputBuffer(const InputBuffer&) = delete;
  InputBuffer& operator=(const InputBuffer&) = delete;

  /// Copies `bytes` behind the unread ones, which may move; bytes held by take() do not.
  void append(BytesView bytes);

  /// What was appended and not taken. Lives until the next append(), truncate() or release().
  [[nodiscard]] MutableBytes unread() noexcept { return {block_.data + begin_, end_ - begin_}; }
  [[nodiscard]] bool empty() const noexcept { return begin_ == end_; }
  [[nodiscard]] std::size_t size() const noexcept { return end_ - begin_; }

  /// Forgets all but the first `bytes` unread ones.
  void truncate(std::size_t bytes) noexcept;

  /// Takes `bytes` (at most all unread ones) from the front: they stay where they are until
  /// release().
  void take(std::size_t bytes) noexcept;
  /// Lets the taken bytes go; an empty buffer gives its block back.
  void release() noexcept;
  /// Forgets everything.
  void clear() noexcept;

 private:
  void make_room(std::size_t bytes);
  static void give_back(base::BufferPool& pool, base::Block& block) noexcept;

  base::BufferPool* pool_;
  base::Block block_;
  base::Block taken_block_;  ///< The taken bytes' own block, where unread ones had to move away.
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  bool holds_taken_ = false;  ///< Taken bytes lie in block_, in front of begin_.
};

}  // namespace walkie::http
