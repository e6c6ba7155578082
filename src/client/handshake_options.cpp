// SPDX-License-Identifier: MIT
// The options of an opening handshake, checked.
#include <client/handshake_options.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

#include <base/header_field.hpp>
#include <base/printable.hpp>
#include <http/basic_auth.hpp>
#include <http/characters.hpp>

namespace walkie::client {
namespace {

using Fault = std::optional<std::string>;
using Headers = std::span<const std::pair<std::string, std::string>>;

/// Written by the handshake or by HTTP itself, beside all of Sec-WebSocket-*.
constexpr std::array<std::string_view, 5> kOwnNames{"Host", "Upgrade", "Connection",
                                                    "Content-Length", "Transfer-Encoding"};

std::string quoted(std::string_view text) { return "'" + base::printable(text, 80) + "'"; }

bool is_own(std::string_view name) noexcept {
  constexpr std::string_view kPrefix = "Sec-WebSocket-";
  if (equal_ignoring_case(name.substr(0, kPrefix.size()), kPrefix)) return true;
  return std::ranges::any_of(
      kOwnNames, [name](std::string_view own) { return equal_ignoring_case(name, own); });
}

/// Values of options are secrets now and then: they are not quoted.
Fault value_fault(std::string_view what, std::string_view value) {
  if (http::all_are(http::kValueChar, value)) return std::nullopt;
  return std::string(what) + " has a control byte (perhaps a line end that was read along)";
}

Fault header_fault(std::string_view name, std::string_view value) {
  const std::string what = "header " + quoted(name);
  if (!is_token(name)) return what + ": its name is no token (RFC 9110 §5.6.2)";
  if (is_own(name)) return what + " is written by the handshake itself";
  if (equal_ignoring_case(name, "Proxy-Authorization"))
    return what + ": user and password for a proxy stand in the proxy's URL";
  return value_fault(what, value);
}

/// What one option gives must not stand among the headers once more.
Fault double_fault(Headers headers, std::string_view name, bool given) {
  if (!given) return std::nullopt;
  for (const auto& [header, value] : headers) {
    if (equal_ignoring_case(header, name))
      return "header " + quoted(header) + " is given twice: as an option, and among the headers";
  }
  return std::nullopt;
}

Fault subprotocol_fault(std::span<const std::string> subprotocols) {
  for (std::size_t i = 0; i < subprotocols.size(); ++i) {
    const std::string& name = subprotocols[i];
    if (!is_token(name)) return "subprotocol " + quoted(name) + " is no token (RFC 6455 §4.1)";
    const auto before = subprotocols.first(i);
    if (std::ranges::find(before, name) != before.end())
      return "subprotocol " + quoted(name) + " is offered twice (RFC 6455 §4.1)";
  }
  return std::nullopt;
}

/// In a bearer token or an origin nothing but visible ASCII stands.
Fault word_fault(std::string_view what, std::string_view word) {
  const bool visible = std::ranges::all_of(word, [](char c) { return c > ' ' && c <= '~'; });
  if (visible) return std::nullopt;
  return std::string(what) +
         " has a space or another byte that may not stand there (perhaps a line end)";
}

Fault basic_fault(const ClientOptions& options, const http::Url& url) {
  const bool by_option = !options.user.empty() || !options.password.empty();
  if (!options.bearer_token.empty()) return std::nullopt;
  if (http::is_basic_user(by_option ? options.user : url.user)) return std::nullopt;
  return "the user name has a ':', which basic authentication cannot carry (RFC 7617 §2)";
}

Fault compression_fault(const ClientOptions& options) {
  if (!options.compression) return std::nullopt;
  if (options.window_bits < 9 || options.window_bits > 15)
    return "window_bits is " + std::to_string(options.window_bits) + ": it must be 9 to 15";
  if (options.compression_level < 1 || options.compression_level > 9)
    return "compression_level is " + std::to_string(options.compression_level) +
           ": it must be 1 to 9";
  return std::nullopt;
}

}  // namespace

Fault handshake_fault(Headers headers, const ClientOptions& options, const http::Url& url) {
  for (const auto& [name, value] : headers)
    if (Fault fault = header_fault(name, value)) return fault;
  const bool authorized = !authorization_of(options, url).empty();
  if (Fault fault = double_fault(headers, "Authorization", authorized)) return fault;
  if (Fault fault = double_fault(headers, "Cookie", !options.cookies.empty())) return fault;
  if (Fault fault = double_fault(headers, "Origin", !options.origin.empty())) return fault;
  if (Fault fault = value_fault("the option cookies", options.cookies)) return fault;
  if (Fault fault = word_fault("the option origin", options.origin)) return fault;
  if (Fault fault = word_fault("the bearer token", options.bearer_token)) return fault;
  if (Fault fault = basic_fault(options, url)) return fault;
  if (Fault fault = compression_fault(options)) return fault;
  return subprotocol_fault(options.subprotocols);
}

std::string authorization_of(const ClientOptions& options, const http::Url& url) {
  if (!options.bearer_token.empty()) return "Bearer " + options.bearer_token;
  if (!options.user.empty() || !options.password.empty())
    return http::basic_credentials(options.user, options.password);
  return url.has_credentials() ? http::basic_credentials(url.user, url.password) : std::string();
}

Result<http::Url> parse_websocket_url(std::string_view text) {
  auto url = http::parse_url(text);
  if (!url) return url;
  if (url->scheme == "http") url->scheme = "ws";
  if (url->scheme == "https") url->scheme = "wss";
  if (url->scheme == "ws" || url->scheme == "wss") return url;
  return std::unexpected(Error{
      "URL '" + base::printable(url->text()) + "': a WebSocket's begins with ws:// or wss://", {}});
}

bool is_credential(std::string_view header) noexcept {
  return equal_ignoring_case(header, "Authorization") || equal_ignoring_case(header, "Cookie");
}

}  // namespace walkie::client
