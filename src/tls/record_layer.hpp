// SPDX-License-Identifier: MIT
// Records of TLS 1.3 once the handshake is complete (RFC 8446 §5): what is left of a connection
// when OpenSSL's state of some 12 kB has gone. Keys come from OpenSSL's handshake.
//
//   record: [ 23 | 03 03 | length 2 ][ encrypted: content | type 1 | zeros ][ tag 16 ]
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <base/output_queue.hpp>
#include <tls/failure.hpp>
#include <tls/openssl.hpp>
#include <walkie/bytes.hpp>

namespace walkie::tls {

/// A cipher suite of TLS 1.3.
struct Suite {
  std::uint16_t id = 0;  ///< 0x1301: TLS_AES_128_GCM_SHA256.
  const EVP_CIPHER* cipher = nullptr;
  const EVP_MD* hash = nullptr;
};

/// Null where it is none that we know.
[[nodiscard]] const Suite* find_suite(std::uint16_t id) noexcept;

/// A traffic secret (RFC 8446 §7.1), as long as the suite's hash; wiped at the end.
class TrafficSecret {
 public:
  TrafficSecret() noexcept = default;
  TrafficSecret(const TrafficSecret&) = default;
  TrafficSecret& operator=(const TrafficSecret&) = default;
  ~TrafficSecret();

  /// From hexadecimal digits; stays empty where they are none or too many.
  void assign_hex(std::string_view digits) noexcept;
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  [[nodiscard]] std::span<const unsigned char> bytes() const noexcept {
    return std::span(bytes_).first(size_);
  }
  /// HKDF-Expand-Label(secret, label, "", out.size()) for at most one block of `hash`.
  [[nodiscard]] bool expand(const EVP_MD* hash, std::string_view label,
                            std::span<unsigned char> out) const;
  /// The secret behind a KeyUpdate (§7.2).
  [[nodiscard]] bool advance(const EVP_MD* hash);

 private:
  std::array<unsigned char, 48> bytes_{};
  std::size_t size_ = 0;
};

/// One direction's keys and its count of records.
class RecordKeys {
 public:
  RecordKeys(const Suite& suite, bool sealing, const TrafficSecret& secret, std::uint64_t sequence);

  [[nodiscard]] bool ready() const noexcept { return ready_; }
  /// Takes the next secret (§4.6.3); its records count from 0.
  void update();
  /// Begins the next record: sets its nonce and its header as additional data.
  [[nodiscard]] bool begin_record(std::span<const unsigned char> header);
  [[nodiscard]] EVP_CIPHER_CTX* context() noexcept { return context_.get(); }
  [[nodiscard]] std::uint64_t sequence() const noexcept { return sequence_; }

 private:
  void set_keys();

  const Suite& suite_;
  std::unique_ptr<EVP_CIPHER_CTX, FreedBy<EVP_CIPHER_CTX_free>> context_;
  TrafficSecret secret_;
  std::array<unsigned char, 12> iv_{};
  std::uint64_t sequence_;
  bool sealing_;
  bool ready_ = false;
};

/// A server's side. Not thread safe; the pool outlives it.
class RecordLayer {
 public:
  static constexpr std::size_t kPlainBytesMax = 16384;
  static constexpr std::size_t kSealedBytesMax = kPlainBytesMax + 256;
  /// Records under one key; a key update comes before more (§5.5 allows 2^24.5 for AES-GCM).
  static constexpr std::uint64_t kRecordsPerKey = std::uint64_t{1} << 23;

  /// `written`: records that went out under our secret already.
  RecordLayer(const Suite& suite, const TrafficSecret& ours, const TrafficSecret& theirs,
              std::uint64_t written, base::BufferPool& pool);
  ~RecordLayer();
  RecordLayer(const RecordLayer&) = delete;
  RecordLayer& operator=(const RecordLayer&) = delete;

  [[nodiscard]] bool ready() const noexcept { return read_.ready() && write_.ready(); }

  // -- in --

  enum class Stop : std::uint8_t { none, ended, failed };
  /// Takes records off the front of `input` and writes their content to `out`, which has room for
  /// kSealedBytesMax; returns its bytes. Reads on until there is content, or nothing is left of
  /// `input`, or stop() says so. What it has to answer goes to `output`.
  [[nodiscard]] std::size_t read(BytesView& input, MutableBytes out, base::OutputQueue& output);
  [[nodiscard]] Stop stop() const noexcept { return stop_; }
  /// Of Stop::failed.
  [[nodiscard]] const Fault& fault() const noexcept { return fault_; }

  // -- out --

  /// One record from the front of `chunks`, skipping `offset` bytes; returns how much went in, 0 on
  /// failure or where nothing is left. A key update that the peer asked for goes before it.
  [[nodiscard]] std::size_t write(std::span<const BytesView> chunks, std::size_t offset,
                                  base::OutputQueue& output);
  /// Nothing may be written behind it.
  void write_close_notify(base::OutputQueue& output);

 private:
  [[nodiscard]] bool collect(BytesView& input, std::span<const unsigned char>& record);
  [[nodiscard]] bool judge_header(base::OutputQueue& output);
  [[nodiscard]] std::size_t open(std::span<const unsigned char> sealed, MutableBytes out,
                                 base::OutputQueue& output);
  void take_alert(BytesView content, base::OutputQueue& output);
  void take_handshake(BytesView content, base::OutputQueue& output);
  void fail(Failure failure, std::string_view reason, int alert, base::OutputQueue& output);
  bool seal(std::uint8_t type, std::span<const BytesView> chunks, std::size_t offset,
            std::size_t bytes, base::OutputQueue& output);
  void update_own_key(base::OutputQueue& output);
  [[nodiscard]] std::size_t announced_bytes() const noexcept;
  void drop_partial() noexcept;

  RecordKeys read_;
  RecordKeys write_;
  base::BufferPool& pool_;
  std::array<unsigned char, 5> header_{};
  std::uint8_t header_bytes_ = 0;
  base::Block partial_{};  ///< A record's body, while it arrives in pieces.
  std::size_t partial_bytes_ = 0;
  Fault fault_{};
  Stop stop_ = Stop::none;
  bool update_owed_ = false;  ///< The peer asked for our KeyUpdate, once or often.
};

}  // namespace walkie::tls
