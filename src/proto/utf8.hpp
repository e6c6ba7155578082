// SPDX-License-Identifier: MIT
// UTF-8 validation that goes on across reads and fragments, and fails at the first bad byte
// (RFC 6455 §8.1, RFC 3629).
#pragma once

#include <cstdint>
#include <cstring>

#include <walkie/bytes.hpp>

namespace walkie::proto {

/// Whether `bytes` is well-formed UTF-8 from its first to its last byte.
[[nodiscard]] bool is_utf8(BytesView bytes) noexcept;

/// Whether all of `bytes` are below 0x80. Meant for short runs: inline, eight bytes a step.
[[nodiscard]] inline bool is_ascii(BytesView bytes) noexcept {
  constexpr std::uint64_t kTopBits = 0x8080'8080'8080'8080ULL;
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t seen = 0;
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    seen |= word;
  }
  for (; left > 0; ++at, --left) seen |= std::to_integer<std::uint64_t>(*at);
  return (seen & kTopBits) == 0;
}

/// State of one text message. Three bytes, so that every connection can afford one.
class Utf8Stream {
 public:
  /// False as soon as no continuation could make the bytes so far well-formed: an overlong lead, a
  /// surrogate or a value past U+10FFFF is refused at the byte that decides it. After that only
  /// reset() is meaningful.
  [[nodiscard]] bool feed(BytesView bytes) noexcept {
    if (pending_ == 0 && bytes.size() <= kAsciiBytesMax && is_ascii(bytes)) return true;
    return feed_any(bytes);
  }

  /// Whether the bytes so far end at a character's end.
  [[nodiscard]] bool complete() const noexcept { return pending_ == 0; }
  void reset() noexcept { *this = Utf8Stream{}; }

 private:
  static constexpr std::size_t kAsciiBytesMax = 128;

  [[nodiscard]] bool feed_any(BytesView bytes) noexcept;
  [[nodiscard]] bool step_through(BytesView bytes) noexcept;
  [[nodiscard]] bool step(std::uint8_t byte) noexcept;

  std::uint8_t pending_ = 0;      ///< Continuation bytes still due.
  std::uint8_t next_min_ = 0x80;  ///< Bounds of the next continuation byte.
  std::uint8_t next_max_ = 0xBF;
};

}  // namespace walkie::proto
