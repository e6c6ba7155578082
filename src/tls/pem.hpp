// SPDX-License-Identifier: MIT
// Certificates and keys from files, with errors that name the file and the reason.
#pragma once

#include <string>
#include <vector>

#include <tls/openssl.hpp>
#include <walkie/error.hpp>

namespace walkie::tls {

/// A certificate, those that lead from it to its authority, and its key.
struct KeyedCertificate {
  CertificatePtr certificate;
  std::vector<CertificatePtr> chain;
  KeyPtr key;
};

/// Reads both PEM files and checks that they belong together and are valid now. Errors: cannot be
/// read, no PEM certificate or key in it, the key is encrypted, belongs to another certificate;
/// expired and not yet valid, with the date.
[[nodiscard]] Result<KeyedCertificate> read_keyed_certificate(const std::string& certificate_file,
                                                              const std::string& key_file);

/// All certificates of a PEM file; at least one.
[[nodiscard]] Result<std::vector<CertificatePtr>> read_certificates(const std::string& file);

/// A whole file of at most `bytes_max` bytes. `what` begins its errors: "OCSP response".
[[nodiscard]] Result<std::string> read_file(std::string_view what, const std::string& file,
                                            std::size_t bytes_max);

/// Gives a context the certificate to show.
[[nodiscard]] Result<void> use_certificate(SSL_CTX* context, const KeyedCertificate& keyed);

}  // namespace walkie::tls
