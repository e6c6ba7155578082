// SPDX-License-Identifier: MIT
// URLs of WebSockets and of proxies.
#include <http/url.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <base/header_field.hpp>
#include <base/ip_address.hpp>
#include <base/printable.hpp>
#include <http/characters.hpp>
#include <http/query.hpp>

namespace walkie::http {
namespace {

/// What is wrong, for people; empty: nothing.
using Fault = std::string;

struct Scheme {
  std::string_view name;
  std::uint16_t port;
};
constexpr std::array kSchemes{Scheme{"ws", 80},       Scheme{"wss", 443},
                              Scheme{"http", 80},     Scheme{"https", 443},
                              Scheme{"socks5", 1080}, Scheme{"socks5h", 1080}};

std::uint16_t port_of_scheme(std::string_view scheme) noexcept {
  for (const Scheme& known : kSchemes)
    if (known.name == scheme) return known.port;
  return 0;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; });
}

bool has_control_byte(std::string_view text) noexcept {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

/// Whether `c` may stand unescaped in a path or query: visible ASCII without the fragment's mark
/// and what RFC 3986 leaves to nobody, but '[', ']' and '|', which browsers send as they are.
bool is_target_char(char c) noexcept {
  return is_a(kTargetChar, c) && !std::string_view("\"<>\\^`{}").contains(c);
}

/// `text` in quotes for a message. What may be a password is masked: all from the first ':' of the
/// authority to the last '@', wherever that stands.
std::string quoted(std::string_view text) {
  const std::size_t slashes = text.find("://");
  const std::size_t from = slashes == std::string_view::npos ? 0 : slashes + 3;
  const std::size_t at = text.rfind('@');
  const std::size_t colon = text.find(':', from);
  std::string masked(text);
  if (at != std::string_view::npos && colon < at) masked.replace(colon + 1, at - colon - 1, "***");
  return "'" + base::printable(masked) + "'";
}

Fault must_be_escaped(char c) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  Fault fault = "'" + base::printable({&c, 1}) + "' may not stand in a URL: write %";
  return fault.append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
}

bool is_escape(std::string_view text) noexcept {
  return text.size() >= 3 && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0;
}

/// Path and query, without a fragment.
Fault judge_target(std::string_view target) {
  for (std::size_t at = 0; at < target.size(); ++at) {
    const char c = target[at];
    if (c == '#') return "a fragment may not stand in it (RFC 6455 §3): write %23 for a '#'";
    if (c == '%' && !is_escape(target.substr(at))) return "a malformed escape: write %25 for a '%'";
    if (!is_target_char(c)) return must_be_escaped(c);
  }
  return {};
}

/// The messages quote nothing: it may be a password.
Fault read_user_info(std::string_view text, Url& url) {
  if (text.contains('@')) return "an '@' in user or password is written %40";
  if (!std::ranges::all_of(text, [](char c) { return is_target_char(c) || c == '%'; }))
    return "user or password has a byte that must be escaped";
  const std::size_t colon = text.find(':');
  auto user = percent_decoded(text.substr(0, colon));
  auto password = percent_decoded(colon == std::string_view::npos ? std::string_view{}
                                                                  : text.substr(colon + 1));
  if (!user || !password) return "a malformed escape in user or password: write %25 for a '%'";
  if (has_control_byte(*user) || has_control_byte(*password))
    return "user or password has a control byte";
  url.user = *std::move(user);
  url.password = *std::move(password);
  return {};
}

Fault read_name(std::string_view text, Url& url) {
  const auto name = percent_decoded(text);
  if (!name) return "a malformed escape in the host";
  if (name->empty()) return "it has no host";
  if (!is_ascii(*name)) return "the host is not ASCII: give its xn-- form";
  if (!all_are(kHostChar, *name)) return "the host has a byte that may not stand there";
  url.host = lower_case(*name);
  return {};
}

Fault read_ipv6(std::string_view text, Url& url) {
  if (text.contains('%')) return "zones of IPv6 addresses are not supported";
  if (!text.contains(':') || !base::parse_ip(text))
    return "what stands in brackets is no IPv6 address";
  url.host = lower_case(text);
  url.has_ipv6_host = true;
  return {};
}

/// Nothing, or ':' and perhaps a number. It is not quoted: where a password has an unescaped '/',
/// its beginning stands here.
Fault read_port(std::string_view text, Url& url) {
  constexpr std::string_view kFault = "the port must be a number from 1 to 65535";
  url.port = port_of_scheme(url.scheme);
  if (text.size() <= 1 && (text.empty() || text == ":")) return {};
  unsigned port = 0;
  if (text.front() != ':' || !all_are(kDigitChar, text.substr(1))) return Fault(kFault);
  for (const char c : text.substr(1))
    port = std::min(port * 10 + static_cast<unsigned>(c - '0'), 65536U);
  if (port == 0 || port > 65535) return Fault(kFault);
  url.port = static_cast<std::uint16_t>(port);
  return {};
}

Fault read_host_and_port(std::string_view text, Url& url) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return "a ']' is missing behind the IPv6 address";
    if (Fault fault = read_ipv6(text.substr(1, close - 1), url); !fault.empty()) return fault;
    return read_port(text.substr(close + 1), url);
  }
  if (std::ranges::count(text, ':') > 1) return "an IPv6 address must stand in brackets: [::1]";
  const std::size_t colon = std::min(text.find(':'), text.size());
  if (Fault fault = read_name(text.substr(0, colon), url); !fault.empty()) return fault;
  return read_port(text.substr(colon), url);
}

Fault read_authority(std::string_view text, Url& url) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos) return read_host_and_port(text, url);
  if (Fault fault = read_user_info(text.substr(0, at), url); !fault.empty()) return fault;
  return read_host_and_port(text.substr(at + 1), url);
}

Fault read_url(std::string_view text, Url& url) {
  const std::size_t colon = text.find("://");
  url.scheme = lower_case(text.substr(0, colon));
  if (colon == std::string_view::npos || port_of_scheme(url.scheme) == 0)
    return "it must begin with ws:// or wss:// (that of a proxy with http://, https://, socks5:// "
           "or "
           "socks5h://)";
  const std::string_view rest = text.substr(colon + 3);
  const std::size_t end = std::min(rest.find_first_of("/?#"), rest.size());
  if (Fault fault = read_authority(rest.substr(0, end), url); !fault.empty()) return fault;
  const std::string_view target = rest.substr(end);
  url.target = target.starts_with('/') ? "" : "/";
  url.target += target;
  return judge_target(target);
}

Error too_long(std::size_t bytes) {
  return {"a URL of " + std::to_string(bytes) + " bytes: " + std::to_string(kUrlBytesMax) +
              " is the limit",
          {}};
}

// -- references --

/// Whether `text` begins with a scheme and ':' (RFC 3986 §3.1): then it is no relative reference.
bool has_scheme(std::string_view text) noexcept {
  const std::size_t colon = text.find_first_of(":/?");
  if (colon == std::string_view::npos || colon == 0 || text[colon] != ':') return false;
  return std::ranges::all_of(text.substr(0, colon), [](char c) {
    return (is_a(kHostChar, c) && is_a(kTokenChar, c)) || c == '+';
  });
}

/// RFC 3986 §5.2.4; `path` begins with '/'.
std::string without_dot_segments(std::string_view path) {
  std::string kept;
  while (!path.empty()) {
    const std::size_t end = std::min(path.find('/', 1), path.size());
    const std::string_view segment = path.substr(1, end - 1);
    const bool last = end == path.size();
    if (segment == "..") kept.resize(std::min(kept.rfind('/'), kept.size()));
    if (segment == "." || segment == "..")
      kept += last ? "/" : "";
    else
      kept.append(path.substr(0, end));
    path.remove_prefix(end);
  }
  return kept;
}

void remove_dot_segments(std::string& target) {
  const std::size_t mark = std::min(target.find('?'), target.size());
  target.replace(0, mark, without_dot_segments(std::string_view(target).substr(0, mark)));
}

/// The target that a reference without scheme and authority leads to (RFC 3986 §5.2.2, §5.2.3).
std::string merged(std::string_view base_target, std::string_view reference) {
  const std::string_view path = base_target.substr(0, base_target.find('?'));
  if (reference.empty()) return std::string(base_target);
  if (reference.starts_with('/')) return std::string(reference);
  const std::size_t kept = reference.starts_with('?') ? path.size() : path.rfind('/') + 1;
  return std::string(path.substr(0, kept)).append(reference);
}

Fault read_reference(const Url& base, std::string_view reference, Url& url) {
  if (has_scheme(reference)) return read_url(reference, url);
  if (reference.starts_with("//")) return read_url(base.scheme + ":" + std::string(reference), url);
  if (Fault fault = judge_target(reference); !fault.empty()) return fault;
  url.scheme = base.scheme;
  url.host = base.host;
  url.has_ipv6_host = base.has_ipv6_host;
  url.port = base.port;
  url.target = merged(base.target, reference);
  return {};
}

/// As a WebSocket's: false where it cannot be one.
bool make_websocket(Url& url) {
  if (url.scheme == "http") url.scheme = "ws";
  if (url.scheme == "https") url.scheme = "wss";
  return url.scheme == "ws" || url.scheme == "wss";
}

}  // namespace

std::string Url::host_field() const {
  std::string field = has_ipv6_host ? "[" + host + "]" : host;
  if (port != port_of_scheme(scheme)) field.append(":").append(std::to_string(port));
  return field;
}

std::string Url::authority() const {
  const std::string name = has_ipv6_host ? "[" + host + "]" : host;
  return name + ":" + std::to_string(port);
}

std::string Url::text() const { return scheme + "://" + host_field() + target; }

bool Url::same_origin(const Url& other) const noexcept {
  const auto family = [](const Url& url) {
    if (url.scheme.starts_with("socks")) return 2;
    return url.secure() ? 1 : 0;
  };
  return family(*this) == family(other) && host == other.host && port == other.port;
}

Result<Url> parse_url(std::string_view text) {
  if (text.size() > kUrlBytesMax) return std::unexpected(too_long(text.size()));
  Url url;
  const Fault fault = read_url(text, url);
  if (!fault.empty()) return std::unexpected(Error{"URL " + quoted(text) + ": " + fault, {}});
  return url;
}

Result<Url> resolve_location(const Url& base, std::string_view location) {
  if (location.size() > kUrlBytesMax) return std::unexpected(too_long(location.size()));
  Url url;
  Fault fault = read_reference(base, location.substr(0, location.find('#')), url);
  if (fault.empty() && !make_websocket(url)) fault = "a WebSocket cannot be there";
  if (!fault.empty())
    return std::unexpected(Error{"Location " + quoted(location) + ": " + fault, {}});
  url.user.clear();
  url.password.clear();
  remove_dot_segments(url.target);
  if (const std::size_t bytes = url.text().size(); bytes > kUrlBytesMax)
    return std::unexpected(too_long(bytes));
  return url;
}

}  // namespace walkie::http
