// SPDX-License-Identifier: MIT
// UTF-8 validation that goes on across reads and fragments, and fails at the first bad byte
// (RFC 6455 §8.1, RFC 3629).
#pragma once

#include <cstdint>

#include <walkie/bytes.hpp>

namespace walkie::proto {

/// Whether `bytes` is well-formed UTF-8 from its first to its last byte.
[[nodiscard]] bool is_utf8(BytesView bytes) noexcept;

/// State of one text message. Four bytes, so that every connection can afford one.
class Utf8Stream {
 public:
  /// False as soon as no continuation could make the bytes so far well-formed: an overlong lead, a
  /// surrogate or a value past U+10FFFF is refused at the byte that decides it.
  [[nodiscard]] bool feed(BytesView bytes) noexcept;

  /// Whether the bytes so far end at a character's end.
  [[nodiscard]] bool complete() const noexcept { return pending_ == 0; }
  void reset() noexcept { *this = Utf8Stream{}; }

 private:
  std::uint8_t pending_ = 0;       ///< Continuation bytes still due.
  std::uint8_t next_min_ = 0x80;   ///< Bounds of the next continuation byte.
  std::uint8_t next_max_ = 0xBF;
};

}  // namespace walkie::proto
