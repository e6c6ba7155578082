// SPDX-License-Identifier: MIT
// Offers, answers and verdicts about permessage-deflate, parameter by parameter.
#include <proto/deflate_negotiation.hpp>

#include <array>
#include <initializer_list>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::proto {
namespace {

constexpr std::string_view kField = "Sec-WebSocket-Extensions";
constexpr DeflateParams kFull{.enabled = true};

std::vector<HeaderField> fields_of(std::initializer_list<std::string_view> values) {
  std::vector<HeaderField> fields;
  for (const std::string_view value : values) fields.push_back({kField, value});
  return fields;
}

/// The server's answer to offers, which must hold.
DeflateAnswer answer_to(std::initializer_list<std::string_view> offers,
                        const DeflatePolicy& policy = {}) {
  const auto answer = answer_deflate(fields_of(offers), policy);
  REQUIRE(answer.has_value());
  CHECK(answer->params.enabled == !answer->extension.empty());
  return *answer;
}

void check_declined(std::string_view offer, const DeflatePolicy& policy = {}) {
  CAPTURE(offer);
  const DeflateAnswer answer = answer_to({offer}, policy);
  CHECK_FALSE(answer.params.enabled);
  CHECK(answer.extension.empty());
}

// -- server --

TEST_CASE("server accepts a plain offer plainly [RFC 7692 7.1]") {
  const DeflateAnswer answer = answer_to({"permessage-deflate"});
  CHECK(answer.extension == "permessage-deflate");
  CHECK(answer.params == kFull);
}

TEST_CASE("server answers nothing where nothing it knows was offered [RFC 6455 9.1]") {
  CHECK(answer_to({}).extension.empty());
  CHECK(answer_to({""}).extension.empty());
  CHECK(answer_to({"x-webkit-deflate-frame, foo; bar=\"baz\""}).extension.empty());
  CHECK(answer_to({"permessage-deflate2"}).extension.empty());
}

TEST_CASE("server that has compression switched off answers nothing") {
  CHECK_FALSE(answer_to({"permessage-deflate"}, {.enabled = false}).params.enabled);
}

TEST_CASE(
    "server fails a header that does not parse with 400, even where it wants no compression "
    "[RFC 6455 9.1]") {
  for (const bool enabled : {true, false}) {
    const auto fields = fields_of({"permessage-deflate", "permessage-deflate; =3"});
    const auto answer = answer_deflate(fields, {.enabled = enabled});
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().status == 400);
    CHECK(answer.error().clause == "RFC 6455 §9.1");
    CHECK_FALSE(answer.error().text.empty());
  }
}

TEST_CASE("server takes the first offer that it can meet [RFC 7692 5.1]") {
  const DeflateAnswer second =
      answer_to({"permessage-deflate; unknown, permessage-deflate; server_no_context_takeover, "
                 "permessage-deflate"});
  CHECK(second.extension == "permessage-deflate; server_no_context_takeover");
  const DeflateAnswer third = answer_to({"foo", "permessage-deflate; server_max_window_bits=8",
                                         "permessage-deflate; server_max_window_bits=9, bar"});
  CHECK(third.extension == "permessage-deflate; server_max_window_bits=9");
  CHECK(third.params.server_max_window_bits == 9);
}

TEST_CASE("server declines an offer with an unknown or doubled parameter [RFC 7692 7.1]") {
  check_declined("permessage-deflate; foo");
  check_declined("permessage-deflate; foo=1; server_no_context_takeover");
  check_declined("permessage-deflate; Server_no_context_takeover");
  for (const std::string name :
       {"server_no_context_takeover", "client_no_context_takeover", "server_max_window_bits=10",
        "client_max_window_bits", "client_max_window_bits=10"}) {
    CHECK(answer_to({"permessage-deflate; " + name}).params.enabled);
    check_declined("permessage-deflate; " + name + "; " + name);
  }
  check_declined("permessage-deflate; client_max_window_bits; client_max_window_bits=10");
  check_declined("permessage-deflate; client_max_window_bits=10; client_max_window_bits");
}

TEST_CASE("server declines no_context_takeover with a value [RFC 7692 7.1.1]") {
  check_declined("permessage-deflate; server_no_context_takeover=true");
  check_declined("permessage-deflate; server_no_context_takeover=\"1\"");
  check_declined("permessage-deflate; client_no_context_takeover=0");
}

TEST_CASE("server declines windows that are not 8 to 15 without leading zeros [RFC 7692 7.1.2]") {
  for (const std::string_view bits : {"0", "1", "7", "16", "99", "08", "010", "+9", "-9", "9a", "a",
                                      "10.0", "0x9", "256", "265", "99999999999999999999"}) {
    check_declined("permessage-deflate; server_max_window_bits=" + std::string(bits));
    check_declined("permessage-deflate; client_max_window_bits=" + std::string(bits));
  }
  check_declined("permessage-deflate; server_max_window_bits");  // this one needs a value
}

TEST_CASE("server repeats every server_max_window_bits from 9 to 15 [RFC 7692 7.1.2.1]") {
  for (int bits = 9; bits <= 15; ++bits) {
    const std::string offer = "permessage-deflate; server_max_window_bits=" + std::to_string(bits);
    const DeflateAnswer answer = answer_to({offer});
    CHECK(answer.extension == offer);
    CHECK(answer.params.server_max_window_bits == bits);
    CHECK(answer.params.client_max_window_bits == 15);
  }
}

TEST_CASE("server declines server_max_window_bits=8, which it cannot keep [RFC 7692 7.1.2.1]") {
  check_declined("permessage-deflate; server_max_window_bits=8");
  check_declined("permessage-deflate; server_max_window_bits=8; client_max_window_bits=8");
  const DeflateAnswer fallback =
      answer_to({"permessage-deflate; server_max_window_bits=8, permessage-deflate"});
  CHECK(fallback.extension == "permessage-deflate");
}

TEST_CASE("server reads quoted values as it reads bare ones [RFC 6455 9.1]") {
  const DeflateAnswer answer = answer_to(
      {R"(permessage-deflate; server_max_window_bits="10"; client_max_window_bits="\1\1")"});
  CHECK(answer.params.server_max_window_bits == 10);
  CHECK(answer.params.client_max_window_bits == 11);
  CHECK(answer.extension ==
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11");
}

TEST_CASE("server keeps to what a client says of its own window, 8 included [RFC 7692 7.1.2.2]") {
  for (int bits = 8; bits <= 14; ++bits) {
    const std::string offer = "permessage-deflate; client_max_window_bits=" + std::to_string(bits);
    const DeflateAnswer answer = answer_to({offer});
    CHECK(answer.extension == offer);
    CHECK(answer.params.client_max_window_bits == bits);
  }
  CHECK(answer_to({"permessage-deflate; client_max_window_bits=15"}).params == kFull);
  CHECK(answer_to({"permessage-deflate; client_max_window_bits"}).params == kFull);
  CHECK(answer_to({"permessage-deflate; client_max_window_bits"}).extension ==
        "permessage-deflate");
}

TEST_CASE(
    "server limits the client's window only where the client said it can be limited "
    "[RFC 7692 7.1.2.2]") {
  const DeflatePolicy policy{.client_max_window_bits = 10};
  CHECK(answer_to({"permessage-deflate"}, policy).params.client_max_window_bits == 15);
  CHECK(answer_to({"permessage-deflate"}, policy).extension == "permessage-deflate");
  CHECK(answer_to({"permessage-deflate; client_max_window_bits"}, policy).extension ==
        "permessage-deflate; client_max_window_bits=10");
  CHECK(answer_to({"permessage-deflate; client_max_window_bits=12"}, policy).extension ==
        "permessage-deflate; client_max_window_bits=10");
  CHECK(answer_to({"permessage-deflate; client_max_window_bits=9"}, policy).extension ==
        "permessage-deflate; client_max_window_bits=9");
}

TEST_CASE("server announces a window of its own that is smaller than asked [RFC 7692 7.1.2.1]") {
  const DeflatePolicy policy{.server_max_window_bits = 11};
  CHECK(answer_to({"permessage-deflate"}, policy).extension ==
        "permessage-deflate; server_max_window_bits=11");
  CHECK(answer_to({"permessage-deflate; server_max_window_bits=14"}, policy).extension ==
        "permessage-deflate; server_max_window_bits=11");
  CHECK(answer_to({"permessage-deflate; server_max_window_bits=10"}, policy)
            .params.server_max_window_bits == 10);
}

TEST_CASE(
    "server grants no_context_takeover where asked and insists where told to "
    "[RFC 7692 7.1.1]") {
  const DeflateAnswer asked =
      answer_to({"permessage-deflate; client_no_context_takeover; server_no_context_takeover"});
  CHECK(asked.params.server_no_context_takeover);
  CHECK(asked.params.client_no_context_takeover);
  CHECK(asked.extension ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");

  const DeflateAnswer server_only =
      answer_to({"permessage-deflate"}, {.server_no_context_takeover = true});
  CHECK(server_only.extension == "permessage-deflate; server_no_context_takeover");
  CHECK(server_only.params.server_no_context_takeover);
  CHECK_FALSE(server_only.params.client_no_context_takeover);

  const DeflateAnswer client_only =
      answer_to({"permessage-deflate"}, {.client_no_context_takeover = true});
  CHECK(client_only.extension == "permessage-deflate; client_no_context_takeover");
  CHECK(client_only.params.client_no_context_takeover);
  CHECK_FALSE(client_only.params.server_no_context_takeover);
}

TEST_CASE("server answers what browsers offer") {
  // Chromium and Firefox; Safari; the ws package of Node.
  CHECK(answer_to({"permessage-deflate; client_max_window_bits"}).extension ==
        "permessage-deflate");
  CHECK(answer_to({"x-webkit-deflate-frame"}).extension.empty());
  CHECK(answer_to({"permessage-deflate; client_max_window_bits"},
                  {.server_no_context_takeover = true, .client_no_context_takeover = true})
            .extension ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover");
}

// -- client --

DeflateParams judged(std::initializer_list<std::string_view> answers,
                     const DeflatePolicy& offered = {}) {
  const auto params = judge_deflate_answer(fields_of(answers), offered);
  REQUIRE(params.has_value());
  return *params;
}

void check_refused(std::initializer_list<std::string_view> answers, std::string_view clause,
                   const DeflatePolicy& offered = {}) {
  const auto params = judge_deflate_answer(fields_of(answers), offered);
  CAPTURE(*answers.begin());
  REQUIRE_FALSE(params.has_value());
  CHECK(params.error().status == 0);
  CHECK(params.error().clause == clause);
  CHECK_FALSE(params.error().text.empty());
}

TEST_CASE("client offers what its policy says [RFC 7692 7.1]") {
  CHECK(deflate_offer({}) == "permessage-deflate; client_max_window_bits");
  CHECK(deflate_offer({.enabled = false}).empty());
  CHECK(deflate_offer({.server_no_context_takeover = true,
                       .client_no_context_takeover = true,
                       .server_max_window_bits = 10,
                       .client_max_window_bits = 11}) ==
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
        "server_max_window_bits=10; client_max_window_bits=11");
  // It does not promise a window that zlib cannot compress for.
  CHECK(deflate_offer({.client_max_window_bits = 8}) ==
        "permessage-deflate; client_max_window_bits=9");
}

TEST_CASE("client takes an answer without extensions as one without compression [RFC 6455 9.1]") {
  CHECK_FALSE(judged({}).enabled);
  CHECK_FALSE(judged({}, {.enabled = false}).enabled);
}

TEST_CASE("client takes a plain answer") { CHECK(judged({"permessage-deflate"}) == kFull); }

TEST_CASE("client takes what a server may add unasked [RFC 7692 7.1.1.1, 7.1.1.2, 7.1.2.1]") {
  const DeflateParams params =
      judged({"permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
              "server_max_window_bits=8; client_max_window_bits=12"});
  CHECK(params == DeflateParams{true, true, true, 8, 12});
}

TEST_CASE("client keeps to its own offer where the server asks for less [RFC 7692 7.1.2.2]") {
  const DeflatePolicy offered{.client_no_context_takeover = true, .client_max_window_bits = 10};
  CHECK(judged({"permessage-deflate"}, offered).client_max_window_bits == 10);
  CHECK(judged({"permessage-deflate"}, offered).client_no_context_takeover);
  CHECK(judged({"permessage-deflate; client_max_window_bits=14"}, offered).client_max_window_bits ==
        10);
  CHECK(judged({"permessage-deflate; client_max_window_bits=9"}, offered).client_max_window_bits ==
        9);
}

TEST_CASE("client refuses extensions that it did not offer [RFC 6455 4.1]") {
  check_refused({"foo"}, "RFC 6455 §4.1");
  check_refused({"permessage-deflate"}, "RFC 6455 §4.1", {.enabled = false});
  check_refused({"permessage-deflate, foo"}, "RFC 6455 §4.1");
  check_refused({"permessage-deflate", "permessage-deflate"}, "RFC 6455 §4.1");
}

TEST_CASE("client refuses an answer that does not parse [RFC 6455 9.1]") {
  check_refused({"permessage-deflate;"}, "RFC 6455 §9.1");
  check_refused({"permessage-deflate; server_max_window_bits=\"10"}, "RFC 6455 §9.1");
}

TEST_CASE("client refuses unknown, doubled and bad parameters [RFC 7692 7.1]") {
  for (const std::string_view parameter :
       {"foo", "foo=1", "server_no_context_takeover=1", "client_no_context_takeover=x",
        "server_max_window_bits", "server_max_window_bits=7", "server_max_window_bits=16",
        "server_max_window_bits=09", "client_max_window_bits=0", "client_max_window_bits=16",
        "client_no_context_takeover; client_no_context_takeover",
        "server_max_window_bits=9; server_max_window_bits=9"}) {
    const std::string answer = "permessage-deflate; " + std::string(parameter);
    check_refused({answer}, "RFC 7692 §7.1");
  }
}

TEST_CASE("client refuses client_max_window_bits without a value, or 8 [RFC 7692 7.1.2.2]") {
  check_refused({"permessage-deflate; client_max_window_bits"}, "RFC 7692 §7.1.2.2");
  check_refused({"permessage-deflate; client_max_window_bits=8"}, "RFC 7692 §7.1.2.2");
}

TEST_CASE("client refuses an answer that does not grant what it asked for [RFC 7692 7.1]") {
  const DeflatePolicy no_context{.server_no_context_takeover = true};
  check_refused({"permessage-deflate"}, "RFC 7692 §7.1.1.1", no_context);
  CHECK(judged({"permessage-deflate; server_no_context_takeover"}, no_context)
            .server_no_context_takeover);
  const DeflatePolicy small_window{.server_max_window_bits = 10};
  check_refused({"permessage-deflate"}, "RFC 7692 §7.1.2.1", small_window);
  check_refused({"permessage-deflate; server_max_window_bits=11"}, "RFC 7692 §7.1.2.1",
                small_window);
  CHECK(judged({"permessage-deflate; server_max_window_bits=9"}, small_window)
            .server_max_window_bits == 9);
}

TEST_CASE("client and server agree on the same parameters, whatever their policies") {
  constexpr std::array<std::uint8_t, 3> kServerWindows{9, 12, 15};
  constexpr std::array<std::uint8_t, 4> kClientWindows{8, 9, 12, 15};
  for (unsigned bits = 0; bits < 16; ++bits) {
    for (const std::uint8_t server_window : kServerWindows) {
      for (const std::uint8_t client_window : kClientWindows) {
        const DeflatePolicy client{.server_no_context_takeover = (bits & 1) != 0,
                                   .client_no_context_takeover = (bits & 2) != 0,
                                   .server_max_window_bits = server_window,
                                   .client_max_window_bits = client_window};
        const DeflatePolicy server{
            .server_no_context_takeover = (bits & 4) != 0,
            .client_no_context_takeover = (bits & 8) != 0,
            .server_max_window_bits = client_window >= 9 ? client_window : std::uint8_t{9},
            .client_max_window_bits = server_window};
        const std::string offer = deflate_offer(client);
        const DeflateAnswer answer = answer_to({offer}, server);
        REQUIRE(answer.params.enabled);
        CHECK(judged({answer.extension}, client) == answer.params);
      }
    }
  }
}

}  // namespace
}  // namespace walkie::proto
