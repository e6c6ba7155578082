// SPDX-License-Identifier: MIT
// The bodies of masking, and the choice between them. Wide ones carry their target as an attribute:
// the file itself is compiled for the plainest processor.
#include <proto/mask.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace walkie::proto::mask_bodies {
namespace {

void apply_scalar(const std::byte* from, std::byte* to, std::size_t bytes,
                  std::uint32_t key) noexcept {
  const auto key_bytes = std::bit_cast<MaskKey>(key);
  for (std::size_t i = 0; i < bytes; ++i) to[i] = from[i] ^ key_bytes[i & 3];
}

void apply_generic(const std::byte* from, std::byte* to, std::size_t bytes,
                   std::uint32_t key) noexcept {
  constexpr std::size_t kRun = 32;
  const std::uint64_t wide_key = 0x1'0000'0001ULL * key;
  while (bytes >= kRun) {
    std::array<std::uint64_t, kRun / sizeof(std::uint64_t)> words;
    std::memcpy(words.data(), from, kRun);
    for (std::uint64_t& word : words) word ^= wide_key;
    std::memcpy(to, words.data(), kRun);
    from += kRun;
    to += kRun;
    bytes -= kRun;
  }
  apply_inline(from, to, bytes, key);
}

#if defined(__x86_64__)
// A cast is how these intrinsics take unaligned memory.
__m256i load_256(const std::byte* from) noexcept __attribute__((target("avx2"), always_inline));
inline __m256i load_256(const std::byte* from) noexcept {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
}

void store_256(std::byte* to, __m256i value) noexcept
    __attribute__((target("avx2"), always_inline));
inline void store_256(std::byte* to, __m256i value) noexcept {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), value);
}

__attribute__((target("avx2"))) void apply_avx2(const std::byte* from, std::byte* to,
                                                std::size_t bytes, std::uint32_t key) noexcept {
  constexpr std::size_t kLane = 32;
  const __m256i wide_key = _mm256_set1_epi32(static_cast<int>(key));
  while (bytes >= 4 * kLane) {
    const __m256i a = load_256(from);
    const __m256i b = load_256(from + kLane);
    const __m256i c = load_256(from + 2 * kLane);
    const __m256i d = load_256(from + 3 * kLane);
    store_256(to, _mm256_xor_si256(a, wide_key));
    store_256(to + kLane, _mm256_xor_si256(b, wide_key));
    store_256(to + 2 * kLane, _mm256_xor_si256(c, wide_key));
    store_256(to + 3 * kLane, _mm256_xor_si256(d, wide_key));
    from += 4 * kLane;
    to += 4 * kLane;
    bytes -= 4 * kLane;
  }
  while (bytes >= kLane) {
    store_256(to, _mm256_xor_si256(load_256(from), wide_key));
    from += kLane;
    to += kLane;
    bytes -= kLane;
  }
  apply_inline(from, to, bytes, key);
}

__attribute__((target("avx512f,avx512bw"))) void apply_avx512(const std::byte* from, std::byte* to,
                                                              std::size_t bytes,
                                                              std::uint32_t key) noexcept {
  constexpr std::size_t kLane = 64;
  const __m512i wide_key = _mm512_set1_epi32(static_cast<int>(key));
  while (bytes >= 2 * kLane) {
    const __m512i a = _mm512_loadu_si512(from);
    const __m512i b = _mm512_loadu_si512(from + kLane);
    _mm512_storeu_si512(to, _mm512_xor_si512(a, wide_key));
    _mm512_storeu_si512(to + kLane, _mm512_xor_si512(b, wide_key));
    from += 2 * kLane;
    to += 2 * kLane;
    bytes -= 2 * kLane;
  }
  while (bytes > 0) {
    const std::size_t run = bytes < kLane ? bytes : kLane;
    const __mmask64 lanes =
        ~std::uint64_t{0} >> (kLane - run);  // bytes off the mask are not touched
    const __m512i value = _mm512_maskz_loadu_epi8(lanes, from);
    _mm512_mask_storeu_epi8(to, lanes, _mm512_xor_si512(value, wide_key));
    from += run;
    to += run;
    bytes -= run;
  }
}
#endif

/// Calls go here. Constant-initialized, so right from the first instruction on; replaced by a wider
/// body while this file's other statics are initialized, before there can be a second thread.
constinit Apply chosen = apply_generic;

bool choose_widest() noexcept {
  for (const Body& body : all()) {
    // "inline" is for short payloads only and "scalar" for tests.
    if (body.supported && body.apply != apply_scalar && body.apply != apply_inline) {
      chosen = body.apply;
    }
  }
  return true;
}

[[maybe_unused]] const bool is_chosen = choose_widest();

}  // namespace

std::span<const Body> all() noexcept {
#if defined(__x86_64__)
  static const std::array bodies = [] {
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") != 0;
    const bool avx512 =
        __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0;
    return std::array{Body{"scalar", true, apply_scalar}, Body{"inline", true, apply_inline},
                      Body{"generic", true, apply_generic}, Body{"avx2", avx2, apply_avx2},
                      Body{"avx512", avx512, apply_avx512}};
  }();
#else
  static constexpr std::array bodies = {Body{"scalar", true, apply_scalar},
                                        Body{"inline", true, apply_inline},
                                        Body{"generic", true, apply_generic}};
#endif
  return bodies;
}

void widest(const std::byte* from, std::byte* to, std::size_t bytes, std::uint32_t key) noexcept {
  chosen(from, to, bytes, key);
}

}  // namespace walkie::proto::mask_bodies
