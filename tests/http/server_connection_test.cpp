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
