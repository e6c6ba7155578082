// SPDX-License-Identifier: MIT
// The server's end of an HTTP/1.1 connection: requests, answers, persistence, the upgrade.
#include <http/server_connection.hpp>

#include <doctest/doctest.h>

#include <http/server_rig.hpp>
#include <support/split_everywhere.hpp>

using namespace walkie;
using http::HeadError;
using test::ServerRig;
using test::split_everywhere;
using Kind = http::ServerEvent::Kind;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

namespace {

constexpr std::string_view kGet = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

/// Answers every request with its method, path and body, joined.
std::string serve(ServerRig& rig) {
  while (const auto event = rig.poll()) {
    if (event->kind != Kind::request) break;
    const http::Request& request = event->request;
    std::string body{request.head->method};
    body.append(" ").append(request.head->path).append(" ").append(text_of(request.body));
    rig.answer(200, body);
  }
  return rig.take_output();
}

std::string answer_of(std::string_view body, std::string_view more = {}) {
  std::string text = "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n";
  text.append("Content-Type: text/plain; charset=utf-8\r\nContent-Length: ");
  text.append(std::to_string(body.size())).append("\r\n").append(more).append("\r\n");
  return text.append(body);
}

}  // namespace

TEST_CASE("server answers a request with its length, date and type [RFC 9112 6.2]") {
  ServerRig rig;
  rig.send(kGet);
  CHECK(serve(rig) == answer_of("GET /a "));
  CHECK_FALSE(rig.connection.finished());
  CHECK(rig.connection.idle());
}

TEST_CASE("server answers pipelined requests in order, however they are cut [RFC 9112 9.3.2]") {
  const std::string input =
      "POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
      "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /3 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n"
      "\r\nGET /4 HTTP/1.1\r\nHost: x\r\n\r\n";
  const std::string expected = answer_of("POST /1 hello") + answer_of("GET /2 ") +
                               answer_of("POST /3 abcde") + answer_of("GET /4 ");
  split_everywhere(bytes_of(input), [&expected](const test::Parts& parts) {
    ServerRig rig;
    std::string output;
    for (const test::Bytes& part : parts) {
      rig.connection.receive(part, rig.now);
      output += serve(rig);
    }
    CHECK(output == expected);
    CHECK(rig.connection.idle());
    CHECK(rig.pool.lent_bytes() == 0);
  });
}

TEST_CASE("a request's views stay while more is received, until it is answered") {
  ServerRig rig;
  rig.send("POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody");
  const auto event = rig.poll();
  REQUIRE(event);
  for (int i = 0; i < 200; ++i) rig.send("GET /behind HTTP/1.1\r\nHost: x\r\n\r\n");
  CHECK(event->request.head->path == "/first");
  CHECK(event->request.head->host == "x");
  CHECK(text_of(event->request.body) == "body");
  rig.answer(200);
  int behind = 0;
  while (const auto next = rig.poll()) {
    CHECK(next->request.head->path == "/behind");
    rig.answer(200);
    ++behind;
  }
  CHECK(behind == 200);
  rig.take_output();
  CHECK(rig.pool.lent_bytes() == 0);
}

TEST_CASE("a head whose buffer grew with its body is still right when the request is told") {
  ServerRig rig;
  const std::string body(300'000, 'b');
  rig.send("POST /large HTTP/1.1\r\nHost: x\r\nContent-Length: 300000\r\n\r\n");
  for (std::size_t at = 0; at < body.size(); at += 1000) rig.send(body.substr(at, 1000));
  const auto event = rig.poll();
  REQUIRE(event);
  CHECK(event->request.head->path == "/large");
  CHECK(event->request.head->fields.size() == 2);
  CHECK(text_of(event->request.body) == body);
  rig.answer(200);
  rig.take_output();
  CHECK(rig.pool.lent_bytes() == 0);
}

TEST_CASE("the framing of many small chunks is not kept [RFC 9112 7.1]") {
  ServerRig rig;
  rig.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 3000; ++i) rig.send("0001\r\nx\r\n");
  CHECK(rig.pool.lent_bytes() <= 4096);
  rig.send("0\r\n\r\n");
  const auto event = rig.poll();
  REQUIRE(event);
  CHECK(text_of(event->request.body) == std::string(3000, 'x'));
}

TEST_CASE("server answers HEAD with GET's length and no content [RFC 9110 9.3.2]") {
  ServerRig rig;
  rig.send("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(rig.poll());
  rig.answer(200, "hello");
  const std::string output = rig.take_output();
  CHECK(output.contains("Content-Length: 5\r\n"));
  CHECK(output.ends_with("\r\n\r\n"));
}

TEST_CASE("server sends no content with 204, 205 and 304 [RFC 9110 6.4.1]") {
  for (const int status : {204, 205, 304}) {
    ServerRig rig;
    rig.send(kGet);
    REQUIRE(rig.poll());
    rig.answer(status, "never");
    const std::string output = rig.take_output();
    CAPTURE(output);
    CHECK(output.ends_with("\r\n\r\n"));
    CHECK(output.contains("Content-Length: 0\r\n") == (status == 205));
    CHECK(output.contains("Content-Length") == (status == 205));
    CHECK_FALSE(output.contains("Content-Type"));
  }
}

TEST_CASE("server makes 500 of a status that ends no request [RFC 9110 15]") {
  for (const int status : {-1, 0, 100, 101, 199, 1000}) {
    ServerRig rig;
    rig.send(kGet);
    REQUIRE(rig.poll());
    rig.answer(status);
    CHECK(rig.take_output().starts_with("HTTP/1.1 500 Internal Server Error\r\n"));
  }
}

TEST_CASE("server reports a handler's field that would split the response [RFC 9110 5.5]") {
  ServerRig rig;
  rig.send(kGet);
  REQUIRE(rig.poll());
  const bool whole = rig.connection.respond(
      {.status = 302, .body = {}, .headers = {{"Location", "/a\r\nSet-Cookie: b=c"}}}, "");
  CHECK_FALSE(whole);
  CHECK_FALSE(rig.take_output().contains("Set-Cookie"));
}

TEST_CASE("server closes behind the answer where the client asks for it [RFC 9112 9.6]") {
  ServerRig rig;
  rig.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nGET /no HTTP/1.1\r\n");
  CHECK(serve(rig) == answer_of("GET / ", "Connection: close\r\n"));
  CHECK(rig.connection.finished());
  CHECK_FALSE(rig.connection.wants_input());
  CHECK_FALSE(rig.poll());
  CHECK(rig.pool.lent_bytes() == 0);
}

TEST_CASE("server closes behind an HTTP/1.0 answer unless asked to stay [RFC 9112 9.3]") {
  ServerRig rig;
  rig.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  CHECK(serve(rig) == answer_of("GET / ", "Connection: keep-alive\r\n"));
  CHECK_FALSE(rig.connection.finished());
  rig.send("GET / HTTP/1.0\r\n\r\n");
  CHECK(serve(rig) == answer_of("GET / ", "Connection: close\r\n"));
  CHECK(rig.connection.finished());
}

TEST_CASE("server closes behind the answer where its handler asks for it [RFC 9112 9.6]") {
  ServerRig rig;
  rig.send(kGet);
  REQUIRE(rig.poll());
  rig.answer(200, "", true);
  CHECK(rig.take_output().contains("Connection: close\r\n"));
  CHECK(rig.connection.finished());
}

TEST_CASE("server closes behind the answer to CONNECT [RFC 9110 9.3.6]") {
  ServerRig rig;
  rig.send("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
  REQUIRE(rig.poll());
  rig.answer(200);
  CHECK(rig.connection.finished());
  CHECK_FALSE(rig.poll());
}

// -- faults --

TEST_CASE("server answers a fault with its status and clause, and ends [RFC 9112 2.2]") {
  split_everywhere(bytes_of("GET / HTTP/1.1\nHost: x\r\n\r\n"), [](const test::Parts& parts) {
    ServerRig rig;
    std::optional<http::ServerEvent> event;
    for (const test::Bytes& part : parts) {
      rig.connection.receive(part, rig.now);
      if (auto next = rig.poll()) event = next;
    }
    REQUIRE(event);
    CHECK(event->kind == Kind::failed);
    CHECK(event->error == HeadError::bare_line_feed);
    CHECK(rig.connection.finished());
    CHECK(rig.take_output() ==
          "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
          "Content-Length: 61\r\nConnection: close\r\n\r\n"
          "400 Bad Request: a line ends with a bare LF (RFC 9112 §2.2)\n");
    CHECK(rig.pool.lent_bytes() == 0);
  });
}

TEST_CASE("server answers requests in front of a fault first [RFC 9112 9.3.2]") {
  ServerRig rig;
  rig.send(std::string(kGet) + "\x16\x03\x01");
  const auto first = rig.poll();
  REQUIRE(first);
  CHECK(first->kind == Kind::request);
  rig.answer(200);
  const auto second = rig.poll();
  REQUIRE(second);
  CHECK(second->error == HeadError::not_http);
  const std::string output = rig.take_output();
  CHECK(output.find("HTTP/1.1 200") < output.find("HTTP/1.1 400"));
}

namespace {

/// The fault that `input` ends a connection with, however it is cut.
HeadError fault_of(std::string_view input, const http::ServerConnectionOptions& options = {}) {
  std::optional<HeadError> first;
  split_everywhere(bytes_of(input), [&](const test::Parts& parts) {
    ServerRig rig(options);
    HeadError error = HeadError::none;
    for (const test::Bytes& part : parts) {
      rig.connection.receive(part, rig.now);
      while (const auto event = rig.poll()) {
        if (event->kind == Kind::request) rig.answer(200);
        if (event->kind == Kind::failed) error = event->error;
      }
    }
    if (!first) first = error;
    CHECK(error == *first);
    CHECK(rig.connection.finished() == (error != HeadError::none));
  });
  return first.value();
}

std::string post(std::string_view lines, std::string_view body = {}) {
  std::string text = "POST / HTTP/1.1\r\nHost: x\r\n";
  return text.append(lines).append("\r\n").append(body);
}

}  // namespace

TEST_CASE("server refuses every way to smuggle a request and ends the connection [RFC 9112 11.2]") {
  CHECK(fault_of(post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")) ==
        HeadError::conflicting_content_length);
  CHECK(fault_of(post("Content-Length: 5, 5\r\n", "hello")) == HeadError::bad_content_length);
  CHECK(fault_of(post("Content-Length: +5\r\n", "hello")) == HeadError::bad_content_length);
  CHECK(fault_of(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")) ==
        HeadError::length_with_transfer_encoding);
  CHECK(fault_of(post("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n")) ==
        HeadError::bad_transfer_encoding);
  CHECK(fault_of(post("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")) ==
        HeadError::unsupported_transfer_encoding);
  CHECK(fault_of(post("Transfer-Encoding : chunked\r\n", "0\r\n\r\n")) ==
        HeadError::space_before_colon);
  CHECK(fault_of(post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")) ==
        HeadError::folded_line);
  CHECK(fault_of(post("Transfer-Encoding: chunked\r\n", "5\nhello\r\n0\r\n\r\n")) ==
        HeadError::bad_chunk);
  CHECK(fault_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
        HeadError::bad_transfer_encoding);
  CHECK(fault_of("GET / HTTP/1.1\r\n\r\n") == HeadError::missing_host);
  CHECK(fault_of("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n") == HeadError::double_host);
  CHECK(fault_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == HeadError::unsupported_version);
}

TEST_CASE("server answers a length over its limit with 413 before the body comes") {
  const http::ServerConnectionOptions options{.limits = {}, .body_bytes_max = 5};
  CHECK(fault_of(post("Content-Length: 5\r\n", "hello"), options) == HeadError::none);
  CHECK(fault_of(post("Content-Length: 6\r\n"), options) == HeadError::body_too_large);
  CHECK(fault_of(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"), options) ==
        HeadError::none);
  CHECK(fault_of(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n1\r\n"), options) ==
        HeadError::body_too_large);
}

TEST_CASE("server answers a head over its limit with 431, however much comes") {
  http::ServerConnectionOptions options;
  options.limits.head_bytes_max = 100;
  CHECK(fault_of(post("A: " + std::string(200, 'a')), options) == HeadError::head_too_large);
  ServerRig rig(options);
  rig.send(post("A: " + std::string(200, 'a')));
  for (int i = 0; i < 100; ++i) rig.send(std::string(10'000, 'a'));
  CHECK(rig.pool.lent_bytes() <= 4096);  // the answer
}

TEST_CASE("server sends no content with a fault of a HEAD request [RFC 9110 9.3.2]") {
  ServerRig rig;
  rig.send("HEAD / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n");
  const auto event = rig.poll();
  REQUIRE(event);
  CHECK(event->error == HeadError::body_too_large);
  CHECK(rig.take_output().ends_with("\r\n\r\n"));
}

// -- expectations --

TEST_CASE("server asks for the body of a client that expects it [RFC 9110 10.1.1]") {
  ServerRig rig;
  rig.send(post("Content-Length: 5\r\nExpect: 100-Continue\r\n"));
  CHECK_FALSE(rig.poll());
  CHECK(rig.take_output() == "HTTP/1.1 100 Continue\r\n\r\n");
  rig.send("hello");
  CHECK(serve(rig) == answer_of("POST / hello"));
}

TEST_CASE("server asks for no body that is on its way, or that no one sends [RFC 9110 10.1.1]") {
  ServerRig rig;
  rig.send(post("Content-Length: 5\r\nExpect: 100-continue\r\n", "h"));
  CHECK(rig.take_output().empty());
  rig.send("ello");
  CHECK(serve(rig) == answer_of("POST / hello"));
  rig.send(post("Expect: 100-continue\r\n"));
  CHECK(serve(rig) == answer_of("POST / "));
}

TEST_CASE("server ignores expectations of HTTP/1.0 [RFC 9110 10.1.1]") {
  ServerRig rig;
  rig.send("POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n");
  CHECK(rig.take_output().empty());
  rig.send("x");
  CHECK(serve(rig) == answer_of("POST / x", "Connection: close\r\n"));
}

TEST_CASE("server refuses a body that is too large in place of asking for it [RFC 9110 10.1.1]") {
  ServerRig rig({.limits = {}, .body_bytes_max = 5});
  rig.send(post("Content-Length: 6\r\nExpect: 100-continue\r\n"));
  CHECK(rig.poll()->kind == Kind::failed);
  CHECK(rig.take_output().starts_with("HTTP/1.1 413 Content Too Large\r\n"));
}

TEST_CASE("the answer to a fault has a Date where one is given [RFC 9110 6.6.1]") {
  ServerRig rig;
  rig.send("GET / HTTP/1.1\nHost: x\r\n\r\n");
  REQUIRE(rig.connection.poll_event(ServerRig::kDate));
  const std::string date = "\r\nDate: " + std::string(ServerRig::kDate) + "\r\n";
  CHECK(rig.take_output().starts_with("HTTP/1.1 400 Bad Request" + date));
}

TEST_CASE("server answers other expectations with 417 [RFC 9110 10.1.1]") {
  CHECK(fault_of(post("Content-Length: 1\r\nExpect: payment\r\n", "x")) ==
        HeadError::unknown_expectation);
  CHECK(fault_of(post("Expect: 100-continue, tea\r\n")) == HeadError::unknown_expectation);
}

// -- the upgrade --

TEST_CASE("server upgrades and hands over what came behind the head [RFC 6455 4.2.2]") {
  const std::string request =
      "GET /echo HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, UPGRADE\r\nupgrade: WebSocket\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  split_everywhere(bytes_of(request + "frames"), [](const test::Parts& parts) {
    ServerRig rig;
    bool told = false;
    for (const test::Bytes& part : parts) {
      rig.connection.receive(part, rig.now);
      const auto event = rig.poll();
      if (!event) continue;
      told = true;
      CHECK(event->request.asks_for_websocket);
      CHECK(event->request.head->path == "/echo");
    }
    REQUIRE(told);
    CHECK(rig.connection.upgrade("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "", "", {}));
    CHECK(text_of(rig.connection.leftover()) == "frames");
    CHECK(rig.take_output().starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    CHECK_FALSE(rig.connection.finished());
    CHECK_FALSE(rig.connection.next_deadline());
    CHECK_FALSE(rig.poll());
  });
}

TEST_CASE("a request without Upgrade asks for no WebSocket [RFC 6455 4.2.1]") {
  ServerRig rig;
  rig.send(kGet);
  CHECK_FALSE(rig.poll()->request.asks_for_websocket);
}

TEST_CASE("an upgrade that is refused leaves the connection usable [RFC 9112 9.3]") {
  ServerRig rig;
  rig.send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  REQUIRE(rig.poll());
  rig.answer(426);
  rig.take_output();
  rig.send(kGet);
  CHECK(serve(rig) == answer_of("GET /a "));
}

TEST_CASE("a connection that is dropped gives its buffers back") {
  base::BufferPool pool;
  {
    http::ServerConnection connection({}, pool, Instant{});
    connection.receive(bytes_of("GET / HTTP/1.1\r\nHost: x\r\n\r\nmore"), Instant{});
    CHECK(connection.poll_event());
    CHECK(pool.lent_bytes() > 0);
  }
  CHECK(pool.lent_bytes() == 0);
}

// -- backpressure --

TEST_CASE("server stops reading while a request waits and a head's worth is buffered") {
  http::ServerConnectionOptions options;
  options.limits.head_bytes_max = 100;
  ServerRig rig(options);
  rig.send(kGet);
  REQUIRE(rig.poll());
  rig.send("GET /b HTTP/1.1\r\nHost: x\r\nA: ");
  CHECK(rig.connection.wants_input());
  rig.send(std::string(100, 'a'));
  CHECK_FALSE(rig.connection.wants_input());
}

TEST_CASE("server takes no further request from a peer that does not read its answers") {
  http::ServerConnectionOptions options;
  options.output_bytes_max = 1000;
  ServerRig rig(options);
  for (int i = 0; i < 10; ++i) rig.send(kGet);
  int answered = 0;
  while (rig.poll()) {
    rig.answer(200, std::string(400, 'x'));
    ++answered;
  }
  CHECK(answered == 2);
  CHECK_FALSE(rig.connection.wants_input());
  while (rig.take_output() != "")
    while (rig.poll()) {
      rig.answer(200, std::string(400, 'x'));
      ++answered;
    }
  CHECK(answered == 10);
  CHECK(rig.connection.wants_input());
  CHECK(rig.connection.idle());
}

TEST_CASE("a large answer goes out whole") {
  ServerRig rig;
  rig.send(kGet);
  REQUIRE(rig.poll());
  const std::string content(3'000'000, 'c');
  rig.connection.respond(200, "text/plain", bytes_of(content), {}, "");
  const std::string output = rig.take_output();
  CHECK(output.contains("Content-Length: 3000000\r\n"));
  CHECK(output.ends_with("\r\n\r\n" + content));
}

// -- the peer's end --

TEST_CASE("server ends silently where the peer ends between requests or within one") {
  for (const std::string_view before :
       {"", "GET / HT", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhel"}) {
    ServerRig rig;
    rig.send(before);
    rig.send_end();
    const auto event = rig.poll();
    REQUIRE(event);
    CHECK(event->kind == Kind::ended);
    CHECK(rig.connection.finished());
    CHECK(rig.take_output().empty());
    CHECK(rig.pool.lent_bytes() == 0);
  }
}

TEST_CASE("server answers what was whole before the peer's end [RFC 9112 9.6]") {
  ServerRig rig;
  rig.send(std::string(kGet) + std::string(kGet) + "GET /unfinished");
  rig.send_end();
  CHECK_FALSE(rig.connection.wants_input());
  CHECK(serve(rig) == answer_of("GET /a ") + answer_of("GET /a "));
  CHECK(rig.connection.finished());
}

TEST_CASE("server says close in the last answer to a peer that ended [RFC 9112 9.6]") {
  ServerRig rig;
  rig.send(kGet);
  REQUIRE(rig.poll());
  rig.send_end();
  CHECK_FALSE(rig.connection.finished());
  rig.answer(200, "late");
  CHECK(rig.take_output() == answer_of("late", "Connection: close\r\n"));
  CHECK(rig.connection.finished());
}

// -- drain --

TEST_CASE("drain ends an idle connection at once") {
  ServerRig rig;
  rig.connection.finish();
  CHECK(rig.connection.finished());
  CHECK_FALSE(rig.poll());
}

TEST_CASE("drain lets a request be answered, with close [RFC 9112 9.6]") {
  ServerRig rig;
  rig.send("GET /a HTTP/1.1\r\n");
  CHECK_FALSE(rig.connection.idle());
  rig.connection.finish();
  CHECK_FALSE(rig.connection.finished());
  rig.send("Host: x\r\n\r\n");
  CHECK(serve(rig) == answer_of("GET /a ", "Connection: close\r\n"));
  CHECK(rig.connection.finished());
}

// -- time --

TEST_CASE("server answers a head that takes too long with 408 [RFC 9110 15.5.9]") {
  ServerRig rig({.limits = {}, .head_timeout = 10s, .idle_timeout = 60s});
  rig.send(kGet);
  serve(rig);
  rig.advance(30s);
  rig.send("G");
  rig.advance(9s);
  rig.send("ET / HTTP/1.1\r\n");  // a trickle does not move the deadline
  CHECK_FALSE(rig.poll());
  rig.advance(999ms);
  CHECK_FALSE(rig.poll());
  rig.advance(1ms);
  const auto event = rig.poll();
  REQUIRE(event);
  CHECK(event->kind == Kind::failed);
  CHECK(event->error == HeadError::head_timeout);
  CHECK(rig.take_output().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
  CHECK(rig.connection.finished());
}

TEST_CASE("server answers a body that takes too long with 408 [RFC 9110 15.5.9]") {
  ServerRig rig({.limits = {}, .body_timeout = 30s});
  rig.send(post("Content-Length: 5\r\n"));
  for (int i = 0; i < 4; ++i) {
    rig.advance(7s);
    rig.send("x");
    CHECK_FALSE(rig.poll());
  }
  rig.advance(2s);
  const auto event = rig.poll();
  REQUIRE(event);
  CHECK(event->error == HeadError::body_timeout);
  CHECK(rig.take_output().starts_with("HTTP/1.1 408 Request Timeout\r\n"));
}

TEST_CASE("server ends a connection on which nothing ever came, without an answer") {
  ServerRig rig({.limits = {}, .head_timeout = 10s});
  rig.advance(9s);
  CHECK_FALSE(rig.poll());
  rig.advance(1s);
  const auto event = rig.poll();
  REQUIRE(event);
  CHECK(event->kind == Kind::ended);
  CHECK(rig.connection.finished());
  CHECK(rig.take_output().empty());
}

TEST_CASE("server ends a connection that is idle between requests, without an answer") {
  ServerRig rig({.limits = {}, .idle_timeout = 60s});
  rig.send(kGet);
  serve(rig);
  rig.advance(59s);
  rig.send(kGet);
  CHECK(serve(rig) == answer_of("GET /a "));
  rig.advance(59s);
  CHECK_FALSE(rig.poll());
  rig.advance(1s);
  const auto event = rig.poll();
  REQUIRE(event);
  CHECK(event->kind == Kind::ended);
  CHECK(rig.take_output().empty());
}

TEST_CASE("a request that waits for its answer has no deadline; idling counts from the answer") {
  ServerRig rig({.limits = {}, .idle_timeout = 60s});
  rig.send(kGet);
  REQUIRE(rig.poll());
  CHECK_FALSE(rig.connection.next_deadline());
  rig.advance(500s);
  rig.connection.tell_time(rig.now);
  rig.answer(200);
  rig.take_output();
  CHECK(rig.connection.next_deadline() == rig.now + 60s);
}

TEST_CASE("server gives up a peer that takes nothing of its answer, and waits for a slow one") {
  ServerRig rig({.limits = {}, .idle_timeout = 60s});
  rig.send(kGet);
  REQUIRE(rig.poll());
  rig.answer(200, std::string(1000, 'x'));
  for (int i = 0; i < 5; ++i) {
    rig.connection.output_written(10);
    rig.advance(60s);
    CHECK_FALSE(rig.poll());
  }
  rig.advance(60s);
  const auto event = rig.poll();
  REQUIRE(event);
  CHECK(event->kind == Kind::ended);
  CHECK(rig.connection.finished());
  CHECK(rig.connection.output().empty());
}

TEST_CASE("timeouts of any length are taken for none where they pass the end of time") {
  ServerRig rig({.limits = {}, .head_timeout = Duration::max()});
  CHECK_FALSE(rig.connection.next_deadline());
}
