// SPDX-License-Identifier: MIT
// Immutable bytes with a plain (not atomic) reference count: one encoded frame that many sessions
// of one shard send. Stays on the thread that made it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include <walkie/bytes.hpp>

namespace walkie::base {

class SharedBytes {
 public:
  SharedBytes() noexcept = default;
  /// Room for `bytes` bytes, uninitialized; fill it through writable() before the first copy.
  [[nodiscard]] static SharedBytes allocate(std::size_t bytes);
  [[nodiscard]] static SharedBytes copy_of(BytesView bytes);

  SharedBytes(const SharedBytes& other) noexcept : head_(other.head_) {
    if (head_) ++head_->references;
  }
  SharedBytes(SharedBytes&& other) noexcept : head_(std::exchange(other.head_, nullptr)) {}
  SharedBytes& operator=(SharedBytes other) noexcept {
    std::swap(head_, other.head_);
    return *this;
  }
  ~SharedBytes() { reset(); }

  void reset() noexcept;
  /// The bytes, while there is one reference only.
  [[nodiscard]] MutableBytes writable() noexcept;
  /// Cuts the end off, while there is one reference only (an encoder that used less than it asked
  /// for).
  void truncate(std::size_t bytes) noexcept;
  [[nodiscard]] BytesView view() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return head_ ? head_->size : 0; }
  [[nodiscard]] explicit operator bool() const noexcept { return head_ != nullptr; }

 private:
  struct Head {
    std::size_t references;
    std::size_t size;
  };
  explicit SharedBytes(Head* head) noexcept : head_(head) {}
  Head* head_ = nullptr;
};

}  // namespace walkie::base
