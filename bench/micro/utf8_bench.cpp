// SPDX-License-Identifier: MIT
// UTF-8 validation of short and long text, all ASCII and mixed.
#include <string>
#include <string_view>

#include <benchmark/benchmark.h>

#include <proto/utf8.hpp>

namespace {

using namespace walkie;
using namespace walkie::proto;

/// `bytes` of text, cut wherever that falls.
std::string repeated(std::string_view text, std::size_t bytes) {
  std::string whole;
  while (whole.size() < bytes) whole += text;
  whole.resize(bytes);
  return whole;
}

void feed(benchmark::State& state, std::string_view pattern) {
  const std::string text = repeated(pattern, static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    Utf8Stream stream;
    benchmark::DoNotOptimize(stream.feed(bytes_of(text)));
    benchmark::DoNotOptimize(stream);
  }
  state.SetBytesProcessed(state.iterations() * state.range(0));
}

void ascii(benchmark::State& state) { feed(state, "{\"kind\":\"message\",\"id\":12345}"); }
void mixed(benchmark::State& state) {
  feed(state,
       "Gr\xC3\xBC\xC3\x9F"
       "e, \xE4\xB8\x96\xE7\x95\x8C, \xF0\x9F\x98\x80 and so on; ");
}

BENCHMARK(ascii)->Name("utf8/ascii")->Arg(32)->Arg(100)->Arg(128)->Arg(150)->Arg(1024)->Arg(65536);
BENCHMARK(mixed)->Name("utf8/mixed")->Arg(16)->Arg(32)->Arg(100)->Arg(160)->Arg(1024)->Arg(65536);

}  // namespace
