// SPDX-License-Identifier: MIT
// Bytes on their way out: a list of chunks, each a borrowed block or a reference to shared bytes.
// An empty queue owns nothing.
//
//   head -> [ block: sent|waiting|room ] -> [ shared bytes ] -> [ block ] <- tail
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <base/buffer_pool.hpp>
#include <base/shared_bytes.hpp>
#include <walkie/bytes.hpp>

namespace walkie::base {

/// Not thread safe; moves with its session's shard. The pool must outlive it.
class OutputQueue {
 public:
  explicit OutputQueue(BufferPool& pool) noexcept : pool_(&pool) {}
  ~OutputQueue() { clear(); }
  OutputQueue(OutputQueue&& other) noexcept;
  OutputQueue& operator=(OutputQueue&& other) noexcept;
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  /// Room for `bytes` contiguous bytes at the end, to be filled in place and then kept with
  /// commit(n <= bytes). Nothing else may touch the queue in between.
  [[nodiscard]] MutableBytes prepare(std::size_t bytes);
  void commit(std::size_t bytes) noexcept;

  /// Copies `bytes` to the end (in chunks of at most the pool's largest block).
  void append(BytesView bytes);

  /// Appends a reference to all of `bytes`; nothing is copied.
  void append_shared(SharedBytes bytes);

  /// Moves all of `other` (of the same pool) to the end of this queue.
  void splice(OutputQueue&& other) noexcept;

  /// What comes next is one message that drop_oldest() and keep_latest() may remove as a whole
  /// while no byte of it was sent. Ends at end_droppable(). Costs a chunk of its own.
  void begin_droppable() noexcept;
  void end_droppable() noexcept;

  /// Removes whole droppable messages, oldest first, until `bytes_wanted` bytes went or none is
  /// left. The first `in_flight_bytes` bytes and any message they touch stay. Returns messages
  /// removed.
  std::size_t drop_oldest(std::size_t bytes_wanted, std::size_t in_flight_bytes) noexcept;

  /// The front chunks as views, at most `views.size()`; returns how many were filled. They live
  /// until the next consume(), drop_oldest() or clear(); appending leaves them valid.
  [[nodiscard]] std::size_t gather(std::span<BytesView> views) const noexcept;

  /// Forgets `bytes` (at most size()) from the front: they were written.
  void consume(std::size_t bytes) noexcept;
  void clear() noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }
  [[nodiscard]] bool empty() const noexcept { return bytes_ == 0; }

 private:
  struct Chunk;
  struct SharedChunk;

  [[nodiscard]] Chunk* new_chunk(std::size_t bytes);
  void link(Chunk* chunk) noexcept;
  void free_chunk(Chunk* chunk) noexcept;
  void pop_head() noexcept;
  [[nodiscard]] MutableBytes tail_room() const noexcept;
  std::size_t remove_message(Chunk* before, Chunk* first) noexcept;

  Chunk* head_ = nullptr;
  Chunk* tail_ = nullptr;
  Chunk* prepared_ = nullptr;  ///< Between prepare() and commit(), where the tail had no room.
  std::size_t bytes_ = 0;
  BufferPool* pool_;
  bool droppable_open_ = false;
  bool droppable_started_ = false;  ///< The open message has bytes, sent ones included.
  bool seal_tail_ = false;          ///< The next append starts a chunk of its own.
};

}  // namespace walkie::base
