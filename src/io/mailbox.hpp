// SPDX-License-Identifier: MIT
// A bounded queue into a shard: any thread posts, the shard's own drains. Lock-free, first in, first out.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace walkie::io {

/// Vyukov's bounded multi-producer queue, with one consumer. T is moved in and out.
template <class T>
class Mailbox {
 public:
  /// `capacity` is rounded up to a power of two.
  explicit Mailbox(std::size_t capacity);
  ~Mailbox();
  /// False, and `item` untouched, where it is full. Any thread.
  [[nodiscard]] bool post(T&& item);
  /// The oldest item, or nothing. The consumer's thread only.
  [[nodiscard]] std::optional<T> take();
  // Implementer's: cells with sequence numbers, head and tail on cache lines of their own.
};

}  // namespace walkie::io
