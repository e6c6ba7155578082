// SPDX-License-Identifier: MIT
// Masking (RFC 6455 §5.3): XOR with a repeating 4-byte key, in place or while copying.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <walkie/bytes.hpp>

namespace walkie::proto {

using MaskKey = std::array<std::byte, 4>;

/// XORs `bytes` in place; `offset` is the index within the payload of the first byte (only its low
/// two bits matter). Masking and unmasking are the same. Any alignment.
/// Runs the widest body that this processor has: AVX-512, AVX2 or the generic one.
void apply_mask(MutableBytes bytes, MaskKey key, std::size_t offset = 0) noexcept;

/// The same from `from` to `to`, which must have from.size() bytes and not overlap.
void copy_masked(BytesView from, std::byte* to, MaskKey key, std::size_t offset = 0) noexcept;

namespace mask_bodies {
/// One implementation, for tests and benchmarks that compare them.
struct Body {
  std::string_view name;
  bool supported;  ///< By this processor; calling an unsupported one is an illegal instruction.
  void (*apply)(const std::byte* from, std::byte* to, std::size_t bytes, std::uint32_t key) noexcept;
};
[[nodiscard]] std::span<const Body> all() noexcept;
}  // namespace mask_bodies

}  // namespace walkie::proto
