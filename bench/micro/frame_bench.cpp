// SPDX-License-Identifier: MIT
// Frame headers: decoding and encoding, for each form of length.
#include <array>
#include <cstddef>
#include <cstdint>

#include <benchmark/benchmark.h>

#include <proto/frame.hpp>

namespace {

using namespace walkie::proto;

FrameHeader header_of(std::int64_t payload_bytes) {
  FrameHeader header;
  header.mask = MaskKey{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  header.payload_bytes = static_cast<std::uint64_t>(payload_bytes);
  return header;
}

void decode(benchmark::State& state) {
  std::array<std::byte, kHeaderBytesMax> bytes{};
  encode_header(header_of(state.range(0)), bytes.data());
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
    const DecodedHeader decoded = decode_header(bytes);
    // Field by field, as a connection reads it: one wide load of what was stored in parts would
    // stall.
    benchmark::DoNotOptimize(decoded.header_bytes);
    benchmark::DoNotOptimize(decoded.header.payload_bytes);
    benchmark::DoNotOptimize(decoded.header.opcode);
  }
}

void encode(benchmark::State& state) {
  std::array<std::byte, kHeaderBytesMax> bytes{};
  FrameHeader header = header_of(state.range(0));
  for (auto _ : state) {
    benchmark::DoNotOptimize(header);
    benchmark::DoNotOptimize(encode_header(header, bytes.data()));
    benchmark::ClobberMemory();
  }
}

BENCHMARK(decode)->Name("frame/decode")->Arg(32)->Arg(1000)->Arg(100'000);
BENCHMARK(encode)->Name("frame/encode")->Arg(32)->Arg(1000)->Arg(100'000);

}  // namespace
