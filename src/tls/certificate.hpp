// SPDX-License-Identifier: MIT
// What a certificate says, as text for people: names, dates, subjects, and the hash of its key.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <tls/openssl.hpp>

namespace walkie::tls {

/// Host names and addresses of the subjectAltName, as written there; of the common name where it
/// has none. Control characters are replaced.
[[nodiscard]] std::vector<std::string> names_of(X509* certificate);

/// RFC 4514 text ("CN=alice,O=Example"), control characters escaped.
[[nodiscard]] std::string text_of_name(const X509_NAME* name);

/// "2026-01-31 12:00 UTC".
[[nodiscard]] std::string text_of_time(const ASN1_TIME* time);

/// SHA-256 of the SubjectPublicKeyInfo (RFC 7469 §2.4).
using KeyHash = std::array<std::byte, 32>;
[[nodiscard]] KeyHash key_hash(X509* certificate);

/// Says that its server must staple an OCSP response (RFC 7633).
[[nodiscard]] bool must_staple(X509* certificate);

/// Names where its issuer's certificate can be fetched, as those of public authorities do.
[[nodiscard]] bool names_issuers_address(X509* certificate);

/// "192.0.2.1" or "2001:db8::1", without brackets.
[[nodiscard]] bool is_ip_address(std::string_view host);

}  // namespace walkie::tls
