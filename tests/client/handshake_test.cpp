// SPDX-License-Identifier: MIT
// The client's opening handshake: its request, and each answer judged.
#include <client/handshake.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <base/header_field.hpp>
#include <client/answer_rig.hpp>

using namespace walkie;
using client::AgreedUpgrade;
using client::FollowedRedirect;
using client::Handshake;
using client::OutgoingRequest;
using client::UpgradeOutcome;
using test::AnswerRig;

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

/// The nonce and the answer of RFC 6455 §1.3.
constexpr std::string_view kNonceText = "the sample nonce";
constexpr std::string_view kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

std::array<std::byte, 16> nonce() {
  std::array<std::byte, 16> bytes{};
  std::ranges::copy(bytes_of(kNonceText), bytes.begin());
  return bytes;
}

Handshake handshake_for(std::string_view url, const ClientOptions& options = {}) {
  auto handshake = Handshake::make(url, options.headers, options);
  REQUIRE_MESSAGE(handshake, (handshake ? "" : handshake.error().message));
  return *std::move(handshake);
}

std::string value_of(const OutgoingRequest& request, std::string_view name) {
  std::string value = "absent";
  for (const auto& [field, text] : request.fields)
    if (equal_ignoring_case(field, name)) value = value == "absent" ? text : value + "|" + text;
  return value;
}

UpgradeOutcome judge(Handshake& handshake, std::string_view answer) {
  static_cast<void>(handshake.request(nonce()));
  const AnswerRig rig(answer);
  return handshake.judge(rig.event());
}

ConnectError error_of(std::string_view url, std::string_view answer,
                      const ClientOptions& options = {}) {
  Handshake handshake = handshake_for(url, options);
  const UpgradeOutcome outcome = judge(handshake, answer);
  REQUIRE(std::holds_alternative<ConnectError>(outcome));
  return std::get<ConnectError>(outcome);
}

std::string answer_with(int status, std::string_view lines = {}, std::string_view body = {}) {
  std::string text = "HTTP/1.1 " + std::to_string(status) + " R\r\n";
  text.append(lines).append("Content-Length: ").append(std::to_string(body.size()));
  return text.append("\r\n\r\n").append(body);
}

std::string redirect_to(std::string_view location, int status = 302) {
  return answer_with(status, "Location: " + std::string(location) + "\r\n");
}

/// The fault of options that make() refuses.
ConnectError refusal(std::string_view url, const ClientOptions& options = {}) {
  const auto handshake = Handshake::make(url, options.headers, options);
  REQUIRE_FALSE(handshake);
  return handshake.error();
}

}  // namespace

// -- the request --

TEST_CASE("client asks with all that a handshake needs, and no more [RFC 6455 4.1]") {
  Handshake handshake = handshake_for("ws://example.com:8000/chat?x=y");
  const OutgoingRequest request = handshake.request(nonce());
  CHECK(request.method == "GET");
  CHECK(request.target == "/chat?x=y");
  const Headers expected{{"Host", "example.com:8000"},
                         {"Upgrade", "websocket"},
                         {"Connection", "Upgrade"},
                         {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
                         {"Sec-WebSocket-Version", "13"},
                         {"Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"},
                         {"User-Agent", "walkie"}};
  CHECK(request.fields == expected);
}

TEST_CASE("client sends what its options say [RFC 6455 4.1]") {
  ClientOptions options;
  options.headers = {{"X-A", "1"}, {"X-A", "2"}, {"user-agent", "mine"}};
  options.cookies = "a=1; b=2";
  options.bearer_token = "token";
  options.origin = "https://example.com";
  options.subprotocols = {"chat", "superchat"};
  options.compression = false;
  const OutgoingRequest request = handshake_for("wss://[::1]/", options).request(nonce());
  CHECK(value_of(request, "Host") == "[::1]");
  CHECK(value_of(request, "X-A") == "1|2");
  CHECK(value_of(request, "User-Agent") == "mine");
  CHECK(value_of(request, "Cookie") == "a=1; b=2");
  CHECK(value_of(request, "Authorization") == "Bearer token");
  CHECK(value_of(request, "Origin") == "https://example.com");
  CHECK(value_of(request, "Sec-WebSocket-Protocol") == "chat, superchat");
  CHECK(value_of(request, "Sec-WebSocket-Extensions") == "absent");
}

TEST_CASE("client offers the compression that its options describe [RFC 7692 7.1]") {
  ClientOptions options;
  options.context_takeover = false;
  options.window_bits = 10;
  const OutgoingRequest request = handshake_for("ws://h/", options).request(nonce());
  CHECK(value_of(request, "Sec-WebSocket-Extensions") ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=10; client_max_window_bits=10");
}

TEST_CASE("client sends the URL's user and password as basic authentication [RFC 7617 2]") {
  Handshake handshake = handshake_for("ws://Aladdin:open%20sesame@h/");
  CHECK(value_of(handshake.request(nonce()), "Authorization") ==
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK_FALSE(handshake.url().has_credentials());
}

TEST_CASE("client refuses faulty URLs and options before it dials") {
  CHECK(refusal("example.com").fault == ConnectFault::bad_url);
  CHECK(refusal("example.com").message.contains("must begin with ws:// or wss://"));
  ClientOptions options;
  options.headers = {{"Host", "other"}};
  CHECK(refusal("ws://h/", options).fault == ConnectFault::bad_url);
  CHECK(refusal("ws://h/", options).message == "header 'Host' is written by the handshake itself");
}

// -- agreed --

TEST_CASE("client agrees to the RFC's example answer [RFC 6455 1.3]") {
  ClientOptions options;
  options.subprotocols = {"superchat", "chat"};
  Handshake handshake = handshake_for("ws://server.example.com/chat", options);
  const UpgradeOutcome outcome =
      judge(handshake, std::string(kSwitch) + "Sec-WebSocket-Protocol: chat\r\n\r\n");
  REQUIRE(std::holds_alternative<AgreedUpgrade>(outcome));
  const auto& agreed = std::get<AgreedUpgrade>(outcome);
  CHECK(agreed.subprotocol == "chat");
  CHECK_FALSE(agreed.deflate.enabled);
  CHECK(agreed.answer.status == 101);
  CHECK(agreed.answer.header("upgrade") == "websocket");
}

TEST_CASE("client agrees to compression that it offered [RFC 7692 7.1]") {
  Handshake handshake = handshake_for("ws://h/");
  const UpgradeOutcome outcome =
      judge(handshake,
            std::string(kSwitch) +
                "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=12\r\n\r\n");
  REQUIRE(std::holds_alternative<AgreedUpgrade>(outcome));
  CHECK(std::get<AgreedUpgrade>(outcome).deflate.enabled);
  CHECK(std::get<AgreedUpgrade>(outcome).deflate.server_max_window_bits == 12);
}

TEST_CASE("client asks with a new key each time, and takes the answer to the last one only") {
  Handshake handshake = handshake_for("ws://h/");
  static_cast<void>(handshake.request(nonce()));
  CHECK(value_of(handshake.request({}), "Sec-WebSocket-Key") == "AAAAAAAAAAAAAAAAAAAAAA==");
  const AnswerRig rig(std::string(kSwitch) + "\r\n");
  CHECK(std::holds_alternative<ConnectError>(handshake.judge(rig.event())));
}

// -- protocol --

TEST_CASE("client refuses a 101 that breaks the handshake, with its clause [RFC 6455 4.1]") {
  const std::vector<std::pair<std::string, std::string_view>> cases{
      {"HTTP/1.1 101 S\r\n\r\n", "Upgrade is not websocket"},
      {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\n\r\n", "Connection does not list Upgrade"},
      {"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Accept: AAAA\r\n\r\n",
       "Sec-WebSocket-Accept is not the answer to our key"},
      {std::string(kSwitch) + "Sec-WebSocket-Protocol: chat\r\n\r\n",
       "a subprotocol that was not offered"}};
  for (const auto& [answer, why] : cases) {
    const ConnectError error = error_of("ws://h/x", answer);
    CHECK(error.fault == ConnectFault::protocol);
    CHECK(error.clause == "RFC 6455 §4.1");
    CHECK(error.message ==
          "ws://h/x: the server's handshake is broken: " + std::string(why) + " (RFC 6455 §4.1)");
    REQUIRE(error.answer);
    CHECK(error.answer->status == 101);
  }
}

TEST_CASE("client refuses an extension that it did not offer [RFC 6455 9.1]") {
  const ConnectError error =
      error_of("ws://h/", std::string(kSwitch) + "Sec-WebSocket-Extensions: x-other\r\n\r\n");
  CHECK(error.fault == ConnectFault::protocol);
  CHECK_FALSE(error.clause.empty());
}

TEST_CASE("client says when the server does not speak HTTP [RFC 9112 3]") {
  const std::string_view alert = "\x15\x03\x03\x00\x02\x02\x0a";
  ConnectError error = error_of("ws://h/", alert);
  CHECK(error.fault == ConnectFault::protocol);
  CHECK(error.message.contains("if the port is for TLS, use wss://"));
  CHECK_FALSE(error.answer);
  error = error_of("wss://h/", "220 mail.example.com ESMTP\r\n");
  CHECK(error.message == "wss://h/: the server does not speak HTTP (RFC 9112 §3)");
  error = error_of("ws://h/", "HTTP/1.1 101 S\nUpgrade: websocket\n\n");
  CHECK(error.message ==
        "ws://h/: the answer is broken: a line ends with a bare LF (RFC 9112 §2.2)");
  CHECK(error.clause == "RFC 9112 §2.2");
}

TEST_CASE("client says when the connection ends before the answer") {
  for (const std::string_view bytes : {"", "HTTP/1.1 101 Swi"}) {
    const ConnectError error = error_of("ws://u:p@h/", bytes);
    CHECK(error.fault == ConnectFault::ended);
    CHECK(error.message ==
          "ws://h/: the connection ended before the answer; "
          "if the port is for TLS, use wss://");
  }
}

// -- rejected --

TEST_CASE("client tells a rejection with status, headers and body") {
  const ConnectError error = error_of(
      "wss://h/x", "HTTP/1.1 403 Forbidden\r\nX-Why: you\r\nContent-Length: 4\r\n\r\nbody");
  CHECK(error.fault == ConnectFault::rejected);
  CHECK(error.message ==
        "wss://h/x: the server answered 403 Forbidden: the server may want another "
        "Origin, or credentials");
  REQUIRE(error.answer);
  CHECK(error.answer->status == 403);
  CHECK(error.answer->reason == "Forbidden");
  CHECK(error.answer->header("x-why") == "you");
  CHECK(error.answer->body == "body");
}

TEST_CASE("client hints at what is usually behind a status") {
  const std::vector<std::pair<std::string, std::string_view>> cases{
      {answer_with(200), "200 R: the path serves ordinary HTTP, or a proxy on the way stripped"},
      {answer_with(404), "404 R: nothing is at this path"},
      {answer_with(405), "405 R: no WebSocket is at this path"},
      {answer_with(426, "Sec-WebSocket-Version: 8, 7\r\n"),
       "426 R: the server speaks WebSocket version 8, 7, not 13"},
      {answer_with(426, "Upgrade: h2c\r\n"), "426 R: the server wants another protocol"},
      {answer_with(429, "Retry-After: 30\r\n"),
       "429 R: the server had too many requests; Retry-After: 30"},
      {answer_with(503), "503 R: the server is overloaded or not ready"},
      {answer_with(502), "502 R: a gateway"},
      {answer_with(400, "", "Bad Request"), "400 R: the server does not take this handshake"},
  };
  for (const auto& [answer, text] : cases) {
    const ConnectError error = error_of("ws://h/", answer);
    CAPTURE(error.message);
    CHECK(error.fault == ConnectFault::rejected);
    CHECK(error.message.contains(text));
  }
  CHECK(error_of("ws://h/", answer_with(418)).message == "ws://h/: the server answered 418 R");
  for (const int status : {300, 304, 305, 306, 999})
    CHECK(error_of("ws://h/", answer_with(status, "Location: /x\r\n")).fault ==
          ConnectFault::rejected);
}

TEST_CASE("client says to use wss where a TLS port complains of plain HTTP") {
  for (const std::string_view body :
       {"<h1>400</h1>The plain HTTP request was sent to HTTPS port",
        "Client sent an HTTP request to an HTTPS server.\n",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
        "this port speaks TLS"}) {
    CHECK(error_of("ws://h/", answer_with(400, "", body))
              .message.ends_with("the port is for TLS: use wss://"));
    CHECK_FALSE(error_of("wss://h/", answer_with(400, "", body)).message.contains("use wss"));
  }
}

TEST_CASE("client says which credentials a 401 is about [RFC 9110 11.6.1]") {
  const std::string answer = answer_with(401, "WWW-Authenticate: Basic realm=\"r\"\r\n");
  CHECK(error_of("ws://h/", answer)
            .message.ends_with(": the server wants credentials (Basic); none were sent"));
  CHECK(error_of("ws://u:p@h/", answer).message.ends_with("does not take those that were sent"));
  ClientOptions options;
  options.headers = {{"authorization", "Custom x"}};
  CHECK(error_of("ws://h/", answer, options).message.ends_with("those that were sent"));
  Handshake handshake = handshake_for("ws://u:p@h/");
  static_cast<void>(judge(handshake, redirect_to("ws://other/")));
  const UpgradeOutcome outcome = judge(handshake, answer);
  CHECK(std::get<ConnectError>(outcome).message.ends_with(
      "none are sent after a redirect to another origin"));
}

TEST_CASE("client keeps its messages on one line, whatever the server sends") {
  const ConnectError error = error_of(
      "ws://h/", "HTTP/1.1 503 a\tb\x9b[31m\r\nRetry-After: \xff\r\nContent-Length: 0\r\n\r\n");
  CHECK(std::ranges::all_of(error.message, [](char c) { return c >= ' ' && c <= '~'; }));
}

// -- redirects --

TEST_CASE("client follows redirects to where they lead [RFC 9110 15.4]") {
  for (const int status : {301, 302, 303, 307, 308}) {
    Handshake handshake = handshake_for("ws://h/a/b");
    const UpgradeOutcome outcome = judge(handshake, redirect_to("../c?d#e", status));
    REQUIRE(std::holds_alternative<FollowedRedirect>(outcome));
    CHECK(std::get<FollowedRedirect>(outcome).message ==
          "ws://h/a/b redirects to ws://h/c?... (" + std::to_string(status) + " R)");
    CHECK(handshake.url().text() == "ws://h/c?d");
    const OutgoingRequest request = handshake.request(nonce());
    CHECK(request.method == "GET");
    CHECK(request.target == "/c?d");
  }
}

TEST_CASE("client follows a redirect to TLS, to another host and port") {
  Handshake handshake = handshake_for("ws://h/");
  static_cast<void>(judge(handshake, redirect_to("https://other:8443/x")));
  CHECK(handshake.url().text() == "wss://other:8443/x");
  CHECK(value_of(handshake.request(nonce()), "Host") == "other:8443");
}

TEST_CASE("client follows no redirect from wss to ws") {
  for (const std::string_view location : {"ws://h/x", "http://h/x", "http://h:443/x"}) {
    const ConnectError error = error_of("wss://h/", redirect_to(location));
    CHECK(error.fault == ConnectFault::redirect);
    CHECK(error.message.starts_with("wss://h/ redirects to ws://h"));
    CHECK(error.message.ends_with("/x: refused, as that would give up TLS"));
    REQUIRE(error.answer);
    CHECK(error.answer->header("Location") == location);
  }
}

TEST_CASE("client follows only so many redirects, which ends loops [RFC 9110 15.4]") {
  ClientOptions options;
  options.dial.redirects_max = 2;
  Handshake handshake = handshake_for("ws://h/0", options);
  CHECK(std::holds_alternative<FollowedRedirect>(judge(handshake, redirect_to("/1"))));
  CHECK(std::holds_alternative<FollowedRedirect>(judge(handshake, redirect_to("/0"))));
  const UpgradeOutcome outcome = judge(handshake, redirect_to("/1"));
  REQUIRE(std::holds_alternative<ConnectError>(outcome));
  CHECK(std::get<ConnectError>(outcome).fault == ConnectFault::redirect);
  CHECK(std::get<ConnectError>(outcome).message ==
        "ws://h/0 redirects to ws://h/1: refused, as 2 redirects are the limit (redirects_max)");
  options.dial.redirects_max = 0;
  CHECK(error_of("ws://h/", redirect_to("/1"), options).message.contains("0 redirects"));
}

TEST_CASE("client says what is wrong with a Location [RFC 9110 10.2.2]") {
  CHECK(error_of("ws://h/", answer_with(301)).message == "ws://h/: 301 R without a Location");
  ConnectError error = error_of("ws://h/", redirect_to("ftp://other/x"));
  CHECK(error.fault == ConnectFault::redirect);
  CHECK(error.message.starts_with("ws://h/: 302 R: Location 'ftp://other/x': "));
  error = error_of("ws://h/", redirect_to("socks5://other/"));
  CHECK(error.message.ends_with("a WebSocket cannot be there"));
}

TEST_CASE("credentials stay with their origin, for good [RFC 9110 15.4]") {
  ClientOptions options;
  options.headers = {{"X-Stays", "1"}, {"cookie", "c=1"}};
  options.user = "u";
  const auto credentials = [](Handshake& handshake) {
    const OutgoingRequest request = handshake.request(nonce());
    CHECK(value_of(request, "X-Stays") == "1");
    return value_of(request, "Authorization") + " " + value_of(request, "Cookie");
  };
  for (const std::string_view elsewhere :
       {"ws://other/", "ws://h:81/", "wss://h/", "ws://u:p@sub.h/", "//other/"}) {
    Handshake handshake = handshake_for("ws://h/", options);
    static_cast<void>(judge(handshake, redirect_to("/same")));
    CHECK(credentials(handshake) == "Basic dTo= c=1");
    static_cast<void>(judge(handshake, redirect_to("http://H:80/same")));
    CHECK(credentials(handshake) == "Basic dTo= c=1");
    static_cast<void>(judge(handshake, redirect_to(elsewhere)));
    CHECK(credentials(handshake) == "absent absent");
    if (handshake.url().secure()) continue;
    static_cast<void>(judge(handshake, redirect_to("ws://h/back")));
    CHECK(handshake.url().host == "h");
    CHECK(credentials(handshake) == "absent absent");
    static_cast<void>(judge(handshake, redirect_to("/again")));
    CHECK(handshake.url().text() == "ws://h/again");
    CHECK(credentials(handshake) == "absent absent");
  }
}

TEST_CASE("cookies and tokens of options, and those of a header, stay behind alike") {
  ClientOptions options;
  options.cookies = "c=1";
  options.headers = {{"AUTHORIZATION", "Custom x"}};
  Handshake handshake = handshake_for("ws://h/", options);
  static_cast<void>(judge(handshake, redirect_to("ws://other/")));
  const OutgoingRequest request = handshake.request(nonce());
  CHECK(value_of(request, "Cookie") == "absent");
  CHECK(value_of(request, "Authorization") == "absent");
}
