// SPDX-License-Identifier: MIT
// Fuzzes compression. Inflating hostile bytes gives the same in any pieces and rooms, within
// bounds; what was compressed comes back.
//
//   input: [ what: one byte ] [ sizes of pieces and rooms: two bytes ] [ payload ]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <base/assert.hpp>
#include <proto/deflate.hpp>

namespace {

using namespace walkie;
using namespace walkie::proto;

constexpr std::size_t kOutputBytesMax = 1 << 18;

struct Inflated {
  std::vector<std::byte> bytes;
  bool corrupt = false;
  bool too_big = false;
};

/// Calls `step` until it wants input, fails, or passes the bound.
template <typename Step>
bool drain(std::size_t room_bytes, Inflated& inflated, Step step) {
  std::vector<std::byte> room(room_bytes);
  while (true) {
    std::size_t produced = 0;
    const InflateStatus status = step(MutableBytes(room), produced);
    WALKIE_ASSERT(produced <= room.size());
    WALKIE_ASSERT(status != InflateStatus::output || produced == room.size());
    inflated.bytes.insert(inflated.bytes.end(), room.begin(),
                          room.begin() + static_cast<std::ptrdiff_t>(produced));
    inflated.corrupt = status == InflateStatus::corrupt;
    inflated.too_big = inflated.bytes.size() > kOutputBytesMax;
    if (inflated.corrupt || inflated.too_big) return false;
    if (status == InflateStatus::need_input) return true;
  }
}

Inflated inflate_message(Inflater& inflater, BytesView payload, std::size_t piece_bytes,
                         std::size_t room_bytes) {
  Inflated inflated;
  while (!payload.empty()) {
    BytesView piece = payload.first(std::min(piece_bytes, payload.size()));
    payload = payload.subspan(piece.size());
    const bool more = drain(room_bytes, inflated, [&](MutableBytes room, std::size_t& produced) {
      return inflater.inflate(piece, room, produced);
    });
    if (!more) return inflated;
    WALKIE_ASSERT(piece.empty());
  }
  drain(room_bytes, inflated,
        [&](MutableBytes room, std::size_t& produced) { return inflater.finish(room, produced); });
  return inflated;
}

void check_hostile(BytesView payload, std::size_t piece_bytes, std::size_t room_bytes) {
  Inflater whole_inflater(15);
  Inflater cut_inflater(15);
  for (int message = 0; message < 2; ++message) {
    const Inflated whole = inflate_message(whole_inflater, payload, payload.size() + 1, 4096);
    const Inflated cut = inflate_message(cut_inflater, payload, piece_bytes, room_bytes);
    if (whole.too_big || cut.too_big) return;
    WALKIE_ASSERT(whole.corrupt == cut.corrupt);
    if (whole.corrupt) return;
    WALKIE_ASSERT(whole.bytes == cut.bytes);
  }
}

void check_round_trip(BytesView message, std::uint8_t what, std::size_t piece_bytes,
                      std::size_t room_bytes) {
  const int window_bits = 9 + what % 7;
  const int level = 1 + what / 7 % 9;
  Deflater deflater(window_bits, level);
  Inflater inflater(window_bits);
  for (int round = 0; round < 3; ++round) {
    std::vector<std::byte> compressed;
    BytesView rest = message;
    while (rest.size() > piece_bytes) {
      deflater.compress(rest.first(piece_bytes), false, compressed);
      rest = rest.subspan(piece_bytes);
    }
    deflater.compress(rest, true, compressed);
    const Inflated back = inflate_message(inflater, compressed, piece_bytes, room_bytes);
    WALKIE_ASSERT(!back.corrupt);
    WALKIE_ASSERT(back.too_big || std::ranges::equal(back.bytes, message));
    if (back.too_big) return;
    if (round == 1) {
      deflater.reset();
      inflater.reset();
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_bytes) {
  if (input_bytes < 3) return 0;
  const BytesView payload(reinterpret_cast<const std::byte*>(input) + 3, input_bytes - 3);
  const std::size_t piece_bytes = std::size_t{input[1]} + 1;
  const std::size_t room_bytes = std::size_t{input[2]} + 1;
  if (input[0] < 128) {
    check_hostile(payload, piece_bytes, room_bytes);
  } else {
    check_round_trip(payload, input[0] & 0x7F, piece_bytes, room_bytes);
  }
  return 0;
}
