// SPDX-License-Identifier: MIT
// Compressing and inflating JSON text: with context and without, by level and window.
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include <proto/deflate.hpp>

namespace {

using namespace walkie;
using namespace walkie::proto;

/// A JSON array of `bytes`, whose numbers differ.
std::string json(std::size_t bytes) {
  std::string text = "[";
  for (unsigned i = 1; text.size() < bytes; ++i) {
    const std::string id = std::to_string(i * 2'654'435'761U);
    text += "{\"id\":" + id + ",\"user\":\"user" + id.substr(0, 3) + "\",\"text\":\"hello\"},";
  }
  text.resize(bytes);
  return text;
}

void compress(benchmark::State& state, int window_bits, int level, bool context) {
  const std::string message = json(static_cast<std::size_t>(state.range(0)));
  Deflater deflater(window_bits, level);
  std::vector<std::byte> out;
  for (auto _ : state) {
    out.clear();
    deflater.compress(bytes_of(message), true, out);
    if (!context) deflater.reset();
    benchmark::DoNotOptimize(out.data());
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
  state.counters["ratio"] = static_cast<double>(out.size()) / static_cast<double>(message.size());
}

void context_level_1(benchmark::State& state) { compress(state, 15, 1, true); }
void context_level_6(benchmark::State& state) { compress(state, 15, 6, true); }
void alone_level_1(benchmark::State& state) { compress(state, 15, 1, false); }
void alone_window_12(benchmark::State& state) { compress(state, 12, 1, false); }
void alone_window_9(benchmark::State& state) { compress(state, 9, 1, false); }

void inflate(benchmark::State& state) {
  const std::string message = json(static_cast<std::size_t>(state.range(0)));
  std::vector<std::byte> payload;
  Deflater(15, 1).compress(bytes_of(message), true, payload);
  Inflater inflater(15);
  std::vector<std::byte> room(message.size() + 1);
  for (auto _ : state) {
    BytesView in = payload;
    std::size_t produced = 0;
    benchmark::DoNotOptimize(inflater.inflate(in, room, produced));
    benchmark::DoNotOptimize(inflater.finish(MutableBytes(room).subspan(produced), produced));
    inflater.reset();
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

BENCHMARK(context_level_1)->Name("deflate/context/level_1")->Arg(100)->Arg(1000)->Arg(65536);
BENCHMARK(context_level_6)->Name("deflate/context/level_6")->Arg(100)->Arg(1000)->Arg(65536);
BENCHMARK(alone_level_1)->Name("deflate/alone/level_1")->Arg(100)->Arg(1000)->Arg(65536);
BENCHMARK(alone_window_12)->Name("deflate/alone/window_12")->Arg(100)->Arg(1000)->Arg(65536);
BENCHMARK(alone_window_9)->Name("deflate/alone/window_9")->Arg(100)->Arg(1000);
BENCHMARK(inflate)->Name("inflate/alone")->Arg(100)->Arg(1000)->Arg(65536);

}  // namespace
