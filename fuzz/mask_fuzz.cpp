// SPDX-License-Identifier: MIT
// Fuzzes masking: every body against the scalar one, in place and copying, and any cut of a
// payload.
//
//   input: [ where it is cut: one byte ] [ key: four bytes ] [ payload ]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <base/assert.hpp>
#include <proto/mask.hpp>

namespace {

using namespace walkie;
using namespace walkie::proto;

void check_bodies(BytesView payload, MaskKey key, const std::vector<std::byte>& expected) {
  for (const mask_bodies::Body& body : mask_bodies::all()) {
    if (!body.supported) continue;
    if (body.name == "inline" && payload.size() > mask_bodies::kInlineBytesMax) continue;
    const auto word = std::bit_cast<std::uint32_t>(key);
    std::vector<std::byte> in_place(payload.begin(), payload.end());
    body.apply(in_place.data(), in_place.data(), in_place.size(), word);
    WALKIE_ASSERT(in_place == expected);
    std::vector<std::byte> copy(payload.size());
    body.apply(payload.data(), copy.data(), copy.size(), word);
    WALKIE_ASSERT(copy == expected);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_bytes) {
  if (input_bytes < 5) return 0;
  const BytesView all(reinterpret_cast<const std::byte*>(input), input_bytes);
  MaskKey key;
  std::ranges::copy(all.subspan(1, 4), key.begin());
  const BytesView payload = all.subspan(5);
  std::vector<std::byte> expected(payload.begin(), payload.end());
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] ^= key[i % 4];
  check_bodies(payload, key, expected);

  std::vector<std::byte> cut(payload.begin(), payload.end());
  const std::size_t at = std::min<std::size_t>(input[0], cut.size());
  apply_mask(MutableBytes(cut).first(at), key);
  apply_mask(MutableBytes(cut).subspan(at), key, at);
  WALKIE_ASSERT(cut == expected);
  return 0;
}
