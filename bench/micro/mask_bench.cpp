// SPDX-License-Identifier: MIT
// Masking: what the library calls, and each body for comparison.
#include <cstddef>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <proto/mask.hpp>

namespace {

using namespace walkie::proto;

constexpr MaskKey kKey{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};

void set_bytes(benchmark::State& state) {
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void apply(benchmark::State& state) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)) + 1);
  // One byte off: payloads start behind headers of 6, 8 or 14 bytes.
  const walkie::MutableBytes payload = walkie::MutableBytes(bytes).subspan(1);
  for (auto _ : state) {
    apply_mask(payload, kKey, 1);
    benchmark::DoNotOptimize(bytes.data());
    benchmark::ClobberMemory();
  }
  set_bytes(state);
}

void apply_body(benchmark::State& state, mask_bodies::Apply body) {
  std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)) + 1);
  for (auto _ : state) {
    body(bytes.data() + 1, bytes.data() + 1, bytes.size() - 1, 0x3D21FA37);
    benchmark::ClobberMemory();
  }
  set_bytes(state);
}

void register_bodies() {
  for (const mask_bodies::Body& body : mask_bodies::all()) {
    if (!body.supported || body.name == "inline") continue;
    const std::string name = "mask/" + std::string(body.name);
    const mask_bodies::Apply call = body.apply;
    benchmark::RegisterBenchmark(name.c_str(),
                                 [call](benchmark::State& state) { apply_body(state, call); })
        ->Arg(128)
        ->Arg(1024)
        ->Arg(16384)
        ->Arg(1 << 20);
  }
}

[[maybe_unused]] const bool kRegistered = [] {
  benchmark::RegisterBenchmark("mask/apply_mask", apply)
      ->Arg(5)
      ->Arg(32)
      ->Arg(64)
      ->Arg(128)
      ->Arg(1024)
      ->Arg(16384)
      ->Arg(1 << 20);
  register_bodies();
  return true;
}();

}  // namespace
