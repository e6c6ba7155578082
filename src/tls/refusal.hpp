// SPDX-License-Identifier: MIT
// Why a chain of certificates was not accepted, in words that name the remedy.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <tls/certificate.hpp>

namespace walkie::tls {

/// After X509_verify_cert() said no. `host` is whom a client wanted; empty on a server.
[[nodiscard]] std::string refusal_of(X509_STORE_CTX* verification, std::string_view host);

/// Why none of `pins` fits; empty where one does. Looks at the verified chain, or, where nothing
/// was verified, at the server's certificate alone: anyone can send the others.
[[nodiscard]] std::string pin_refusal(X509_STORE_CTX* verification, std::span<const KeyHash> pins);

}  // namespace walkie::tls
