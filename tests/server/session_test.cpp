// SPDX-License-Identifier: MIT
// What sessions do with answers, faulty handlers, full queues and addresses.
#include <server/session.hpp>

#include <algorithm>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <proto/deflate.hpp>
#include <server/raw_client.hpp>
#include <server/running_server.hpp>

using namespace std::chrono_literals;
using namespace walkie::test;
using walkie::CloseInfo;
using walkie::MessageView;
using walkie::Peer;
using walkie::SendStatus;

namespace {

const std::string kGet = " HTTP/1.1\r\nHost: a\r\n\r\n";

/// A policy under which what does not fit is dropped, and a queue that is soon full.
walkie::WebSocketOptions small_queue() {
  return {.send_queue_bytes_max = 1 << 20,
          .slow_consumer = walkie::SlowConsumer::drop_oldest,
          .compression = false};
}

/// Until the queue is full: what the kernel takes is not known beforehand.
void fill_queue(const Peer& peer) {
  const std::string block(1 << 20, 'x');
  for (int i = 0; i < 64; ++i) peer.send(block);
}

/// Reads a compressed message in fragments, of which only the first has the bit.
std::string inflated_message(RawClient& client, std::size_t bytes_max) {
  std::string wire;
  for (bool first = true, last = false; !last; first = false) {
    const Frame frame = client.read_frame();
    CHECK(frame.opcode == (first ? 1U : 0U));
    CHECK(frame.compressed == first);
    wire += frame.payload;
    last = frame.fin;
  }
  wire.append("\0\0\xFF\xFF", 4);
  std::vector<std::byte> text(bytes_max + 1);
  walkie::BytesView in = walkie::bytes_of(wire);
  std::size_t produced = 0;
  const auto status = walkie::proto::Inflater(15).inflate(in, text, produced);
  CHECK(status == walkie::proto::InflateStatus::need_input);
  return std::string(walkie::text_of(std::span(text).first(produced)));
}

}  // namespace

TEST_CASE("a request can still be read after its reply was sent, until the handler returns") {
  RunningServer running;
  running.server.http(
      "POST", "/", [&](const walkie::HttpRequest& request, walkie::HttpReply reply) {
        reply.send({.body = "sent"});
        running.journal.add("X is " + std::string(request.header("X").value_or("lost")));
        running.journal.add("body is " + std::string(walkie::text_of(request.body())));
      });
  running.start();
  RawClient client(running.port);
  client.send("POST / HTTP/1.1\r\nHost: a\r\nX: here\r\nContent-Length: 4\r\n\r\nfour");
  client.read_head();
  CHECK(client.read(4) == "sent");
  CHECK(running.journal.wait_for("X is here"));
  CHECK(running.journal.wait_for("body is four"));
}

TEST_CASE(
    "a large message is received and sent piece by piece, compressed both ways [RFC 7692 6]") {
  RunningServer running;
  std::size_t largest = 0;
  running.server.websocket("/", {.on_piece =
                                     [&](Peer& peer, walkie::PieceView piece) {
                                       largest = std::max(largest, piece.bytes.size());
                                       peer.send_piece(piece.kind, piece.bytes, piece.last);
                                       if (piece.last) running.journal.add("whole");
                                     },
                                 .options = {.message_bytes_max = 4'000'000}});
  running.start();
  auto client =
      RawClient::websocket(running.port, "/", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) text += "line " + std::to_string(i) + ", ";
  std::vector<std::byte> packed;
  walkie::proto::Deflater(15, 6).compress(walkie::bytes_of(text), true, packed);
  const std::string wire(walkie::text_of(packed));
  client.send_frame(1, wire.substr(0, wire.size() / 2), false, true);
  client.send_frame(0, wire.substr(wire.size() / 2));
  CHECK(running.journal.wait_for("whole"));
  CHECK(largest < 100'000);
  CHECK(inflated_message(client, text.size()) == text);
}

TEST_CASE("what handlers throw may be anything, and costs one answer or one connection") {
  RunningServer running;
  running.server
      .http("GET", "/throw", [](const walkie::HttpRequest&) -> walkie::HttpResponse { throw 1; })
      .websocket("/hook",
                 {.on_upgrade = [](const walkie::UpgradeRequest&, walkie::Upgrade) { throw 2; }})
      .websocket("/message", {.on_message = [](Peer&, MessageView) { throw 3; }});
  running.start();
  RawClient http(running.port);
  http.send("GET /throw" + kGet);
  CHECK(http.read_head().starts_with("HTTP/1.1 500 "));
  CHECK(running.log.wait_for("http handler threw path=/throw"));
  CHECK(RawClient(running.port).try_upgrade("/hook").starts_with("HTTP/1.1 500 "));
  auto client = RawClient::websocket(running.port, "/message");
  client.send_frame(1, "x");
  CHECK(client.read_frame().close_code() == 1011);
}

TEST_CASE("a state whose constructor throws is a 500, and no WebSocket") {
  struct Picky {
    Picky() { throw std::runtime_error("not today"); }
  };
  RunningServer running;
  running.server.websocket<Picky>("/", {.on_message = [](Peer&, Picky&, MessageView) {}});
  running.start();
  CHECK(RawClient(running.port).try_upgrade("/").starts_with("HTTP/1.1 500 "));
  CHECK(running.log.wait_for("not today"));
  CHECK(running.server.metrics().websockets_open == 0);
  CHECK(running.server.metrics().handshakes["accepted"] == 0);
}

TEST_CASE("an IPv6 address gets its slot back when its connection ends") {
  RunningServer running({.connections_per_address_max = 1});
  running.server.http("GET", "/", [](const walkie::HttpRequest& request) {
    return walkie::HttpResponse{.body = std::string(request.remote_address())};
  });
  running.start("[::1]:0");
  for (int i = 0; i < 3; ++i) {
    {
      RawClient client = RawClient::over_ipv6(running.port);
      client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      const std::string answer = client.read_to_end();
      CHECK(answer.starts_with("HTTP/1.1 200 "));
      CHECK(answer.contains("\r\n\r\n[::1]:"));
    }
    for (int tries = 0; tries < 2000 && running.server.metrics().connections_open > 0; ++tries)
      std::this_thread::sleep_for(10ms);
  }
}

TEST_CASE("a connection over the limit of all is answered with 503") {
  RunningServer running({.connections_max = 1});
  running.server.websocket("/", {});
  running.start();
  const auto only = RawClient::websocket(running.port, "/");
  const std::string head = RawClient(running.port).try_upgrade("/");
  CHECK(head.starts_with("HTTP/1.1 503 "));
  CHECK(head.contains("Retry-After: "));
}

TEST_CASE("a handler can read the round trip of the last heartbeat [RFC 6455 5.5.2]") {
  RunningServer running;
  running.server.websocket(
      "/", {.on_open = [](Peer& peer) { CHECK_FALSE(peer.round_trip().has_value()); },
            .on_pong =
                [&](Peer& peer, walkie::BytesView) {
                  CHECK(peer.round_trip().value_or(0ns) > 0ns);
                  running.journal.add("pong");
                },
            .options = {.ping_interval = 20ms}});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  const Frame ping = client.read_frame();
  CHECK(ping.opcode == 9);
  client.send_frame(10, ping.payload);
  CHECK(running.journal.wait_for("pong"));
}

TEST_CASE("dropped messages are in the metrics while their connection still lives") {
  RunningServer running;
  running.server.websocket("/", {.on_message =
                                     [&](Peer& peer, MessageView) {
                                       fill_queue(peer);
                                       CHECK(running.server.metrics().dropped_messages > 0);
                                       running.journal.add("filled");
                                     },
                                 .options = small_queue()});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  client.send_frame(1, "go");
  CHECK(running.journal.wait_for("filled"));
  CHECK(running.server.metrics().websockets_open == 1);
}

TEST_CASE("a full queue takes no more of the application's pings") {
  RunningServer running;
  running.server.websocket("/", {.on_message =
                                     [&](Peer& peer, MessageView) {
                                       CHECK(peer.ping("p") == SendStatus::queued);
                                       fill_queue(peer);
                                       int pings = 0;
                                       while (peer.ping() == SendStatus::queued) ++pings;
                                       CHECK(pings <= (1 << 20) / 2 + 1);
                                       running.journal.add("full");
                                     },
                                 .options = small_queue()});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  client.send_frame(1, "go");
  CHECK(running.journal.wait_for("full"));
}

TEST_CASE("a piece from another thread that finds no room ends the connection with 1013") {
  RunningServer running;
  std::jthread sender;
  running.server.websocket(
      "/", {.on_message =
                [&](Peer& peer, MessageView) {
                  sender = std::jthread([peer] {
                    const std::string piece(1 << 20, 'x');
                    for (int i = 0; i < 64; ++i)
                      peer.send_piece(walkie::MessageKind::binary, walkie::bytes_of(piece), false);
                  });
                },
            .on_close =
                [&](Peer&, const CloseInfo& info) {
                  running.journal.add("closed " + std::to_string(static_cast<unsigned>(info.code)));
                },
            .options = small_queue()});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  client.send_frame(1, "go");
  CHECK(running.journal.wait_for("closed 1013"));
}
