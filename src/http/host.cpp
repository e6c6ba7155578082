// SPDX-License-Identifier: MIT
// Hosts and request targets.
#include <http/host.hpp>

#include <cstddef>

#include <base/header_field.hpp>
#include <http/characters.hpp>

namespace walkie::http {
namespace {

bool is_port(std::string_view text) noexcept {
  if (text.size() > 5 || !all_are(kDigitChar, text)) return false;
  unsigned port = 0;
  for (const char c : text) port = port * 10 + static_cast<unsigned>(c - '0');
  return port <= 65535;
}

/// reg-name, which covers IPv4 addresses (RFC 3986 §3.2.2), but not empty (RFC 9110 §4.2.1).
bool is_name(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_a(kHostChar, text[at])) continue;
    if (text[at] != '%' || text.size() - at < 3) return false;
    if (hex_value(text[at + 1]) < 0 || hex_value(text[at + 2]) < 0) return false;
    at += 2;
  }
  return !text.empty();
}

bool is_known_scheme(std::string_view scheme) noexcept {
  for (const std::string_view known : {"http", "https", "ws", "wss"})
    if (equal_ignoring_case(scheme, known)) return true;
  return false;
}

void split_path(std::string_view text, TargetParts& parts) noexcept {
  const std::size_t mark = text.find('?');
  parts.path = text.substr(0, mark);
  if (mark != std::string_view::npos) parts.query = text.substr(mark + 1);
  if (parts.path.empty()) parts.path = "/";
}

HeadError parse_absolute(std::string_view target, TargetParts& parts) noexcept {
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos || !is_known_scheme(target.substr(0, colon)))
    return HeadError::bad_target;
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = rest.find_first_of("/?");
  parts.authority = rest.substr(0, end);
  split_path(end == std::string_view::npos ? std::string_view{} : rest.substr(end), parts);
  // A user name in front of the host does not pass either (RFC 9110 §4.2.4).
  return is_authority(parts.authority) ? HeadError::none : HeadError::bad_target;
}

}  // namespace

bool is_authority(std::string_view text) noexcept {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || close == 1) return false;
    if (!all_are(kAddressChar, text.substr(1, close - 1))) return false;
    port = text.substr(close + 1);
  } else {
    const std::size_t colon = text.find(':');
    if (!is_name(text.substr(0, colon))) return false;
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  return port.empty() || (port.front() == ':' && is_port(port.substr(1)));
}

HeadError parse_target(std::string_view method, std::string_view target,
                       TargetParts& parts) noexcept {
  parts = {};
  if (method == "CONNECT") {
    parts.authority = target;
    const bool has_port = !target.ends_with(']') && target.contains(':');
    return has_port && is_authority(target) ? HeadError::none : HeadError::bad_target;
  }
  if (target == "*") return method == "OPTIONS" ? HeadError::none : HeadError::bad_target;
  if (!target.starts_with('/')) return parse_absolute(target, parts);
  split_path(target, parts);
  return HeadError::none;
}

}  // namespace walkie::http
