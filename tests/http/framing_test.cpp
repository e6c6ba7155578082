// SPDX-License-Identifier: MIT
// How bodies are framed, and the ways to smuggle that are refused.
#include <http/framing.hpp>

#include <doctest/doctest.h>

#include <http/head_rig.hpp>

using namespace walkie;
using namespace walkie::http;
using Kind = BodyFraming::Kind;

namespace {

struct Framed {
  HeadError error;
  BodyFraming framing;
};

/// The framing of a POST with these field lines.
Framed post(std::string_view lines, std::string_view version = "1.1") {
  std::string text = "POST / HTTP/";
  text.append(version).append("\r\nHost: x\r\n").append(lines).append("\r\n");
  const auto parsed = test::parse_cut<RequestHead>(text, text.size(), 1);
  REQUIRE(parsed.status == HeadStatus::complete);
  Framed framed{};
  framed.error = request_body(parsed.head, framed.framing);
  return framed;
}

HeadError fault(std::string_view lines, std::string_view version = "1.1") {
  return post(lines, version).error;
}

Framed response(std::string_view head, std::string_view method = "GET") {
  const std::string text = std::string(head) + "\r\n";
  const auto parsed = test::parse_cut<ResponseHead>(text, text.size(), 1);
  REQUIRE(parsed.status == HeadStatus::complete);
  Framed framed{};
  framed.error = response_body(parsed.head, method, framed.framing);
  return framed;
}

}  // namespace

TEST_CASE("a request without length and coding has no body [RFC 9112 6.3]") {
  CHECK(fault("") == HeadError::none);
  CHECK(post("").framing.kind == Kind::none);
}

TEST_CASE("a request's body has the length it says [RFC 9112 6.3]") {
  CHECK(post("Content-Length: 5\r\n").framing.kind == Kind::length);
  CHECK(post("Content-Length: 5\r\n").framing.length == 5);
  CHECK(post("content-length: \t0 \r\n").framing.length == 0);
  CHECK(post("Content-Length: 18446744073709551615\r\n").framing.length == UINT64_MAX);
}

TEST_CASE("server refuses a Content-Length that is not digits with 400 [RFC 9110 8.6]") {
  for (const std::string_view bad :
       {"", "+5", "-5", "0x5", "5 5", "5,", ",5", "5;", "five", "5.0", "1e3", "\xd9\xa5",
        "18446744073709551616", "99999999999999999999999999"}) {
    CAPTURE(bad);
    CHECK(fault("Content-Length: " + std::string(bad) + "\r\n") == HeadError::bad_content_length);
  }
}

TEST_CASE("server refuses a list of lengths with 400, even of equal ones [RFC 9112 6.3]") {
  CHECK(fault("Content-Length: 5, 5\r\n") == HeadError::bad_content_length);
  CHECK(fault("Content-Length: 5,6\r\n") == HeadError::bad_content_length);
}

TEST_CASE("server refuses two Content-Length fields with 400, even equal ones [RFC 9112 6.3]") {
  CHECK(fault("Content-Length: 5\r\nContent-Length: 6\r\n") ==
        HeadError::conflicting_content_length);
  CHECK(fault("Content-Length: 5\r\ncontent-length: 5\r\n") ==
        HeadError::conflicting_content_length);
}

TEST_CASE("server refuses Content-Length beside Transfer-Encoding with 400 [RFC 9112 6.1]") {
  CHECK(fault("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") ==
        HeadError::length_with_transfer_encoding);
  CHECK(fault("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") ==
        HeadError::length_with_transfer_encoding);
  CHECK(fault("Transfer-Encoding: x\r\nContent-Length: 5\r\n") ==
        HeadError::length_with_transfer_encoding);
}

TEST_CASE("server takes chunked bodies, in any case [RFC 9112 7.1]") {
  CHECK(post("Transfer-Encoding: chunked\r\n").framing.kind == Kind::chunked);
  CHECK(fault("transfer-encoding: Chunked\r\n") == HeadError::none);
}

TEST_CASE("server refuses codings that do not end in one chunked with 400 [RFC 9112 6.3]") {
  for (const std::string_view bad :
       {"", "gzip", "identity", "chunked, gzip", "chunked, chunked", "xchunked", "chunked;q=1",
        "\"chunked\"", "chunked x", ",chunked", "chunked,"}) {
    CAPTURE(bad);
    CHECK(fault("Transfer-Encoding: " + std::string(bad) + "\r\n") ==
          HeadError::bad_transfer_encoding);
  }
  CHECK(fault("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") ==
        HeadError::bad_transfer_encoding);
  CHECK(fault("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") ==
        HeadError::bad_transfer_encoding);
}

TEST_CASE("server answers codings that it does not know with 501 [RFC 9112 6.1]") {
  CHECK(fault("Transfer-Encoding: gzip, chunked\r\n") == HeadError::unsupported_transfer_encoding);
  CHECK(fault("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n") ==
        HeadError::unsupported_transfer_encoding);
}

TEST_CASE("server refuses Transfer-Encoding in HTTP/1.0 with 400 [RFC 9112 6.1]") {
  CHECK(fault("Transfer-Encoding: chunked\r\n", "1.0") == HeadError::bad_transfer_encoding);
}

TEST_CASE("responses without content by their status or request have no body [RFC 9112 6.3]") {
  const std::string_view lines = "Content-Length: 5\r\n";
  for (const std::string_view start :
       {"HTTP/1.1 101 x\r\n", "HTTP/1.1 100 x\r\n", "HTTP/1.1 204 x\r\n", "HTTP/1.1 304 x\r\n"}) {
    const Framed framed = response(std::string(start) + std::string(lines));
    CHECK(framed.error == HeadError::none);
    CHECK(framed.framing.kind == Kind::none);
  }
  CHECK(response("HTTP/1.1 200 x\r\nContent-Length: 5\r\n", "HEAD").framing.kind == Kind::none);
  CHECK(response("HTTP/1.1 200 x\r\nContent-Length: 5\r\n", "CONNECT").framing.kind == Kind::none);
  CHECK(response("HTTP/1.1 407 x\r\nContent-Length: 5\r\n", "CONNECT").framing.length == 5);
}

TEST_CASE("other responses have a length, chunks, or end with the connection [RFC 9112 6.3]") {
  CHECK(response("HTTP/1.1 200 x\r\nContent-Length: 5\r\n").framing.length == 5);
  CHECK(response("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n").framing.kind == Kind::chunked);
  CHECK(response("HTTP/1.1 200 x\r\n").framing.kind == Kind::until_close);
  CHECK(response("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n").error ==
        HeadError::length_with_transfer_encoding);
}

TEST_CASE("HTTP/1.1 persists unless it says close; HTTP/1.0 where it says so [RFC 9112 9.3]") {
  const HeaderField close{"connection", "x, Close"};
  const HeaderField stay{"Connection", "Keep-Alive"};
  const std::array<HeaderField, 2> both{stay, close};
  CHECK(keeps_alive(1, {}));
  CHECK_FALSE(keeps_alive(1, {&close, 1}));
  CHECK_FALSE(keeps_alive(0, {}));
  CHECK(keeps_alive(0, {&stay, 1}));
  CHECK_FALSE(keeps_alive(0, both));
  CHECK_FALSE(keeps_alive(1, both));
}
