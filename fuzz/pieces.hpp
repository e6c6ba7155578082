// SPDX-License-Identifier: MIT
// How fuzzers feed bytes from a network: in pieces, each in memory of exactly its size.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace walkie::fuzz {

/// Bytes in memory of exactly their size: the sanitizer sees a read past their end.
class Exact {
 public:
  explicit Exact(std::string_view text)
      : memory_(std::make_unique<char[]>(text.size())), size_(text.size()) {
    std::ranges::copy(text, memory_.get());
  }
  [[nodiscard]] std::string_view view() const { return {memory_.get(), size_}; }

 private:
  std::unique_ptr<char[]> memory_;
  std::size_t size_;
};

/// Lengths of the pieces that `input` comes in: all at once, or 1 to 64 bytes from a small
/// generator.
class Cuts {
 public:
  Cuts(bool whole, std::uint8_t seed) : state_(seed), whole_(whole) {}
  std::size_t next(std::size_t left) {
    if (whole_) return left;
    state_ = state_ * 1'103'515'245U + 12'345U;
    const std::size_t piece = (state_ >> 16) % 4 ? 1 + (state_ >> 18) % 8 : 1 + (state_ >> 18) % 64;
    return std::min(left, piece);
  }

 private:
  std::uint32_t state_;
  bool whole_;
};

}  // namespace walkie::fuzz
