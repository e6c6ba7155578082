// SPDX-License-Identifier: MIT
// The options of a handshake: each way to be wrong, in words that name it.
#include <client/handshake_options.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace walkie;
using client::authorization_of;
using client::handshake_fault;
using client::parse_websocket_url;
using std::string_view_literals::operator""sv;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

std::string fault_of(const Headers& headers, const ClientOptions& options = {},
                     std::string_view url = "ws://h/") {
  return handshake_fault(headers, options, *parse_websocket_url(url)).value_or("");
}

std::string fault_of(const ClientOptions& options, std::string_view url = "ws://h/") {
  return fault_of({}, options, url);
}

/// The default options with one of them set.
template <class Value, class Given>
ClientOptions with(Value ClientOptions::* option, Given given) {
  ClientOptions options;
  options.*option = std::move(given);
  return options;
}

}  // namespace

TEST_CASE("good headers and options have no fault") {
  ClientOptions options;
  options.cookies = "a=1; b=2";
  options.origin = "https://example.com";
  options.subprotocols = {"chat", "Chat", "v2.chat"};
  options.bearer_token = "abc.DEF-123_~+/=";
  CHECK(fault_of({{"X-Name", "caf\xc3\xa9"}, {"x-empty", ""}, {"User-Agent", "me"}}, options) ==
        "");
}

TEST_CASE("a header that the handshake writes itself is refused by name, in any case") {
  for (const std::string name :
       {"Host", "upgrade", "CONNECTION", "Content-Length", "Transfer-Encoding", "Sec-WebSocket-Key",
        "sec-websocket-protocol", "Sec-WebSocket-Extensions", "Sec-WebSocket-Anything"})
    CHECK(fault_of({{name, "x"}}) == "header '" + name + "' is written by the handshake itself");
  CHECK(fault_of({{"Sec-WebSocketKey", "x"}}).empty());
  CHECK(fault_of({{"Hosts", "x"}}).empty());
  CHECK(fault_of({{"Proxy-Authorization", "x"}}) ==
        "header 'Proxy-Authorization': user and password for a proxy stand in the proxy's URL");
}

TEST_CASE("a header with bytes that may not stand there is refused [RFC 9110 5.5]") {
  CHECK(fault_of({{"", "x"}}) == "header '': its name is no token (RFC 9110 §5.6.2)");
  CHECK(fault_of({{"a b", "x"}}).contains("'a b': its name is no token"));
  CHECK(fault_of({{"a\r\nHost", "x"}}).starts_with("header 'a\\x0d\\x0aHost': its name"));
  for (const std::string_view value : {"a\r\nX: y"sv, "a\n"sv, "a\rb"sv, "a\0b"sv, "\x7f"sv})
    CHECK(fault_of({{"A", std::string(value)}}).starts_with("header 'A' has a control byte"));
}

TEST_CASE("what an option gives is not given by a header too") {
  CHECK(fault_of({{"authorization", "x"}}, with(&ClientOptions::bearer_token, "t"))
            .starts_with("header 'authorization' is given twice"));
  CHECK(fault_of({{"Authorization", "x"}}, with(&ClientOptions::user, "u")).contains("twice"));
  CHECK(fault_of({{"Authorization", "x"}}, {}, "ws://u@h/").contains("twice"));
  CHECK(fault_of({{"Cookie", "a=b"}}, with(&ClientOptions::cookies, "c=d")).contains("twice"));
  CHECK(fault_of({{"Origin", "x"}}, with(&ClientOptions::origin, "y")).contains("twice"));
  CHECK(fault_of({{"Authorization", "x"}, {"Cookie", "a=b"}, {"Origin", "x"}}).empty());
}

TEST_CASE("cookies, origin and token without bytes that may not stand there") {
  CHECK(fault_of(with(&ClientOptions::cookies, "a=b\r\n")).starts_with("the option cookies has"));
  CHECK(fault_of(with(&ClientOptions::origin, "https://a b")).starts_with("the option origin has"));
  CHECK(fault_of(with(&ClientOptions::origin, "https://\xc3\xa9")).contains("origin"));
  const std::string token = fault_of(with(&ClientOptions::bearer_token, "secret\n"));
  CHECK(token.starts_with("the bearer token has a space or another byte"));
  CHECK_FALSE(token.contains("secret"));
}

TEST_CASE("subprotocols are tokens, each once [RFC 6455 4.1]") {
  using Names = std::vector<std::string>;
  const auto fault = [](Names names) {
    return fault_of(with(&ClientOptions::subprotocols, std::move(names)));
  };
  CHECK(fault({"a", "b", "a"}) == "subprotocol 'a' is offered twice (RFC 6455 §4.1)");
  CHECK(fault({""}) == "subprotocol '' is no token (RFC 6455 §4.1)");
  CHECK(fault({"a,b"}).contains("'a,b' is no token"));
  CHECK(fault({"a", "b\r\n"}).contains("'b\\x0d\\x0a' is no token"));
}

TEST_CASE("a user name with a colon is refused, unless nobody needs it [RFC 7617 2]") {
  CHECK(fault_of(with(&ClientOptions::user, "a:b")).contains("the user name has a ':'"));
  CHECK(fault_of({}, "ws://a%3ab:c@h/").contains("the user name has a ':'"));
  CHECK(fault_of(with(&ClientOptions::bearer_token, "t"), "ws://a%3ab:c@h/").empty());
  CHECK(fault_of(with(&ClientOptions::user, "a"), "ws://a%3ab:c@h/").empty());
}

TEST_CASE("window bits and level are what permessage-deflate knows [RFC 7692 7.1.2]") {
  for (const int bits : {9, 15}) CHECK(fault_of(with(&ClientOptions::window_bits, bits)).empty());
  for (const int bits : {-1, 8, 16, 265})
    CHECK(fault_of(with(&ClientOptions::window_bits, bits)).contains("it must be 9 to 15"));
  for (const int level : {0, 10})
    CHECK(fault_of(with(&ClientOptions::compression_level, level)).contains("must be 1 to 9"));
  ClientOptions off = with(&ClientOptions::window_bits, 8);
  off.compression = false;
  CHECK(fault_of(off).empty());
}

TEST_CASE("a bearer token goes before user and password, and those before the URL's") {
  const auto url = *parse_websocket_url("ws://Aladdin:open%20sesame@h/");
  ClientOptions options;
  CHECK(authorization_of(options, *parse_websocket_url("ws://h/")).empty());
  CHECK(authorization_of(options, url) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  options.password = "p";
  CHECK(authorization_of(options, url) == "Basic OnA=");
  options.bearer_token = "token";
  CHECK(authorization_of(options, url) == "Bearer token");
}

TEST_CASE("http and https are a WebSocket's URL too, and nothing else is") {
  CHECK(parse_websocket_url("ws://h/")->scheme == "ws");
  CHECK(parse_websocket_url("wss://h/")->scheme == "wss");
  CHECK(parse_websocket_url("http://h/")->text() == "ws://h/");
  CHECK(parse_websocket_url("https://h:8443/")->text() == "wss://h:8443/");
  CHECK(parse_websocket_url("socks5://h/").error().message ==
        "URL 'socks5://h/': a WebSocket's begins with ws:// or wss://");
  CHECK_FALSE(parse_websocket_url("h/"));
}

TEST_CASE("credentials are what names an origin's user") {
  CHECK(client::is_credential("authorization"));
  CHECK(client::is_credential("Cookie"));
  CHECK_FALSE(client::is_credential("Cookie2"));
  CHECK_FALSE(client::is_credential("Origin"));
}
