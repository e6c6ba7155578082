// SPDX-License-Identifier: MIT
// Incremental UTF-8: a byte-wise machine at the edges, simdjson over long runs between them.
#include <proto/utf8.hpp>

#include <algorithm>

#include <simdjson.h>

namespace walkie::proto {
namespace {

/// From here on simdjson's call (about 15 ns) is cheaper than a step per byte (about 1.7 ns each).
/// Shorter ASCII does not come here: feed() has dealt with it.
constexpr std::size_t kLongRunBytes = 16;

/// How many bytes at the end of `bytes` begin a character that goes on behind it: 0 to 3. Only the
/// lead's promise is looked at; whether the bytes are right is judged by whoever reads them.
std::size_t unfinished_bytes(BytesView bytes) noexcept {
  const std::size_t reach = std::min<std::size_t>(3, bytes.size());
  for (std::size_t back = 1; back <= reach; ++back) {
    const auto byte = std::to_integer<std::uint8_t>(bytes[bytes.size() - back]);
    if ((byte & 0xC0) == 0x80) continue;  // a continuation: its lead is further in front
    const std::size_t promised = byte >= 0xF0 ? 4U : byte >= 0xE0 ? 3U : byte >= 0xC0 ? 2U : 1U;
    return promised > back ? back : 0;
  }
  return 0;
}

bool is_well_formed(BytesView bytes) noexcept {
  return simdjson::validate_utf8(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

bool is_utf8(BytesView bytes) noexcept {
  Utf8Stream stream;
  return stream.feed(bytes) && stream.complete();
}

/// The table of RFC 3629 §4: which byte may follow which lead.
bool Utf8Stream::step(std::uint8_t byte) noexcept {
  if (pending_ > 0) {
    if (byte < next_min_ || byte > next_max_) return false;
    --pending_;
    next_min_ = 0x80;
    next_max_ = 0xBF;
    return true;
  }
  if (byte < 0x80) return true;
  if (byte < 0xC2 || byte > 0xF4) return false;  // a continuation, overlong, or past U+10FFFF
  pending_ = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
  if (byte == 0xE0) next_min_ = 0xA0;  // below: overlong
  if (byte == 0xED) next_max_ = 0x9F;  // above: surrogates
  if (byte == 0xF0) next_min_ = 0x90;  // below: overlong
  if (byte == 0xF4) next_max_ = 0x8F;  // above: past U+10FFFF
  return true;
}

bool Utf8Stream::step_through(BytesView bytes) noexcept {
  while (!bytes.empty()) {
    if (pending_ == 0 && bytes.size() >= 8 && is_ascii(bytes.first<8>())) {
      bytes = bytes.subspan(8);
      continue;
    }
    if (!step(std::to_integer<std::uint8_t>(bytes.front()))) return false;
    bytes = bytes.subspan(1);
  }
  return true;
}

bool Utf8Stream::feed_any(BytesView bytes) noexcept {
  const BytesView begun = bytes.first(std::min<std::size_t>(pending_, bytes.size()));
  if (!step_through(begun)) return false;
  bytes = bytes.subspan(begun.size());
  if (bytes.size() < kLongRunBytes) return step_through(bytes);
  const std::size_t edge = unfinished_bytes(bytes);
  return is_well_formed(bytes.first(bytes.size() - edge)) && step_through(bytes.last(edge));
}

}  // namespace walkie::proto
