// SPDX-License-Identifier: MIT
// TLS as a user configures it: certificates of a server, and whom a client trusts.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace walkie {

/// Protocol versions, oldest first. Older ones than these are never spoken.
enum class TlsVersion : std::uint8_t { tls_1_2, tls_1_3 };

/// One certificate of a server, in PEM files that are read at start and at each reload.
struct Certificate {
  std::string certificate_file{};  ///< The certificate first, then its intermediates.
  std::string key_file{};          ///< Its private key, not encrypted.
  std::string ocsp_file{};         ///< A DER OCSP response to staple; empty: none.
};

/// Whether clients show certificates (mutual TLS).
enum class ClientCertificates : std::uint8_t { off, optional, required };

/// TLS of a server. The certificate whose names match the client's SNI is shown (exact names before
/// wildcards, which stand for one label); where none matches or none was asked for, the first.
struct ServerTls {
  std::vector<Certificate> certificates{};
  ClientCertificates client_certificates = ClientCertificates::off;
  /// PEM certificates of the authorities that sign clients' certificates; needed where they are not
  /// off.
  std::string client_ca_file{};
  TlsVersion version_min = TlsVersion::tls_1_2;
  /// Resumption by tickets. Their keys are this server's alone, shared by its shards, replaced
  /// after this time and honoured for twice as long; 0: no resumption.
  std::chrono::seconds ticket_key_lifetime{3600};
  /// Appends the secrets of every connection in NSS format, for Wireshark; empty: what the variable
  /// SSLKEYLOGFILE names, if anything. Who reads it reads everything.
  std::string key_log_file{};
};

/// Whom a client trusts and what it shows. The defaults verify chain, validity and host name.
struct ClientTls {
  bool system_trust = true;  ///< The distribution's trust store.
  std::string ca_file{};     ///< Further PEM authorities.
  /// Base64 SHA-256 of the SubjectPublicKeyInfo of the server's certificate or one of its chain:
  /// where any are given, one must match as well.
  std::vector<std::string> pinned_keys{};
  /// Shown where the server asks, but not to a proxy, nor behind a redirect to another origin; PEM
  /// with its chain.
  std::string certificate_file{};
  std::string key_file{};
  std::string server_name{};  ///< For SNI and verification in place of the URL's host.
  TlsVersion version_min = TlsVersion::tls_1_2;
  std::string key_log_file{};  ///< As ServerTls::key_log_file.
  /// No verification at all: anyone on the way can read and change everything. Logged as a warning
  /// at each connection.
  bool insecure_accept_any_certificate = false;
};

}  // namespace walkie
