// SPDX-License-Identifier: MIT
// permessage-deflate over zlib's raw streams (RFC 7692 §7.2, RFC 1951).
#include <proto/deflate.hpp>

#include <base/assert.hpp>

#include <algorithm>
#include <array>
#include <iterator>
#include <limits>
#include <new>
#include <utility>

#include <zlib.h>

namespace walkie::proto {
namespace {

/// An empty stored block without its three header bits: how a sync flush ends (§7.2.1).
constexpr std::array kTail = {std::byte{0x00}, std::byte{0x00}, std::byte{0xFF}, std::byte{0xFF}};

/// zlib counts in 32 bits.
constexpr std::size_t kRunBytesMax = std::numeric_limits<uInt>::max() / 2;

/// Output grows by at most this at a time, since each step is zeroed first.
constexpr std::size_t kGrowthBytesMax = 16384;

/// Room in front of a flush: with six bytes or fewer zlib may repeat the flush's marker.
constexpr std::size_t kFlushBytes = 16;

/// The hash table as large as the window: beyond that memory buys nothing.
constexpr int memory_level(int window_bits) noexcept { return window_bits - 7; }

void throw_unless_made(int result) {
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  WALKIE_ASSERT(result == Z_OK);
}

// zlib's z_const is not set, so its pointer to the input is not const; it does not write there.
Bytef* input_of(BytesView bytes) noexcept {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
}

Bytef* output_of(std::byte* at) noexcept { return reinterpret_cast<Bytef*>(at); }

void drop_back(std::vector<std::byte>& bytes, std::size_t count) {
  bytes.erase(bytes.end() - static_cast<std::ptrdiff_t>(count), bytes.end());
}

/// Takes the newest that fits: its memory is the warmest.
template <typename Codec, typename Fits>
std::unique_ptr<Codec> take(std::vector<std::unique_ptr<Codec>>& idle, Fits fits) {
  const auto found = std::find_if(idle.rbegin(), idle.rend(), fits);
  if (found == idle.rend()) return nullptr;
  std::unique_ptr<Codec> codec = std::move(*found);
  idle.erase(std::next(found).base());
  return codec;
}

template <typename Codec>
void keep(std::vector<std::unique_ptr<Codec>>& idle, std::unique_ptr<Codec> codec,
          std::size_t idle_max) {
  if (codec == nullptr || idle_max == 0) return;
  codec->reset();
  if (idle.size() == idle_max) idle.erase(idle.begin());
  idle.push_back(std::move(codec));
}

}  // namespace

struct Deflater::Stream {
  z_stream z{};
};

struct Inflater::Stream {
  z_stream z{};
};

Deflater::Deflater(int window_bits, int level)
    : stream_(std::make_unique<Stream>()), window_bits_(window_bits), level_(level) {
  WALKIE_ASSERT(window_bits >= kWindowBitsMin && window_bits <= 15);
  WALKIE_ASSERT(level >= 1 && level <= 9);
  throw_unless_made(deflateInit2(&stream_->z, level, Z_DEFLATED, -window_bits,
                                 memory_level(window_bits), Z_DEFAULT_STRATEGY));
}

Deflater::~Deflater() { deflateEnd(&stream_->z); }

void Deflater::compress(BytesView in, bool last, std::vector<std::byte>& out) {
  if (in.empty()) {
    // Two flushes with nothing between them are an error to zlib, so this block is made by hand.
    if (last) out.push_back(std::byte{0x00});
    return;
  }
  fresh_ = false;
  while (!in.empty()) {
    const BytesView run = in.first(std::min(in.size(), kRunBytesMax));
    in = in.subspan(run.size());
    append_run(run, in.empty() ? Z_SYNC_FLUSH : Z_NO_FLUSH, out);
  }
  // The flush wrote at least its marker in this call, so these four bytes are ours to drop.
  if (last) drop_back(out, kTail.size());
}

void Deflater::append_run(BytesView run, int flush, std::vector<std::byte>& out) {
  z_stream& z = stream_->z;
  z.next_in = input_of(run);
  z.avail_in = static_cast<uInt>(run.size());
  const std::size_t bound = deflateBound(&z, static_cast<uLong>(run.size())) + kFlushBytes;
  std::size_t room = std::min(bound, kGrowthBytesMax);
  do {
    const std::size_t written = out.size();
    out.resize(written + room);
    z.next_out = output_of(out.data() + written);
    z.avail_out = static_cast<uInt>(room);
    const int result = deflate(&z, flush);
    WALKIE_ASSERT(result == Z_OK || result == Z_BUF_ERROR);
    drop_back(out, z.avail_out);
    room = kGrowthBytesMax;
    // Output that ends just where the room does is asked for once more; a flush then adds a second
    // marker, which is an empty block: five bytes that mean nothing.
  } while (z.avail_out == 0);
}

void Deflater::reset() noexcept {
  if (fresh_) return;  // resetting clears the hash table: not free
  const int result = deflateReset(&stream_->z);
  WALKIE_ASSERT(result == Z_OK);
  fresh_ = true;
}

Inflater::Inflater(int window_bits)
    : stream_(std::make_unique<Stream>()), window_bits_(window_bits) {
  WALKIE_ASSERT(window_bits >= 8 && window_bits <= 15);
  throw_unless_made(inflateInit2(&stream_->z, -window_bits));
}

Inflater::~Inflater() { inflateEnd(&stream_->z); }

InflateStatus Inflater::inflate(BytesView& in, MutableBytes out, std::size_t& produced) {
  WALKIE_ASSERT(!out.empty());
  z_stream& z = stream_->z;
  const std::size_t room = std::min(out.size(), kRunBytesMax);
  z.next_out = output_of(out.data());
  z.avail_out = static_cast<uInt>(room);
  int result = Z_OK;
  do {
    const std::size_t run = std::min(in.size(), kRunBytesMax);
    z.next_in = input_of(in);
    z.avail_in = static_cast<uInt>(run);
    result = ::inflate(&z, Z_SYNC_FLUSH);
    in = in.subspan(run - z.avail_in);
    inside_stream_ = inside_stream_ || z.avail_in < run;
    if (result == Z_STREAM_END) {
      // Keeps the window, unlike inflateReset(). Handing it over by inflateGetDictionary() and
      // inflateSetDictionary() would copy it twice for each two bytes of a message made of empty
      // final blocks.
      result = inflateResetKeep(&z);
      inside_stream_ = false;
    }
  } while (result == Z_OK && !in.empty() && z.avail_out > 0);
  produced = room - z.avail_out;
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result != Z_OK && result != Z_BUF_ERROR) return InflateStatus::corrupt;
  return z.avail_out == 0 ? InflateStatus::output : InflateStatus::need_input;
}

InflateStatus Inflater::finish(MutableBytes out, std::size_t& produced) {
  produced = 0;
  if (!inside_stream_ && tail_given_ == 0) return InflateStatus::need_input;
  BytesView tail = BytesView(kTail).subspan(tail_given_);
  const InflateStatus status = inflate(tail, out, produced);
  tail_given_ = static_cast<std::uint8_t>(kTail.size() - tail.size());
  if (status != InflateStatus::need_input) return status;
  const bool whole = !inside_stream_ || at_block_boundary();
  tail_given_ = 0;
  inside_stream_ = false;
  return whole ? InflateStatus::need_input : InflateStatus::corrupt;
}

/// zlib's data_type: 128 where it stands before a block's header, and the bits left in the last
/// byte.
bool Inflater::at_block_boundary() const noexcept {
  constexpr int kBeforeBlock = 128;
  constexpr int kBitsLeft = 63;
  const int state = stream_->z.data_type;
  return (state & kBeforeBlock) != 0 && (state & kBitsLeft) == 0;
}

void Inflater::reset() noexcept {
  const int result = inflateReset(&stream_->z);
  WALKIE_ASSERT(result == Z_OK);
  tail_given_ = 0;
  inside_stream_ = false;
}

std::unique_ptr<Deflater> DeflatePool::acquire_deflater(int window_bits, int level) {
  auto idle = take(deflaters_, [window_bits, level](const std::unique_ptr<Deflater>& deflater) {
    return deflater->window_bits() == window_bits && deflater->level() == level;
  });
  return idle != nullptr ? std::move(idle) : std::make_unique<Deflater>(window_bits, level);
}

std::unique_ptr<Inflater> DeflatePool::acquire_inflater(int window_bits) {
  auto idle = take(inflaters_, [window_bits](const std::unique_ptr<Inflater>& inflater) {
    return inflater->window_bits() == window_bits;
  });
  return idle != nullptr ? std::move(idle) : std::make_unique<Inflater>(window_bits);
}

void DeflatePool::release(std::unique_ptr<Deflater> deflater) {
  keep(deflaters_, std::move(deflater), idle_max_);
}

void DeflatePool::release(std::unique_ptr<Inflater> inflater) {
  keep(inflaters_, std::move(inflater), idle_max_);
}

}  // namespace walkie::proto
