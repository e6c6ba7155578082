// SPDX-License-Identifier: MIT
// Response heads and what stands in them.
#include <http/response.hpp>

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

using namespace walkie;
using namespace walkie::http;

namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

/// The head of a 200 with these fields; `whole` tells whether all of them are in it.
std::string head_with(const Fields& fields, bool& whole) {
  std::string out;
  whole = write_response_head(out, {}, fields);
  return out;
}

bool matches(std::string_view if_none_match, std::string_view tag) {
  const HeaderField field{"if-none-match", if_none_match};
  return none_match({&field, 1}, tag);
}

}  // namespace

TEST_CASE("a response head has date, type, length and the caller's fields [RFC 9112 4]") {
  std::string out = "before|";
  const Fields fields{{"X-A", "b"}, {"X-Empty", ""}};
  ResponseFraming framing;
  framing.status = 404;
  framing.content_length = 12;
  framing.content_type = "text/plain";
  framing.date = "Sun, 06 Nov 1994 08:49:37 GMT";
  CHECK(write_response_head(out, framing, fields));
  CHECK(out ==
        "before|HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Type: text/plain\r\nContent-Length: 12\r\nX-A: b\r\nX-Empty: \r\n\r\n");
}

TEST_CASE("a response head says how the connection goes on [RFC 9112 9.3]") {
  const auto head = [](bool keep_alive, int minor_version) {
    std::string out;
    write_response_head(out, {.keep_alive = keep_alive, .minor_version = minor_version}, {});
    return out;
  };
  CHECK(head(true, 1) == "HTTP/1.1 200 OK\r\n\r\n");
  CHECK(head(true, 0) == "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n\r\n");
  CHECK(head(false, 1) == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
  CHECK(head(false, 0) == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
}

TEST_CASE("fields that would split a response are left out and reported [RFC 9110 5.5]") {
  const std::string nul(1, '\0');
  for (const std::string& value : {std::string("a\r\nSet-Cookie: b"), std::string("a\nb"),
                                   std::string("a\rb"), "a" + nul, std::string("a\x7f")}) {
    bool whole = true;
    CHECK(head_with({{"X-A", value}, {"X-B", "c"}}, whole) == "HTTP/1.1 200 OK\r\nX-B: c\r\n\r\n");
    CHECK_FALSE(whole);
  }
  for (const std::string_view name : {"", "X A", "X:A", "X\r\nA", "X\xc3"}) {
    bool whole = true;
    CHECK(head_with({{std::string(name), "v"}}, whole) == "HTTP/1.1 200 OK\r\n\r\n");
    CHECK_FALSE(whole);
  }
  std::string out;
  ResponseFraming framing;
  framing.content_type = "text/html\r\nX: y";
  CHECK_FALSE(write_response_head(out, framing, {}));
  CHECK(out == "HTTP/1.1 200 OK\r\n\r\n");
}

TEST_CASE("fields that would contradict the framing are left out [RFC 9112 6.3]") {
  for (const std::string_view name : {"Content-Length", "transfer-encoding", "Connection"}) {
    bool whole = true;
    CHECK(head_with({{std::string(name), "5"}}, whole) == "HTTP/1.1 200 OK\r\n\r\n");
    CHECK_FALSE(whole);
  }
}

TEST_CASE("a response with an Upgrade field lists it in Connection [RFC 9110 7.8]") {
  const Fields fields{{"Upgrade", "websocket"}};
  const auto head = [&](bool keep_alive, int minor_version) {
    std::string out;
    ResponseFraming framing;
    framing.status = 426;
    framing.keep_alive = keep_alive;
    framing.minor_version = minor_version;
    CHECK(write_response_head(out, framing, fields));
    return out;
  };
  const std::string start = "HTTP/1.1 426 Upgrade Required\r\nConnection: ";
  CHECK(head(true, 1) == start + "Upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(head(false, 1) == start + "close, Upgrade\r\nUpgrade: websocket\r\n\r\n");
  CHECK(head(true, 0) == start + "keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("a response has one Date only [RFC 9110 6.6.1]") {
  std::string out;
  const Fields fields{{"date", "mine"}};
  ResponseFraming framing;
  framing.date = "ours";
  CHECK(write_response_head(out, framing, fields));
  CHECK(out == "HTTP/1.1 200 OK\r\nDate: ours\r\n\r\n");
}

TEST_CASE("the answer to an upgrade has what was agreed [RFC 6455 4.2.2]") {
  std::string out;
  const Fields fields{{"Set-Cookie", "a=b"}};
  CHECK(write_upgrade_response(out, {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "chat", "x; y"}, fields));
  CHECK(out ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Extensions: x; y\r\n"
        "Set-Cookie: a=b\r\n\r\n");
}

TEST_CASE("the answer to an upgrade leaves out what was not agreed [RFC 6455 4.2.2]") {
  std::string out;
  const Fields fields{{"Sec-WebSocket-Protocol", "x"}, {"Upgrade", "h2c"}, {"A", "b\n"}};
  CHECK_FALSE(write_upgrade_response(out, {"abc", "", ""}, fields));
  CHECK(out ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: abc\r\n\r\n");
  CHECK_FALSE(write_upgrade_response(out, {"abc", "a\r\nb", ""}, {}));
}

TEST_CASE("statuses have their registered reasons [RFC 9110 15]") {
  CHECK(reason_of(101) == "Switching Protocols");
  CHECK(reason_of(200) == "OK");
  CHECK(reason_of(426) == "Upgrade Required");
  CHECK(reason_of(431) == "Request Header Fields Too Large");
  CHECK(reason_of(511) == "Network Authentication Required");
  CHECK(reason_of(299) == "Status");
  CHECK(reason_of(0) == "Status");
  CHECK(reason_of(999) == "Status");
}

TEST_CASE("content types go by a name's ending, in any case") {
  CHECK(content_type_of("/index.html") == "text/html; charset=utf-8");
  CHECK(content_type_of("/a/b.min.JS") == "text/javascript; charset=utf-8");
  CHECK(content_type_of("/x.woff2") == "font/woff2");
  CHECK(content_type_of("/x.woff") == "font/woff");
  CHECK(content_type_of("/html") == "application/octet-stream");
  CHECK(content_type_of(".html") == "application/octet-stream");
  CHECK(content_type_of("") == "application/octet-stream");
}

TEST_CASE("dates are IMF-fixdates [RFC 9110 5.6.7]") {
  CHECK(imf_date(784'111'777) == "Sun, 06 Nov 1994 08:49:37 GMT");
  CHECK(imf_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  CHECK(imf_date(951'782'400) == "Tue, 29 Feb 2000 00:00:00 GMT");
  CHECK(imf_date(1'735'689'599) == "Tue, 31 Dec 2024 23:59:59 GMT");
  CHECK(imf_date(253'402'300'799) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(imf_date(INT64_MAX) == "Fri, 31 Dec 9999 23:59:59 GMT");
  CHECK(imf_date(INT64_MIN) == "Thu, 01 Jan 1970 00:00:00 GMT");
}

TEST_CASE("entity tags are quoted and differ where the content does [RFC 9110 8.8.3]") {
  CHECK(entity_tag("") == "\"0-cbf29ce484222325\"");
  CHECK(entity_tag("a") == entity_tag("a"));
  CHECK(entity_tag("a") != entity_tag("b"));
  CHECK(entity_tag("ab") != entity_tag("ba"));
}

TEST_CASE("If-None-Match compares weakly, in lists, and '*' matches all [RFC 9110 13.1.2]") {
  CHECK(matches("\"a\"", "\"a\""));
  CHECK(matches("W/\"a\"", "\"a\""));
  CHECK(matches("\"x\", \"y,z\" , \"a\"", "\"a\""));
  CHECK(matches("\"x\", \"y,z\"", "\"y,z\""));
  CHECK(matches("*", "\"a\""));
  CHECK_FALSE(matches("\"b\"", "\"a\""));
  CHECK_FALSE(matches("a", "\"a\""));
  CHECK_FALSE(matches("", "\"a\""));
  CHECK_FALSE(none_match({}, "\"a\""));
}
