// SPDX-License-Identifier: MIT
// Fuzzes what a SOCKS server may answer: whole and in pieces, which must come to the same.
//
//   input: [ options: one byte ] [ how it is cut: one byte ] [ bytes from the server ]
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <base/assert.hpp>
#include <client/socks.hpp>

#include "pieces.hpp"

namespace {

using namespace walkie;
using fuzz::Cuts;
using fuzz::Exact;

std::string outcome(std::string_view input, Cuts cuts, std::uint8_t bits) {
  const bool authenticates = (bits & 1) != 0;
  client::SocksHandshake socks(bits & 2 ? "example.com" : "192.0.2.1", 443,
                               authenticates ? "user" : "", authenticates ? "password" : "");
  std::string written(text_of(socks.take_output()));
  std::size_t used = 0;
  for (std::size_t at = 0; at < input.size();) {
    const std::size_t piece = cuts.next(input.size() - at);
    const Exact bytes(input.substr(at, piece));
    const bool over = socks.done() || socks.fault();
    const std::size_t taken = socks.receive(bytes_of(bytes.view()));
    WALKIE_ASSERT(taken <= piece && (!over || taken == 0));
    WALKIE_ASSERT(taken == piece || socks.done() || socks.fault());
    used += taken;
    at += piece;
    written += text_of(socks.take_output());
  }
  if (bits & 4) socks.receive_end();
  WALKIE_ASSERT(!(socks.done() && socks.fault()));
  WALKIE_ASSERT(!(bits & 4) || socks.done() || socks.fault());
  if (socks.fault()) return *socks.fault() + std::to_string(used);
  // No more is ever said than the greeting, one authentication and one request.
  WALKIE_ASSERT(written.size() <= 4 + 3 + 4 + 8 + 4 + 1 + 11 + 2);
  return written + std::to_string(used) + (socks.done() ? "done" : "more");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2 || size > 1024) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  WALKIE_ASSERT(outcome(input, Cuts(true, 0), bytes[0]) ==
                outcome(input, Cuts(false, bytes[1]), bytes[0]));
  return 0;
}
