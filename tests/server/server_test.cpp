// SPDX-License-Identifier: MIT
// The server as its users meet it: real sockets, real threads.
#include <walkie/server.hpp>

#include <atomic>
#include <thread>

#include <doctest/doctest.h>

#include <server/raw_client.hpp>
#include <server/running_server.hpp>

using namespace std::chrono_literals;
using namespace walkie::test;
using walkie::CloseCode;
using walkie::CloseInfo;
using walkie::MessageView;
using walkie::Peer;
using walkie::SendStatus;

namespace {

void add_echo(RunningServer& running, walkie::WebSocketOptions options = {}) {
  running.server.websocket(
      "/echo",
      {.on_message = [](Peer& peer, MessageView message) { peer.send(message); },
       .on_close =
           [&running](Peer&, const CloseInfo& info) {
             running.journal.add("closed " + std::to_string(static_cast<unsigned>(info.code)) +
                                 (info.clean ? " clean" : "") + (info.by_peer ? " by peer" : ""));
           },
       .options = std::move(options)});
}

/// Pings and waits for the answer: everything sent before has been handled.
void settle(RawClient& client) {
  client.send_frame(9, "sync");
  while (client.read_frame().opcode != 10) {
  }
}

}  // namespace

TEST_CASE("a message comes back from an echo route") {
  RunningServer running;
  add_echo(running);
  running.start();
  auto client = RawClient::websocket(running.port, "/echo");
  client.send_frame(1, "hello");
  const Frame text = client.read_frame();
  CHECK(text.opcode == 1);
  CHECK(text.payload == "hello");
  client.send_frame(2, std::string(100'000, '\x7F'));
  const Frame big = client.read_frame();
  CHECK(big.opcode == 2);
  CHECK(big.payload == std::string(100'000, '\x7F'));
}

TEST_CASE("the close handshake ends cleanly, and the transport with it [RFC 6455 7.1.1]") {
  RunningServer running;
  add_echo(running);
  running.start();
  auto client = RawClient::websocket(running.port, "/echo");
  client.send_frame(8,
                    "\x0F\xA1"
                    "bye");
  const Frame close = client.read_frame();
  CHECK(close.close_code() == 4001);
  CHECK(client.at_end());
  CHECK(running.journal.wait_for("closed 4001 clean by peer"));
}

TEST_CASE("the server closes a connection from a handler") {
  RunningServer running;
  running.server.websocket(
      "/", {.on_message = [](Peer& peer, MessageView) {
        CHECK(peer.close(static_cast<CloseCode>(4002), "enough") == SendStatus::queued);
        CHECK(peer.send("too late") == SendStatus::closing);
      }});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  client.send_frame(1, "x");
  const Frame close = client.read_frame();
  CHECK(close.close_code() == 4002);
  CHECK(close.payload.substr(2) == "enough");
  client.send_frame(8, "\x0F\xA2");
  CHECK(client.at_end());
}

TEST_CASE("a violation ends one connection with its code and a log line that names the clause") {
  RunningServer running;
  add_echo(running);
  running.start();
  auto good = RawClient::websocket(running.port, "/echo");
  auto bad = RawClient::websocket(running.port, "/echo");
  bad.send(std::string_view("\x81\x02hi", 4));  // not masked
  CHECK(bad.read_frame().close_code() == 1002);
  CHECK(bad.at_end());
  CHECK(running.log.wait_for("clause=RFC 6455 §5.1"));
  good.send_frame(1, "still here");
  CHECK(good.read_frame().payload == "still here");
}

TEST_CASE("a message above the limit is refused from its header with 1009") {
  RunningServer running;
  add_echo(running, {.message_bytes_max = 1000});
  running.start();
  auto client = RawClient::websocket(running.port, "/echo");
  client.send_frame(2, std::string(1000, 'x'));
  CHECK(client.read_frame().payload.size() == 1000);
  client.send(std::string_view("\x82\xFE\x03\xE9\0\0\0\0", 8));  // declares 1001 bytes
  CHECK(client.read_frame().close_code() == 1009);
  CHECK(client.at_end());
}

TEST_CASE("a handler that throws ends its connection with 1011 and no other") {
  RunningServer running;
  running.server.websocket("/", {.on_message = [](Peer& peer, MessageView message) {
                             if (message.text() == "throw") throw std::runtime_error("a bug");
                             peer.send(message);
                           }});
  running.start();
  auto good = RawClient::websocket(running.port, "/");
  auto bad = RawClient::websocket(running.port, "/");
  bad.send_frame(1, "throw");
  CHECK(bad.read_frame().close_code() == 1011);
  CHECK(running.log.wait_for("handler threw"));
  good.send_frame(1, "fine");
  CHECK(good.read_frame().payload == "fine");
}

TEST_CASE("routes have parameters, typed state and their own handlers") {
  struct Seat {
    std::string room;
    int messages = 0;
  };
  RunningServer running;
  running.server.websocket<Seat>(
      "/chat/:room", {.on_upgrade =
                          [](const walkie::UpgradeRequest& request, walkie::Upgrade upgrade) {
                            upgrade.set_state(Seat{.room = std::string(request.param("room"))});
                            upgrade.accept();
                          },
                      .on_message =
                          [](Peer& peer, Seat& seat, MessageView) {
                            peer.send(seat.room + " " + std::to_string(++seat.messages));
                          }});
  running.start();
  auto client = RawClient::websocket(running.port, "/chat/a%20b");
  client.send_frame(1, "x");
  CHECK(client.read_frame().payload == "a b 1");
  client.send_frame(1, "x");
  CHECK(client.read_frame().payload == "a b 2");
}

TEST_CASE("the upgrade hook sees the request and may reject it") {
  RunningServer running;
  running.server.websocket(
      "/", {.on_upgrade = [](const walkie::UpgradeRequest& request, walkie::Upgrade upgrade) {
        if (request.query("token") == "secret" && request.cookie("user") == "eve" &&
            request.header("X-Thing") == "7" && request.remote_address().starts_with("127.0.0.1:"))
          return upgrade.accept({.subprotocol = std::string(request.subprotocols()[1]),
                                 .headers = {{"X-Seen", "yes"}}});
        upgrade.reject({.status = 401, .body = "who are you?", .headers = {{"X-Why", "token"}}});
      }});
  running.start();
  RawClient stranger(running.port);
  const std::string refusal = stranger.try_upgrade("/");
  CHECK(refusal.starts_with("HTTP/1.1 401 Unauthorized\r\n"));
  CHECK(refusal.contains("X-Why: token\r\n"));
  RawClient friendly(running.port);
  const std::string answer = friendly.try_upgrade(
      "/?token=secret",
      "Cookie: a=b; user=eve\r\nX-Thing: 7\r\nSec-WebSocket-Protocol: one, two\r\n");
  CHECK(answer.starts_with("HTTP/1.1 101 "));
  CHECK(answer.contains("X-Seen: yes\r\n"));
  CHECK(answer.contains("Sec-WebSocket-Protocol: two\r\n"));
}

TEST_CASE("an upgrade may be answered later from another thread") {
  RunningServer running;
  std::jthread later;
  running.server.websocket(
      "/", {.on_upgrade =
                [&](const walkie::UpgradeRequest&, walkie::Upgrade upgrade) {
                  later = std::jthread([held = std::move(upgrade)]() mutable { held.accept(); });
                },
            .on_message = [](Peer& peer, MessageView message) { peer.send(message); }});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  client.send_frame(1, "hello");
  CHECK(client.read_frame().payload == "hello");
}

TEST_CASE("an upgrade that nobody answers is rejected: dropped with 500, forgotten with 503") {
  RunningServer running({.handshake_timeout = 300ms});
  std::vector<walkie::Upgrade> kept;
  running.server.websocket("/dropped",
                           {.on_upgrade = [](const walkie::UpgradeRequest&, walkie::Upgrade) {}});
  running.server.websocket(
      "/kept", {.on_upgrade = [&](const walkie::UpgradeRequest&, walkie::Upgrade upgrade) {
        kept.push_back(std::move(upgrade));
      }});
  running.start();
  RawClient dropped(running.port);
  CHECK(dropped.try_upgrade("/dropped").starts_with("HTTP/1.1 500 "));
  RawClient forgotten(running.port);
  CHECK(forgotten.try_upgrade("/kept").starts_with("HTTP/1.1 503 "));
  kept.front().accept();  // too late: does nothing
  CHECK(running.server.metrics().handshakes["accepted"] == 0);
}

TEST_CASE("a browser of another origin is refused with 403 [RFC 6455 10.2]") {
  RunningServer running;
  add_echo(running);
  running.start();
  RawClient evil(running.port);
  CHECK(evil.try_upgrade("/echo", "Origin: http://evil.example\r\n").starts_with("HTTP/1.1 403 "));
  RawClient same(running.port);
  CHECK(same.try_upgrade("/echo", "Origin: http://localhost\r\n").starts_with("HTTP/1.1 101 "));
}

TEST_CASE("a handshake with another version is answered with 426 and ours [RFC 6455 4.4]") {
  RunningServer running;
  add_echo(running);
  running.start();
  RawClient client(running.port);
  client.send(
      "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n\r\n");
  const std::string head = client.read_head();
  CHECK(head.starts_with("HTTP/1.1 426 "));
  CHECK(head.contains("Sec-WebSocket-Version: 13\r\n"));
  CHECK(head.contains("Connection: Upgrade\r\n"));
}

TEST_CASE("a handshake that is no GET is answered with 405 and what is allowed [RFC 9110 15.5.6]") {
  RunningServer running;
  add_echo(running);
  running.start();
  RawClient client(running.port);
  client.send(
      "POST /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
  const std::string head = client.read_head();
  CHECK(head.starts_with("HTTP/1.1 405 "));
  CHECK(head.contains("Allow: GET\r\n"));
}

TEST_CASE("ordinary requests are served beside WebSockets") {
  RunningServer running;
  add_echo(running);
  running.server
      .http("GET", "/hello/:name",
            [](const walkie::HttpRequest& request) {
              return walkie::HttpResponse{.body = "hello " + std::string(request.param("name"))};
            })
      .http("POST", "/upper",
            [](const walkie::HttpRequest& request, walkie::HttpReply reply) {
              std::string body(walkie::text_of(request.body()));
              for (char& c : body) c = static_cast<char>(std::toupper(c));
              reply.send({.body = body});
            })
      .files({{"/index.html", "", "<!doctype html>"}});
  running.start();
  RawClient client(running.port);
  client.send("GET /hello/you HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_head().starts_with("HTTP/1.1 200 "));
  CHECK(client.read(9) == "hello you");
  client.send("POST /upper HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc");
  client.read_head();
  CHECK(client.read(3) == "ABC");
  client.send("DELETE /upper HTTP/1.1\r\nHost: a\r\n\r\n");
  const std::string not_allowed = client.read_head();
  CHECK(not_allowed.starts_with("HTTP/1.1 405 "));
  CHECK(not_allowed.contains("Allow: POST\r\n"));
  RawClient page(running.port);
  page.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(page.read_to_end().ends_with("<!doctype html>"));
  RawClient missing(running.port);
  missing.send("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\nGET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(missing.read_head().starts_with("HTTP/1.1 404 "));
  missing.read(10);
  CHECK(missing.read_head().starts_with("HTTP/1.1 426 "));
}

TEST_CASE("a reply may come from another thread, and an HTTP handler's exception is a 500") {
  RunningServer running;
  std::jthread later;
  running.server
      .http("GET", "/later",
            [&](const walkie::HttpRequest&, walkie::HttpReply reply) {
              later = std::jthread(
                  [held = std::move(reply)]() mutable { held.send({.body = "late"}); });
            })
      .http("GET", "/throw", [](const walkie::HttpRequest&) -> walkie::HttpResponse {
        throw std::runtime_error("a bug");
      });
  running.start();
  RawClient client(running.port);
  client.send("GET /later HTTP/1.1\r\nHost: a\r\n\r\n");
  client.read_head();
  CHECK(client.read(4) == "late");
  client.send("GET /throw HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_head().starts_with("HTTP/1.1 500 "));
}

TEST_CASE("what is published to a topic reaches its subscribers on all shards but the sender") {
  RunningServer running({.threads = 3});
  running.server.websocket("/", {.on_open = [](Peer& peer) { peer.subscribe("news"); },
                                 .on_message =
                                     [&running](Peer& peer, MessageView message) {
                                       if (message.text() == "leave")
                                         peer.unsubscribe("news");
                                       else
                                         running.server.publish("news", message, peer);
                                     }});
  running.start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 12; ++i) clients.push_back(RawClient::websocket(running.port, "/"));
  for (auto& client : clients) settle(client);
  clients[0].send_frame(1, "to the others");
  for (std::size_t i = 1; i < clients.size(); ++i)
    CHECK(clients[i].read_message().payload == "to the others");
  clients[5].send_frame(1, "leave");
  settle(clients[5]);
  running.server.publish("news", "from outside");
  CHECK(clients[0].read_message().payload == "from outside");  // not its own
  CHECK(clients[4].read_message().payload == "from outside");
  clients[5].send_frame(9, "end");
  CHECK(clients[5].read_frame().opcode == 10);
  CHECK(running.server.metrics().subscriptions == 11);
  clients.clear();
  for (int tries = 0; tries < 2000 && running.server.metrics().websockets_open > 0; ++tries)
    std::this_thread::sleep_for(10ms);
  CHECK(running.server.metrics().subscriptions == 0);
}

TEST_CASE("a peer handle works from any thread, and says gone after the connection's death") {
  RunningServer running({.threads = 2});
  std::mutex mutex;
  std::vector<Peer> peers;
  running.server.websocket("/", {.on_open =
                                     [&](Peer& peer) {
                                       const std::lock_guard lock(mutex);
                                       peers.push_back(peer);
                                     },
                                 .on_close =
                                     [&](Peer& peer, const CloseInfo&) {
                                       running.journal.add("closed");
                                       CHECK(peer.send("x") == SendStatus::closing);
                                     }});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  settle(client);
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([peer = peers.front()] {
      for (int i = 0; i < 100; ++i) CHECK(peer.send("from a thread") == SendStatus::queued);
    });
  for (int i = 0; i < 400; ++i) CHECK(client.read_message().payload == "from a thread");
  threads.clear();
  peers.front().close(CloseCode::normal, "done");
  CHECK(client.read_message().close_code() == 1000);
  client.send_frame(8, "\x03\xE8");
  CHECK(client.at_end());
  CHECK(running.journal.wait_for("closed"));
  CHECK_FALSE(peers.front().queued_bytes().has_value());
  peers.front().send("nobody hears this");
  CHECK(Peer().send("x") == SendStatus::gone);
}

TEST_CASE("a reader that never reads is closed with 1013 and costs a bounded queue") {
  RunningServer running;
  std::atomic<bool> overflowed = false;
  running.server.websocket(
      "/", {.on_message =
                [&](Peer& peer, MessageView) {
                  const std::string block(1 << 20, 'x');
                  for (int i = 0; i < 64 && !overflowed; ++i) {
                    overflowed = peer.send(block) == SendStatus::overflow;
                    CHECK(peer.queued_bytes().value_or(0) <= (5U << 20));
                  }
                },
            .on_close =
                [&](Peer&, const CloseInfo& info) {
                  running.journal.add("closed " + std::to_string(static_cast<unsigned>(info.code)));
                },
            .options = {.send_queue_bytes_max = 4 << 20, .compression = false}});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  client.send_frame(1, "go");
  CHECK(running.journal.wait_for("closed 1013"));
  CHECK(overflowed);
  Frame last;
  do last = client.read_frame();
  while (last.opcode != 8);
  CHECK(last.close_code() == 1013);
}

TEST_CASE("under keep_latest a slow reader gets the newest message after a gap") {
  RunningServer running;
  running.server.websocket("/", {.on_message =
                                     [](Peer& peer, MessageView) {
                                       const std::string padding(1 << 20, ' ');
                                       for (int i = 0; i < 40; ++i)
                                         peer.send(std::to_string(i) + padding);
                                     },
                                 .options = {.send_queue_bytes_max = 4 << 20,
                                             .slow_consumer = walkie::SlowConsumer::keep_latest,
                                             .compression = false}});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  client.send_frame(1, "go");
  int last = -1;
  int received = 0;
  while (last != 39) {
    const int number = std::stoi(client.read_message().payload);
    CHECK(number > last);
    last = number;
    ++received;
  }
  CHECK(received < 40);
}

TEST_CASE("a large message may be received and sent piece by piece") {
  RunningServer running;
  running.server.websocket("/", {.on_piece = [](Peer& peer, walkie::PieceView piece) {
                             peer.send_piece(piece.kind, piece.bytes, piece.last);
                           }});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  client.send_frame(2, std::string(200'000, 'a'), false);
  client.send_frame(0, std::string(200'000, 'b'), true);
  std::string whole;
  bool fin = false;
  while (!fin) {
    const Frame frame = client.read_frame();
    CHECK(frame.opcode == (whole.empty() ? 2U : 0U));
    whole += frame.payload;
    fin = frame.fin;
  }
  CHECK(whole == std::string(200'000, 'a') + std::string(200'000, 'b'));
}

TEST_CASE("connections above the limits get 503 or 429, and the slot is free again later") {
  RunningServer running({.connections_max = 3, .connections_per_address_max = 2});
  add_echo(running);
  running.start();
  {
    auto one = RawClient::websocket(running.port, "/echo");
    auto two = RawClient::websocket(running.port, "/echo");
    RawClient three(running.port);
    CHECK(three.try_upgrade("/echo").starts_with("HTTP/1.1 429 "));
    CHECK(running.log.wait_for("connection refused remote=127.0.0.1:"));
  }
  CHECK(running.journal.wait_for("closed 1006"));
  for (int tries = 0; tries < 2000 && running.server.metrics().connections_open > 0; ++tries)
    std::this_thread::sleep_for(10ms);
  auto again = RawClient::websocket(running.port, "/echo");
  settle(again);
}

TEST_CASE("a slow head gets 408 [RFC 9110 15.5.9]") {
  RunningServer running({.handshake_timeout = 300ms});
  add_echo(running);
  running.start();
  RawClient slow(running.port);
  slow.send("GET /echo HT");
  CHECK(slow.read_to_end().starts_with("HTTP/1.1 408 "));
}

TEST_CASE("a large head gets 431 [RFC 6585 5]") {
  RunningServer running({.head_bytes_max = 1024});
  add_echo(running);
  running.start();
  RawClient large(running.port);
  large.send("GET /echo HTTP/1.1\r\nHost: a\r\nX: " + std::string(2000, 'x'));
  CHECK(large.read_to_end().starts_with("HTTP/1.1 431 "));
  CHECK(running.log.wait_for("request refused"));
}

TEST_CASE("a silent WebSocket is pinged, and ended with 1006 where no pong comes") {
  RunningServer running;
  add_echo(running, {.ping_interval = 40ms, .pong_timeout = 40ms});
  running.start();
  auto client = RawClient::websocket(running.port, "/echo");
  CHECK(client.read_frame().opcode == 9);
  CHECK(running.journal.wait_for("closed 1006"));
}

TEST_CASE("a WebSocket without messages is closed with 1001 after the idle timeout") {
  RunningServer running;
  add_echo(running, {.idle_timeout = 50ms});
  running.start();
  auto client = RawClient::websocket(running.port, "/echo");
  CHECK(client.read_frame().close_code() == 1001);
}

TEST_CASE("stop closes every WebSocket with 1001, lets go of the port, and ends") {
  RunningServer running({.threads = 2, .drain_time = 100ms});
  add_echo(running);
  running.start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(RawClient::websocket(running.port, "/echo"));
  for (auto& client : clients) settle(client);
  running.server.stop();
  for (auto& client : clients) {
    CHECK(client.read_message().close_code() == 1001);
    client.send_frame(8, "\x03\xE9");
    CHECK(client.at_end());
  }
  running.server.wait();
  CHECK_THROWS(RawClient(running.port));
  CHECK(running.server.metrics().closes[1001] == 8);
  CHECK(running.server.stopping());
}

TEST_CASE("a server that is destroyed while connections are open tells each that it ended") {
  Journal journal;
  {
    RunningServer running;
    running.server.websocket(
        "/", {.on_close = [&](Peer&, const CloseInfo& info) {
          journal.add("closed " + std::to_string(static_cast<unsigned>(info.code)));
        }});
    running.start();
    auto client = RawClient::websocket(running.port, "/");
    settle(client);
  }
  CHECK(journal.count("closed 1006") == 1);
}

TEST_CASE("metrics count connections, messages, bytes, handshakes and ends") {
  RunningServer running;
  add_echo(running);
  running.start();
  auto client = RawClient::websocket(running.port, "/echo");
  client.send_frame(1, "12345");
  client.read_frame();
  auto metrics = running.server.metrics();
  CHECK(metrics.websockets_open == 1);
  CHECK(metrics.connections_open == 1);
  CHECK(metrics.messages_in == 1);
  CHECK(metrics.messages_out == 1);
  CHECK(metrics.payload_bytes_in == 5);
  CHECK(metrics.payload_bytes_out == 5);
  CHECK(metrics.wire_bytes_in > 11);
  CHECK(metrics.handshakes["accepted"] == 1);
  client.send_frame(8, "\x03\xE8");
  client.read_to_end();
  CHECK(running.journal.wait_for("closed 1000"));
  metrics = running.server.metrics();
  CHECK(metrics.closes[1000] == 1);
  CHECK(metrics.ends["peer closed"] == 1);
  CHECK(metrics.websockets_open == 0);
}

TEST_CASE("a unix socket serves like a port") {
  RunningServer running;
  add_echo(running);
  const std::string path = "/tmp/walkie-server-test-" + std::to_string(::getpid()) + ".sock";
  running.start("unix:" + path);
  RawClient client(path);
  client.upgrade("/echo");
  client.send_frame(1, "over a path");
  CHECK(client.read_frame().payload == "over a path");
}

TEST_CASE("a port in use, a bad address and a faulty route are errors in one line") {
  RunningServer first;
  add_echo(first);
  first.start();
  walkie::Server second;
  const auto in_use = second.listen("127.0.0.1:" + std::to_string(first.port)).start();
  REQUIRE_FALSE(in_use.has_value());
  CHECK(in_use.error().message.contains("127.0.0.1:" + std::to_string(first.port)));
  CHECK(in_use.error().code == std::errc::address_in_use);
  walkie::Server third;
  CHECK_FALSE(third.listen("nonsense").start().has_value());
  walkie::Server fourth;
  fourth.websocket("no-slash", {});
  const auto faulty = fourth.listen("127.0.0.1:0").start();
  REQUIRE_FALSE(faulty.has_value());
  CHECK(faulty.error().message == "route 'no-slash': must start with '/'");
  CHECK_FALSE(walkie::Server().start().has_value());
  walkie::Server hasty({.handshake_timeout = 0ms});
  CHECK_FALSE(hasty.listen("127.0.0.1:0").start().has_value());
}

TEST_CASE("a peer that goes without a Close frame is told as 1006 [RFC 6455 7.1.5]") {
  RunningServer running;
  add_echo(running);
  running.start();
  {
    auto client = RawClient::websocket(running.port, "/echo");
    settle(client);
  }
  CHECK(running.journal.wait_for("closed 1006"));
}

TEST_CASE("messages sent right behind the handshake are answered after the peer's FIN too") {
  RunningServer running;
  add_echo(running);
  running.start();
  RawClient client(running.port);
  client.send(
      "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
  client.send_frame(1, "early");
  client.send_frame(8, "\x03\xE8");
  client.finish_sending();
  client.read_head();
  CHECK(client.read_frame().payload == "early");
  CHECK(client.read_frame().close_code() == 1000);
  CHECK(client.at_end());
}
