// SPDX-License-Identifier: MIT
// A connection's life between a scripted socket and its machines.
#include <link/h1_link.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <link/link_rig.hpp>

using namespace std::chrono_literals;
using namespace walkie::test;
using Log = std::vector<std::string>;

namespace {
const std::string kEchoOfHi = "\x81\x02hi";
}  // namespace

TEST_CASE("a request is answered and the connection stays for the next [RFC 9112 9.3]") {
  LinkRig rig;
  rig.loop.arrive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(rig.loop.written.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(rig.loop.written.ends_with("\r\n\r\nhello"));
  rig.loop.arrive("GET /two HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(rig.log == Log{"request /", "request /two"});
  CHECK_FALSE(rig.loop.released);
}

TEST_CASE("an upgrade and the frames behind its head are served in one go") {
  LinkRig rig;
  rig.loop.arrive(kUpgradeRequest + client_frame(1, "hi"));
  CHECK(rig.log == Log{"request /ws", "message hi"});
  CHECK(rig.loop.written.starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
  CHECK(rig.loop.written.ends_with("\r\n\r\n" + kEchoOfHi));
  CHECK(rig.loop.sends == 1);
  CHECK(rig.link.http() == nullptr);
}

TEST_CASE("replies to all messages of one read go out in one send") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.arrive(client_frame(1, "hi") + client_frame(1, "hi") + client_frame(1, "hi"));
  CHECK(rig.loop.written == kEchoOfHi + kEchoOfHi + kEchoOfHi);
  CHECK(rig.loop.sends == 1);
}

TEST_CASE("what others write is flushed once at the end of the turn") {
  LinkRig rig;
  rig.open_websocket();
  for (int i = 0; i < 3; ++i) {
    rig.link.websocket()->send(walkie::MessageKind::text, walkie::bytes_of("hi"));
    rig.link.mark_dirty();
  }
  CHECK(rig.loop.sends == 0);
  rig.loop.end_turn();
  CHECK(rig.loop.sends == 1);
  CHECK(rig.loop.written == kEchoOfHi + kEchoOfHi + kEchoOfHi);
}

TEST_CASE("a send that the socket takes in part goes on where it stopped") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.room_ = 3;
  rig.loop.arrive(client_frame(1, "hi") + client_frame(1, "hi"));
  CHECK(rig.loop.written.size() == 3);
  CHECK(rig.link.queued_bytes() == 5);
  CHECK(rig.counters.queued_bytes.get() == 5);
  rig.loop.make_writable(2);
  CHECK(rig.loop.written.size() == 5);
  rig.loop.make_writable(100);
  CHECK(rig.loop.written == kEchoOfHi + kEchoOfHi);
  CHECK(rig.counters.queued_bytes.get() == 0);
}

TEST_CASE("on a loop that keeps chunks each byte is offered once, and drain waits for the kernel") {
  LinkRig rig;
  rig.loop.keeps = true;
  rig.loop.arrive(kUpgradeRequest);
  rig.loop.complete(rig.loop.written.size());
  rig.loop.written.clear();
  rig.drains = 0;
  rig.loop.arrive(client_frame(1, "hi"));
  rig.loop.arrive(client_frame(1, "hi"));  // the first reply is still with the kernel
  CHECK(rig.loop.written == kEchoOfHi);
  CHECK(rig.drains == 0);
  rig.loop.complete(kEchoOfHi.size());
  CHECK(rig.loop.written == kEchoOfHi + kEchoOfHi);
  CHECK_FALSE(rig.link.websocket()->blocked());
  rig.loop.complete(1);
  CHECK(rig.loop.written == kEchoOfHi + kEchoOfHi + kEchoOfHi.substr(1));
  CHECK(rig.link.websocket()->blocked());
  rig.loop.complete(kEchoOfHi.size() - 1);
  CHECK(rig.drains == 1);
}

TEST_CASE("a link that ends while the kernel still reads its bytes hands both machines' over") {
  LinkRig rig;
  rig.loop.keeps = true;
  rig.loop.arrive(kUpgradeRequest + client_frame(1, "hi"));  // the 101 and the echo in one send
  const std::size_t offered = rig.loop.written.size();
  rig.link.abort();
  CHECK(rig.loop.handed_over == offered);
}

TEST_CASE("drain is told when everything went out") {
  LinkRig rig;
  rig.open_websocket();
  rig.drains = 0;
  rig.loop.room_ = 3;
  rig.loop.arrive(client_frame(1, "hi"));
  CHECK(rig.drains == 0);
  rig.loop.make_writable(100);
  CHECK(rig.drains == 1);
}

TEST_CASE("a peer that does not read is not read from until it does") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.room_ = 0;
  const std::string big(60'000, 'x');
  for (int i = 0; i < 4; ++i) rig.loop.arrive(client_frame(2, big));
  CHECK(rig.loop.receiving());
  rig.loop.arrive(client_frame(2, big));
  CHECK_FALSE(rig.loop.receiving());
  rig.loop.make_writable(SIZE_MAX);
  CHECK(rig.loop.receiving());
  CHECK(rig.loop.written.size() == 5 * (60'000 + 4));
}

TEST_CASE(
    "after the close handshake the server sends FIN and waits for the peer's [RFC 6455 7.1.1]") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.arrive(client_frame(8, "\x03\xE8"));
  CHECK(rig.loop.written == std::string("\x88\x02\x03\xE8"));
  CHECK(rig.loop.fin_sent);
  CHECK_FALSE(rig.loop.released);
  rig.loop.arrive("bytes that came too late");
  CHECK_FALSE(rig.loop.released);
  rig.loop.end_of_stream();
  CHECK(rig.loop.released);
  CHECK_FALSE(rig.loop.reset);
  CHECK(rig.log.back() == "released");
}

TEST_CASE("a peer that never closes its side is left behind after the linger time") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.arrive(client_frame(8, ""));
  rig.loop.pass(rig.context.linger_time - 10ms);
  CHECK_FALSE(rig.loop.released);
  rig.loop.pass(20ms);
  CHECK(rig.loop.released);
}

TEST_CASE("a timer that was armed for something else does not cut the linger time short") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.pass(rig.keepalive.ping_interval - 1s);
  rig.loop.arrive(client_frame(8, ""));
  rig.loop.pass(1s + 10ms);  // the Ping would be due
  CHECK_FALSE(rig.loop.released);
  rig.loop.pass(rig.context.linger_time);
  CHECK(rig.loop.released);
}

TEST_CASE("what is queued when the peer sends FIN still goes out") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.room_ = 1;
  rig.loop.arrive(client_frame(1, "hi") + client_frame(8, "\x03\xE8"));
  rig.loop.end_of_stream();
  CHECK_FALSE(rig.loop.released);
  rig.loop.make_writable(100);
  CHECK(rig.loop.written == kEchoOfHi + "\x88\x02\x03\xE8");
  CHECK(rig.loop.released);
  CHECK(rig.log == Log{"request /ws", "message hi", "closed 1000", "released"});
}

TEST_CASE("a FIN without a Close frame is told as 1006 [RFC 6455 7.1.5]") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.end_of_stream();
  CHECK(rig.log == Log{"request /ws", "closed 1006", "released"});
}

TEST_CASE("a violation is answered with its code before the end [RFC 6455 7.1.7]") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.arrive(std::string("\x81\x02hi", 4));  // not masked
  CHECK(rig.loop.written.substr(0, 1) == "\x88");
  CHECK(rig.loop.written.substr(2, 2) == "\x03\xEA");
  CHECK(rig.loop.fin_sent);
  CHECK(rig.log == Log{"request /ws", "closed 1002"});
}

TEST_CASE("last bytes that make no progress are given up with a reset") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.room_ = 0;
  rig.loop.arrive(client_frame(1, "hi") + client_frame(8, ""));
  rig.loop.pass(rig.context.stall_time + 10ms);
  CHECK(rig.loop.released);
  CHECK(rig.loop.reset);
}

TEST_CASE("a deferred answer goes out when it comes") {
  LinkRig rig;
  rig.loop.arrive("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(rig.loop.written.empty());
  rig.loop.pass(1s);
  rig.answer_later("at last");
  CHECK(rig.loop.written.ends_with("\r\n\r\nat last"));
  rig.loop.pass(rig.context.answer_timeout);
  CHECK(rig.log == Log{"request /later"});
}

TEST_CASE("frames that came before a late upgrade are read before those that come after it") {
  LinkRig rig;
  rig.loop.arrive(upgrade_request("/ws-later") + client_frame(1, "early"));
  rig.upgrade();
  rig.loop.arrive(client_frame(1, "late"));  // in the turn of the upgrade
  CHECK(rig.log == Log{"request /ws-later", "message early", "message late"});
}

TEST_CASE("a peer that sent its FIN before a late upgrade is answered, then ended with 1006") {
  LinkRig rig;
  rig.loop.arrive(upgrade_request("/ws-later") + client_frame(1, "hi"));
  rig.loop.end_of_stream();
  rig.upgrade();
  rig.loop.end_turn();
  CHECK(rig.log == Log{"request /ws-later", "message hi", "closed 1006", "released"});
  CHECK(rig.loop.written.ends_with("\r\n\r\n" + kEchoOfHi));
}

TEST_CASE("the answer to a request that waited longer than a connection may idle goes out") {
  LinkRig rig;
  rig.context.answer_timeout = rig.http_options.idle_timeout + 1s;
  rig.loop.arrive("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  rig.loop.pass(rig.context.answer_timeout + 10ms);
  CHECK(rig.loop.written.starts_with("HTTP/1.1 503 "));
}

TEST_CASE("an answer that does not come is told after the answer timeout") {
  LinkRig rig;
  rig.loop.arrive("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  rig.loop.pass(rig.context.answer_timeout + 10ms);
  CHECK(rig.log == Log{"request /later", "answer timeout"});
  CHECK(rig.loop.written.starts_with("HTTP/1.1 503 "));
}

TEST_CASE(
    "a head that does not end is answered with 408 and the connection closed [RFC 9110 15.5.9]") {
  LinkRig rig;
  rig.loop.arrive("GET / HT");
  rig.loop.pass(rig.http_options.head_timeout + 10ms);
  CHECK(rig.loop.written.starts_with("HTTP/1.1 408 "));
  CHECK(rig.loop.fin_sent);
}

TEST_CASE("a TLS hello on a plain port is answered with 400 and closed") {
  LinkRig rig;
  rig.loop.arrive(std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11));
  CHECK(rig.log == Log{"bad request 400"});
  CHECK(rig.loop.written.starts_with("HTTP/1.1 400 "));
  CHECK(rig.loop.written.contains("\r\nDate: " + std::string(LinkRig::kDate) + "\r\n"));
  CHECK(rig.loop.fin_sent);
}

TEST_CASE("a silent WebSocket is pinged, and a dead one ends with 1006") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.pass(rig.keepalive.ping_interval + 10ms);
  REQUIRE(rig.loop.written.size() == 10);
  CHECK(rig.loop.written.substr(0, 2) == "\x89\x08");
  rig.loop.pass(rig.keepalive.pong_timeout + 10ms);
  CHECK(rig.loop.released);
  CHECK(rig.log == Log{"request /ws", "closed 1006", "released"});
}

TEST_CASE("pings do not pile up behind what a peer does not read") {
  LinkRig rig;
  rig.keepalive.pong_timeout = 0s;
  rig.open_websocket();
  rig.loop.room_ = 0;
  rig.link.websocket()->send(walkie::MessageKind::binary,
                             walkie::bytes_of(std::string(300'000, 'x')));
  rig.link.mark_dirty();
  rig.loop.end_turn();
  const std::size_t queued = rig.link.queued_bytes();
  for (int i = 0; i < 10; ++i) rig.loop.pass(rig.keepalive.ping_interval + 10ms);
  CHECK(rig.link.queued_bytes() == queued);
  rig.loop.make_writable(SIZE_MAX);
  rig.loop.written.clear();
  rig.loop.pass(rig.keepalive.ping_interval + 10ms);
  CHECK(rig.loop.written.starts_with("\x89\x08"));
}

TEST_CASE("a pong keeps a WebSocket alive and measures the round trip") {
  LinkRig rig;
  rig.open_websocket();
  rig.loop.pass(rig.keepalive.ping_interval + 10ms);
  const std::string ping_payload = rig.loop.written.substr(2);
  rig.loop.pass(5ms);
  rig.loop.arrive(client_frame(10, ping_payload));
  REQUIRE(rig.link.keepalive()->round_trip().has_value());
  CHECK(*rig.link.keepalive()->round_trip() == 5ms);
  rig.loop.pass(rig.keepalive.pong_timeout + 10ms);
  CHECK_FALSE(rig.loop.released);
}

TEST_CASE("an HTTP connection that is idle at the drain ends at once") {
  LinkRig rig;
  rig.loop.arrive("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  rig.link.finish_http();
  rig.loop.end_turn();
  CHECK(rig.loop.fin_sent);
}

TEST_CASE("an aborted WebSocket is released with a reset and told once") {
  LinkRig rig;
  rig.open_websocket();
  rig.link.abort();
  rig.link.abort();
  CHECK(rig.loop.reset);
  CHECK(rig.log == Log{"request /ws", "closed 1006", "released"});
}

TEST_CASE("wherever the socket breaks, the end is told once and all memory comes back") {
  using Step = std::function<void(LinkRig&)>;
  const std::vector<Step> script{
      [](LinkRig& rig) { rig.loop.arrive("GET /later HTTP/1.1\r\nHost: a\r\n\r\n"); },
      [](LinkRig& rig) { rig.loop.pass(1s); },
      [](LinkRig& rig) { rig.answer_later("x"); },
      [](LinkRig& rig) { rig.loop.arrive(kUpgradeRequest.substr(0, 40)); },
      [](LinkRig& rig) { rig.loop.arrive(kUpgradeRequest.substr(40)); },
      [](LinkRig& rig) { rig.loop.arrive(client_frame(1, "hi")); },
      [](LinkRig& rig) { rig.loop.arrive(client_frame(1, "half").substr(0, 7)); },
      [](LinkRig& rig) { rig.loop.arrive(client_frame(1, "half").substr(7)); },
      [](LinkRig& rig) { rig.loop.room_ = 2; },
      [](LinkRig& rig) { rig.loop.arrive(client_frame(2, std::string(1000, 'x'))); },
      [](LinkRig& rig) { rig.loop.make_writable(500); },
      [](LinkRig& rig) { rig.loop.make_writable(SIZE_MAX); },
      [](LinkRig& rig) { rig.loop.arrive(client_frame(8, "\x03\xE8")); },
  };
  for (const bool by_fin : {false, true}) {
    for (std::size_t broken_at = 0; broken_at <= script.size(); ++broken_at) {
      CAPTURE(broken_at);
      CAPTURE(by_fin);
      LinkRig rig;
      for (std::size_t i = 0; i < broken_at; ++i) script[i](rig);
      if (by_fin)
        rig.loop.end_of_stream();
      else
        rig.loop.break_socket();
      rig.loop.make_writable(SIZE_MAX);
      rig.loop.pass(60s);
      CHECK(rig.loop.released);
      CHECK(std::ranges::count(rig.log, "released") == 1);
      const bool upgraded = std::ranges::count(rig.log, "request /ws") == 1;
      const auto is_close = [](const std::string& line) { return line.starts_with("closed"); };
      CHECK(std::ranges::count_if(rig.log, is_close) == (upgraded ? 1 : 0));
      CHECK(rig.counters.queued_bytes.get() == 0);
    }
  }
}
