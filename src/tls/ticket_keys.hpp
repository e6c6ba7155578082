// SPDX-License-Identifier: MIT
// The keys that session tickets are sealed with (RFC 5077 §4, RFC 8446 §4.6.1): the current one,
// and the one before it, which is still honoured.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include <tls/openssl.hpp>

namespace walkie::tls {

/// Immutable, so shards share it; rotation makes another. Its memory is wiped at the end.
class TicketKeys {
 public:
  /// Of a key: name, AES-256, HMAC-SHA-256.
  static constexpr std::size_t kSecretBytes = 16 + 32 + 32;
  using Secret = std::array<std::byte, kSecretBytes>;

  /// `secret` is drawn at random for it. `before`'s current key is honoured still, its older one no
  /// more.
  explicit TicketKeys(const Secret& secret, const TicketKeys* before = nullptr);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// As SSL_CTX_set_tlsext_ticket_key_evp_cb() asks: 1: ready, 2: ready, and the ticket is to be
  /// renewed, 0: unknown key, -1: failed.
  int seal(unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) const;
  int open(const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
           EVP_MAC_CTX* mac) const;

 private:
  CipherPtr cipher_;
  Secret current_;
  std::optional<Secret> previous_;
};

}  // namespace walkie::tls
