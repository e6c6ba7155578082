// SPDX-License-Identifier: MIT
// What we speak: TLS 1.2 with forward secrecy and AEAD ciphers, and TLS 1.3.
#include <tls/context_state.hpp>

#include <tls/openssl.hpp>

namespace walkie::tls {
namespace {

// AES-128 first: as good as AES-256 for a connection, and cheaper. Clients without AES instructions
// prefer ChaCha20, and get it (SSL_OP_PRIORITIZE_CHACHA).
constexpr const char* kCiphers12 =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kCiphers13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // 112 bits: no RSA below 2048, no SHA-1 signatures
constexpr long kCertificateListBytesMax = 64 * 1024;

/// [ label | space | the client's random | space | secret ], in hexadecimal.
void keep_secret(HandshakeSecrets& secrets, std::string_view line) {
  const std::string_view label = line.substr(0, line.find(' '));
  const std::string_view digits = line.substr(line.rfind(' ') + 1);
  if (label == "CLIENT_TRAFFIC_SECRET_0") secrets.client.assign_hex(digits);
  if (label == "SERVER_TRAFFIC_SECRET_0") secrets.server.assign_hex(digits);
}

void log_secret(const SSL* ssl, const char* line) {
  const auto* connection = static_cast<const Connection*>(SSL_get_app_data(ssl));
  if (connection->secrets) keep_secret(*connection->secrets, line);
  const auto* log = static_cast<const KeyLog*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  if (*log) (*log)(line);
}

}  // namespace

Result<SslContextPtr> make_ssl_context(const SSL_METHOD* method, TlsVersion version_min) {
  clear_errors();
  SslContextPtr context(SSL_CTX_new(method));
  const int oldest = version_min == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  const bool made = context && SSL_CTX_set_min_proto_version(context.get(), oldest) == 1 &&
                    SSL_CTX_set_cipher_list(context.get(), kCiphers12) == 1 &&
                    SSL_CTX_set_ciphersuites(context.get(), kCiphers13) == 1 &&
                    SSL_CTX_set1_groups_list(context.get(), kGroups) == 1;
  if (!made) return std::unexpected(Error{"setting TLS up: " + take_error(), {}});
  SSL_CTX_set_security_level(context.get(), kSecurityLevel);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                         SSL_OP_CIPHER_SERVER_PREFERENCE |
                                         SSL_OP_PRIORITIZE_CHACHA);
  // The chain that is shown is the one in the file, not one found among trusted authorities.
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
  SSL_CTX_set_max_cert_list(context.get(), kCertificateListBytesMax);
  return context;
}

void set_key_log(SSL_CTX* context, const KeyLog& log) {
  SSL_CTX_set_app_data(context, const_cast<KeyLog*>(&log));
  SSL_CTX_set_keylog_callback(context, log_secret);
}

std::string wire_protocols(std::span<const std::string_view> protocols) {
  std::string wire;
  for (const std::string_view protocol : protocols) {
    wire += static_cast<char>(protocol.size());
    wire += protocol;
  }
  return wire;
}

}  // namespace walkie::tls
