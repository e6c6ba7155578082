// SPDX-License-Identifier: MIT
// One message, encoded at most once for each way in which connections take it: plain, or compressed
// within a window. For fan-out on one shard.
#pragma once

#include <array>
#include <cstdint>

#include <base/shared_bytes.hpp>
#include <proto/deflate.hpp>
#include <walkie/message.hpp>

namespace walkie::proto {

/// Server frames only (not masked). Compressed forms refer to nothing before the message, so any
/// inflater whose window is as large takes them, whatever it received before. Not thread safe; the
/// message must outlive it.
class SharedFrame {
 public:
  SharedFrame(MessageView message, DeflatePool& pool, int level) noexcept;

  [[nodiscard]] const base::SharedBytes& plain();
  /// Compressed for a window of `window_bits` (9 to 15); the plain form where that is not larger.
  [[nodiscard]] const base::SharedBytes& compressed(int window_bits);
  [[nodiscard]] std::size_t payload_bytes() const noexcept { return message_.size(); }

 private:
  MessageView message_;
  DeflatePool* pool_;
  int level_;
  base::SharedBytes plain_;
  std::array<base::SharedBytes, 7> compressed_;  ///< By window bits, from 9.
};

}  // namespace walkie::proto
