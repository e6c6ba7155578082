// SPDX-License-Identifier: MIT
// The client's opening handshake (RFC 6455 §4.1) with what HTTP brings along: credentials, cookies,
// redirects, rejections. A machine: nonces come in, requests and judgements come out.
//
//   make() -> [ dial url() -> request(nonce) -> judge(event) ]* -> agreed | error
//               ^------------------ redirect ------'
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <client/exchange.hpp>
#include <http/client_connection.hpp>
#include <http/url.hpp>
#include <proto/deflate_negotiation.hpp>
#include <walkie/client.hpp>
#include <walkie/connect_error.hpp>

namespace walkie::client {

/// What the server's 101 agreed to.
struct AgreedUpgrade {
  std::string subprotocol;  ///< Empty: none.
  proto::DeflateParams deflate;
  HttpAnswer answer;
};

/// url() is another now: dial it, and ask there.
struct FollowedRedirect {
  std::string message;  ///< For the log: "ws://a/ redirects to wss://b/ (301 Moved Permanently)".
};

using UpgradeOutcome = std::variant<AgreedUpgrade, FollowedRedirect, ConnectError>;

/// What `options` say about compression.
[[nodiscard]] proto::DeflatePolicy deflate_policy(const ClientOptions& options) noexcept;

/// One attempt to open a WebSocket, over all its redirects. A value; not thread safe.
class Handshake {
 public:
  using Fields = std::span<const std::pair<std::string, std::string>>;

  /// For `url` (ws or wss; http and https count as those), with `headers` in place of those of
  /// `options` (the hook before an attempt may have changed both). The options' bearer token goes
  /// before their user and password, and those before the URL's.
  /// Errors (bad_url, each names what is wrong): the URL; a header that the handshake or HTTP
  /// writes itself, that is given twice over (Authorization, Cookie, Origin), or with a byte that
  /// may not stand there; subprotocols that are no tokens or not unique (RFC 6455 §4.1); window
  /// bits that are not 9 to 15, or a level that is not 1 to 9.
  [[nodiscard]] static std::expected<Handshake, ConnectError> make(std::string_view url,
                                                                   Fields headers,
                                                                   const ClientOptions& options);

  /// Where to ask; without user and password. Follows redirects.
  [[nodiscard]] const http::Url& url() const noexcept { return url_; }
  /// Whether a redirect led to another origin: see judge().
  [[nodiscard]] bool credentials_dropped() const noexcept { return credentials_dropped_; }

  /// The request for url(), with a nonce of its own each time (RFC 6455 §4.1). Its target and
  /// fields hold nothing that ClientConnection::request() refuses.
  [[nodiscard]] OutgoingRequest request(const std::array<std::byte, 16>& nonce);

  /// Judges what came of the last request.
  ///
  /// Redirects are 301, 302, 303, 307 and 308 (RFC 9110 §15.4). Refused are those from wss to ws,
  /// and more than redirects_max of them, which ends loops. At the first one to another origin the
  /// credentials (Authorization, Cookie, user and password, bearer token) stay behind for good,
  /// even if a later one leads back.
  /// Errors: rejected (any other status than 101, with the answer), redirect, protocol (with the
  /// clause), ended.
  [[nodiscard]] UpgradeOutcome judge(const http::ClientEvent& event);

 private:
  Handshake() = default;
  [[nodiscard]] UpgradeOutcome judge_switch(const http::ClientEvent& event) const;
  [[nodiscard]] UpgradeOutcome follow(HttpAnswer answer);
  [[nodiscard]] ConnectError broken(const http::ClientEvent& event) const;
  [[nodiscard]] ConnectError rejected(HttpAnswer answer) const;
  [[nodiscard]] std::string hint(const HttpAnswer& answer) const;
  [[nodiscard]] std::string credentials_hint(const HttpAnswer& answer) const;
  [[nodiscard]] bool sends_credentials() const noexcept;

  http::Url url_;
  std::vector<std::pair<std::string, std::string>> headers_;
  std::string authorization_;  ///< Not from headers_; empty: none.
  std::string cookies_;
  std::string origin_;
  std::vector<std::string> subprotocols_;
  proto::DeflatePolicy deflate_;
  std::uint32_t redirects_max_ = 0;
  std::uint32_t redirects_ = 0;
  bool credentials_dropped_ = false;
  std::string key_;  ///< Of the last request.
};

}  // namespace walkie::client
