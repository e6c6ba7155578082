// SPDX-License-Identifier: MIT
// Requests that own their text, answers that are kept, and how both are told.
#include <client/exchange.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>

#include <client/answer_rig.hpp>

using namespace walkie;
using client::OutgoingRequest;

TEST_CASE("a request sends its fields in their order") {
  base::BufferPool pool;
  const http::ClientConnectionOptions options;
  http::ClientConnection connection(options, pool);
  const OutgoingRequest request{"GET", "/a", {{"Host", "h"}, {"b", "c"}}};
  REQUIRE(request.send(connection));
  std::array<BytesView, 1> views;
  REQUIRE(connection.output().gather(views) == 1);
  CHECK(text_of(views[0]) == "GET /a HTTP/1.1\r\nHost: h\r\nb: c\r\n\r\n");
}

TEST_CASE("a request that would smuggle is not sent [RFC 9110 5.5]") {
  base::BufferPool pool;
  const http::ClientConnectionOptions options;
  http::ClientConnection connection(options, pool);
  CHECK_FALSE(OutgoingRequest{"GET", "/", {{"a", "b\r\nc: d"}}}.send(connection));
  CHECK(connection.output().empty());
}

TEST_CASE("an answer is kept whole, with fields in any case") {
  const test::AnswerRig rig("HTTP/1.1 403 Not You\r\nA: b\r\nContent-Length: 2\r\n\r\nno");
  const HttpAnswer answer = client::answer_of(rig.event());
  CHECK(answer.status == 403);
  CHECK(answer.reason == "Not You");
  CHECK(answer.headers.size() == 2);
  CHECK(answer.header("content-LENGTH") == "2");
  CHECK(answer.header("Absent").empty());
  CHECK(answer.body == "no");
}

TEST_CASE("a status is told on one line, whatever the server says") {
  CHECK(client::status_text({.status = 404, .reason = "Not Found"}) == "404 Not Found");
  CHECK(client::status_text({.status = 404}) == "404");
  CHECK(client::status_text({.status = 404, .reason = "a\tb\xc2\x9b"}) == R"(404 a\x09b\xc2\x9b)");
  CHECK(client::status_text({.status = 404, .reason = std::string(500, 'x')}).size() < 100);
}

TEST_CASE("authentication schemes are found among their parameters [RFC 9110 11.6.1]") {
  const auto schemes = [](std::vector<std::pair<std::string, std::string>> headers) {
    return client::asked_schemes({.headers = std::move(headers)}, "WWW-Authenticate");
  };
  CHECK(schemes({}).empty());
  CHECK(schemes({{"Proxy-Authenticate", "Basic"}}).empty());
  CHECK(schemes({{"WWW-Authenticate", R"(Basic realm="a, b c", charset="UTF-8")"}}) == "Basic");
  CHECK(schemes({{"www-authenticate", R"(Digest realm="x", nonce="y", Basic realm="z")"},
                 {"WWW-Authenticate", "Negotiate"}}) == "Digest, Basic, Negotiate");
}

TEST_CASE("a URL in a message has no password and no query, and is not endless") {
  const auto url = http::parse_url("wss://u:secret@h/" + std::string(1000, 'a'));
  const std::string text = client::message_text(*url);
  CHECK(text.starts_with("wss://h/aaa"));
  CHECK(text.size() < 250);
  CHECK(client::message_text(*http::parse_url("ws://h/a?token=t")) == "ws://h/a?...");
}
