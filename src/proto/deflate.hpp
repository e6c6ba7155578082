// SPDX-License-Identifier: MIT
// permessage-deflate's compressors (RFC 7692 §7.2): raw DEFLATE, one message at a time, over zlib.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <proto/protocol_error.hpp>
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

/// Compresses messages one after the other. 32 to 256 kB of zlib state: pooled where no context is kept.
class Deflater {
 public:
  /// `window_bits` 9 to 15 (an 8 that was negotiated is run as 9 only by the peer's leave: see
  /// negotiation); `level` 1 to 9.
  Deflater(int window_bits, int level);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// Appends the compressed form of `in` to `out`. `last` ends the message with a
  /// sync flush and drops its 00 00 ff ff (§7.2.1); an empty message comes out as one byte 00.
  /// Without `last` output may be held back inside.
  void compress(BytesView in, bool last, std::vector<std::byte>& out);
  /// Forgets the history: the next message refers to nothing before it.
  void reset() noexcept;
  [[nodiscard]] int window_bits() const noexcept { return window_bits_; }
  [[nodiscard]] int level() const noexcept { return level_; }

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  int window_bits_;
  int level_;
  std::array<std::byte, 4> held_{};  ///< The end of the output so far: may be the 4 bytes to drop.
  std::uint8_t held_bytes_ = 0;
};

/// Where an inflater stopped.
enum class InflateStatus : std::uint8_t {
  need_input,  ///< All input is used up, all its output given.
  output,      ///< `produced` bytes are in the buffer; call again with the rest of the input.
  corrupt,     ///< Not DEFLATE (close with 1007).
};

/// Decompresses messages one after the other. The window is allocated by zlib on first need.
class Inflater {
 public:
  explicit Inflater(int window_bits);  ///< 8 to 15.
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Inflates from the front of `in` (which is advanced past what was used) into `out`; sets
  /// `produced`. Never produces more than out.size() bytes a call, so the caller bounds a bomb.
  /// A BFINAL block ends its stream and a new one starts behind it (§7.2.3.4).
  [[nodiscard]] InflateStatus inflate(BytesView& in, MutableBytes out, std::size_t& produced);

  /// The message's bytes are all in: feeds the 00 00 ff ff that the sender dropped. Call until
  /// need_input.
  [[nodiscard]] InflateStatus finish(MutableBytes out, std::size_t& produced);
  void reset() noexcept;  ///< Forgets the window (no context takeover).
  [[nodiscard]] int window_bits() const noexcept { return window_bits_; }

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  int window_bits_;
  std::uint8_t tail_given_ = 0;
};

/// Idle compressors of one shard, lent to connections that keep no context. Not thread safe.
class DeflatePool {
 public:
  explicit DeflatePool(std::size_t idle_max = 8) noexcept : idle_max_(idle_max) {}
  [[nodiscard]] std::unique_ptr<Deflater> acquire_deflater(int window_bits, int level);
  [[nodiscard]] std::unique_ptr<Inflater> acquire_inflater(int window_bits);
  void release(std::unique_ptr<Deflater> deflater);  ///< Resets it.
  void release(std::unique_ptr<Inflater> inflater);

 private:
  std::vector<std::unique_ptr<Deflater>> deflaters_;
  std::vector<std::unique_ptr<Inflater>> inflaters_;
  std::size_t idle_max_;
};

}  // namespace walkie::proto
