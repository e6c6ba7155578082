// SPDX-License-Identifier: MIT
// permessage-deflate's compressors (RFC 7692 §7.2): raw DEFLATE, one message at a time, over zlib.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <walkie/bytes.hpp>

namespace walkie::proto {

/// What one connection negotiated (RFC 7692 §7.1). Windows are in bits.
struct DeflateParams {
  bool enabled = false;
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  std::uint8_t server_max_window_bits = 15;
  std::uint8_t client_max_window_bits = 15;
  friend bool operator==(const DeflateParams&, const DeflateParams&) = default;
};

/// Compresses messages one after the other.
///
/// Memory: 2^(window_bits + 3) bytes and about 6 kB: 262 kB at 15, 38 kB at 12, 10 kB at 9. Hence
/// the pool, for connections that keep no context. Not thread safe.
class Deflater {
 public:
  /// The narrowest window that zlib compresses for; an offer that asks for 8 has to be declined.
  static constexpr int kWindowBitsMin = 9;

  /// `window_bits` 9 to 15; `level` 1 to 9. Throws std::bad_alloc where the heap does.
  Deflater(int window_bits, int level);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// Appends the compressed form of `in` to `out`, all of it: a sync flush ends it, so that the
  /// peer can inflate a piece before the next one is known. `last` ends the message and drops the
  /// flush's 00 00 ff ff (RFC 7692 §7.2.1); an empty message comes out as one byte 00 (§7.2.3.6).
  /// Allocates only where `out` has to grow.
  void compress(BytesView in, bool last, std::vector<std::byte>& out);

  /// Forgets the history and an unfinished message: the next one refers to nothing before it.
  void reset() noexcept;

  [[nodiscard]] int window_bits() const noexcept { return window_bits_; }
  [[nodiscard]] int level() const noexcept { return level_; }

 private:
  struct Stream;
  void append_run(BytesView run, int flush, std::vector<std::byte>& out);

  std::unique_ptr<Stream> stream_;
  int window_bits_;
  int level_;
  bool fresh_ = true;  ///< Nothing to forget.
};

/// Where an inflater stopped. Whatever the status, `produced` bytes are in the buffer.
enum class InflateStatus : std::uint8_t {
  need_input,  ///< All input is used up, all its output given.
  output,   ///< The buffer is full; call again with the rest of the input, even if that is empty.
  corrupt,  ///< Not DEFLATE, or not to its end (close with 1007). Only reset() helps now.
};

/// Decompresses messages one after the other.
///
/// Memory: about 7 kB, and from the first message on a window of 2^window_bits bytes. Not thread
/// safe.
class Inflater {
 public:
  explicit Inflater(int window_bits);  ///< 8 to 15. Throws std::bad_alloc where the heap does.
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Inflates from the front of `in` (which is advanced past what was used) into `out`, which must
  /// not be empty; sets `produced`. Never produces more than out.size() bytes a call, so the caller
  /// bounds a bomb. A BFINAL block ends its stream and a new one, which may refer to what came
  /// before, starts at the next byte (RFC 7692 §7.2.3.4).
  [[nodiscard]] InflateStatus inflate(BytesView& in, MutableBytes out, std::size_t& produced);

  /// The message's bytes are all in: feeds the 00 00 ff ff that the sender dropped (§7.2.2). Call
  /// until it returns need_input, which says that the message is whole, or corrupt. A message of no
  /// bytes at all, or one that ends right behind a BFINAL block, is whole as it is.
  [[nodiscard]] InflateStatus finish(MutableBytes out, std::size_t& produced);

  void reset() noexcept;  ///< Forgets the window (no context takeover) and an unfinished message.
  [[nodiscard]] int window_bits() const noexcept { return window_bits_; }

 private:
  struct Stream;
  [[nodiscard]] bool at_block_boundary() const noexcept;

  std::unique_ptr<Stream> stream_;
  int window_bits_;
  std::uint8_t tail_given_ = 0;  ///< Bytes of 00 00 ff ff that went in.
  bool inside_stream_ = false;   ///< Bytes went in since the message or its last stream began.
};

/// Idle compressors of one shard, lent to connections that keep no context: at most `idle_max` of
/// each kind, the oldest give way. Not thread safe.
class DeflatePool {
 public:
  explicit DeflatePool(std::size_t idle_max = 8) noexcept : idle_max_(idle_max) {}

  /// One without history. A new one where none idle fits; throws std::bad_alloc where the heap
  /// does.
  [[nodiscard]] std::unique_ptr<Deflater> acquire_deflater(int window_bits, int level);
  [[nodiscard]] std::unique_ptr<Inflater> acquire_inflater(int window_bits);

  /// Takes one back and resets it; nothing happens for nullptr.
  void release(std::unique_ptr<Deflater> deflater);
  void release(std::unique_ptr<Inflater> inflater);

  [[nodiscard]] std::size_t idle_deflaters() const noexcept { return deflaters_.size(); }
  [[nodiscard]] std::size_t idle_inflaters() const noexcept { return inflaters_.size(); }

 private:
  std::vector<std::unique_ptr<Deflater>> deflaters_;
  std::vector<std::unique_ptr<Inflater>> inflaters_;
  std::size_t idle_max_;
};

}  // namespace walkie::proto
