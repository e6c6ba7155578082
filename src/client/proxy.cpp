// SPDX-License-Identifier: MIT
// Which proxy a URL goes through.
#include <client/proxy.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

#include <base/header_field.hpp>
#include <base/ip_address.hpp>
#include <http/basic_auth.hpp>

namespace walkie::client {
namespace {

/// A variable that was found, with the name by which it was.
struct Setting {
  std::string name;
  std::string value;
};

std::string upper_case(std::string_view name) {
  std::string upper(name);
  for (char& c : upper)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c & ~0x20);
  return upper;
}

/// `name` as it is, else in upper case.
std::optional<Setting> look_up(const Variable& variable, std::string_view name, bool upper = true) {
  if (auto value = variable(name); value && !value->empty())
    return Setting{std::string(name), *std::move(value)};
  std::string other = upper_case(name);
  if (!upper) return std::nullopt;
  if (auto value = variable(other); value && !value->empty())
    return Setting{std::move(other), *std::move(value)};
  return std::nullopt;
}

std::optional<Setting> proxy_setting(const http::Url& url, const Variable& variable) {
  const bool in_cgi = variable("REQUEST_METHOD").has_value();
  auto setting =
      url.secure() ? look_up(variable, "https_proxy") : look_up(variable, "http_proxy", !in_cgi);
  return setting ? setting : look_up(variable, "all_proxy");
}

/// `from` is who says so.
Result<std::optional<http::Url>> read_proxy(std::string_view from, std::string_view text) {
  const auto fault = [from](std::string_view why) {
    return std::unexpected(Error{std::string(from).append(": ").append(why), {}});
  };
  const bool has_scheme = text.contains("://");
  auto url = http::parse_url(has_scheme ? std::string(text) : "http://" + std::string(text));
  if (!url) return fault(url.error().message);
  if (url->scheme == "ws" || url->scheme == "wss")
    return fault("a proxy's URL begins with http://, https://, socks5:// or socks5h://");
  if (!url->scheme.starts_with("socks") && !http::is_basic_user(url->user))
    return fault("the user name has a ':', which basic authentication cannot carry (RFC 7617 §2)");
  return *std::move(url);
}

// -- NO_PROXY --

/// Cuts the next entry off the front of `list`; empty at its end.
std::string_view next_entry(std::string_view& list) noexcept {
  constexpr std::string_view kSeparators = ", \t\r\n";
  list.remove_prefix(std::min(list.find_first_not_of(kSeparators), list.size()));
  const std::string_view entry = list.substr(0, list.find_first_of(kSeparators));
  list.remove_prefix(entry.size());
  return entry;
}

/// All of `text` in decimal, at most `max`.
std::optional<unsigned> number_of(std::string_view text, unsigned max) noexcept {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && number <= max ? std::optional(number) : std::nullopt;
}

/// Takes ":port" off the end of `entry`, and the brackets off what is before it. False: the port is
/// another, or none.
bool take_port(std::string_view& entry, std::uint16_t port) noexcept {
  const std::size_t colon = entry.rfind(':');
  const bool bracketed = entry.starts_with('[');
  // An IPv6 address without brackets has no port.
  const bool has_port = colon != std::string_view::npos &&
                        (bracketed ? entry[colon - 1] == ']' : entry.find(':') == colon);
  if (has_port) {
    if (number_of(entry.substr(colon + 1), 65535) != port) return false;
    entry = entry.substr(0, colon);
  }
  if (bracketed && entry.ends_with(']')) entry = entry.substr(1, entry.size() - 2);
  return true;
}

bool covers_address(std::string_view entry, const base::IpAddress& host) noexcept {
  const std::size_t slash = entry.find('/');
  const auto network = base::parse_ip(entry.substr(0, slash));
  if (!network) return false;
  if (slash == std::string_view::npos) return network->unmapped() == host;
  const auto bits =
      number_of(entry.substr(slash + 1), static_cast<unsigned>(network->bytes().size() * 8));
  return bits && host.shares_prefix(*network, *bits);
}

std::string_view without_last_dot(std::string_view name) noexcept {
  return name.ends_with('.') ? name.substr(0, name.size() - 1) : name;
}

bool covers_name(std::string_view entry, std::string_view host) noexcept {
  if (entry.starts_with("*.")) entry.remove_prefix(1);
  if (entry.starts_with('.')) entry.remove_prefix(1);
  entry = without_last_dot(entry);
  if (entry.empty() || entry.size() > host.size()) return false;
  const std::size_t above = host.size() - entry.size();
  return equal_ignoring_case(host.substr(above), entry) && (above == 0 || host[above - 1] == '.');
}

}  // namespace

Result<std::optional<http::Url>> proxy_for(const http::Url& url, std::string_view option,
                                           const Variable& variable) {
  if (option == "direct") return std::nullopt;
  if (!option.empty()) return read_proxy("the proxy option", option);
  const auto setting = proxy_setting(url, variable);
  if (!setting) return std::nullopt;
  const auto exceptions = look_up(variable, "no_proxy");
  if (exceptions && covers(exceptions->value, url.host, url.port)) return std::nullopt;
  return read_proxy("the variable " + setting->name, setting->value);
}

bool covers(std::string_view list, std::string_view host, std::uint16_t port) noexcept {
  host = without_last_dot(host);
  auto address = base::parse_ip(host);
  if (address) address = address->unmapped();
  for (auto entry = next_entry(list); !entry.empty(); entry = next_entry(list)) {
    if (!take_port(entry, port)) continue;
    if (entry == "*") return true;
    if (address ? covers_address(entry, *address) : covers_name(entry, host)) return true;
  }
  return false;
}

}  // namespace walkie::client
