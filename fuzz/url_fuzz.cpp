// SPDX-License-Identifier: MIT
// Fuzzes URLs, Locations and numeric addresses.
//
//   input: [ what: one byte ] [ text ]        of a Location: [ base ] LF [ location ]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <arpa/inet.h>

#include <base/assert.hpp>
#include <base/ip_address.hpp>
#include <http/characters.hpp>
#include <http/host.hpp>
#include <http/url.hpp>

#include "pieces.hpp"

namespace {

using namespace walkie;
using fuzz::Exact;
using http::Url;

bool has_control_byte(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

bool same(const Url& a, const Url& b) {
  return a.scheme == b.scheme && a.host == b.host && a.has_ipv6_host == b.has_ipv6_host &&
         a.port == b.port && a.target == b.target;
}

void check_fault(const Error& error) {
  WALKIE_ASSERT(!has_control_byte(error.message));
  WALKIE_ASSERT(error.message.size() < 1200);
}

/// What holds of every Url, and that its text leads back to it.
void check_url(const Url& url) {
  WALKIE_ASSERT(url.port != 0);
  WALKIE_ASSERT(http::is_authority(url.host_field()));
  WALKIE_ASSERT(http::is_authority(url.authority()));
  WALKIE_ASSERT(url.target.starts_with('/') && http::all_are(http::kTargetChar, url.target));
  WALKIE_ASSERT(!has_control_byte(url.text()));
  WALKIE_ASSERT(!has_control_byte(url.user) && !has_control_byte(url.password));
  WALKIE_ASSERT(url.same_origin(url));
  const auto again = http::parse_url(url.text());
  WALKIE_ASSERT(again && same(*again, url) && !again->has_credentials());
}

void check_parse(std::string_view text) {
  const auto url = http::parse_url(text);
  if (url)
    check_url(*url);
  else
    check_fault(url.error());
}

bool has_dot_segment(std::string_view target) {
  const std::string path = std::string(target.substr(0, target.find('?'))) + "/";
  return path.contains("/./") || path.contains("/../");
}

void check_location(std::string_view text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  const auto base = http::parse_url(text.substr(0, end));
  if (!base) return;
  const Exact location(text.substr(std::min(end + 1, text.size())));
  const auto url = http::resolve_location(*base, location.view());
  if (!url) return check_fault(url.error());
  WALKIE_ASSERT(url->scheme == "ws" || url->scheme == "wss");
  WALKIE_ASSERT(!url->has_credentials());
  WALKIE_ASSERT(!has_dot_segment(url->target));
  check_url(*url);
  const auto again = http::resolve_location(*base, url->text());
  WALKIE_ASSERT(again && same(*again, *url));
}

void check_address(std::string_view text) {
  const auto address = base::parse_ip(text);
  base::IpAddress expected;
  expected.v6 = text.contains(':');
  const bool valid =
      !text.contains('\0') && inet_pton(expected.v6 ? AF_INET6 : AF_INET, std::string(text).c_str(),
                                        expected.octets.data()) == 1;
  WALKIE_ASSERT(address.has_value() == valid);
  WALKIE_ASSERT(!address || *address == expected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 1 || size > 4096) return 0;
  const Exact text({reinterpret_cast<const char*>(bytes) + 1, size - 1});
  switch (bytes[0] % 3) {
    case 0:
      check_parse(text.view());
      break;
    case 1:
      check_location(text.view());
      break;
    default:
      check_address(text.view());
  }
  return 0;
}
