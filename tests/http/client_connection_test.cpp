// SPDX-License-Identifier: MIT
// The client's end of an HTTP/1.1 connection: one request, one answer, however it is cut.
#include <http/client_connection.hpp>

#include <doctest/doctest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include <http/server_rig.hpp>
#include <support/split_everywhere.hpp>

using namespace walkie;
using http::ClientConnection;
using http::ClientConnectionOptions;
using http::ClientEvent;
using http::HeadError;
using test::split_everywhere;
using Kind = http::ClientEvent::Kind;

namespace {

constexpr ClientConnectionOptions kDefaults;

/// A connection whose request is written.
struct ClientRig {
  explicit ClientRig(std::string_view method = "GET", ClientConnectionOptions wish = {})
      : options(wish), connection(options, pool) {
    const std::array fields{HeaderField{"Host", "h"}};
    REQUIRE(connection.request(method, method == "CONNECT" ? "h:443" : "/", fields));
    connection.output().clear();
  }
  void receive(std::string_view text) { connection.receive(bytes_of(text)); }

  ClientConnectionOptions options;
  base::BufferPool pool;
  ClientConnection connection;
};

/// What an event says, as text that tests compare.
std::string record_of(const ClientEvent& event) {
  if (event.kind == Kind::failed)
    return event.ended_early ? "ended early" : std::string(http::facts_of(event.error).text);
  std::string record = std::to_string(event.head->status);
  record.append(" ").append(event.head->reason);
  for (const auto& [name, value] : event.head->fields)
    record.append("|").append(name).append("=").append(value);
  record.append("|").append(text_of(event.body));
  return event.body_cut ? record.append("...") : record;
}

/// How to run a case.
struct Case {
  std::string_view method = "GET";
  ClientConnectionOptions options = kDefaults;
  bool ends = false;  ///< The connection ends behind the input.
};

/// What comes of `input`, which must be the same however it is cut; what is left over behind '+'.
std::string outcome(std::string_view input, const Case& how = {}) {
  std::optional<std::string> first;  // of the whole input
  split_everywhere(bytes_of(input), [&](const test::Parts& parts) {
    ClientRig rig(how.method, how.options);
    std::string record;
    for (const test::Bytes& part : parts) {
      rig.connection.receive(part);
      if (const auto event = rig.connection.poll_event()) record += record_of(*event);
    }
    if (how.ends) rig.connection.receive_end();
    if (const auto event = rig.connection.poll_event()) record += record_of(*event);
    if (const auto rest = text_of(rig.connection.leftover()); !rest.empty())
      record.append("+").append(rest);
    if (!first) first = record;
    CHECK(record == *first);
  });
  return *first;
}

std::string outcome_at_end(std::string_view input) { return outcome(input, {.ends = true}); }

}  // namespace

// -- the request --

TEST_CASE("client writes method, target and fields as they are given [RFC 9112 3]") {
  base::BufferPool pool;
  ClientConnection connection(kDefaults, pool);
  const std::array fields{HeaderField{"Host", "example.com"}, HeaderField{"X-Empty", ""},
                          HeaderField{"Upgrade", "websocket"}};
  REQUIRE(connection.request("GET", "/a?b=c", fields));
  CHECK(test::text_in(connection.output()) ==
        "GET /a?b=c HTTP/1.1\r\nHost: example.com\r\nX-Empty: \r\nUpgrade: websocket\r\n\r\n");
}

TEST_CASE("client writes nothing that would smuggle a line into its request [RFC 9110 5.5]") {
  struct Smuggler {
    std::string_view method, target, name, value;
  };
  const std::vector<Smuggler> cases{
      {"GE T", "/", "a", "b"},        {"", "/", "a", "b"},
      {"GET", "", "a", "b"},          {"GET", "/ HTTP/1.1\r\nX: y", "a", "b"},
      {"GET", "/ b", "a", "b"},       {"GET", "/#b", "a", "b"},
      {"GET", "/\xc3\xa9", "a", "b"}, {"GET", "/", "", "b"},
      {"GET", "/", "a b", "b"},       {"GET", "/", "a:", "b"},
      {"GET", "/", "a\r\nX", "b"},    {"GET", "/", "a", "b\r\nX: y"},
      {"GET", "/", "a", "b\nX: y"},   {"GET", "/", "a", std::string_view("b\0", 2)},
      {"GET", "/", "a", "b\x7f"}};
  for (const Smuggler& smuggler : cases) {
    base::BufferPool pool;
    ClientConnection connection(kDefaults, pool);
    const std::array fields{HeaderField{"Host", "h"}, HeaderField{smuggler.name, smuggler.value}};
    CHECK_FALSE(connection.request(smuggler.method, smuggler.target, fields));
    CHECK(connection.output().empty());
  }
}

// -- answers --

TEST_CASE("client leaves what follows a 101 untouched [RFC 6455 4.1]") {
  const std::string head = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
  CHECK(outcome(head) == "101 Switching Protocols|Upgrade=websocket|");
  CHECK(outcome(head + "\x81\x02hi\x88\x80") ==
        "101 Switching Protocols|Upgrade=websocket|+\x81\x02hi\x88\x80");
}

TEST_CASE("client gives a 101 no body, whatever its fields say [RFC 9112 6.3]") {
  CHECK(outcome("HTTP/1.1 101 S\r\nContent-Length: 2\r\n\r\nhi") == "101 S|Content-Length=2|+hi");
}

TEST_CASE("client reads over interim answers [RFC 9110 15.2]") {
  const std::string interim =
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  CHECK(outcome(interim + "HTTP/1.1 101 S\r\n\r\nrest") == "101 S|+rest");
  CHECK(outcome(interim + "HTTP/1.1 204 No Content\r\n\r\n") == "204 No Content|");
  CHECK(outcome_at_end(interim) == "ended early");
}

TEST_CASE("client takes only so many interim answers [RFC 9110 15.2]") {
  const std::string interim = "HTTP/1.1 102 P\r\n\r\n";
  const std::string final = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const Case two{.options = {.interim_answers_max = 2}};
  CHECK(outcome(interim + interim + final, two) == "200 OK|Content-Length=0|");
  CHECK(outcome(interim + interim + interim + final, two) ==
        http::facts_of(HeadError::too_many_interim_answers).text);
}

TEST_CASE("client holds nothing of interim answers that it read over") {
  ClientRig rig;
  for (int i = 0; i < 8; ++i) {
    rig.receive("HTTP/1.1 103 Early Hints\r\nLink: " + std::string(4000, 'x') + "\r\n\r\n");
    CHECK(rig.pool.lent_bytes() == 0);
  }
}

TEST_CASE("client takes a 2xx to CONNECT as the tunnel's beginning [RFC 9112 6.3]") {
  const Case connect{.method = "CONNECT"};
  CHECK(outcome("HTTP/1.1 200 Connection established\r\nContent-Length: 9\r\n\r\n\x16\x03",
                connect) == "200 Connection established|Content-Length=9|+\x16\x03");
  CHECK(outcome("HTTP/1.0 204 \r\nTransfer-Encoding: chunked\r\n\r\nX", connect) ==
        "204 |Transfer-Encoding=chunked|+X");
  CHECK(outcome("HTTP/1.1 407 P\r\nContent-Length: 2\r\n\r\nnoX", connect) ==
        "407 P|Content-Length=2|no");
}

TEST_CASE("client reads a body with a length, and nothing behind it [RFC 9112 6.2]") {
  CHECK(
      outcome("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\n\r\n") ==
      "404 Not Found|Content-Length=5|hello");
  CHECK(outcome("HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n") == "403 F|Content-Length=0|");
}

TEST_CASE("client reads a chunked body, and nothing behind it [RFC 9112 7.1]") {
  CHECK(outcome("HTTP/1.1 403 F\r\nTransfer-Encoding: chunked\r\n\r\n"
                "3;e=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\nmore") ==
        "403 F|Transfer-Encoding=chunked|abcde");
}

TEST_CASE("client reads a body without framing until the connection ends [RFC 9112 6.3]") {
  CHECK(outcome("HTTP/1.0 200 OK\r\n\r\nsome text").empty());
  CHECK(outcome_at_end("HTTP/1.0 200 OK\r\n\r\nsome text") == "200 OK|some text");
  CHECK(outcome_at_end("HTTP/1.0 200 OK\r\n\r\n") == "200 OK|");
}

TEST_CASE("client waits for no body where the status has none [RFC 9112 6.3]") {
  CHECK(outcome("HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n") == "204 N|Content-Length=5|");
  CHECK(outcome("HTTP/1.1 304 N\r\n\r\n") == "304 N|");
}

TEST_CASE("client cuts a body that is longer than it wants, and says so") {
  const ClientConnectionOptions four{.body_bytes_max = 4};
  const std::string chunked = "HTTP/1.1 403 F\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(outcome("HTTP/1.1 403 F\r\nContent-Length: 5\r\n\r\nabcde", {.options = four}) ==
        "403 F|Content-Length=5|abcd...");
  CHECK(outcome("HTTP/1.1 403 F\r\nContent-Length: 4\r\n\r\nabcd", {.options = four}) ==
        "403 F|Content-Length=4|abcd");
  CHECK(outcome("HTTP/1.1 403 F\r\n\r\nabcde", {.options = four}) == "403 F|abcd...");
  CHECK(outcome("HTTP/1.1 403 F\r\n\r\nabcd", {.options = four, .ends = true}) == "403 F|abcd");
  CHECK(outcome(chunked + "2\r\nab\r\n2\r\ncd\r\n1\r\ne", {.options = four}) ==
        "403 F|Transfer-Encoding=chunked|abcd...");
  CHECK(outcome(chunked + "2\r\nab\r\n2\r\ncd\r\n0\r\n\r\n", {.options = four}) ==
        "403 F|Transfer-Encoding=chunked|abcd");
  CHECK(outcome(chunked + "ffffffffffffffff\r\nabcde", {.options = four}) ==
        "403 F|Transfer-Encoding=chunked|abcd...");
  CHECK(outcome("HTTP/1.1 403 F\r\nContent-Length: 18446744073709551615\r\n\r\nabcde",
                {.options = four}) == "403 F|Content-Length=18446744073709551615|abcd...");
}

TEST_CASE("client tells an answer whose body ended early, cut [RFC 9112 8]") {
  CHECK(outcome_at_end("HTTP/1.1 401 U\r\nContent-Length: 5\r\n\r\nabc") ==
        "401 U|Content-Length=5|abc...");
  CHECK(outcome_at_end("HTTP/1.1 401 U\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab") ==
        "401 U|Transfer-Encoding=chunked|ab...");
}

TEST_CASE("an answer's views live while its body grows over several buffers") {
  ClientRig rig("GET", {.body_bytes_max = 300'000});
  rig.receive("HTTP/1.1 500 Broken\r\nContent-Length: 250000\r\nX-Name: value\r\n\r\n");
  for (int i = 0; i < 250; ++i) rig.receive(std::string(1000, 'b'));
  const auto event = rig.connection.poll_event();
  REQUIRE(event);
  CHECK(event->head->reason == "Broken");
  CHECK(event->head->fields.back().value == "value");
  CHECK(text_of(event->body) == std::string(250'000, 'b'));
  CHECK_FALSE(event->body_cut);
}

// -- faults --

TEST_CASE("client names what is wrong with an answer [RFC 9112 4]") {
  const auto text = [](HeadError error) { return http::facts_of(error).text; };
  CHECK(outcome("\x15\x03\x01\x00\x02\x02\x46") == text(HeadError::not_http));
  CHECK(outcome("SSH-2.0-OpenSSH_9.2\r\n") == text(HeadError::not_http));
  CHECK(outcome("HTTP/2 200\r\n\r\n") == text(HeadError::unsupported_version));
  CHECK(outcome("HTTP/1.1 20x OK\r\n\r\n") == text(HeadError::bad_status_line));
  CHECK(outcome("HTTP/1.1 101 S\nUpgrade: websocket\n\n") == text(HeadError::bare_line_feed));
  CHECK(outcome("HTTP/1.1 403 F\r\nContent-Length: x\r\n\r\n") ==
        text(HeadError::bad_content_length));
  CHECK(outcome("HTTP/1.1 403 F\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n") ==
        text(HeadError::length_with_transfer_encoding));
  CHECK(outcome("HTTP/1.1 403 F\r\nTransfer-Encoding: chunked\r\n\r\nxyz") ==
        text(HeadError::bad_chunk));
}

TEST_CASE("client refuses a head that is too large") {
  const Case small{.options = {.limits = {.head_bytes_max = 64}}};
  CHECK(outcome("HTTP/1.1 101 S\r\nPadding: " + std::string(64, 'p'), small) ==
        http::facts_of(HeadError::head_too_large).text);
}

TEST_CASE("client tells a connection that ends before its answer") {
  for (const std::string_view input : {"H", "HTTP/1.1 101 S\r\n", "HTTP/1.1 101 S\r\n\r"})
    CHECK(outcome_at_end(input) == "ended early");
  ClientRig rig;
  rig.connection.receive_end();
  const auto event = rig.connection.poll_event();
  REQUIRE(event);
  CHECK(event->ended_early);
  CHECK(event->error == HeadError::none);
}

TEST_CASE("client tells one event, and nothing that comes behind its answer") {
  ClientRig rig;
  rig.receive("HTTP/1.1 403 F\r\nContent-Length: 0\r\n\r\n");
  REQUIRE(rig.connection.poll_event());
  rig.receive("HTTP/1.1 500 B\r\nContent-Length: 0\r\n\r\n");
  rig.connection.receive_end();
  CHECK_FALSE(rig.connection.poll_event());
  CHECK(rig.connection.leftover().empty());
}

TEST_CASE("a switched connection tells its end to nobody, and keeps what came last") {
  ClientRig rig;
  rig.receive("HTTP/1.1 101 S\r\n\r\nab");
  REQUIRE(rig.connection.poll_event());
  rig.receive("cd");
  rig.connection.receive_end();
  CHECK_FALSE(rig.connection.poll_event());
  CHECK(text_of(rig.connection.leftover()) == "abcd");
}

TEST_CASE("a client connection gives all its blocks back") {
  base::BufferPool pool;
  for (const std::string_view input :
       {"HTTP/1.1 101 S\r\n\r\nab", "HTTP/1.1 403 F\r\nContent-Length: 5\r\n\r\nabcde", "x"}) {
    ClientConnection connection(kDefaults, pool);
    REQUIRE(connection.request("GET", "/", {}));
    for (const char c : input) connection.receive(bytes_of({&c, 1}));
    CHECK(pool.lent_bytes() > 0);
  }
  CHECK(pool.lent_bytes() == 0);
}
