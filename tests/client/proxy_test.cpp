// SPDX-License-Identifier: MIT
// Which proxy a URL goes through: options, variables and exceptions.
#include <client/proxy.hpp>

#include <doctest/doctest.h>

#include <map>
#include <string>

using namespace walkie;
using client::covers;
using client::proxy_for;

namespace {

using Environment = std::map<std::string, std::string, std::less<>>;

client::Variable lookup_in(const Environment& environment) {
  return [environment](std::string_view name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
}

/// "direct", the proxy's URL, or the error.
std::string choice(std::string_view url, const Environment& environment,
                   std::string_view option = {}) {
  const auto proxy = proxy_for(*http::parse_url(url), option, lookup_in(environment));
  if (!proxy) return proxy.error().message;
  return *proxy ? (*proxy)->text() : "direct";
}

}  // namespace

TEST_CASE("without an option or a variable the connection is direct") {
  CHECK(choice("ws://h/", {}) == "direct");
  CHECK(choice("wss://h/", {{"http_proxy", "http://p"}}) == "direct");
  CHECK(choice("ws://h/", {{"https_proxy", "http://p"}}) == "direct");
}

TEST_CASE("each scheme has its variable, in lower case first, and ALL_PROXY is last") {
  const Environment all{{"http_proxy", "http://a"},  {"HTTP_PROXY", "http://b"},
                        {"https_proxy", "http://c"}, {"HTTPS_PROXY", "http://d"},
                        {"all_proxy", "http://e"},   {"ALL_PROXY", "http://f"}};
  CHECK(choice("ws://h/", all) == "http://a/");
  CHECK(choice("wss://h/", all) == "http://c/");
  CHECK(choice("ws://h/", {{"HTTP_PROXY", "http://b"}}) == "http://b/");
  CHECK(choice("wss://h/", {{"HTTPS_PROXY", "http://d"}}) == "http://d/");
  CHECK(choice("wss://h/", {{"HTTP_PROXY", "http://b"}, {"all_proxy", "http://e"}}) == "http://e/");
  CHECK(choice("ws://h/", {{"ALL_PROXY", "socks5h://f"}}) == "socks5h://f/");
}

TEST_CASE("an empty variable counts as not set") {
  CHECK(choice("ws://h/", {{"http_proxy", ""}, {"HTTP_PROXY", "http://b"}}) == "http://b/");
  CHECK(choice("ws://h/", {{"http_proxy", ""}, {"all_proxy", "http://e"}}) == "http://e/");
  CHECK(choice("ws://h/", {{"http_proxy", ""}}) == "direct");
}

TEST_CASE("a CGI program's requests do not choose its proxy by a Proxy header") {
  const Environment cgi{{"REQUEST_METHOD", "GET"}, {"HTTP_PROXY", "http://evil"}};
  CHECK(choice("ws://h/", cgi) == "direct");
  Environment more = cgi;
  more.emplace("http_proxy", "http://good");
  CHECK(choice("ws://h/", more) == "http://good/");
  CHECK(choice("wss://h/", {{"REQUEST_METHOD", "GET"}, {"HTTPS_PROXY", "http://p"}}) ==
        "http://p/");
}

TEST_CASE("the option goes before variables and exceptions") {
  const Environment environment{{"all_proxy", "http://e"}, {"no_proxy", "*"}};
  CHECK(choice("ws://h/", environment, "http://o:3128") == "http://o:3128/");
  CHECK(choice("ws://h/", {{"all_proxy", "http://e"}}, "direct") == "direct");
}

TEST_CASE("a proxy without a scheme is an http one, and a port is its scheme's") {
  CHECK(choice("ws://h/", {}, "p:8080") == "http://p:8080/");
  const auto port = [](std::string_view text) {
    return (*proxy_for(*http::parse_url("ws://h/"), text, lookup_in({})))->port;
  };
  CHECK(port("p") == 80);
  CHECK(port("https://p") == 443);
  CHECK(port("socks5://p") == 1080);
}

TEST_CASE("user and password of a proxy stand in its URL") {
  const auto proxy =
      proxy_for(*http::parse_url("ws://h/"), "http://u:p%40ss@p:1/ignored", lookup_in({}));
  REQUIRE(proxy);
  CHECK((*proxy)->user == "u");
  CHECK((*proxy)->password == "p@ss");
}

TEST_CASE("a faulty proxy is named with where it stands, without its password") {
  CHECK(choice("ws://h/", {}, "ftp://p").starts_with("the proxy option: URL 'ftp://p': "));
  CHECK(choice("ws://h/", {{"HTTP_PROXY", "u:secret@p:x"}}) ==
        "the variable HTTP_PROXY: URL 'http://u:***@p:x': the port must be a number from 1 to "
        "65535");
  CHECK(choice("ws://h/", {{"all_proxy", "ws://p"}}) ==
        "the variable all_proxy: a proxy's URL begins with http://, https://, socks5:// or "
        "socks5h://");
  CHECK(choice("ws://h/", {}, "http://a%3ab:c@p").contains("the user name has a ':'"));
  CHECK(choice("ws://h/", {}, "socks5://a%3ab:c@p") == "socks5://p/");
}

TEST_CASE("NO_PROXY takes hosts out of what variables say") {
  const Environment environment{{"all_proxy", "http://e"}, {"NO_PROXY", "example.com,127.0.0.1"}};
  CHECK(choice("ws://example.com/", environment) == "direct");
  CHECK(choice("wss://sub.example.com/", environment) == "direct");
  CHECK(choice("ws://127.0.0.1:9001/", environment) == "direct");
  CHECK(choice("ws://example.org/", environment) == "http://e/");
  CHECK(choice("ws://a.b/", {{"all_proxy", "http://e"}, {"no_proxy", "c"}, {"NO_PROXY", "a.b"}}) ==
        "http://e/");
}

TEST_CASE("a name of NO_PROXY covers itself and what is below it, and no more") {
  for (const std::string_view entry : {"example.com", ".example.com", "*.example.com",
                                       "EXAMPLE.com.", "a, b example.com ,c", "x\texample.com"}) {
    CAPTURE(entry);
    CHECK(covers(entry, "example.com", 80));
    CHECK(covers(entry, "www.example.com", 80));
    CHECK(covers(entry, "example.com.", 80));
    CHECK_FALSE(covers(entry, "badexample.com", 80));
    CHECK_FALSE(covers(entry, "example.com.org", 80));
    CHECK_FALSE(covers(entry, "com", 80));
  }
}

TEST_CASE("NO_PROXY covers addresses and networks, and names no numeric hosts") {
  CHECK(covers("192.0.2.1", "192.0.2.1", 80));
  CHECK_FALSE(covers("192.0.2.1", "192.0.2.11", 80));
  CHECK_FALSE(covers("2.1", "192.0.2.1", 80));
  CHECK_FALSE(covers(".1", "192.0.2.1", 80));
  CHECK(covers("10.0.0.0/8", "10.255.0.1", 80));
  CHECK_FALSE(covers("10.0.0.0/8", "11.0.0.1", 80));
  CHECK(covers("0.0.0.0/0", "11.0.0.1", 80));
  CHECK_FALSE(covers("10.0.0.0/33", "10.0.0.0", 80));
  CHECK_FALSE(covers("10.0.0.0/", "10.0.0.0", 80));
  CHECK_FALSE(covers("10.0.0.0/8x", "10.0.0.0", 80));
  CHECK(covers("::1", "::1", 80));
  CHECK(covers("[::1]", "::1", 80));
  CHECK(covers("2001:DB8:0::1", "2001:db8::1", 80));
  CHECK(covers("fd00::/8", "fd12::1", 80));
  CHECK_FALSE(covers("fd00::/8", "fe80::1", 80));
  CHECK(covers("10.0.0.0/8", "::ffff:10.0.0.1", 80));
  CHECK_FALSE(covers("::/0", "10.0.0.1", 80));
  CHECK_FALSE(covers("10.0.0.0/8", "example.com", 80));
}

TEST_CASE("an entry of NO_PROXY with a port covers that port only") {
  CHECK(covers("example.com:8080", "www.example.com", 8080));
  CHECK_FALSE(covers("example.com:8080", "www.example.com", 80));
  CHECK(covers("192.0.2.1:80", "192.0.2.1", 80));
  CHECK_FALSE(covers("192.0.2.1:80", "192.0.2.1", 81));
  CHECK(covers("[::1]:80", "::1", 80));
  CHECK_FALSE(covers("[::1]:80", "::1", 81));
  CHECK(covers("10.0.0.0/8:80", "10.0.0.1", 80));
  CHECK_FALSE(covers("example.com:", "example.com", 80));
  CHECK_FALSE(covers("example.com:99999999999", "example.com", 80));
  CHECK(covers("*:80", "example.com", 80));
}

TEST_CASE("a star in NO_PROXY covers all, and nothing covers nothing") {
  CHECK(covers("*", "example.com", 80));
  CHECK(covers("a, *", "::1", 80));
  CHECK_FALSE(covers("", "example.com", 80));
  CHECK_FALSE(covers(" ,, \t", "example.com", 80));
  CHECK_FALSE(covers(".", "example.com", 80));
  CHECK_FALSE(covers("http://example.com", "example.com", 80));
  CHECK_FALSE(covers("[::1", "::1", 80));
}
