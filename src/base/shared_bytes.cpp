// SPDX-License-Identifier: MIT
// The count and the bytes stand in one allocation: [ references | size | bytes... ].
#include <base/shared_bytes.hpp>

#include <cstring>
#include <new>

#include <base/assert.hpp>

namespace walkie::base {

SharedBytes SharedBytes::allocate(std::size_t bytes) {
  void* memory = ::operator new(sizeof(Head) + bytes);
  return SharedBytes(::new (memory) Head{.references = 1, .size = bytes});
}

SharedBytes SharedBytes::copy_of(BytesView bytes) {
  SharedBytes copy = allocate(bytes.size());
  if (!bytes.empty()) std::memcpy(copy.writable().data(), bytes.data(), bytes.size());
  return copy;
}

void SharedBytes::reset() noexcept {
  Head* head = std::exchange(head_, nullptr);
  if (head && --head->references == 0) ::operator delete(head);
}

MutableBytes SharedBytes::writable() noexcept {
  if (!head_) return {};
  WALKIE_ASSERT(head_->references == 1);
  return {reinterpret_cast<std::byte*>(head_ + 1), head_->size};
}

void SharedBytes::truncate(std::size_t bytes) noexcept {
  WALKIE_ASSERT(bytes <= size());
  if (!head_) return;
  WALKIE_ASSERT(head_->references == 1);
  head_->size = bytes;
}

BytesView SharedBytes::view() const noexcept {
  if (!head_) return {};
  return {reinterpret_cast<const std::byte*>(head_ + 1), head_->size};
}

}  // namespace walkie::base
