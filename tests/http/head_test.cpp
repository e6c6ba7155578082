// SPDX-License-Identifier: MIT
// Heads: what parses, and how each fault is refused.
#include <http/head.hpp>

#include <doctest/doctest.h>

#include <algorithm>

#include <http/head_rig.hpp>

using namespace walkie;
using http::HeadError;
using http::HeadLimits;
using http::HeadStatus;
using http::RequestHead;
using http::ResponseHead;
using test::parse_cut;
using test::Parsed;

namespace {

/// The fault of `input` as a request's head: whole, byte by byte and cut at every position, which
/// must all agree. none: it is complete or not yet.
template <class Head = RequestHead>
HeadError fault_of(std::string_view input, const HeadLimits& limits = {}) {
  const auto whole = parse_cut<Head>(input, input.size(), 1, limits);
  const auto single = parse_cut<Head>(input, 0, 1, limits);
  CHECK(whole.status == single.status);
  CHECK(whole.error() == single.error());
  for (std::size_t at = 1; at < input.size(); ++at) {
    const auto cut = parse_cut<Head>(input, at, input.size(), limits);
    CHECK(cut.status == whole.status);
    CHECK(cut.error() == whole.error());
  }
  return whole.error();
}

HeadError response_fault_of(std::string_view input) { return fault_of<ResponseHead>(input); }

/// How many bytes of `input` must arrive until its fault is told.
std::size_t bytes_until_told(std::string_view input) {
  const auto parsed = parse_cut<RequestHead>(input, 1, 1);
  REQUIRE(parsed.status == HeadStatus::failed);
  return parsed.bytes_needed;
}

/// A request whose head is `bytes` long.
std::string request_of_size(std::size_t bytes) {
  const std::string start = "GET / HTTP/1.1\r\nHost: x\r\nPadding: ";
  return start + std::string(bytes - start.size() - 4, 'p') + "\r\n\r\n";
}

std::string request_with_fields(std::size_t fields) {
  std::string text = "GET / HTTP/1.1\r\nHost: x\r\n";
  for (std::size_t i = 1; i < fields; ++i) text += "a: b\r\n";
  return text + "\r\n";
}

/// A request whose only fault can be in this field line.
std::string with_line(std::string_view line) {
  return "GET / HTTP/1.1\r\nHost: x\r\n" + std::string(line) + "\r\n\r\n";
}

std::string with_target(std::string_view target) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: x\r\n\r\n";
}

}  // namespace

TEST_CASE("parser takes a request apart, however it is cut [RFC 9112 3]") {
  const std::string_view input =
      "POST /chat/room?name=x&y HTTP/1.1\r\nHost: example.com:8000\r\nAccept:\r\n"
      "X-Text: \t some text\t and more \t\r\nx-\x7e!: \xc3\xa9\r\n\r\nBODY";
  for (std::size_t first = 0; first <= input.size(); ++first) {
    for (const std::size_t step : {std::size_t{1}, std::size_t{7}, input.size()}) {
      const auto parsed = parse_cut<RequestHead>(input, first, step);
      REQUIRE(parsed.status == HeadStatus::complete);
      const RequestHead& head = parsed.head;
      CHECK(parsed.progress.head_bytes == input.size() - 4);
      CHECK(head.method == "POST");
      CHECK(head.target == "/chat/room?name=x&y");
      CHECK(head.path == "/chat/room");
      CHECK(head.query == "name=x&y");
      CHECK(head.host == "example.com:8000");
      CHECK(head.minor_version == 1);
      REQUIRE(head.fields.size() == 4);
      CHECK(head.fields[1].name == "Accept");
      CHECK(head.fields[1].value.empty());
      CHECK(head.fields[2].value == "some text\t and more");
      CHECK(head.fields[3].name == "x-~!");
      CHECK(head.fields[3].value == "\xc3\xa9");
    }
  }
}

TEST_CASE("parser takes a response apart, however it is cut [RFC 9112 4]") {
  const std::string_view input = "HTTP/1.1 404 Not Found\r\nServer: a\r\n\r\n";
  for (std::size_t first = 0; first <= input.size(); ++first) {
    const auto parsed = parse_cut<ResponseHead>(input, first, 1);
    REQUIRE(parsed.status == HeadStatus::complete);
    CHECK(parsed.head.status == 404);
    CHECK(parsed.head.reason == "Not Found");
    CHECK(parsed.head.minor_version == 1);
    REQUIRE(parsed.head.fields.size() == 1);
    CHECK(parsed.head.fields[0].value == "a");
  }
}

TEST_CASE("parser accepts a status line without a reason [RFC 9112 4]") {
  for (const std::string_view line : {"HTTP/1.0 200 \r\n\r\n", "HTTP/1.0 200\r\n\r\n"}) {
    const auto parsed = parse_cut<ResponseHead>(line, 0, 1);
    REQUIRE(parsed.status == HeadStatus::complete);
    CHECK(parsed.head.status == 200);
    CHECK(parsed.head.reason.empty());
    CHECK(parsed.head.minor_version == 0);
  }
}

TEST_CASE("parser refuses malformed status lines [RFC 9112 4]") {
  CHECK(response_fault_of("GET / HTTP/1.1\r\n\r\n") == HeadError::not_http);
  CHECK(response_fault_of("HTTQ/1.1 200 OK\r\n\r\n") == HeadError::bad_status_line);
  CHECK(response_fault_of("HTTP/1.1  200 OK\r\n\r\n") == HeadError::bad_status_line);
  CHECK(response_fault_of("HTTP/1.1\t200 OK\r\n\r\n") == HeadError::bad_status_line);
  CHECK(response_fault_of("HTTP/1.1 20 OK\r\n\r\n") == HeadError::bad_status_line);
  CHECK(response_fault_of("HTTP/1.1 2000 OK\r\n\r\n") == HeadError::bad_status_line);
  CHECK(response_fault_of("HTTP/1.1 099 OK\r\n\r\n") == HeadError::bad_status_line);
  CHECK(response_fault_of("HTTP/1.1 200 O\x01K\r\n\r\n") == HeadError::control_byte);
  CHECK(response_fault_of("HTTP/1.1 200 OK\n\n") == HeadError::bare_line_feed);
  CHECK(response_fault_of("HTTP/1.1 200\n\n") == HeadError::bare_line_feed);
  CHECK(response_fault_of("HTTP/1.1 200 OK\rX: y\r\n\r\n") == HeadError::bare_carriage_return);
  CHECK(response_fault_of("HTTP/2.0 200 OK\r\n\r\n") == HeadError::unsupported_version);
  CHECK(response_fault_of("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n") == HeadError::folded_line);
}

TEST_CASE("server refuses a bare LF anywhere in a head with 400 [RFC 9112 2.2]") {
  const std::string_view good = "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (good[at] != '\r') continue;
    std::string bare{good};
    bare.erase(at, 1);
    CHECK(fault_of(bare) == HeadError::bare_line_feed);
  }
  CHECK(fault_of("GET\n / HTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bare_line_feed);
  CHECK(fault_of("GET /\nHTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bare_line_feed);
  CHECK(fault_of("GET / HTTP\n/1.1\r\nHost: x\r\n\r\n") == HeadError::bare_line_feed);
  CHECK(fault_of(with_line("A\n: b")) == HeadError::bare_line_feed);
  CHECK(fault_of(with_line("A: b\nC: d")) == HeadError::bare_line_feed);
  CHECK(http::facts_of(HeadError::bare_line_feed).status == 400);
}

TEST_CASE("server refuses a bare CR anywhere in a head with 400 [RFC 9112 2.2]") {
  const std::string_view good = "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";
  for (std::size_t at = 0; at < good.size(); ++at) {
    if (good[at] != '\n') continue;
    std::string bare{good};
    bare.replace(at, 1, "x");
    CHECK(fault_of(bare) == HeadError::bare_carriage_return);
  }
  CHECK(fault_of(with_line("A: b\rC: d")) == HeadError::bare_carriage_return);
  CHECK(fault_of(with_line("A: b\r")) == HeadError::bare_carriage_return);
  CHECK(fault_of("\rGET / HTTP/1.1\r\n\r\n") == HeadError::bare_carriage_return);
  CHECK(http::facts_of(HeadError::bare_carriage_return).status == 400);
}

TEST_CASE("server refuses a folded line with 400 [RFC 9112 5.2]") {
  CHECK(fault_of(with_line("A: b\r\n c")) == HeadError::folded_line);
  CHECK(fault_of(with_line("A: b\r\n\tc")) == HeadError::folded_line);
  CHECK(fault_of("GET / HTTP/1.1\r\n Host: x\r\n\r\n") == HeadError::folded_line);
  CHECK(http::facts_of(HeadError::folded_line).status == 400);
}

TEST_CASE("server refuses white space before a colon with 400 [RFC 9112 5.1]") {
  CHECK(fault_of(with_line("Content-Length : 5")) == HeadError::space_before_colon);
  CHECK(fault_of(with_line("Content-Length\t: 5")) == HeadError::space_before_colon);
  CHECK(fault_of(with_line("Content Length: 5")) == HeadError::space_before_colon);
  CHECK(http::facts_of(HeadError::space_before_colon).status == 400);
}

TEST_CASE("server refuses every control byte in a field value with 400 [RFC 9110 5.5]") {
  for (int byte = 0; byte < 256; ++byte) {
    if (byte == '\r' || byte == '\n') continue;
    const bool refused = (byte < 0x20 && byte != '\t') || byte == 0x7f;
    for (const std::size_t behind : {0U, 7U, 20U}) {  // in the word-wise and the byte-wise scan
      std::string line = "A: v";
      line.append(1, static_cast<char>(byte)).append(behind, 'w');
      const std::string text = with_line(line);
      const auto whole = parse_cut<RequestHead>(text, text.size(), 1);
      CHECK(whole.error() == (refused ? HeadError::control_byte : HeadError::none));
    }
  }
}

TEST_CASE("server accepts only token bytes in field names [RFC 9110 5.6.2]") {
  constexpr std::string_view kAllowed =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (c == ' ' || c == '\t' || c == '\n' || c == ':') continue;
    std::string line = "A";
    line.append(1, c).append("B: v");
    const std::string text = with_line(line);
    const auto whole = parse_cut<RequestHead>(text, text.size(), 1);
    const bool allowed = kAllowed.contains(c);
    CHECK(whole.error() == (allowed ? HeadError::none : HeadError::bad_field_name));
  }
  CHECK(fault_of(with_line(": v")) == HeadError::bad_field_name);
  CHECK(fault_of(with_line("no colon")) == HeadError::space_before_colon);
  CHECK(fault_of(with_line("nocolon")) == HeadError::bad_field_name);
}

TEST_CASE("server refuses request lines that are not method, target, version [RFC 9112 3]") {
  CHECK(fault_of("GET /\r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET  / HTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET /  HTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET / HTTP/1.1 \r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET / x HTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET / http/1.1\r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET / HTTP/1.10\r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET / HTTP/1.\r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET / HTTP/1,1\r\nHost: x\r\n\r\n") == HeadError::bad_request_line);
  CHECK(fault_of("GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bad_method);
  CHECK(fault_of("GET\t/\tHTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bad_method);
  CHECK(fault_of("G@T / HTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bad_method);
  CHECK(fault_of("GET /\tHTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::bad_target);
  CHECK(fault_of("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n") == HeadError::not_http);
}

TEST_CASE("server takes methods of 32 bytes and refuses longer ones [RFC 9112 3.1]") {
  const std::string rest = " / HTTP/1.1\r\nHost: x\r\n\r\n";
  CHECK(fault_of(std::string(32, 'M') + rest) == HeadError::none);
  CHECK(fault_of(std::string(33, 'M') + rest) == HeadError::bad_method);
}

TEST_CASE("server answers versions other than HTTP/1 with 505 [RFC 9112 2.3]") {
  CHECK(fault_of("GET / HTTP/2.0\r\nHost: x\r\n\r\n") == HeadError::unsupported_version);
  CHECK(fault_of("GET / HTTP/0.9\r\nHost: x\r\n\r\n") == HeadError::unsupported_version);
  CHECK(fault_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == HeadError::unsupported_version);
  CHECK(bytes_until_told("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 12);
  CHECK(http::facts_of(HeadError::unsupported_version).status == 505);
}

TEST_CASE("server takes higher minor versions for HTTP/1.1 [RFC 9110 2.5]") {
  const auto parsed = parse_cut<RequestHead>("GET / HTTP/1.7\r\nHost: x\r\n\r\n", 0, 1);
  REQUIRE(parsed.status == HeadStatus::complete);
  CHECK(parsed.head.minor_version == 1);
  CHECK(fault_of("GET / HTTP/1.7\r\n\r\n") == HeadError::missing_host);
}

TEST_CASE("server tells a fault as soon as its byte is there") {
  CHECK(bytes_until_told("\x16\x03\x01\x02\x00\x01") == 1);  // a TLS ClientHello
  CHECK(bytes_until_told(std::string_view("\x00\x00", 2)) == 1);
  CHECK(bytes_until_told("GET /\x01 HTTP/1.1\r\n") == 6);
  CHECK(bytes_until_told("GET / HTTP/1.1\nHost: x\r\n") == 15);
  CHECK(bytes_until_told("GET / HTTP/1.1\r\nHost : x\r\n") == 21);
  CHECK(bytes_until_told("GET / HTTP/1.1\r\nHost: x\r\n A: b\r\n") == 26);
}

TEST_CASE("server knows a TLS handshake on a plain port by its first byte [RFC 9112 3]") {
  CHECK(fault_of("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03") == HeadError::not_http);
  CHECK(http::facts_of(HeadError::not_http).status == 400);
  CHECK(http::facts_of(HeadError::not_http).text.contains("TLS"));
}

TEST_CASE("server skips one empty line in front of a request [RFC 9112 2.2]") {
  const auto parsed = parse_cut<RequestHead>("\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n", 0, 1);
  REQUIRE(parsed.status == HeadStatus::complete);
  CHECK(parsed.head.method == "GET");
  CHECK(parsed.progress.head_bytes == 30);
}

TEST_CASE("server refuses an HTTP/1.1 request without Host with 400 [RFC 9112 3.2]") {
  CHECK(fault_of("GET / HTTP/1.1\r\n\r\n") == HeadError::missing_host);
  CHECK(fault_of("GET / HTTP/1.0\r\n\r\n") == HeadError::none);
  CHECK(fault_of("GET / HTTP/1.1\r\nHost:\r\n\r\n") == HeadError::none);
  CHECK(http::facts_of(HeadError::missing_host).status == 400);
}

TEST_CASE("server refuses a request with two Host fields with 400 [RFC 9112 3.2]") {
  CHECK(fault_of("GET / HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n") == HeadError::double_host);
  CHECK(fault_of("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n") == HeadError::double_host);
  CHECK(http::facts_of(HeadError::double_host).status == 400);
}

TEST_CASE("server refuses a malformed Host with 400 [RFC 9112 3.2]") {
  CHECK(fault_of("GET / HTTP/1.1\r\nHost: a b\r\n\r\n") == HeadError::bad_host);
  CHECK(fault_of("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") == HeadError::bad_host);
  CHECK(fault_of("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n") == HeadError::bad_host);
  CHECK(fault_of("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n") == HeadError::bad_host);
  CHECK(http::facts_of(HeadError::bad_host).status == 400);
}

TEST_CASE("an absolute target overrides the Host field [RFC 9112 3.2.2]") {
  const auto parsed = parse_cut<RequestHead>(
      "GET http://a.example:81/p?q HTTP/1.1\r\nHost: b.example\r\n\r\n", 0, 1);
  REQUIRE(parsed.status == HeadStatus::complete);
  CHECK(parsed.head.host == "a.example:81");
  CHECK(find_header(parsed.head.fields, "host") == "a.example:81");
  CHECK(parsed.head.path == "/p");
  CHECK(parsed.head.query == "q");
  CHECK(parsed.head.target == "http://a.example:81/p?q");
}

TEST_CASE("server refuses malformed targets with 400 [RFC 9112 3.2]") {
  CHECK(fault_of(with_target("a")) == HeadError::bad_target);
  CHECK(fault_of(with_target("*")) == HeadError::bad_target);
  CHECK(fault_of(with_target("/a#b")) == HeadError::bad_target);
  CHECK(fault_of(with_target("/\xc3\xa9")) == HeadError::bad_target);
  CHECK(fault_of(with_target("/\x7f")) == HeadError::bad_target);
  CHECK(fault_of(with_target("http://")) == HeadError::bad_target);
  CHECK(http::facts_of(HeadError::bad_target).status == 400);
}

TEST_CASE("server takes a head of exactly its limit, and answers one byte more with 431") {
  const HeadLimits limits{.head_bytes_max = 200};
  CHECK(fault_of(request_of_size(200), limits) == HeadError::none);
  CHECK(fault_of(request_of_size(201), limits) == HeadError::head_too_large);
  const std::string endless = "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(200, 'a');
  CHECK(fault_of(endless, limits) == HeadError::head_too_large);
  CHECK(parse_cut<RequestHead>(endless, 1, 1, limits).bytes_needed == 200);
  CHECK(http::facts_of(HeadError::head_too_large).status == 431);
}

TEST_CASE("server takes as many fields as its limit, and answers one more with 431") {
  const HeadLimits limits{.fields_max = 5};
  CHECK(fault_of(request_with_fields(5), limits) == HeadError::none);
  CHECK(fault_of(request_with_fields(6), limits) == HeadError::head_too_large);
}

TEST_CASE("server takes a target of exactly its limit, and answers one byte more with 414") {
  const HeadLimits limits{.target_bytes_max = 20};
  CHECK(fault_of(with_target("/" + std::string(19, 'a')), limits) == HeadError::none);
  CHECK(fault_of(with_target("/" + std::string(20, 'a')), limits) == HeadError::target_too_long);
  CHECK(http::facts_of(HeadError::target_too_long).status == 414);
}

TEST_CASE("server answers a target that fills the whole head with 414 [RFC 9110 15.5.15]") {
  const HeadLimits limits{.head_bytes_max = 50, .target_bytes_max = 100};
  CHECK(fault_of(with_target("/" + std::string(60, 'a')), limits) == HeadError::target_too_long);
}

TEST_CASE("a head that trickles in is not scanned again and again") {
  const std::string text = request_of_size(16000);
  http::HeadProgress progress;
  RequestHead head;
  std::size_t scanned = 0;
  for (std::size_t end = 1; end < text.size(); ++end) {
    const std::string_view in(text.data(), end);
    REQUIRE(http::parse_request(in, {}, progress, head) == HeadStatus::incomplete);
    REQUIRE(progress.scanned == end);
    scanned = progress.scanned;
  }
  CHECK(scanned == text.size() - 1);
  CHECK(http::parse_request(text, {}, progress, head) == HeadStatus::complete);
  CHECK(progress.head_bytes == text.size());
}
