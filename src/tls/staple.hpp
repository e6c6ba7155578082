// SPDX-License-Identifier: MIT
// Stapled OCSP responses (RFC 6066 §8, RFC 6960): what a server sends along, and what a client
// makes of it.
#pragma once

#include <memory>
#include <string>

#include <tls/openssl.hpp>
#include <walkie/error.hpp>

namespace walkie::tls {

/// A response that a server staples. Immutable.
struct Staple {
  std::string der;
  std::unique_ptr<ASN1_GENERALIZEDTIME, FreedBy<ASN1_GENERALIZEDTIME_free>> next_update;

  /// Past its time it is not sent: clients would refuse it.
  [[nodiscard]] bool current() const;
};

/// Reads a DER file. Errors: cannot be read, no OCSP response, not about `certificate`, out of
/// date.
[[nodiscard]] Result<Staple> read_staple(const std::string& file, X509* certificate);

/// Why a client refuses its server by what was stapled; empty: it does not. Only a signed response
/// that is about this certificate and in date counts; without one, a certificate that demands
/// stapling (RFC 7633) is refused. The chain has been verified.
[[nodiscard]] std::string staple_refusal(SSL* ssl);

}  // namespace walkie::tls
