// SPDX-License-Identifier: MIT
// A client's context: whom it trusts, what it shows, and what OpenSSL asks it.
#include <algorithm>
#include <array>

#include <tls/context_state.hpp>
#include <tls/pem.hpp>
#include <tls/refusal.hpp>

namespace walkie::tls {
namespace {

Connection& connection_of(SSL* ssl) { return *static_cast<Connection*>(SSL_get_app_data(ssl)); }

// -- what OpenSSL asks --

int verify_server(X509_STORE_CTX* verification, void* argument) {
  const auto* state = static_cast<const ClientContext::State*>(argument);
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  Connection& connection = connection_of(ssl);
  if (!state->insecure && X509_verify_cert(verification) != 1) {
    connection.refusal = refusal_of(verification, connection.host);
    return 0;
  }
  if (!state->pins.empty()) connection.refusal = pin_refusal(verification, state->pins);
  if (connection.refusal.empty()) return 1;
  X509_STORE_CTX_set_error(verification, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

int judge_staple(SSL* ssl, void* argument) {
  const auto* state = static_cast<const ClientContext::State*>(argument);
  // Who resumes shows no certificate, and staples nothing.
  if (state->insecure || SSL_session_reused(ssl) == 1) return 1;
  Connection& connection = connection_of(ssl);
  connection.refusal = staple_refusal(ssl);
  return connection.refusal.empty() ? 1 : 0;
}

/// Takes over the session where it returns 1.
int keep_session(SSL* ssl, SSL_SESSION* session) {
  const Connection& connection = connection_of(ssl);
  connection.sessions->store(connection.server, SessionPtr(session));
  return 1;
}

// -- making one --

Result<void> set_trust(SSL_CTX* context, const ClientTls& options) {
  if (options.system_trust && SSL_CTX_set_default_verify_paths(context) != 1)
    return std::unexpected(Error{"loading the system's trusted authorities: " + take_error(), {}});
  if (options.ca_file.empty()) return {};
  const auto authorities = read_certificates(options.ca_file);
  if (!authorities) return std::unexpected(authorities.error());
  for (const CertificatePtr& authority : *authorities)
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
  return {};
}

Result<void> set_own_certificate(SSL_CTX* context, const ClientTls& options) {
  if (options.certificate_file.empty()) return {};
  const std::string& key_file =
      options.key_file.empty() ? options.certificate_file : options.key_file;
  const auto keyed = read_keyed_certificate(options.certificate_file, key_file);
  if (!keyed) return std::unexpected(keyed.error());
  return use_certificate(context, *keyed);
}

Result<KeyHash> parse_pin(std::string_view text) {
  KeyHash hash{};
  std::array<unsigned char, 33> decoded;  // 44 characters are 33 bytes, the last of them padding
  std::string_view base64 = text;
  if (base64.starts_with("sha256/")) base64.remove_prefix(7);
  const bool valid =
      base64.size() == 44 && base64.ends_with('=') && !base64.ends_with("==") &&
      EVP_DecodeBlock(decoded.data(), reinterpret_cast<const unsigned char*>(base64.data()), 44) ==
          33;
  clear_errors();
  if (!valid)
    return std::unexpected(
        Error{"pinned key '" + std::string(text) + "' is no Base64 of a SHA-256 hash", {}});
  std::ranges::transform(std::span(decoded).first(hash.size()), hash.begin(),
                         [](unsigned char octet) { return std::byte{octet}; });
  return hash;
}

}  // namespace

ClientContext::ClientContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
ClientContext::~ClientContext() = default;

Result<std::unique_ptr<ClientContext>> ClientContext::make(
    const ClientTls& options, std::span<const std::string_view> protocols, KeyLog key_log) {
  auto made = make_ssl_context(TLS_client_method(), options.version_min);
  if (!made) return std::unexpected(std::move(made.error()));
  auto state = std::make_unique<State>();
  state->context = *std::move(made);
  state->server_name = options.server_name;
  state->insecure = options.insecure_accept_any_certificate;
  state->key_log = std::move(key_log);
  for (const std::string& text : options.pinned_keys) {
    const auto pin = parse_pin(text);
    if (!pin) return std::unexpected(pin.error());
    state->pins.push_back(*pin);
  }
  SSL_CTX* context = state->context.get();
  if (auto set = set_trust(context, options); !set) return std::unexpected(std::move(set.error()));
  if (auto set = set_own_certificate(context, options); !set)
    return std::unexpected(std::move(set.error()));
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify_server, state.get());
  SSL_CTX_set_tlsext_status_cb(context, judge_staple);
  SSL_CTX_set_tlsext_status_arg(context, state.get());
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, keep_session);
  const std::string wire = wire_protocols(protocols);
  SSL_CTX_set_alpn_protos(context, reinterpret_cast<const unsigned char*>(wire.data()),
                          static_cast<unsigned>(wire.size()));
  set_key_log(context, state->key_log);
  clear_errors();
  return std::unique_ptr<ClientContext>(new ClientContext(std::move(state)));
}

}  // namespace walkie::tls
