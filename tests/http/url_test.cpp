// SPDX-License-Identifier: MIT
// URLs: what parses, what is refused and in which words, and where redirects lead.
#include <http/url.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace walkie;
using http::parse_url;
using http::resolve_location;
using http::Url;

namespace {

Url parsed(std::string_view text) {
  const auto url = parse_url(text);
  CAPTURE(text);
  REQUIRE_MESSAGE(url, (url ? "" : url.error().message));
  return *url;
}

std::string fault_of(std::string_view text) {
  const auto url = parse_url(text);
  CAPTURE(text);
  REQUIRE_FALSE(url);
  return url.error().message;
}

/// Where `location` leads from the RFC's base, without scheme and host where those stay.
std::string from_rfc_base(std::string_view location) {
  const auto url = resolve_location(parsed("ws://a/b/c/d;p?q"), location);
  if (!url) return url.error().message;
  const std::string text = url->text();
  return text.starts_with("ws://a/") ? text.substr(6) : text;
}

}  // namespace

TEST_CASE("a URL is taken apart [RFC 6455 3]") {
  const Url url = parsed("wss://User:p%40ss%3A%c3%a9@Example.COM:8443/a/b;c?d=%20&e");
  CHECK(url.scheme == "wss");
  CHECK(url.user == "User");
  CHECK(url.password == "p@ss:\xc3\xa9");
  CHECK(url.host == "example.com");
  CHECK(url.port == 8443);
  CHECK(url.target == "/a/b;c?d=%20&e");
  CHECK(url.secure());
  CHECK(url.has_credentials());
  CHECK_FALSE(url.has_ipv6_host);
  CHECK(url.text() == "wss://example.com:8443/a/b;c?d=%20&e");
}

TEST_CASE("a scheme in any case gives its port, and a path is never empty [RFC 6455 3]") {
  const std::vector<std::pair<std::string_view, unsigned>> schemes{
      {"ws", 80}, {"WSS", 443}, {"Http", 80}, {"https", 443}, {"socks5", 1080}, {"SOCKS5H", 1080}};
  for (const auto& [scheme, port] : schemes) {
    const Url url = parsed(std::string(scheme) + "://h");
    CHECK(url.port == port);
    CHECK(url.target == "/");
    CHECK(url.host_field() == "h");
  }
  CHECK(parsed("ws://h?q=/:@").target == "/?q=/:@");
  CHECK(parsed("ws://h:/").port == 80);
  CHECK(parsed("ws://h:00081/").port == 81);
}

TEST_CASE("hosts are names, IPv4 and bracketed IPv6 [RFC 3986 3.2.2]") {
  CHECK(parsed("ws://127.0.0.1:9001/").authority() == "127.0.0.1:9001");
  const Url v6 = parsed("wss://[2001:DB8::1]");
  CHECK(v6.has_ipv6_host);
  CHECK(v6.host == "2001:db8::1");
  CHECK(v6.host_field() == "[2001:db8::1]");
  CHECK(v6.authority() == "[2001:db8::1]:443");
  CHECK(parsed("ws://[::1]:81/x").text() == "ws://[::1]:81/x");
  CHECK(parsed("ws://my_host.%45xample").host == "my_host.example");
}

TEST_CASE("user and password are decoded, and either may be missing [RFC 3986 3.2.1]") {
  CHECK(parsed("ws://token@h").user == "token");
  CHECK(parsed("ws://token@h").password.empty());
  CHECK(parsed("ws://:secret@h").password == "secret");
  CHECK(parsed("ws://:secret@h").has_credentials());
  CHECK(parsed("ws://u:a:b@h").password == "a:b");
  CHECK_FALSE(parsed("ws://@h").has_credentials());
}

TEST_CASE("a target stays as it was sent, with what browsers leave unescaped") {
  CHECK(parsed("ws://h/a/../b//c?f[0]=x|y").target == "/a/../b//c?f[0]=x|y");
}

TEST_CASE("each faulty URL is refused in words that say what to do") {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"", "must begin with ws://"},
      {"example.com/feed", "must begin with ws://"},
      {"example.com:80", "must begin with ws://"},
      {"ftp://h/", "must begin with ws://"},
      {"/x?u=ws://h", "must begin with ws://"},
      {"ws:///path", "it has no host"},
      {"ws://:80/", "it has no host"},
      {"ws://u@/", "it has no host"},
      {"ws://h:0/", "the port must be a number from 1 to 65535"},
      {"ws://h:65536/", "the port must be"},
      {"ws://h:99999999999999999999/", "the port must be"},
      {"ws://h:8x/", "the port must be"},
      {"ws://h:+1/", "the port must be"},
      {"ws://[::1]80/", "the port must be"},
      {"ws://::1/", "must stand in brackets"},
      {"ws://[::1/", "a ']' is missing"},
      {"ws://[::g]/", "no IPv6 address"},
      {"ws://[127.0.0.1]/", "no IPv6 address"},
      {"ws://[fe80::1%25eth0]/", "zones of IPv6"},
      {"ws://h/#top", "a fragment may not stand in it (RFC 6455 §3): write %23"},
      {"ws://h#top", "a fragment"},
      {"ws://h/100%", "malformed escape: write %25"},
      {"ws://h/%g1", "malformed escape"},
      {"ws://h/a b", "' ' may not stand in a URL: write %20"},
      {"ws://h/\xc3\xa9", "'\\xc3' may not stand in a URL: write %C3"},
      {"ws://h/\r\nX: y", "'\\x0d' may not stand in a URL: write %0D"},
      {"ws://h/?{}", "'{' may not stand in a URL: write %7B"},
      {"ws://h\\@other/", "user or password has a byte"},
      {"ws://h\\/", "the host has a byte"},
      {"ws://b\xc3\xbc"
       "cher.example/",
       "the host is not ASCII: give its xn-- form"},
      {"ws://b%c3%bc.example/", "xn--"},
      {"ws://a b/", "the host has a byte"},
      {"ws://a%2fb/", "the host has a byte"},
      {"ws://a%00b/", "a malformed escape in the host"},
      {"ws://a%4/", "a malformed escape in the host"},
      {"ws://u%0d@h/", "a control byte"},
      {"ws://u%zz@h/", "a malformed escape in user or password"},
      {"ws://u:p@q@h/", "an '@' in user or password is written %40"},
      {"ws://u:p<@h/", "must be escaped"},
  };
  for (const auto& [text, why] : cases) {
    const std::string message = fault_of(text);
    CAPTURE(message);
    CHECK(message.starts_with("URL '"));
    CHECK(message.contains(why));
    CHECK_FALSE(message.contains('\r'));
  }
}

TEST_CASE("a refusal masks the password, wherever the fault is") {
  CHECK(fault_of("ws://user:secret@host:0/").starts_with("URL 'ws://user:***@host:0/': "));
  for (const std::string_view text :
       {"ws://user:sec/ret@host/", "ws://user:sec@ret@host/", "user:secret@host",
        "ws://u:se%ret@h/", "ftp://u:secret@h/", "ws://u:secret@h/#x", "ws://u:sec?ret@h",
        "ws://u:sec#ret@h"}) {
    const std::string message = fault_of(text);
    CAPTURE(message);
    CHECK_FALSE(message.contains("sec"));
    CHECK_FALSE(message.contains("ret@"));
    CHECK(message.contains("***@h"));
  }
}

TEST_CASE("a URL longer than 8 kB is refused, and not quoted") {
  const std::string start = "ws://h/";
  CHECK(parse_url(start + std::string(http::kUrlBytesMax - start.size(), 'a')));
  CHECK(fault_of(start + std::string(http::kUrlBytesMax, 'a')) ==
        "a URL of 8199 bytes: 8192 is the limit");
  CHECK(fault_of("ws:/" + std::string(5000, 'a')).size() < 400);
}

TEST_CASE("an origin is scheme, host and port, and ws counts as http [RFC 6454 4]") {
  CHECK(parsed("ws://h/a").same_origin(parsed("http://H:80/b")));
  CHECK(parsed("wss://h/").same_origin(parsed("https://h:443")));
  CHECK_FALSE(parsed("ws://h:443/").same_origin(parsed("wss://h/")));
  CHECK_FALSE(parsed("ws://h/").same_origin(parsed("ws://h:81/")));
  CHECK_FALSE(parsed("ws://h/").same_origin(parsed("ws://h.h/")));
  CHECK_FALSE(parsed("http://h:1080/").same_origin(parsed("socks5://h/")));
}

// -- redirects --

TEST_CASE("a Location resolves as the RFC's normal examples do [RFC 3986 5.4.1]") {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"g", "/b/c/g"},    {"./g", "/b/c/g"},        {"g/", "/b/c/g/"},   {"/g", "/g"},
      {"//g", "ws://g/"}, {"?y", "/b/c/d;p?y"},     {"g?y", "/b/c/g?y"}, {"#s", "/b/c/d;p?q"},
      {"g#s", "/b/c/g"},  {"g?y#s", "/b/c/g?y"},    {";x", "/b/c/;x"},   {"g;x", "/b/c/g;x"},
      {"", "/b/c/d;p?q"}, {".", "/b/c/"},           {"./", "/b/c/"},     {"..", "/b/"},
      {"../", "/b/"},     {"../g", "/b/g"},         {"../..", "/"},      {"../../", "/"},
      {"../../g", "/g"},  {"g;x?y#s", "/b/c/g;x?y"}};
  for (const auto& [location, target] : cases) {
    CAPTURE(location);
    CHECK(from_rfc_base(location) == target);
  }
}

TEST_CASE("a Location resolves as the RFC's abnormal examples do [RFC 3986 5.4.2]") {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"../../../g", "/g"},     {"/./g", "/g"},
      {"/../g", "/g"},          {"g.", "/b/c/g."},
      {"..g", "/b/c/..g"},      {"./../g", "/b/g"},
      {"./g/.", "/b/c/g/"},     {"g/./h", "/b/c/g/h"},
      {"g/../h", "/b/c/h"},     {"g;x=1/./y", "/b/c/g;x=1/y"},
      {"g;x=1/../y", "/b/c/y"}, {"g?y/../x", "/b/c/g?y/../x"},
      {"g#s/../x", "/b/c/g"},   {"//g/a/./b/../c", "ws://g/a/c"},
      {"/a//../b", "/a/b"}};
  for (const auto& [location, target] : cases) {
    CAPTURE(location);
    CHECK(from_rfc_base(location) == target);
  }
}

TEST_CASE("a Location of another scheme becomes a WebSocket's or is refused [RFC 6455 4.1]") {
  CHECK(from_rfc_base("http://h/x") == "ws://h/x");
  CHECK(from_rfc_base("HTTPS://h/x/../y") == "wss://h/y");
  CHECK(from_rfc_base("wss://h") == "wss://h/");
  CHECK(resolve_location(parsed("https://h/"), "/x")->text() == "wss://h/x");
  CHECK(resolve_location(parsed("wss://[::1]:81/"), "x")->text() == "wss://[::1]:81/x");
  CHECK(from_rfc_base("socks5://h/") == "Location 'socks5://h/': a WebSocket cannot be there");
  CHECK(from_rfc_base("mailto:a@b").contains("must begin with ws://"));
  CHECK(from_rfc_base("http:g").contains("must begin with ws://"));
  CHECK(from_rfc_base("//").contains("it has no host"));
  CHECK(from_rfc_base("/a b").contains("write %20"));
}

TEST_CASE("a Location carries no user or password over, of either side") {
  const Url base = parsed("ws://user:secret@a/");
  CHECK_FALSE(resolve_location(base, "/x")->has_credentials());
  CHECK_FALSE(resolve_location(base, "ws://other:word@b/x")->has_credentials());
}

TEST_CASE("a Location that is too long, or gets so by its base, is refused") {
  const Url base = parsed("ws://h/" + std::string(5000, 'a') + "/b");
  CHECK_FALSE(resolve_location(base, std::string(5000, 'c')));
  CHECK_FALSE(resolve_location(base, std::string(9000, 'c')));
  CHECK(resolve_location(base, "/" + std::string(5000, 'c')));
}
