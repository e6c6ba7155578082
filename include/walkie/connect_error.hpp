// SPDX-License-Identifier: MIT
// Why a client could not connect, for people and for programs.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walkie {

/// What stood in the way; each is a different remedy.
enum class ConnectFault : std::uint8_t {
  bad_url,      ///< The URL, the proxy's URL or an option is wrong.
  resolve,      ///< The name has no address, or the resolver failed.
  refused,      ///< Nobody listens there (ECONNREFUSED), on any address.
  unreachable,  ///< Any other failure of the network.
  timeout,      ///< A deadline passed; the message says which.
  proxy,        ///< The proxy refused or answered nonsense.
  tls,          ///< The TLS handshake or the certificate's verification failed.
  rejected,     ///< The server answered with an HTTP status; see `answer`.
  redirect,     ///< Too many redirects, or one that must not be followed.
  protocol,     ///< The server's handshake breaks RFC 6455; see `clause`.
  ended,        ///< The connection ended in the middle of the handshake.
  cancelled,    ///< close(), or the hook before the attempt, said so.
};

/// "resolve", "tls", ...
[[nodiscard]] std::string_view name_of(ConnectFault fault) noexcept;

/// An HTTP answer, whole; the body cut at ClientOptions::reject_body_bytes_max.
struct HttpAnswer {
  int status = 0;
  std::string reason{};
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};

  /// The first field of that name, in any case; empty where there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
};

struct ConnectError {
  ConnectFault fault = ConnectFault::unreachable;
  /// One line for people: "connecting to example.com: 192.0.2.1:443: connection refused".
  std::string message{};
  std::string_view clause{};  ///< Of faults of protocol: "RFC 6455 §4.1". Static.
  std::optional<HttpAnswer>
      answer{};  ///< Of rejected, redirect, protocol and proxy, where one came.
};

}  // namespace walkie
