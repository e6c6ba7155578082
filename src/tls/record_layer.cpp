// SPDX-License-Identifier: MIT
// Sealing and opening with the AEAD ciphers of OpenSSL; the rest is RFC 8446 §5 to the letter.
#include <tls/record_layer.hpp>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include <base/assert.hpp>

namespace walkie::tls {
namespace {

constexpr std::uint8_t kAlert = 21;
constexpr std::uint8_t kHandshake = 22;
constexpr std::uint8_t kApplicationData = 23;
constexpr std::size_t kHeaderBytes = 5;
constexpr std::size_t kTagBytes = 16;
constexpr std::uint8_t kKeyUpdate = 24;

/// Fetched once: an implicit fetch for each connection would search for them again.
struct Suites {
  Suites()
      : aes_128(EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr)),
        aes_256(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)),
        chacha(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr)),
        known{{{0x1301, aes_128.get(), EVP_sha256()},
               {0x1302, aes_256.get(), EVP_sha384()},
               {0x1303, chacha.get(), EVP_sha256()}}} {}
  CipherPtr aes_128;
  CipherPtr aes_256;
  CipherPtr chacha;
  std::array<Suite, 3> known;
};

int digit_of(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

const unsigned char* octets(BytesView bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

}  // namespace

const Suite* find_suite(std::uint16_t id) noexcept {
  static const Suites suites;
  const auto found = std::ranges::find(suites.known, id, &Suite::id);
  return found != suites.known.end() && found->cipher ? &*found : nullptr;
}

// -- secrets --

TrafficSecret::~TrafficSecret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

void TrafficSecret::assign_hex(std::string_view digits) noexcept {
  size_ = 0;
  if (digits.size() % 2 != 0 || digits.size() / 2 > bytes_.size()) return;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const int high = digit_of(digits[i]);
    const int low = digit_of(digits[i + 1]);
    if (high < 0 || low < 0) return;
    bytes_[i / 2] = static_cast<unsigned char>(high * 16 + low);
  }
  size_ = digits.size() / 2;
}

bool TrafficSecret::expand(const EVP_MD* hash, std::string_view label,
                           std::span<unsigned char> out) const {
  // HkdfLabel (§7.1), then the counter of HKDF's first and only block (RFC 5869 §2.3).
  std::string info;
  info += static_cast<char>(out.size() >> 8);
  info += static_cast<char>(out.size());
  info += static_cast<char>(6 + label.size());
  info.append("tls13 ").append(label);
  info += '\0';
  info += '\x01';
  std::array<unsigned char, EVP_MAX_MD_SIZE> block;
  unsigned int block_bytes = 0;
  const bool made = HMAC(hash, bytes_.data(), static_cast<int>(size_),
                         reinterpret_cast<const unsigned char*>(info.data()), info.size(),
                         block.data(), &block_bytes) != nullptr &&
                    out.size() <= block_bytes;
  if (made) std::ranges::copy(std::span(block).first(out.size()), out.begin());
  OPENSSL_cleanse(block.data(), block.size());
  return made;
}

bool TrafficSecret::advance(const EVP_MD* hash) {
  TrafficSecret next;
  next.size_ = size_;
  if (!expand(hash, "traffic upd", std::span(next.bytes_).first(size_))) return false;
  *this = next;
  return true;
}

// -- keys --

RecordKeys::RecordKeys(const Suite& suite, bool sealing, const TrafficSecret& secret,
                       std::uint64_t sequence)
    : suite_(suite),
      context_(EVP_CIPHER_CTX_new()),
      secret_(secret),
      sequence_(sequence),
      sealing_(sealing) {
  set_keys();
}

void RecordKeys::set_keys() {
  std::array<unsigned char, 32> key;
  const auto key_bytes = static_cast<std::size_t>(EVP_CIPHER_get_key_length(suite_.cipher));
  ready_ = context_ && !secret_.empty() && key_bytes <= key.size() &&
           secret_.expand(suite_.hash, "key", std::span(key).first(key_bytes)) &&
           secret_.expand(suite_.hash, "iv", iv_) &&
           EVP_CipherInit_ex(context_.get(), suite_.cipher, nullptr, key.data(), nullptr,
                             sealing_ ? 1 : 0) == 1;
  OPENSSL_cleanse(key.data(), key.size());
}

void RecordKeys::update() {
  ready_ = secret_.advance(suite_.hash);
  sequence_ = 0;
  if (ready_) set_keys();
}

bool RecordKeys::begin_record(std::span<const unsigned char> header) {
  std::array<unsigned char, 12> nonce = iv_;  // §5.3
  for (std::size_t i = 0; i < 8; ++i)
    nonce[11 - i] ^= static_cast<unsigned char>(sequence_ >> (8 * i));
  ++sequence_;
  int ignored = 0;
  return ready_ &&
         EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce.data(), -1) == 1 &&
         EVP_CipherUpdate(context_.get(), nullptr, &ignored, header.data(),
                          static_cast<int>(header.size())) == 1;
}

// -- in --

RecordLayer::RecordLayer(const Suite& suite, const TrafficSecret& ours, const TrafficSecret& theirs,
                         std::uint64_t written, base::BufferPool& pool)
    : read_(suite, false, theirs, 0), write_(suite, true, ours, written), pool_(pool) {}

RecordLayer::~RecordLayer() { drop_partial(); }

void RecordLayer::drop_partial() noexcept {
  if (partial_.data) pool_.release(std::exchange(partial_, {}));
  partial_bytes_ = 0;
}

std::size_t RecordLayer::announced_bytes() const noexcept {
  return std::size_t{header_[3]} << 8 | header_[4];
}

std::size_t RecordLayer::read(BytesView& input, MutableBytes out, base::OutputQueue& output) {
  WALKIE_ASSERT(out.size() >= kSealedBytesMax);
  while (stop_ == Stop::none && !input.empty()) {
    if (header_bytes_ < kHeaderBytes) {
      const std::size_t taken = std::min(input.size(), kHeaderBytes - header_bytes_);
      std::memcpy(header_.data() + header_bytes_, input.data(), taken);
      header_bytes_ = static_cast<std::uint8_t>(header_bytes_ + taken);
      input = input.subspan(taken);
      if (header_bytes_ < kHeaderBytes || !judge_header(output)) continue;
    }
    std::span<const unsigned char> sealed;
    if (!collect(input, sealed)) return 0;
    const std::size_t content = open(sealed, out, output);
    header_bytes_ = 0;
    drop_partial();
    if (content > 0) return content;
  }
  return 0;
}

bool RecordLayer::judge_header(base::OutputQueue& output) {
  const std::size_t bytes = announced_bytes();
  if (header_[0] != kApplicationData)
    fail(Failure::violation, "the peer breaks TLS: a record that is not encrypted",
         SSL_AD_UNEXPECTED_MESSAGE, output);
  else if (bytes > kSealedBytesMax)
    fail(Failure::violation, "the peer breaks TLS: a record that is too long",
         SSL_AD_RECORD_OVERFLOW, output);
  else if (bytes <= kTagBytes)
    fail(Failure::violation, "the peer breaks TLS: a record that is too short", SSL_AD_DECODE_ERROR,
         output);
  return stop_ == Stop::none;
}

/// Finds a record's body: where it lies in `input` if it is whole there, else in pieces put
/// together. False while bytes are missing.
bool RecordLayer::collect(BytesView& input, std::span<const unsigned char>& record) {
  const std::size_t bytes = announced_bytes();
  if (partial_bytes_ == 0 && input.size() >= bytes) {
    record = {octets(input), bytes};
    input = input.subspan(bytes);
    return true;
  }
  if (input.empty()) return false;
  if (!partial_.data) partial_ = pool_.acquire(bytes);
  const std::size_t taken = std::min(input.size(), bytes - partial_bytes_);
  std::memcpy(partial_.data + partial_bytes_, input.data(), taken);
  partial_bytes_ += taken;
  input = input.subspan(taken);
  record = {reinterpret_cast<const unsigned char*>(partial_.data), bytes};
  return partial_bytes_ == bytes;
}

/// Decrypts into `out`; returns the bytes of application data.
std::size_t RecordLayer::open(std::span<const unsigned char> sealed, MutableBytes out,
                              base::OutputQueue& output) {
  const std::size_t bytes = sealed.size() - kTagBytes;
  auto* plain = reinterpret_cast<unsigned char*>(out.data());
  auto* tag = const_cast<unsigned char*>(sealed.data() + bytes);
  int done = 0;
  int last = 0;
  const bool opened =
      read_.begin_record(header_) &&
      EVP_CipherUpdate(read_.context(), plain, &done, sealed.data(), static_cast<int>(bytes)) ==
          1 &&
      EVP_CIPHER_CTX_ctrl(read_.context(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag) == 1 &&
      EVP_CipherFinal_ex(read_.context(), plain + done, &last) == 1;
  clear_errors();
  if (!opened) {
    fail(Failure::corrupted, "a record was changed on its way", SSL_AD_BAD_RECORD_MAC, output);
    return 0;
  }
  std::size_t content = bytes;
  if (content > kPlainBytesMax + 1) {  // with its type and padding (§5.4)
    fail(Failure::violation, "the peer breaks TLS: a record that is too long",
         SSL_AD_RECORD_OVERFLOW, output);
    return 0;
  }
  while (content > 0 && plain[content - 1] == 0) --content;  // padding (§5.4)
  if (content == 0) {
    fail(Failure::violation, "the peer breaks TLS: a record without content",
         SSL_AD_UNEXPECTED_MESSAGE, output);
    return 0;
  }
  const std::uint8_t type = plain[--content];
  if (type == kApplicationData) return content;
  if (type == kAlert)
    take_alert(out.first(content), output);
  else if (type == kHandshake)
    take_handshake(out.first(content), output);
  else
    fail(Failure::violation, "the peer breaks TLS: a record of an unknown type",
         SSL_AD_UNEXPECTED_MESSAGE, output);
  return 0;
}

/// All alerts but these two end the connection, whatever their level says (§6).
void RecordLayer::take_alert(BytesView content, base::OutputQueue& output) {
  constexpr int kUserCanceled = 90;
  if (content.size() != 2)
    return fail(Failure::violation, "the peer breaks TLS: an alert that is none",
                SSL_AD_DECODE_ERROR, output);
  const int alert = std::to_integer<int>(content[1]);
  if (alert == kUserCanceled) return;
  if (alert == SSL_AD_CLOSE_NOTIFY) {
    stop_ = Stop::ended;
    return;
  }
  fault_ = fault_of_alert(alert);
  stop_ = Stop::failed;
}

/// A client may send nothing but KeyUpdate now, and that alone in its record (§4.6.3, §5.1). Ours
/// goes out with the next message, one for all that were asked for meanwhile: who only asks gets
/// nothing that could pile up.
void RecordLayer::take_handshake(BytesView content, base::OutputQueue& output) {
  const bool update = content.size() == 5 && std::to_integer<int>(content[0]) == kKeyUpdate &&
                      std::to_integer<int>(content[1]) == 0 &&
                      std::to_integer<int>(content[2]) == 0 &&
                      std::to_integer<int>(content[3]) == 1;
  if (!update)
    return fail(Failure::violation, "the peer breaks TLS: a handshake message out of place",
                SSL_AD_UNEXPECTED_MESSAGE, output);
  const int request = std::to_integer<int>(content[4]);
  if (request > 1)
    return fail(Failure::violation, "the peer breaks TLS: a KeyUpdate with an unknown request",
                SSL_AD_ILLEGAL_PARAMETER, output);
  read_.update();
  update_owed_ |= request == 1;
}

void RecordLayer::fail(Failure failure, std::string_view reason, int alert,
                       base::OutputQueue& output) {
  stop_ = Stop::failed;
  fault_ = {failure, std::string(reason)};
  const std::array message{std::byte{2}, static_cast<std::byte>(alert)};  // fatal
  const std::array chunks{BytesView(message)};
  static_cast<void>(seal(kAlert, chunks, 0, message.size(), output));
}

// -- out --

/// Encrypts `bytes` of `chunks` from `offset` on straight into the queue.
bool RecordLayer::seal(std::uint8_t type, std::span<const BytesView> chunks, std::size_t offset,
                       std::size_t bytes, base::OutputQueue& output) {
  const std::size_t sealed = bytes + 1 + kTagBytes;
  const MutableBytes room = output.prepare(kHeaderBytes + sealed);
  auto* to = reinterpret_cast<unsigned char*>(room.data());
  const std::array<unsigned char, kHeaderBytes> header{kApplicationData, 3, 3,
                                                       static_cast<unsigned char>(sealed >> 8),
                                                       static_cast<unsigned char>(sealed)};
  std::ranges::copy(header, to);
  to += kHeaderBytes;
  bool done = write_.begin_record(header);
  const auto add = [&](const unsigned char* from, std::size_t count) {
    int written = 0;
    done = done &&
           EVP_CipherUpdate(write_.context(), to, &written, from, static_cast<int>(count)) == 1;
    to += written;
  };
  for (std::size_t left = bytes; left > 0; chunks = chunks.subspan(1), offset = 0) {
    const BytesView piece =
        chunks.front().subspan(offset).first(std::min(left, chunks.front().size() - offset));
    if (!piece.empty()) add(octets(piece), piece.size());
    left -= piece.size();
  }
  add(&type, 1);
  int last = 0;
  done = done && EVP_CipherFinal_ex(write_.context(), to, &last) == 1 &&
         EVP_CIPHER_CTX_ctrl(write_.context(), EVP_CTRL_AEAD_GET_TAG, kTagBytes, to + last) == 1;
  output.commit(done ? kHeaderBytes + sealed : 0);
  return done;
}

std::size_t RecordLayer::write(std::span<const BytesView> chunks, std::size_t offset,
                               base::OutputQueue& output) {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < chunks.size() && bytes < kPlainBytesMax + offset; ++i)
    bytes += chunks[i].size();
  bytes = std::min(bytes - offset, kPlainBytesMax);
  if (bytes == 0) return 0;
  if (update_owed_ || write_.sequence() >= kRecordsPerKey) update_own_key(output);
  return seal(kApplicationData, chunks, offset, bytes, output) ? bytes : 0;
}

void RecordLayer::update_own_key(base::OutputQueue& output) {
  constexpr std::array kNotRequested{std::byte{kKeyUpdate}, std::byte{0}, std::byte{0},
                                     std::byte{1}, std::byte{0}};
  const std::array chunks{BytesView(kNotRequested)};
  static_cast<void>(seal(kHandshake, chunks, 0, kNotRequested.size(), output));
  write_.update();
  update_owed_ = false;
}

void RecordLayer::write_close_notify(base::OutputQueue& output) {
  constexpr std::array kMessage{std::byte{1}, std::byte{SSL_AD_CLOSE_NOTIFY}};  // warning
  const std::array chunks{BytesView(kMessage)};
  static_cast<void>(seal(kAlert, chunks, 0, kMessage.size(), output));
}

}  // namespace walkie::tls
