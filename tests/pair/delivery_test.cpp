// SPDX-License-Identifier: MIT
// What becomes of a client's messages: queued, delivered, expired, dropped, lost and told.
#include <walkie/client.hpp>

#include <string>
#include <thread>

#include <doctest/doctest.h>

#include <pair/rig.hpp>

namespace walkie::test {
namespace {

TEST_CASE("client reconnects after a cut and sends what was queued meanwhile, in order") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  Journal story;
  Client client(EchoServer::url_at(relay.port(), "/sink"), storied(story, {.reconnect = kSoon}));
  REQUIRE(story.wait_for("state open"));
  client.send("before");
  REQUIRE(server.journal.wait_for("sink before"));
  relay.refuse(true);
  relay.cut();
  REQUIRE(story.wait_for("close 1006"));
  for (int i = 0; i < 100; ++i) client.send("m" + std::to_string(i));
  REQUIRE(story.wait_for("state reconnecting attempt 2"));
  relay.refuse(false);
  CHECK(server.journal.wait_for("sink m99"));
  CHECK(server.journal.count("sink") == 101);
  CHECK(story.count("undelivered") == 0);
  CHECK(story.count("refused") > 0);
}

TEST_CASE("client reports or resends what a lost connection swallowed, as it was told") {
  for (const Unconfirmed policy : {Unconfirmed::report, Unconfirmed::resend}) {
    CAPTURE(static_cast<int>(policy));
    EchoServer server;
    server.start();
    Relay relay(server.port);
    Journal story;
    Client client(EchoServer::url_at(relay.port(), "/sink"),
                  storied(story, {.reconnect = kSoon, .unconfirmed = policy}));
    REQUIRE(story.wait_for("state open"));
    client.send("known");
    REQUIRE(server.journal.wait_for("sink known"));
    for (int i = 0; i < 200 && client.queued_bytes() > 0; ++i) std::this_thread::sleep_for(5ms);
    REQUIRE(client.queued_bytes() == 0);  // confirmed by a Pong
    relay.swallow(true);
    client.send("lost 1");
    client.send("lost 2");
    for (int i = 0; i < 20; ++i) std::this_thread::sleep_for(5ms);  // out of the client's hands
    relay.cut();
    relay.swallow(false);
    if (policy == Unconfirmed::report) {
      CHECK(story.wait_for("undelivered unconfirmed lost 2"));
      CHECK(story.count("undelivered") == 2);
    } else {
      CHECK(server.journal.wait_for("sink lost 2"));
      CHECK(server.journal.count("sink lost") == 2);
      CHECK(story.count("undelivered") == 0);
    }
  }
}

TEST_CASE("client keeps the Pongs of its own confirmations to itself") {
  EchoServer server;
  server.start();
  Journal story;
  ClientOptions options = storied(story, {.unconfirmed = Unconfirmed::report});
  options.on_pong = [&](Client&, BytesView payload) {
    story.add("pong " + std::string(text_of(payload)));
  };
  Client client(server.url("/sink"), std::move(options));
  client.send("known");
  REQUIRE(server.journal.wait_for("sink known"));
  for (int i = 0; i < 400 && client.queued_bytes() > 0; ++i) std::this_thread::sleep_for(5ms);
  CHECK(client.queued_bytes() == 0);  // confirmed
  client.ping("mine");
  CHECK(story.wait_for("pong mine"));
  CHECK(story.count("pong") == 1);
}

TEST_CASE("client gives up messages whose time to live passes while there is no connection") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  relay.refuse(true);
  Journal story;
  Client client(EchoServer::url_at(relay.port(), "/sink"), storied(story, {.reconnect = kSoon}));
  client.send("short", {.ttl = 50ms});
  client.send("long");
  CHECK(story.wait_for("undelivered expired short"));
  relay.refuse(false);
  CHECK(server.journal.wait_for("sink long"));
  CHECK(server.journal.count("sink short") == 0);
}

TEST_CASE("client's queue refuses, drops the newest, or drops the oldest") {
  for (const WhenFull policy : {WhenFull::refuse, WhenFull::drop_newest, WhenFull::drop_oldest}) {
    CAPTURE(static_cast<int>(policy));
    Journal story;
    Client client("ws://127.0.0.1:1/",
                  storied(story, {.reconnect = Backoff{.first = 1h, .longest = 1h},
                                  .queue_messages_max = 2,
                                  .when_full = policy}));
    client.send("a");
    client.send("b");
    const SendStatus third = client.send("c");
    switch (policy) {
      case WhenFull::refuse:
        CHECK(third == SendStatus::overflow);
        break;
      case WhenFull::drop_newest:
        CHECK(third == SendStatus::dropped);
        CHECK(story.wait_for("undelivered dropped c"));
        break;
      case WhenFull::drop_oldest:
        CHECK(third == SendStatus::queued);
        CHECK(story.wait_for("undelivered dropped a"));
        break;
    }
    client.close();
    CHECK(client.wait_closed(5s));
    CHECK(story.wait_for("undelivered closed b"));
    CHECK(story.count("undelivered closed") == 2);
    CHECK(story.count("state closed cancelled") == 1);
  }
}

}  // namespace
}  // namespace walkie::test
