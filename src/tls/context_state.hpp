// SPDX-License-Identifier: MIT
// The inside of contexts, and what OpenSSL's callbacks find at a connection.
#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <tls/certificate.hpp>
#include <tls/context.hpp>
#include <tls/record_layer.hpp>
#include <tls/session_cache.hpp>
#include <tls/staple.hpp>
#include <tls/ticket_keys.hpp>

namespace walkie::tls {

/// What a server's connection needs to go on without OpenSSL's state.
struct HandshakeSecrets {
  TrafficSecret client;
  TrafficSecret server;
  std::uint64_t server_records = 0;  ///< Written under its traffic secret so far.
};

/// A connection as the callbacks see it: the SSL's app data.
struct Connection {
  const TicketKeys* tickets = nullptr;  ///< Of a server; null: no resumption.
  SessionCache* sessions = nullptr;     ///< Of a client.
  std::string host{};                   ///< Of a client: whom it wants.
  std::string server{};                 ///< Of a client: "host:port", the key of `sessions`.
  std::string refusal{};                ///< What verification said of the peer's certificate.
  std::unique_ptr<HandshakeSecrets> secrets{};  ///< Of a server, until its handshake is complete.
};

struct ServerContext::State {
  struct Shown {
    SslContextPtr context;
    std::unique_ptr<Staple> staple;  ///< Null: none.
  };
  std::vector<Shown> shown;                           ///< In the order of the options; never empty.
  std::unordered_map<std::string, SSL_CTX*> by_name;  ///< Lower case.
  std::unordered_map<std::string, SSL_CTX*> by_suffix;  ///< "example.com" for "*.example.com".
  std::string protocols;                                ///< As ALPN writes them.
  KeyLog key_log;

  [[nodiscard]] SSL_CTX* find(std::string_view name) const;
};

struct ClientContext::State {
  SslContextPtr context;
  std::vector<KeyHash> pins;
  std::string server_name;
  bool insecure = false;
  SessionCache sessions{kSessionsMax};
  KeyLog key_log;
};

// -- what both kinds of context have in common --

/// A context for TLS from `version_min` on, with strong ciphers only.
[[nodiscard]] Result<SslContextPtr> make_ssl_context(const SSL_METHOD* method,
                                                     TlsVersion version_min);
/// Calls `log`, which must live as long as the context and may be empty, for every secret, and
/// gives a server's connections their own.
void set_key_log(SSL_CTX* context, const KeyLog& log);
/// [ length | name ]...: the form of ALPN (RFC 7301 §3.1).
[[nodiscard]] std::string wire_protocols(std::span<const std::string_view> protocols);

}  // namespace walkie::tls
