// SPDX-License-Identifier: MIT
// What other threads hand to a shard.
#include <server/shard.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <server/raw_client.hpp>
#include <server/running_server.hpp>

using namespace std::chrono_literals;
using namespace walkie::test;
using walkie::MessageView;
using walkie::Peer;
using walkie::SendStatus;

TEST_CASE("a mailbox that was filled to its brim is emptied without another wake-up") {
  RunningServer running({.mailbox_entries = 5});  // of which the mailbox makes eight
  std::atomic<bool> filled = false;
  running.server.websocket("/", {.on_message = [&](Peer&, MessageView) {
                             running.journal.add("here");
                             filled.wait(false);
                           }});
  Peer peer;
  running.server.websocket("/peer", {.on_open = [&](Peer& self) {
                             peer = self;
                             running.journal.add("open");
                           }});
  running.start();
  auto listener = RawClient::websocket(running.port, "/peer");
  REQUIRE(running.journal.wait_for("open"));
  auto blocker = RawClient::websocket(running.port, "/");
  blocker.send_frame(1, "block");
  REQUIRE(running.journal.wait_for("here"));
  int posted = 0;
  while (peer.send(std::to_string(posted)) == SendStatus::queued) ++posted;
  CHECK(posted == 8);
  filled = true;
  filled.notify_all();
  for (int i = 0; i < posted; ++i) CHECK(listener.read_frame().payload == std::to_string(i));
}

TEST_CASE(
    "publish, metrics and stop may come from other threads before and while a server starts") {
  for (int i = 0; i < 20; ++i) {
    walkie::Server server({.threads = 4, .io = io_backend(), .drain_time = 0s});
    std::jthread other([&] {
      for (int turn = 0; turn < i; ++turn) {
        CHECK(server.publish("news", "early") != SendStatus::gone);
        CHECK(server.metrics().websockets_open == 0);
      }
      server.stop();
    });
    REQUIRE(server.listen("127.0.0.1:0").start().has_value());
    server.wait();
  }
}

TEST_CASE("stop spreads its closes over the drain time [RFC 6455 7.4.1]") {
  RunningServer running({.drain_time = 1s});
  running.server.websocket("/", {});
  running.start();
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(RawClient::websocket(running.port, "/"));
  const auto stopped = std::chrono::steady_clock::now();
  running.server.stop();
  for (auto& client : clients) CHECK(client.read_frame().close_code() == 1001);
  // One at once, and one more for each quarter of the time.
  CHECK(std::chrono::steady_clock::now() - stopped >= 700ms);
}
