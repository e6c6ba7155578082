// SPDX-License-Identifier: MIT
// URLs of WebSockets and of proxies (RFC 6455 §3, RFC 3986), and what a redirect leads to.
//
//   scheme "://" [ user [":" password] "@" ] host [":" port] [ path ] [ "?" query ]
//                  percent-decoded           lower    target: as sent
//                                            case
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <walkie/error.hpp>

namespace walkie::http {

/// Longer URLs are refused.
inline constexpr std::size_t kUrlBytesMax = 8 * 1024;

/// A URL taken apart. A value.
struct Url {
  std::string scheme;  ///< Lower case: ws, wss, http, https, socks5, socks5h.
  std::string user;    ///< Percent-decoded, without control bytes; empty: none.
  std::string password;
  std::string host;  ///< Lower case ASCII; IPv6 without its brackets.
  bool has_ipv6_host = false;
  std::uint16_t port = 0;    ///< The scheme's where none is given.
  std::string target = "/";  ///< Path and query as sent; begins with "/".

  [[nodiscard]] bool secure() const noexcept { return scheme == "wss" || scheme == "https"; }
  [[nodiscard]] bool has_credentials() const noexcept { return !user.empty() || !password.empty(); }
  /// The value of a Host field: the port only where it is not the scheme's.
  [[nodiscard]] std::string host_field() const;
  /// "host:port", IPv6 in brackets.
  [[nodiscard]] std::string authority() const;
  /// Without user and password: for logs. parse_url() makes the same of it.
  [[nodiscard]] std::string text() const;
  /// Scheme (ws is http, wss is https), host and port are the same.
  [[nodiscard]] bool same_origin(const Url& other) const noexcept;
};

/// Errors: one line that quotes `text` (its password masked) and says what is wrong: no scheme, an
/// unknown one, no host, a bad port, a fragment (RFC 6455 §3 has none), bytes that may not stand in
/// a URL, malformed escapes. Longer than 8 kB is one, and so is a host that is not ASCII: it must
/// come in its xn-- form. What browsers let stand in a path or query beyond RFC 3986 ('[', ']',
/// '|') may.
[[nodiscard]] Result<Url> parse_url(std::string_view text);

/// Where a redirect's Location leads from `base` (RFC 3986 §5.2, RFC 9110 §10.2.2); http and https
/// become ws and wss, and nothing else comes out. A fragment is dropped, and so are user and
/// password of either. Errors as of parse_url().
[[nodiscard]] Result<Url> resolve_location(const Url& base, std::string_view location);

}  // namespace walkie::http
