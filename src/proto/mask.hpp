// SPDX-License-Identifier: MIT
// Masking (RFC 6455 §5.3): XOR with a repeating 4-byte key, in place or while copying.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include <walkie/bytes.hpp>

namespace walkie::proto {

using MaskKey = std::array<std::byte, 4>;

namespace mask_bodies {

/// XORs `bytes` bytes from `from` with `key` into `to`, which is `from` or does not overlap.
/// `key` holds the key's bytes in memory order, the first being that of *from.
using Apply = void (*)(const std::byte* from, std::byte* to, std::size_t bytes,
                       std::uint32_t key) noexcept;

/// One implementation, for tests and benchmarks that compare them.
struct Body {
  std::string_view name;
  bool supported;  ///< By this processor; calling an unsupported one is an illegal instruction.
  Apply apply;
};

/// All bodies, the slowest first: scalar (the reference), inline (at most kInlineBytesMax),
/// generic, then what the processor's family offers.
[[nodiscard]] std::span<const Body> all() noexcept;

/// Runs the widest body that this processor has. Callable at any time, also before main().
void widest(const std::byte* from, std::byte* to, std::size_t bytes, std::uint32_t key) noexcept;

/// The key as seen from `offset` bytes further on.
[[nodiscard]] constexpr std::uint32_t rotated(std::uint32_t key, std::size_t offset) noexcept {
  const int bits = static_cast<int>(8 * (offset & 3));
  return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

/// Up to here the inline body runs: below, a call costs more than the work.
inline constexpr std::size_t kInlineBytesMax = 64;

/// Words at the front and words at the end that may overlap cover all sizes from kWords * size to
/// twice that. All are loaded before any is stored, so that the overlap is right in place too.
template <typename Word, std::size_t kWords>
inline void apply_both_ends(const std::byte* from, std::byte* to, std::size_t bytes,
                            std::uint32_t key) noexcept {
  constexpr std::size_t kRun = kWords * sizeof(Word);
  constexpr Word kRepeat = static_cast<Word>(sizeof(Word) == 8 ? 0x1'0000'0001ULL : 1ULL);
  const std::size_t end = bytes - kRun;
  std::array<Word, kWords> front;
  std::array<Word, kWords> back;
  std::memcpy(front.data(), from, kRun);
  std::memcpy(back.data(), from + end, kRun);
  const Word front_key = kRepeat * static_cast<Word>(key);
  const Word back_key = kRepeat * static_cast<Word>(rotated(key, end));
  for (Word& word : front) word ^= front_key;
  for (Word& word : back) word ^= back_key;
  std::memcpy(to, front.data(), kRun);
  std::memcpy(to + end, back.data(), kRun);
}

/// The body for at most kInlineBytesMax bytes.
inline void apply_inline(const std::byte* from, std::byte* to, std::size_t bytes,
                         std::uint32_t key) noexcept {
  if (bytes >= 32) return apply_both_ends<std::uint64_t, 4>(from, to, bytes, key);
  if (bytes >= 16) return apply_both_ends<std::uint64_t, 2>(from, to, bytes, key);
  if (bytes >= 8) return apply_both_ends<std::uint64_t, 1>(from, to, bytes, key);
  if (bytes >= 4) return apply_both_ends<std::uint32_t, 1>(from, to, bytes, key);
  const auto key_bytes = std::bit_cast<MaskKey>(key);
  if (bytes > 0) to[0] = from[0] ^ key_bytes[0];
  if (bytes > 1) to[1] = from[1] ^ key_bytes[1];
  if (bytes > 2) to[2] = from[2] ^ key_bytes[2];
}

}  // namespace mask_bodies

/// XORs from `from` to `to`, which must have from.size() bytes and not overlap; `offset` is the
/// index within the payload of the first byte (only its low two bits matter). Any alignment.
inline void copy_masked(BytesView from, std::byte* to, MaskKey key,
                        std::size_t offset = 0) noexcept {
  const std::uint32_t word = mask_bodies::rotated(std::bit_cast<std::uint32_t>(key), offset);
  if (from.size() <= mask_bodies::kInlineBytesMax) {
    mask_bodies::apply_inline(from.data(), to, from.size(), word);
  } else {
    mask_bodies::widest(from.data(), to, from.size(), word);
  }
}

/// The same in place. Masking and unmasking are the same.
inline void apply_mask(MutableBytes bytes, MaskKey key, std::size_t offset = 0) noexcept {
  copy_masked(bytes, bytes.data(), key, offset);
}

}  // namespace walkie::proto
