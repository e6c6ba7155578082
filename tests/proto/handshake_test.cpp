// SPDX-License-Identifier: MIT
// Opening handshakes, requests and answers: good ones, and each way to be wrong.
#include <proto/handshake.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::proto {
namespace {

using Fields = std::vector<HeaderField>;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";
constexpr std::string_view kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

Fields good_request() {
  return {{"Host", "server.example.com"},
          {"Upgrade", "websocket"},
          {"Connection", "Upgrade"},
          {"Sec-WebSocket-Key", kKey},
          {"Sec-WebSocket-Version", "13"}};
}

Fields good_response() {
  return {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}, {"Sec-WebSocket-Accept", kAccept}};
}

/// `fields` with the value of the field `name` replaced.
Fields with(Fields fields, std::string_view name, std::string_view value) {
  for (HeaderField& field : fields) {
    if (field.name == name) field.value = value;
  }
  return fields;
}

Fields without(Fields fields, std::string_view name) {
  std::erase_if(fields, [name](const HeaderField& field) { return field.name == name; });
  return fields;
}

Fields plus(Fields fields, std::string_view name, std::string_view value) {
  fields.push_back({name, value});
  return fields;
}

std::optional<HandshakeFault> judge(const Fields& fields) {
  return judge_request({.method = "GET", .fields = fields});
}

void check_request_fault(const Fields& fields, int status, std::string_view clause) {
  const auto fault = judge(fields);
  REQUIRE(fault.has_value());
  CHECK(fault->status == status);
  CHECK(fault->clause == clause);
  CHECK_FALSE(fault->text.empty());
}

constexpr std::string_view kRequestClause = "RFC 6455 §4.2.1";

// -- server --

TEST_CASE("server takes the RFC's example request [RFC 6455 1.3]") {
  CHECK(asks_for_websocket(good_request()));
  CHECK_FALSE(judge(good_request()).has_value());
}

TEST_CASE("server takes names and tokens in any case, lists and several lines [RFC 6455 4.2.1]") {
  const Fields fields{{"UPGRADE", "h2c, WebSocket"},
                      {"connection", "keep-alive"},
                      {"Connection", "foo, uPGRADE"},
                      {"sec-websocket-key", kKey},
                      {"SEC-WEBSOCKET-VERSION", "13"}};
  CHECK(asks_for_websocket(fields));
  CHECK_FALSE(judge(fields).has_value());
}

TEST_CASE("server answers another method than GET with 405 [RFC 6455 4.2.1]") {
  const Fields fields = good_request();
  for (const std::string_view method : {"POST", "HEAD", "get", "CONNECT", ""}) {
    const auto fault = judge_request({.method = method, .fields = fields});
    REQUIRE(fault.has_value());
    CHECK(fault->status == 405);
    CHECK(fault->clause == kRequestClause);
  }
}

TEST_CASE("server answers HTTP/1.0 with 400 [RFC 6455 4.2.1]") {
  const Fields fields = good_request();
  const auto fault = judge_request({.method = "GET", .minor_version = 0, .fields = fields});
  REQUIRE(fault.has_value());
  CHECK(fault->status == 400);
  CHECK_FALSE(judge_request({.method = "GET", .minor_version = 2, .fields = fields}).has_value());
}

TEST_CASE("server fails a request whose Upgrade does not list websocket [RFC 6455 4.2.1]") {
  CHECK_FALSE(asks_for_websocket(without(good_request(), "Upgrade")));
  check_request_fault(without(good_request(), "Upgrade"), 400, kRequestClause);
  for (const std::string_view value : {"", "h2c", "websocket2", "web socket", "websocket/13"}) {
    CAPTURE(value);
    CHECK_FALSE(asks_for_websocket(with(good_request(), "Upgrade", value)));
    check_request_fault(with(good_request(), "Upgrade", value), 400, kRequestClause);
  }
}

TEST_CASE("server fails a request whose Connection does not list Upgrade [RFC 6455 4.2.1]") {
  check_request_fault(without(good_request(), "Connection"), 400, kRequestClause);
  for (const std::string_view value : {"", "keep-alive", "upgraded", "keep-alive Upgrade"}) {
    CAPTURE(value);
    check_request_fault(with(good_request(), "Connection", value), 400, kRequestClause);
  }
}

TEST_CASE("server answers another version than 13 with 426 [RFC 6455 4.2.2, 4.4]") {
  check_request_fault(without(good_request(), "Sec-WebSocket-Version"), 426, "RFC 6455 §4.2.2");
  for (const std::string_view value : {"", "8", "0", "14", "013", "13.0", "13, 8", "x"}) {
    CAPTURE(value);
    check_request_fault(with(good_request(), "Sec-WebSocket-Version", value), 426,
                        "RFC 6455 §4.2.2");
  }
  // An old client's key may look different, but its version is what it needs to hear about.
  const Fields old_client = with(good_request(), "Sec-WebSocket-Version", "8");
  check_request_fault(without(old_client, "Sec-WebSocket-Key"), 426, "RFC 6455 §4.2.2");
}

TEST_CASE("server fails a request with two versions [RFC 6455 11.3.5]") {
  check_request_fault(plus(good_request(), "Sec-WebSocket-Version", "13"), 400, "RFC 6455 §11.3.5");
  check_request_fault(plus(good_request(), "sec-websocket-version", "8"), 400, "RFC 6455 §11.3.5");
}

TEST_CASE("server fails a request without a key, or with two [RFC 6455 4.2.1, 11.3.1]") {
  check_request_fault(without(good_request(), "Sec-WebSocket-Key"), 400, kRequestClause);
  check_request_fault(plus(good_request(), "sec-websocket-key", kKey), 400, kRequestClause);
}

TEST_CASE("server fails a key that is not base64 of 16 bytes [RFC 6455 4.2.1]") {
  for (const std::string_view key : {
           "",
           "dGhlIHNhbXBsZSBub25jZQ=",    // padding cut
           "dGhlIHNhbXBsZSBub25jZQ===",  // too long
           "dGhlIHNhbXBsZSBub25jZQ",     // no padding
           "dGhlIHNhbXBsZSBub25j",       // 15 bytes
           "dGhlIHNhbXBsZSBub25jZTE=",   // 17 bytes
           "dGhlIHNhbXBsZSBub25jZR==",   // bits set behind the last byte
           "dGhlIHNhbXBsZSBub25jZ===",   // padding in place of a character
           "dGhlIHNhbXBs SBub25jZQ==",   // a space
           "dGhlIHNhbXBs-SBub25jZQ==",   // the other alphabet
           "dGhlIHNhbXBs\xC3\xA9ub25jZQ==",
           "========================",
       }) {
    CAPTURE(key);
    check_request_fault(with(good_request(), "Sec-WebSocket-Key", key), 400, kRequestClause);
  }
}

TEST_CASE("server takes every canonical key [RFC 6455 4.1]") {
  std::array<std::byte, 16> nonce{};
  for (int last = 0; last < 256; ++last) {
    nonce[15] = static_cast<std::byte>(last);
    nonce[3] = static_cast<std::byte>(last * 7);
    const std::string key = key_of_nonce(nonce);
    CHECK(key.size() == 24);
    CHECK_FALSE(judge(with(good_request(), "Sec-WebSocket-Key", key)).has_value());
  }
}

TEST_CASE("the answer to the RFC's example key is the RFC's [RFC 6455 1.3]") {
  CHECK(accept_of_key(kKey) == kAccept);
}

TEST_CASE("a key is its nonce in base64 [RFC 6455 4.1]") {
  std::array<std::byte, 16> nonce{};
  CHECK(key_of_nonce(nonce) == "AAAAAAAAAAAAAAAAAAAAAA==");
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::byte>(i + 1);
  CHECK(key_of_nonce(nonce) == "AQIDBAUGBwgJCgsMDQ4PEA==");  // the example of §4.1
}

TEST_CASE("server lists the subprotocols offered, over several lines [RFC 6455 11.3.4]") {
  using Names = std::vector<std::string_view>;
  CHECK(offered_subprotocols(good_request()) == Names{});
  CHECK(offered_subprotocols(plus(good_request(), "Sec-WebSocket-Protocol", "chat, superchat")) ==
        Names{"chat", "superchat"});
  const Fields two =
      plus(plus({}, "sec-websocket-protocol", "b"), "Sec-WebSocket-Protocol", " v1.chat ,, Chat");
  CHECK(offered_subprotocols(two) == Names{"b", "v1.chat", "Chat"});
}

TEST_CASE("server takes faulty subprotocols as none at all [RFC 6455 4.1]") {
  for (const std::string_view value : {"a b", "chat, a/b", "\"chat\"", "chat;v=1", "\xC3\xA9"}) {
    CAPTURE(value);
    CHECK(offered_subprotocols(plus({}, "Sec-WebSocket-Protocol", value)).empty());
  }
  const Fields late =
      plus(plus({}, "Sec-WebSocket-Protocol", "chat"), "Sec-WebSocket-Protocol", "(x)");
  CHECK(offered_subprotocols(late).empty());
}

// -- client --

const std::vector<std::string> kOffered{"chat", "superchat"};

std::expected<AgreedHandshake, HandshakeFault> judge_answer(const Fields& fields,
                                                            int status = 101) {
  return judge_response(status, fields, kKey, kOffered, {});
}

void check_response_fault(const Fields& fields, std::string_view clause, int status = 101) {
  const auto agreed = judge_answer(fields, status);
  REQUIRE_FALSE(agreed.has_value());
  CHECK(agreed.error().status == 0);
  CHECK(agreed.error().clause == clause);
  CHECK_FALSE(agreed.error().text.empty());
}

constexpr std::string_view kResponseClause = "RFC 6455 §4.1";

TEST_CASE("client takes the RFC's example answer [RFC 6455 1.3]") {
  const auto agreed = judge_answer(plus(good_response(), "Sec-WebSocket-Protocol", "chat"));
  REQUIRE(agreed.has_value());
  CHECK(agreed->subprotocol == "chat");
  CHECK_FALSE(agreed->deflate.enabled);
}

TEST_CASE("client takes an answer without subprotocol, in any case [RFC 6455 4.1]") {
  const Fields fields{{"upgrade", "WebSocket"},
                      {"CONNECTION", "foo, upgrade"},
                      {"sec-websocket-accept", kAccept},
                      {"Sec-WebSocket-Extensions", "permessage-deflate"}};
  const auto agreed = judge_answer(fields);
  REQUIRE(agreed.has_value());
  CHECK(agreed->subprotocol.empty());
  CHECK(agreed->deflate.enabled);
}

TEST_CASE("client's agreed subprotocol outlives the answer") {
  std::string chosen = "superchat";
  const auto agreed = judge_answer(plus(good_response(), "Sec-WebSocket-Protocol", chosen));
  chosen = "xxxxxxxxx";
  REQUIRE(agreed.has_value());
  CHECK(agreed->subprotocol == "superchat");
}

TEST_CASE("client fails another status than 101 [RFC 6455 4.1]") {
  for (const int status : {100, 200, 301, 401, 426, 503}) {
    check_response_fault(good_response(), kResponseClause, status);
  }
}

TEST_CASE("client fails an Upgrade that is not websocket alone [RFC 6455 4.1]") {
  check_response_fault(without(good_response(), "Upgrade"), kResponseClause);
  check_response_fault(with(good_response(), "Upgrade", "h2c"), kResponseClause);
  check_response_fault(with(good_response(), "Upgrade", "h2c, websocket"), kResponseClause);
  check_response_fault(plus(good_response(), "Upgrade", "websocket"), kResponseClause);
}

TEST_CASE("client fails a Connection that does not list Upgrade [RFC 6455 4.1]") {
  check_response_fault(without(good_response(), "Connection"), kResponseClause);
  check_response_fault(with(good_response(), "Connection", "close"), kResponseClause);
}

TEST_CASE("client fails an accept that does not answer its key [RFC 6455 4.1]") {
  check_response_fault(without(good_response(), "Sec-WebSocket-Accept"), kResponseClause);
  check_response_fault(plus(good_response(), "Sec-WebSocket-Accept", kAccept), kResponseClause);
  for (const std::string_view accept :
       {"", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
        "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "dGhlIHNhbXBsZSBub25jZQ=="}) {
    CAPTURE(accept);
    check_response_fault(with(good_response(), "Sec-WebSocket-Accept", accept), kResponseClause);
  }
}

TEST_CASE("client fails a subprotocol that it did not offer, or two [RFC 6455 4.1, 11.3.4]") {
  for (const std::string_view name : {"other", "Chat", "", "chat, superchat"}) {
    CAPTURE(name);
    check_response_fault(plus(good_response(), "Sec-WebSocket-Protocol", name), kResponseClause);
  }
  const Fields one = plus(good_response(), "Sec-WebSocket-Protocol", "chat");
  check_response_fault(plus(one, "Sec-WebSocket-Protocol", "superchat"), "RFC 6455 §11.3.4");
  const auto none_offered = judge_response(101, one, kKey, {}, {});
  CHECK_FALSE(none_offered.has_value());
}

TEST_CASE("client fails extensions that it did not offer [RFC 6455 4.1]") {
  check_response_fault(plus(good_response(), "Sec-WebSocket-Extensions", "foo"), kResponseClause);
  check_response_fault(plus(good_response(), "Sec-WebSocket-Extensions",
                            "permessage-deflate; server_max_window_bits"),
                       "RFC 7692 §7.1");
}

}  // namespace
}  // namespace walkie::proto
