// SPDX-License-Identifier: MIT
// Fuzzes frame headers: a verdict never changes as bytes arrive, nothing behind the header is read,
// and what decodes encodes to the same bytes.
//
//   input: [ header ] [ anything ]
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <base/assert.hpp>
#include <proto/frame.hpp>

namespace {

using namespace walkie;
using namespace walkie::proto;

/// Decodes a copy of exactly `bytes`, so that a read past the end is seen.
DecodedHeader decode_copy(BytesView bytes) {
  const std::vector<std::byte> copy(bytes.begin(), bytes.end());
  return decode_header(copy);
}

void check_same(const DecodedHeader& a, const DecodedHeader& b) {
  WALKIE_ASSERT(a.error == b.error && a.header_bytes == b.header_bytes);
  if (a.header_bytes == 0) return;
  WALKIE_ASSERT(a.header.fin == b.header.fin && a.header.rsv1 == b.header.rsv1);
  WALKIE_ASSERT(a.header.opcode == b.header.opcode && a.header.mask == b.header.mask);
  WALKIE_ASSERT(a.header.payload_bytes == b.header.payload_bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_bytes) {
  const BytesView all(reinterpret_cast<const std::byte*>(input), input_bytes);
  const DecodedHeader whole = decode_copy(all);
  WALKIE_ASSERT(whole.header_bytes <= all.size() && whole.header_bytes <= kHeaderBytesMax);
  WALKIE_ASSERT(whole.header_bytes == 0 || whole.error == ProtocolError::none);
  bool decided = false;
  for (std::size_t bytes = 0; bytes <= std::min(all.size(), kHeaderBytesMax); ++bytes) {
    const DecodedHeader cut = decode_copy(all.first(bytes));
    decided = decided || cut.header_bytes > 0 || cut.error != ProtocolError::none;
    if (decided) check_same(cut, whole);
  }
  WALKIE_ASSERT(decided || all.size() < kHeaderBytesMax);
  if (whole.header_bytes == 0) return 0;
  std::array<std::byte, kHeaderBytesMax> encoded{};
  WALKIE_ASSERT(encoded_header_bytes(whole.header) == whole.header_bytes);
  WALKIE_ASSERT(encode_header(whole.header, encoded.data()) == whole.header_bytes);
  WALKIE_ASSERT(std::ranges::equal(all.first(whole.header_bytes),
                                   BytesView(encoded).first(whole.header_bytes)));
  return 0;
}
