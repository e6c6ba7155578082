// SPDX-License-Identifier: MIT
// A server's contexts, one for each certificate, and what OpenSSL asks them.
#include <algorithm>
#include <array>

#include <tls/context_state.hpp>
#include <tls/pem.hpp>
#include <tls/refusal.hpp>
#include <walkie/bytes.hpp>

namespace walkie::tls {
namespace {

// One ticket for each connection: WebSocket clients open few, and each costs bytes and time.
constexpr std::size_t kTickets = 1;

std::string lower(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), [](unsigned char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : static_cast<char>(c);
  });
  return result;
}

Connection& connection_of(SSL* ssl) { return *static_cast<Connection*>(SSL_get_app_data(ssl)); }

// -- what OpenSSL asks in the handshake --

int choose_certificate(SSL* ssl, int*, void* argument) {
  const auto* state = static_cast<const ServerContext::State*>(argument);
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  SSL_CTX* context = name ? state->find(name) : nullptr;
  if (context && context != SSL_get_SSL_CTX(ssl)) SSL_set_SSL_CTX(ssl, context);
  return SSL_TLSEXT_ERR_OK;
}

int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned int offered_bytes, void* argument) {
  const std::string& ours = static_cast<const ServerContext::State*>(argument)->protocols;
  unsigned char* match = nullptr;
  const int found = SSL_select_next_proto(
      &match, chosen_bytes, reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned>(ours.size()), offered, offered_bytes);
  *chosen = match;
  // RFC 7301 §3.2: no overlap is fatal.
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

int seal_or_open_ticket(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                        EVP_MAC_CTX* mac, int sealing) {
  const TicketKeys* keys = connection_of(ssl).tickets;
  if (!keys) return 0;
  if (sealing) return keys->seal(name, iv, cipher, mac);
  const int opened = keys->open(name, iv, cipher, mac);
  // A ticket of TLS 1.3 is for one use (RFC 8446 §C.4): who came with one gets another.
  return opened == 1 && SSL_version(ssl) >= TLS1_3_VERSION ? 2 : opened;
}

/// A session holds the client's certificate as it was verified once: after its end the client is
/// asked for it anew.
SSL_TICKET_RETURN judge_ticket(SSL*, SSL_SESSION* session, const unsigned char*, std::size_t,
                               SSL_TICKET_STATUS status, void*) {
  if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  const X509* shown = SSL_SESSION_get0_peer(session);
  if (shown && X509_cmp_current_time(X509_get0_notAfter(shown)) <= 0)
    return SSL_TICKET_RETURN_IGNORE_RENEW;
  return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

int staple(SSL* ssl, void* argument) {
  const auto* staple = static_cast<const Staple*>(argument);
  if (!staple->current()) return SSL_TLSEXT_ERR_NOACK;
  void* copy = OPENSSL_memdup(staple->der.data(), staple->der.size());
  if (!copy) return SSL_TLSEXT_ERR_NOACK;
  SSL_set_tlsext_status_ocsp_resp(ssl, copy, static_cast<int>(staple->der.size()));
  return SSL_TLSEXT_ERR_OK;
}

int verify_client(X509_STORE_CTX* verification, void*) {
  if (X509_verify_cert(verification) == 1) return 1;
  auto* ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  connection_of(ssl).refusal = refusal_of(verification, {});
  return 0;
}

/// Told of every record's header, and more: OpenSSL has no other way to know how many went out.
void count_records(int written, int, int content_type, const void*, std::size_t, SSL* ssl, void*) {
  if (!written || content_type != SSL3_RT_HEADER) return;
  HandshakeSecrets* secrets = connection_of(ssl).secrets.get();
  if (secrets && !secrets->server.empty()) ++secrets->server_records;
}

// -- making one --

/// A ticket holds who the client is: one that was issued under other authorities or another demand
/// is not honoured.
void set_session_realm(SSL_CTX* context, const ServerTls& options,
                       std::span<const CertificatePtr> authorities) {
  std::string realm(1, static_cast<char>(options.client_certificates));
  for (const CertificatePtr& authority : authorities) {
    realm += text_of(key_hash(authority.get()));
    realm += text_of_name(X509_get_subject_name(authority.get()));
  }
  std::array<unsigned char, SSL_MAX_SID_CTX_LENGTH> hash;
  static_assert(hash.size() == 32);
  EVP_Digest(realm.data(), realm.size(), hash.data(), nullptr, EVP_sha256(), nullptr);
  SSL_CTX_set_session_id_context(context, hash.data(), hash.size());
}

void ask_for_certificates(SSL_CTX* context, ClientCertificates wanted,
                          std::span<const CertificatePtr> authorities) {
  if (wanted == ClientCertificates::off) return;
  const int demand = wanted == ClientCertificates::required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0;
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | demand, nullptr);
  SSL_CTX_set_cert_verify_callback(context, verify_client, nullptr);
  for (const CertificatePtr& authority : authorities) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get());
    SSL_CTX_add_client_CA(context, authority.get());
  }
}

void set_resumption(SSL_CTX* context, std::chrono::seconds ticket_key_lifetime) {
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (ticket_key_lifetime.count() <= 0) {
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return;
  }
  // RFC 8446 §4.6.1: at most seven days.
  constexpr std::int64_t kLongest = std::int64_t{7} * 24 * 3600;
  const std::int64_t honoured = std::min<std::int64_t>(2 * ticket_key_lifetime.count(), kLongest);
  SSL_CTX_set_timeout(context, honoured);
  SSL_CTX_set_num_tickets(context, kTickets);
  SSL_CTX_set_tlsext_ticket_key_evp_cb(context, seal_or_open_ticket);
  SSL_CTX_set_session_ticket_cb(context, nullptr, judge_ticket, nullptr);
}

Result<std::vector<CertificatePtr>> read_client_authorities(const ServerTls& options) {
  if (options.client_certificates == ClientCertificates::off) return std::vector<CertificatePtr>{};
  if (options.client_ca_file.empty())
    return std::unexpected(
        Error{"client certificates need the authorities that sign them: client_ca_file", {}});
  return read_certificates(options.client_ca_file);
}

/// The first certificate with a name shows itself for it.
void add_names(ServerContext::State& state, X509* certificate, SSL_CTX* context) {
  for (const std::string& name : names_of(certificate)) {
    const std::string key = lower(name);
    if (key.starts_with("*."))
      state.by_suffix.emplace(key.substr(2), context);
    else
      state.by_name.emplace(key, context);
  }
}

Result<void> add_certificate(ServerContext::State& state, const Certificate& files,
                             const ServerTls& options,
                             std::span<const CertificatePtr> authorities) {
  auto keyed = read_keyed_certificate(files.certificate_file, files.key_file);
  if (!keyed) return std::unexpected(std::move(keyed.error()));
  auto made = make_ssl_context(TLS_server_method(), options.version_min);
  if (!made) return std::unexpected(std::move(made.error()));
  SSL_CTX* context = made->get();
  if (auto used = use_certificate(context, *keyed); !used) return used;
  ServerContext::State::Shown shown{*std::move(made), nullptr};
  if (!files.ocsp_file.empty()) {
    auto read = read_staple(files.ocsp_file, keyed->certificate.get());
    if (!read) return std::unexpected(std::move(read.error()));
    shown.staple = std::make_unique<Staple>(*std::move(read));
    SSL_CTX_set_tlsext_status_cb(context, staple);
    SSL_CTX_set_tlsext_status_arg(context, shown.staple.get());
  }
  SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
  SSL_CTX_set_tlsext_servername_arg(context, &state);
  if (!state.protocols.empty()) SSL_CTX_set_alpn_select_cb(context, choose_protocol, &state);
  set_resumption(context, options.ticket_key_lifetime);
  set_session_realm(context, options, authorities);
  ask_for_certificates(context, options.client_certificates, authorities);
  set_key_log(context, state.key_log);
  SSL_CTX_set_msg_callback(context, count_records);
  add_names(state, keyed->certificate.get(), context);
  state.shown.push_back(std::move(shown));
  return {};
}

}  // namespace

SSL_CTX* ServerContext::State::find(std::string_view name) const {
  std::string key = lower(name);
  if (key.ends_with('.')) key.pop_back();
  if (const auto found = by_name.find(key); found != by_name.end()) return found->second;
  // A wildcard stands for one label (RFC 6125 §6.4.3).
  const std::size_t dot = key.find('.');
  if (dot == std::string::npos) return nullptr;
  const auto found = by_suffix.find(key.substr(dot + 1));
  return found == by_suffix.end() ? nullptr : found->second;
}

ServerContext::ServerContext(std::unique_ptr<State> state) : state_(std::move(state)) {}
ServerContext::~ServerContext() = default;

Result<std::shared_ptr<const ServerContext>> ServerContext::make(
    const ServerTls& options, std::span<const std::string_view> protocols, KeyLog key_log) {
  if (options.certificates.empty())
    return std::unexpected(Error{"TLS needs a certificate and its key", {}});
  const auto authorities = read_client_authorities(options);
  if (!authorities) return std::unexpected(authorities.error());
  auto state = std::make_unique<State>();
  state->protocols = wire_protocols(protocols);
  state->key_log = std::move(key_log);
  for (const Certificate& files : options.certificates)
    if (auto added = add_certificate(*state, files, options, *authorities); !added)
      return std::unexpected(std::move(added.error()));
  clear_errors();
  return std::shared_ptr<const ServerContext>(new ServerContext(std::move(state)));
}

}  // namespace walkie::tls
