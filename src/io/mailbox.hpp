// SPDX-License-Identifier: MIT
// A bounded queue into a shard: any thread posts, the shard's own drains. Lock-free, first in,
// first out.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace walkie::io {

/// Vyukov's bounded multi-producer queue, with one consumer. T is moved in and out.
template <class T>
class Mailbox {
  // A producer that claimed a cell must be able to fill it.
  static_assert(std::is_nothrow_move_constructible_v<T>);

 public:
  /// `capacity` is rounded up to a power of two, at least 2.
  explicit Mailbox(std::size_t capacity)
      : mask_(std::bit_ceil(std::max<std::size_t>(capacity, 2)) - 1),
        cells_(std::make_unique<Cell[]>(mask_ + 1)) {
    for (std::size_t i = 0; i <= mask_; ++i) cells_[i].turn.store(i, std::memory_order_relaxed);
  }
  ~Mailbox() {
    while (take()) {
    }
  }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// False, and `item` untouched, where it is full. Any thread.
  [[nodiscard]] bool post(T&& item) {
    std::size_t position = tail_.load(std::memory_order_relaxed);
    while (true) {
      Cell& cell = cells_[position & mask_];
      const std::size_t turn = cell.turn.load(std::memory_order_acquire);
      const auto ahead = static_cast<std::ptrdiff_t>(turn - position);
      if (ahead < 0) return false;
      if (ahead > 0) {
        position = tail_.load(std::memory_order_relaxed);
      } else if (tail_.compare_exchange_weak(position, position + 1, std::memory_order_relaxed)) {
        ::new (cell.storage) T(std::move(item));
        cell.turn.store(position + 1, std::memory_order_release);
        return true;
      }
    }
  }

  /// The oldest item, or nothing. The consumer's thread only. An item whose post() has not yet
  /// returned may be missed, and those behind it: posters wake the consumer after posting.
  [[nodiscard]] std::optional<T> take() {
    Cell& cell = cells_[head_ & mask_];
    if (cell.turn.load(std::memory_order_acquire) != head_ + 1) return std::nullopt;
    T* item = std::launder(reinterpret_cast<T*>(cell.storage));
    std::optional<T> taken(std::move(*item));
    std::destroy_at(item);
    cell.turn.store(head_ + mask_ + 1, std::memory_order_release);
    ++head_;
    return taken;
  }

  [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

 private:
  static constexpr std::size_t kCacheLineBytes = 64;

  /// `turn` is p where the producer of position p may fill the cell, p + 1 where the consumer may
  /// take it, and p + capacity, the next round's p, once it is free again.
  struct Cell {
    std::atomic<std::size_t> turn;
    alignas(T) std::byte storage[sizeof(T)];
  };

  const std::size_t mask_;
  const std::unique_ptr<Cell[]> cells_;
  alignas(kCacheLineBytes) std::atomic<std::size_t> tail_{0};  ///< Producers claim here.
  alignas(kCacheLineBytes) std::size_t head_ = 0;              ///< The consumer's.
};

}  // namespace walkie::io
