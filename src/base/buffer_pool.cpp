// SPDX-License-Identifier: MIT
// Free lists by size class. Under AddressSanitizer free blocks are poisoned, so that a view which
// outlived its block is found.
#include <base/buffer_pool.hpp>

#include <new>

#include <base/assert.hpp>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WALKIE_POISONS_FREE_BLOCKS
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define WALKIE_POISONS_FREE_BLOCKS
#endif
#ifdef WALKIE_POISONS_FREE_BLOCKS
#include <sanitizer/asan_interface.h>
#endif

namespace walkie::base {
namespace {

constexpr std::size_t kClasses = BufferPool::kBlockBytes.size();

/// The smallest class that holds `bytes`; kClasses where none does.
std::size_t class_for(std::size_t bytes) noexcept {
  std::size_t size_class = 0;
  while (size_class < kClasses && BufferPool::kBlockBytes[size_class] < bytes) ++size_class;
  return size_class;
}

void poison([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef WALKIE_POISONS_FREE_BLOCKS
  ASAN_POISON_MEMORY_REGION(at, bytes);
#endif
}

void unpoison([[maybe_unused]] const void* at, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef WALKIE_POISONS_FREE_BLOCKS
  ASAN_UNPOISON_MEMORY_REGION(at, bytes);
#endif
}

}  // namespace

BufferPool::BufferPool(std::size_t kept_bytes_max) noexcept : kept_bytes_max_(kept_bytes_max) {}

BufferPool::~BufferPool() {
  WALKIE_ASSERT(lent_bytes_ == 0);
  for (std::size_t size_class = 0; size_class < kClasses; ++size_class) {
    while (FreeBlock* block = free_[size_class]) {
      unpoison(block, kBlockBytes[size_class]);
      free_[size_class] = block->next;
      ::operator delete(block);
    }
  }
}

Block BufferPool::acquire(std::size_t bytes) {
  const std::size_t size_class = class_for(bytes);
  const std::size_t capacity = size_class < kClasses ? kBlockBytes[size_class] : bytes;
  if (size_class < kClasses && free_[size_class]) {
    FreeBlock* block = free_[size_class];
    unpoison(block, capacity);
    free_[size_class] = block->next;
    kept_bytes_ -= capacity;
    lent_bytes_ += capacity;
    return {reinterpret_cast<std::byte*>(block), capacity};
  }
  Block block{static_cast<std::byte*>(::operator new(capacity)), capacity};
  lent_bytes_ += capacity;
  return block;
}

void BufferPool::release(Block block) noexcept {
  WALKIE_ASSERT(block.data && block.capacity <= lent_bytes_);
  lent_bytes_ -= block.capacity;
  const std::size_t size_class = class_for(block.capacity);
  if (size_class == kClasses || block.capacity > kept_bytes_max_ - kept_bytes_) {
    ::operator delete(block.data);
    return;
  }
  free_[size_class] = ::new (block.data) FreeBlock{free_[size_class]};
  kept_bytes_ += block.capacity;
  poison(block.data, block.capacity);
}

}  // namespace walkie::base
