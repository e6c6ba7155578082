// SPDX-License-Identifier: MIT
// Sealing as RFC 5077 §4 recommends: AES in CBC mode, then HMAC.
//
//   secret: [ name 16 | AES-256 32 | HMAC-SHA-256 32 ]
#include <tls/ticket_keys.hpp>

#include <algorithm>
#include <cstring>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/params.h>
#include <openssl/rand.h>

namespace walkie::tls {
namespace {

constexpr std::size_t kNameBytes = 16;
constexpr std::size_t kCipherKeyBytes = 32;
constexpr std::size_t kMacKeyBytes = 32;
constexpr int kIvBytes = 16;

const unsigned char* octets(const TicketKeys::Secret& secret) {
  return reinterpret_cast<const unsigned char*>(secret.data());
}

bool begin_mac(EVP_MAC_CTX* mac, const TicketKeys::Secret& secret) {
  auto* key = const_cast<unsigned char*>(octets(secret)) + kNameBytes + kCipherKeyBytes;
  char digest[] = "SHA256";
  const std::array parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key, kMacKeyBytes),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
      OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
}

}  // namespace

TicketKeys::TicketKeys(const Secret& secret, const TicketKeys* before)
    : cipher_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)), current_(secret) {
  if (before) previous_ = before->current_;
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(current_.data(), current_.size());
  if (previous_) OPENSSL_cleanse(previous_->data(), previous_->size());
}

int TicketKeys::seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
  std::memcpy(name, current_.data(), kNameBytes);
  const bool ready =
      RAND_bytes(iv, kIvBytes) == 1 &&
      EVP_EncryptInit_ex(cipher, cipher_.get(), nullptr, octets(current_) + kNameBytes, iv) == 1 &&
      begin_mac(mac, current_);
  return ready ? 1 : -1;
}

int TicketKeys::open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
                     EVP_MAC_CTX* mac) const {
  const auto named = [name](const Secret& secret) {
    return std::equal(name, name + kNameBytes, octets(secret));
  };
  const bool renew = previous_ && named(*previous_);
  if (!renew && !named(current_)) return 0;
  const Secret& secret = renew ? *previous_ : current_;
  if (!begin_mac(mac, secret) ||
      EVP_DecryptInit_ex(cipher, cipher_.get(), nullptr, octets(secret) + kNameBytes, iv) != 1)
    return -1;
  return renew ? 2 : 1;
}

}  // namespace walkie::tls
