// SPDX-License-Identifier: MIT
// TLS of `walkie serve`: which endpoints speak it, and with which certificates.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <cli/settings.hpp>
#include <walkie/error.hpp>
#include <walkie/tls.hpp>

namespace walkie::cli {

/// Where to listen, and whether under TLS.
struct ServeEndpoint {
  std::string address;  ///< As Server::listen() takes it.
  bool tls = false;
};

/// "http://" and "https://" before an address say which it is. Without one, TCP speaks TLS where a
/// certificate is given, and unix sockets never do.
[[nodiscard]] std::vector<ServeEndpoint> serve_endpoints(const Settings& settings);

/// Whether a certificate is given, or a development one asked for.
[[nodiscard]] bool has_certificates(const Settings& settings);

/// What is wrong with the TLS options together, and the option's key; nothing where nothing is.
struct TlsOptionFault {
  std::string_view key;
  std::string what;
};
[[nodiscard]] std::optional<TlsOptionFault> fault_of_tls(const Settings& settings);

/// Without certificates that were made: see development_certificate().
[[nodiscard]] ServerTls tls_options(const Settings& settings);

/// A certificate for localhost, 127.0.0.1 and ::1 in the user's cache directory, made where there
/// is none that lasts for another week.
[[nodiscard]] Result<Certificate> development_certificate(const Environment& environment);

/// How to make others trust that file, in lines for people.
[[nodiscard]] std::string how_to_trust(const std::string& certificate_file);

}  // namespace walkie::cli
