// SPDX-License-Identifier: MIT
// Each chunk's header stands at the front of the pool block that it describes, so that a chunk is
// one block:
//
//   [ Chunk | sent | waiting | room ]      begin_ .. end_ waits, end_ .. limit() is room
//   [ SharedChunk ] -> bytes elsewhere     no room
#include <base/output_queue.hpp>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>

#include <base/assert.hpp>

namespace walkie::base {

struct OutputQueue::Chunk {
  Chunk* next = nullptr;
  const std::byte* begin = nullptr;
  const std::byte* end = nullptr;
  std::size_t capacity = 0;    ///< Of the block this header stands in.
  bool shared = false;         ///< A SharedChunk.
  bool message_start = false;  ///< A droppable message starts here, none of it sent yet.
  bool message_end = false;    ///< That message ends with this chunk.

  [[nodiscard]] std::byte* block() noexcept { return reinterpret_cast<std::byte*>(this); }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(end - begin); }
  [[nodiscard]] MutableBytes room() noexcept {
    if (shared) return {};
    std::byte* from = block() + (end - block());
    return {from, static_cast<std::size_t>(block() + capacity - from)};
  }
};

struct OutputQueue::SharedChunk : Chunk {
  SharedBytes bytes;
};

OutputQueue::OutputQueue(OutputQueue&& other) noexcept
    : head_(std::exchange(other.head_, nullptr)),
      tail_(std::exchange(other.tail_, nullptr)),
      prepared_(std::exchange(other.prepared_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      pool_(other.pool_),
      droppable_open_(std::exchange(other.droppable_open_, false)),
      droppable_started_(std::exchange(other.droppable_started_, false)),
      seal_tail_(std::exchange(other.seal_tail_, false)) {}

OutputQueue& OutputQueue::operator=(OutputQueue&& other) noexcept {
  if (this == &other) return *this;
  clear();
  std::destroy_at(this);
  return *std::construct_at(this, std::move(other));
}

// The queue doubles: the next block holds at least as much as already waits, within the classes.
OutputQueue::Chunk* OutputQueue::new_chunk(std::size_t bytes) {
  const std::size_t doubling = std::min(bytes_ * 2, BufferPool::kChunkBytes);
  const Block block = pool_->acquire(std::max(sizeof(Chunk) + bytes, doubling));
  Chunk* chunk = ::new (block.data) Chunk;
  chunk->capacity = block.capacity;
  chunk->begin = chunk->end = block.data + sizeof(Chunk);
  return chunk;
}

void OutputQueue::link(Chunk* chunk) noexcept {
  chunk->message_start = droppable_open_ && !droppable_started_;
  droppable_started_ = droppable_open_;
  (tail_ ? tail_->next : head_) = chunk;
  tail_ = chunk;
  seal_tail_ = false;
}

void OutputQueue::free_chunk(Chunk* chunk) noexcept {
  const Block block{chunk->block(), chunk->capacity};
  if (chunk->shared)
    std::destroy_at(static_cast<SharedChunk*>(chunk));
  else
    std::destroy_at(chunk);
  pool_->release(block);
}

MutableBytes OutputQueue::tail_room() const noexcept {
  return tail_ && !seal_tail_ ? tail_->room() : MutableBytes{};
}

MutableBytes OutputQueue::prepare(std::size_t bytes) {
  WALKIE_ASSERT(!prepared_);
  const MutableBytes room = tail_room();
  if (bytes <= room.size()) return room.first(bytes);
  prepared_ = new_chunk(bytes);
  return prepared_->room().first(bytes);
}

void OutputQueue::commit(std::size_t bytes) noexcept {
  Chunk* prepared = std::exchange(prepared_, nullptr);
  if (bytes == 0) {
    if (prepared) free_chunk(prepared);
    return;
  }
  if (prepared) link(prepared);
  WALKIE_ASSERT(bytes <= tail_->room().size());
  tail_->end += bytes;
  bytes_ += bytes;
}

void OutputQueue::append(BytesView bytes) {
  WALKIE_ASSERT(!prepared_);
  constexpr std::size_t kChunkBytesMax = BufferPool::kChunkBytes - sizeof(Chunk);
  while (!bytes.empty()) {
    MutableBytes room = tail_room();
    if (room.empty()) {
      link(new_chunk(std::min(bytes.size(), kChunkBytesMax)));
      room = tail_->room();
    }
    const std::size_t taken = std::min(room.size(), bytes.size());
    std::memcpy(room.data(), bytes.data(), taken);
    tail_->end += taken;
    bytes_ += taken;
    bytes = bytes.subspan(taken);
  }
}

void OutputQueue::append_shared(SharedBytes bytes) {
  WALKIE_ASSERT(!prepared_);
  if (bytes.size() == 0) return;
  const Block block = pool_->acquire(sizeof(SharedChunk));
  auto* chunk = ::new (block.data) SharedChunk;
  chunk->capacity = block.capacity;
  chunk->shared = true;
  chunk->bytes = std::move(bytes);
  chunk->begin = chunk->bytes.view().data();
  chunk->end = chunk->begin + chunk->bytes.size();
  link(chunk);
  bytes_ += chunk->size();
}

void OutputQueue::splice(OutputQueue&& other) noexcept {
  WALKIE_ASSERT(pool_ == other.pool_ && this != &other);
  WALKIE_ASSERT(!droppable_open_ && !other.droppable_open_ && !prepared_ && !other.prepared_);
  if (!other.head_) return;
  (tail_ ? tail_->next : head_) = std::exchange(other.head_, nullptr);
  tail_ = std::exchange(other.tail_, nullptr);
  bytes_ += std::exchange(other.bytes_, 0);
  seal_tail_ = std::exchange(other.seal_tail_, false);
}

void OutputQueue::begin_droppable() noexcept {
  WALKIE_ASSERT(!droppable_open_);
  droppable_open_ = true;
  droppable_started_ = false;
  seal_tail_ = true;
}

void OutputQueue::end_droppable() noexcept {
  WALKIE_ASSERT(droppable_open_);
  // Where the tail was written out meanwhile, the message is no longer whole: nothing to mark.
  if (droppable_started_ && tail_) tail_->message_end = true;
  droppable_open_ = false;
  seal_tail_ = true;
}

std::size_t OutputQueue::drop_oldest(std::size_t bytes_wanted,
                                     std::size_t in_flight_bytes) noexcept {
  std::size_t messages = 0;
  std::size_t dropped_bytes = 0;
  std::size_t offset = 0;
  Chunk* before = nullptr;
  for (Chunk* chunk = head_; chunk && dropped_bytes < bytes_wanted;) {
    if (chunk->message_start && offset >= in_flight_bytes) {
      const std::size_t removed = remove_message(before, chunk);
      if (removed == 0) break;  // still being written; it is the newest
      dropped_bytes += removed;
      ++messages;
      chunk = before ? before->next : head_;
      continue;
    }
    offset += chunk->size();
    before = std::exchange(chunk, chunk->next);
  }
  return messages;
}

// Unlinks the message that starts at `first`, behind `before`; returns its bytes, 0 where it has
// no end yet.
std::size_t OutputQueue::remove_message(Chunk* before, Chunk* first) noexcept {
  Chunk* last = first;
  while (last && !last->message_end) last = last->next;
  if (!last) return 0;
  Chunk* const after = last->next;
  (before ? before->next : head_) = after;
  if (!after) tail_ = before;
  std::size_t removed = 0;
  while (first != after) {
    removed += first->size();
    free_chunk(std::exchange(first, first->next));
  }
  bytes_ -= removed;
  return removed;
}

std::size_t OutputQueue::gather(std::span<BytesView> views) const noexcept {
  std::size_t filled = 0;
  for (const Chunk* chunk = head_; chunk && filled < views.size(); chunk = chunk->next)
    views[filled++] = {chunk->begin, chunk->size()};
  return filled;
}

void OutputQueue::consume(std::size_t bytes) noexcept {
  WALKIE_ASSERT(bytes <= bytes_);
  bytes_ -= bytes;
  while (bytes > 0) {
    if (bytes < head_->size()) {
      head_->begin += bytes;
      head_->message_start = false;
      return;
    }
    bytes -= head_->size();
    pop_head();
  }
}

// What follows a popped start is the rest of a message: it has no message_start of its own.
void OutputQueue::pop_head() noexcept {
  Chunk* chunk = head_;
  head_ = chunk->next;
  if (!head_) tail_ = nullptr;
  free_chunk(chunk);
}

void OutputQueue::clear() noexcept {
  if (Chunk* prepared = std::exchange(prepared_, nullptr)) free_chunk(prepared);
  while (head_) pop_head();
  bytes_ = 0;
}

}  // namespace walkie::base
