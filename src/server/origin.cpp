// SPDX-License-Identifier: MIT
// Comparing origins with hosts and with an allow-list.
#include <server/origin.hpp>

#include <algorithm>

#include <base/header_field.hpp>

namespace walkie::server {
namespace {

struct Authority {
  std::string_view host;
  std::string_view port;  ///< Empty: the scheme's default.
};

Authority split_authority(std::string_view text) {
  const std::size_t bracket = text.rfind(']');  // an IPv6 literal's colons are not the port's
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return {text, {}};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

struct Origin {
  std::string_view scheme;
  Authority authority;
};

std::string_view default_port(std::string_view scheme) {
  return equal_ignoring_case(scheme, "https") ? "443" : "80";
}

std::string_view port_or(std::string_view port, std::string_view fallback) {
  return port.empty() ? fallback : port;
}

std::optional<Origin> parse_origin(std::string_view text) {
  const std::size_t separator = text.find("://");
  if (separator == std::string_view::npos) return std::nullopt;
  return Origin{text.substr(0, separator), split_authority(text.substr(separator + 3))};
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (!pattern.starts_with("*.")) return equal_ignoring_case(pattern, host);
  const std::string_view suffix = pattern.substr(1);  // ".example.com": subdomains, not itself
  return host.size() > suffix.size() &&
         equal_ignoring_case(host.substr(host.size() - suffix.size()), suffix);
}

bool entry_matches(std::string_view entry, std::string_view text, const Origin& origin) {
  if (entry == "*") return true;
  const auto wanted = parse_origin(entry);
  if (!wanted) return entry == text;  // such as "null"
  const std::string_view fallback = default_port(origin.scheme);
  return equal_ignoring_case(wanted->scheme, origin.scheme) &&
         host_matches(wanted->authority.host, origin.authority.host) &&
         (wanted->authority.port == "*" ||
          port_or(wanted->authority.port, fallback) == port_or(origin.authority.port, fallback));
}

bool is_same_origin(const Origin& origin, std::string_view host, bool secure) {
  if (secure && !equal_ignoring_case(origin.scheme, "https")) return false;
  const Authority own = split_authority(host);
  const std::string_view fallback = default_port(origin.scheme);
  return equal_ignoring_case(origin.authority.host, own.host) &&
         port_or(origin.authority.port, fallback) == port_or(own.port, fallback);
}

}  // namespace

bool origin_allowed(const OriginPolicy& policy, std::string_view origin, std::string_view host,
                    bool secure) {
  if (origin.empty()) return true;
  const auto parsed = parse_origin(origin);
  if (policy.same_origin && parsed && is_same_origin(*parsed, host, secure)) return true;
  return std::ranges::any_of(policy.allowed, [&](const std::string& entry) {
    return entry_matches(entry, origin, parsed.value_or(Origin{}));
  });
}

}  // namespace walkie::server
