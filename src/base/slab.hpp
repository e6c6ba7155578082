// SPDX-License-Identifier: MIT
// Objects in numbered slots with generations: a Key outlives its object and then finds nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include <base/assert.hpp>

namespace walkie::base {

/// Names an object in a Slab. Generation 0 never names one.
struct SlabKey {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  friend bool operator==(const SlabKey&, const SlabKey&) = default;
};

/// Pages of kPageSlots objects that never move; freed slots are reused last in, first out.
/// A slot's generation changes at each erase, so a stale key misses. Not thread safe.
template <class T>
class Slab {
 public:
  static constexpr std::size_t kPageSlots = 64;

  Slab() = default;
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() {
    for (std::uint32_t slot = 0; slot < slots_; ++slot)
      if (at(slot).live) std::destroy_at(at(slot).object());
  }

  /// Constructs an object in a free slot. The object gets its own key as the first argument
  /// where T's constructor takes one.
  template <class... Args>
  SlabKey emplace(Args&&... args) {
    const std::uint32_t slot = take_slot();
    Slot& place = at(slot);
    const SlabKey key{slot, place.generation};
    try {
      if constexpr (std::is_constructible_v<T, SlabKey, Args&&...>)
        ::new (place.storage) T(key, std::forward<Args>(args)...);
      else
        ::new (place.storage) T(std::forward<Args>(args)...);
    } catch (...) {
      give_slot(slot);
      throw;
    }
    place.live = true;
    ++size_;
    return key;
  }

  /// The object, or null where the key is stale.
  [[nodiscard]] T* find(SlabKey key) noexcept {
    if (key.slot >= slots_) return nullptr;
    Slot& place = at(key.slot);
    return place.live && place.generation == key.generation ? place.object() : nullptr;
  }

  /// Destroys the object; false where the key is stale.
  bool erase(SlabKey key) noexcept {
    T* object = find(key);
    if (!object) return false;
    // Dead before its destructor runs: what that calls must not find it again.
    Slot& place = at(key.slot);
    place.live = false;
    if (++place.generation == 0) place.generation = 1;
    --size_;
    std::destroy_at(object);
    give_slot(key.slot);
    return true;
  }

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  /// Calls `visit(key, object)` for each live object. `visit` may erase the object it is given.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::uint32_t slot = 0; slot < slots_; ++slot)
      if (Slot& place = at(slot); place.live)
        visit(SlabKey{slot, place.generation}, *place.object());
  }

 private:
  static constexpr std::uint32_t kNoSlot = UINT32_MAX;
  struct Slot {
    alignas(T) std::byte storage[sizeof(T)];
    std::uint32_t generation = 1;
    std::uint32_t next_free = kNoSlot;
    bool live = false;
    T* object() noexcept { return std::launder(reinterpret_cast<T*>(storage)); }
  };

  Slot& at(std::uint32_t slot) noexcept { return pages_[slot / kPageSlots][slot % kPageSlots]; }
  std::uint32_t take_slot() {
    if (free_ != kNoSlot) {
      const std::uint32_t slot = free_;
      free_ = at(slot).next_free;
      return slot;
    }
    WALKIE_ASSERT(slots_ != kNoSlot);
    if (slots_ % kPageSlots == 0)
      pages_.push_back(std::make_unique_for_overwrite<Slot[]>(kPageSlots));
    return slots_++;
  }

  void give_slot(std::uint32_t slot) noexcept {
    at(slot).next_free = free_;
    free_ = slot;
  }

  std::vector<std::unique_ptr<Slot[]>> pages_;
  std::uint32_t slots_ = 0;
  std::uint32_t free_ = kNoSlot;
  std::size_t size_ = 0;
};

}  // namespace walkie::base
