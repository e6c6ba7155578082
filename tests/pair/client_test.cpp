// SPDX-License-Identifier: MIT
// Clients and servers of this library, talking over real sockets.
#include <walkie/client.hpp>

#include <poll.h>

#include <atomic>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <pair/rig.hpp>
#include <server/raw_client.hpp>

namespace walkie::test {
namespace {

TEST_CASE("client opens, echoes, and closes cleanly with its own code [RFC 6455 7.1.4]") {
  EchoServer server;
  server.start();
  Journal story;
  Client client(server.url("/echo"), storied(story));
  CHECK(client.send("early") == SendStatus::queued);  // before it is open
  CHECK(story.wait_for("message early"));
  client.close(CloseCode{4000}, "done");
  CHECK(client.wait_closed(5s));
  CHECK(story.wait_for("close 4000"));
  CHECK(server.log.wait_for("reason=done"));
  CHECK(client.state() == ClientState::closed);
  CHECK(client.send("late") == SendStatus::gone);
  CHECK(story.count("state closed") == 1);
  CHECK(story.count("open") == 2);  // on_open and on_state
}

TEST_CASE("client sends what waits before its Close frame") {
  EchoServer server;
  server.start();
  Journal story;
  Client client(server.url("/sink"), storied(story));
  for (int i = 0; i < 1000; ++i) CHECK(client.send("n" + std::to_string(i)) == SendStatus::queued);
  REQUIRE(story.wait_for("state open"));
  client.close();
  CHECK(client.send("late") == SendStatus::closing);
  CHECK(client.wait_closed(5s));
  CHECK(server.journal.wait_for("sink n999"));
  CHECK(server.journal.count("sink") == 1000);
}

TEST_CASE("client sends what on_open marks as first before what waited for the connection") {
  EchoServer server;
  server.start();
  Journal story;
  ClientOptions options = storied(story);
  options.on_open = [](Client& client, const Opened&) {
    client.send("token", {.first = true});
    client.send("subscribe", {.first = true});
    client.send("last");
  };
  Client client(server.url("/echo"), std::move(options));
  client.send("waited");
  CHECK(story.wait_for("message last"));
  CHECK(story.lines_with("message") ==
        "message token|message subscribe|message waited|message last|");
}

TEST_CASE("wait_closed() returns when the last handler has, not before") {
  bool told = false;
  ClientOptions options;
  options.on_state = [&](Client&, const StateChange& change) {
    if (change.state != ClientState::closed) return;
    std::this_thread::sleep_for(50ms);
    told = true;
  };
  Client client("ws://127.0.0.1:1/", std::move(options));
  CHECK(client.wait_closed(5s));
  CHECK(told);
}

TEST_CASE("client whose queue was full is told of no room once it is closed") {
  EchoServer server;
  server.start();
  Journal story;
  ClientOptions options = storied(story, {.queue_messages_max = 1});
  options.on_drain = [&](Client& client) {
    story.add("drain " + std::string(name_of(client.state())));
  };
  Client client("ws://127.0.0.1:1/", std::move(options));
  client.send("fits");
  while (client.send("does not") == SendStatus::overflow) std::this_thread::yield();
  CHECK(client.wait_closed(5s));
  CHECK(story.count("drain") == 0);
}

TEST_CASE("client without a Backoff is closed when the server closes, and knows the code") {
  EchoServer server;
  server.start();
  Journal story;
  Client client(server.url("/leave"), storied(story));
  client.send("go");
  CHECK(client.wait_closed(5s));
  CHECK(story.count("close 4001 enough") == 1);
  CHECK(story.count("reconnecting") == 0);
}

TEST_CASE("client without a server says so, once, and is closed") {
  Journal story;
  Client client("ws://127.0.0.1:1/", storied(story));
  CHECK(client.wait_closed(5s));
  CHECK(story.count("state closed refused: connecting to 127.0.0.1") == 1);
}

TEST_CASE("client gives up after as many attempts in a row as its Backoff allows") {
  Journal story;
  Backoff backoff = kSoon;
  backoff.attempts_max = 3;
  Client client("ws://127.0.0.1:1/", storied(story, {.reconnect = backoff}));
  CHECK(client.wait_closed(5s));
  CHECK(story.count("state connecting") == 3);
  CHECK(story.count("state closed refused") == 1);
}

TEST_CASE("client with faulty options or URL makes no attempt and names the fault") {
  struct Case {
    std::string url;
    ClientOptions options;
    std::string_view told;
  };
  std::vector<Case> cases;
  cases.push_back({"ws://127.0.0.1:1/", {.compression_level = 0}, "compression_level"});
  cases.push_back({"ws://127.0.0.1:1/", {.window_bits = 8}, "window_bits"});
  cases.push_back({"ws://127.0.0.1:1/", {.ping_interval = -1ms}, "times must not be negative"});
  cases.push_back({"ws://127.0.0.1:1/", {.queue_messages_max = 0}, "queue_messages_max"});
  cases.push_back({"ws://127.0.0.1:1/", {.reconnect = Backoff{.factor = 0.5}}, "factor"});
  cases.push_back({"ws://127.0.0.1:1/", {.headers = {{"Upgrade", "x"}}}, "Upgrade"});
  cases.push_back({"ws://127.0.0.1:1/", {.subprotocols = {"a b"}}, "a b"});
  cases.push_back({"ftp://127.0.0.1/", {}, "ftp"});
  for (Case& each : cases) {
    CAPTURE(each.told);
    Journal story;
    const Client client(each.url, storied(story, std::move(each.options)));
    CHECK(story.wait_for("state closed bad_url"));
    CHECK(story.count(each.told) > 0);
  }
}

TEST_CASE("client asks its hook before each attempt, which may answer later, refuse, or vanish") {
  EchoServer server;
  server.start();
  SUBCASE("another URL and a token, from another thread") {
    Journal story;
    std::thread answering;
    ClientOptions options = storied(story);
    options.on_attempt = [&](Attempt attempt, AttemptReply reply) {
      answering = std::thread([&, attempt, reply = std::move(reply)]() mutable {
        attempt.url = server.url("/echo");
        attempt.headers.emplace_back("X-Token", "t1");
        reply.proceed(std::move(attempt));
      });
    };
    Client client("ws://127.0.0.1:1/", std::move(options));
    client.send("hello");
    CHECK(story.wait_for("message hello"));
    answering.join();
  }
  SUBCASE("it gives up") {
    Journal story;
    ClientOptions options = storied(story, {.reconnect = kSoon});
    options.on_attempt = [](Attempt, AttemptReply reply) { reply.give_up("no token left"); };
    const Client client(server.url("/echo"), std::move(options));
    CHECK(story.wait_for("state closed cancelled: no token left"));
  }
  SUBCASE("it wants another try later") {
    Journal story;
    int asked = 0;
    ClientOptions options = storied(story, {.reconnect = kSoon});
    options.on_attempt = [&](Attempt attempt, AttemptReply reply) {
      if (++asked < 3) return reply.retry_later("the token server is down");
      reply.proceed(std::move(attempt));
    };
    const Client client(server.url("/echo"), std::move(options));
    CHECK(story.wait_for("state open"));
    CHECK(story.count("the token server is down") == 2);
  }
  SUBCASE("it forgets to answer") {
    Journal story;
    ClientOptions options = storied(story, {.reconnect = kSoon});
    options.on_attempt = [](Attempt, AttemptReply) {};
    const Client client(server.url("/echo"), std::move(options));
    CHECK(story.wait_for("state closed cancelled"));
  }
  SUBCASE("it answers too late") {
    Journal story;
    std::optional<AttemptReply> kept;
    ClientOptions options = storied(story, {.dial = {.overall_timeout = 50ms}});
    options.on_attempt = [&](Attempt, AttemptReply reply) { kept.emplace(std::move(reply)); };
    Client client(server.url("/echo"), std::move(options));
    CHECK(story.wait_for("state closed timeout"));
    kept->proceed({.number = 1, .url = server.url("/echo"), .headers = {}});
    CHECK(client.state() == ClientState::closed);
  }
}

TEST_CASE("client whose handler throws closes with 1011 and does not come back") {
  EchoServer server;
  server.start();
  Journal story;
  ClientOptions options = storied(story, {.reconnect = kSoon});
  options.on_message = [](Client&, MessageView) { throw std::runtime_error("mine"); };
  Client client(server.url("/echo"), std::move(options));
  client.send("x");
  CHECK(client.wait_closed(5s));
  CHECK(story.count("close 1011") == 1);
  CHECK(server.log.wait_for("code=1011"));
}

TEST_CASE("client whose handler throws where no connection is open ends all the same") {
  EchoServer server;
  server.start();
  for (const std::string_view at : {"connecting", "reconnecting", "trace"}) {
    CAPTURE(at);
    Journal story;
    Journal log;
    ClientOptions options = storied(story, {.reconnect = kSoon});
    options.on_state = [&, told = options.on_state](Client& client, const StateChange& change) {
      told(client, change);
      if (name_of(change.state) == at) throw std::runtime_error("mine");
    };
    if (at == "trace")
      options.on_trace = [](Client&, const Trace&) { throw std::runtime_error("mine"); };
    options.log = {LogLevel::error, [&](const LogRecord& record) {
                     for (const LogField& field : record.fields)
                       log.add(std::string(field.key) + " " + std::string(field.value));
                   }};
    const std::string port = at == "reconnecting" ? "1" : std::to_string(server.port);
    Client client("ws://me:secret@127.0.0.1:" + port + "/echo?key=secret", std::move(options));
    CHECK(client.wait_closed(5s));
    CHECK(story.count("state closed") == 1);
    CHECK(story.count("state connecting") == 1);
    CHECK(log.count("what mine") > 0);
    CHECK(log.count("url ws://127.0.0.1:" + port + "/echo?...") > 0);
    CHECK(log.count("secret") == 0);
  }
}

TEST_CASE("client finds a frozen peer by its heartbeat and reconnects") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  Journal story;
  Client client(
      EchoServer::url_at(relay.port(), "/echo"),
      storied(story, {.reconnect = kSoon, .ping_interval = 100ms, .pong_timeout = 200ms}));
  REQUIRE(story.wait_for("state open"));
  const auto start = std::chrono::steady_clock::now();
  relay.freeze(true);
  CHECK(story.wait_for("close 1006"));
  CHECK(std::chrono::steady_clock::now() - start < 2s);
  relay.cut();
  relay.freeze(false);
  client.send("again");
  CHECK(story.wait_for("message again"));
}

TEST_CASE("client that is poked finds a dead connection within two seconds") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  Journal story;
  Client client(EchoServer::url_at(relay.port(), "/echo"), storied(story, {.reconnect = kSoon}));
  REQUIRE(story.wait_for("state open"));
  client.poke();  // alive: nothing happens
  client.send("one");
  REQUIRE(story.wait_for("message one"));
  CHECK(story.count("close") == 0);
  relay.freeze(true);
  client.poke();
  CHECK(story.wait_for("close 1006"));
}

TEST_CASE("client that waits for its next attempt tries at once when poked or told to reconnect") {
  EchoServer server;
  server.start();
  for (const bool poke : {true, false}) {
    Relay relay(server.port);
    relay.refuse(true);
    Journal story;
    Client client(EchoServer::url_at(relay.port(), "/echo"),
                  storied(story, {.reconnect = Backoff{.first = 1h, .longest = 1h}}));
    REQUIRE(story.wait_for("state reconnecting"));
    relay.refuse(false);
    poke ? client.poke() : client.reconnect();
    CHECK(story.wait_for("state open"));
  }
}

TEST_CASE("client told to reconnect while open leaves with 1001 and opens anew") {
  EchoServer server;
  server.start();
  Journal story;
  Client client(server.url("/echo"), storied(story));
  REQUIRE(story.wait_for("state open"));
  client.reconnect();
  REQUIRE(story.wait_for("close 1001"));
  client.send("still here");
  CHECK(story.wait_for("message still here"));
  CHECK(story.count("state open") == 2);
}

TEST_CASE("client that does not read holds the server back, and reads on when told") {
  EchoServer server;
  std::atomic<std::uint64_t> sent{0};
  server.server.websocket("/flood", {.on_open = [&](Peer& peer) {
                            const std::string chunk(64 * 1024, 'x');
                            for (int i = 0; i < 128; ++i) {
                              peer.send(chunk);
                              ++sent;
                            }
                          }});
  server.start();
  std::atomic<int> received{0};
  ClientOptions options{.compression = false};
  options.on_open = [](Client& client, const Opened&) { client.set_receiving(false); };
  options.on_message = [&](Client&, MessageView) { ++received; };
  Journal story;
  options.on_state = [&](Client&, const StateChange& change) {
    story.add(std::string(name_of(change.state)));
  };
  Client client(server.url("/flood"), std::move(options));
  REQUIRE(story.wait_for("open"));
  for (int i = 0; i < 20; ++i) std::this_thread::sleep_for(10ms);
  CHECK(received < 128);
  CHECK(server.server.metrics().queued_bytes > 0);
  client.set_receiving(true);
  for (int i = 0; i < 500 && received < 128; ++i) std::this_thread::sleep_for(10ms);
  CHECK(received == 128);
}

TEST_CASE("client follows a redirect and says in the trace what it did [RFC 6455 4.1]") {
  EchoServer server;
  server.server.http("GET", "/old", [](const HttpRequest&) {
    return HttpResponse{.status = 307, .headers = {{"Location", "/echo"}}};
  });
  server.start();
  Journal story;
  ClientOptions options = storied(story);
  options.on_trace = [&](Client&, const Trace& trace) {
    if (trace.step == TraceStep::frame_sent)
      story.add("frame out " + std::to_string(trace.frame.opcode) + " masked " +
                std::to_string(trace.frame.masked));
    else if (trace.step == TraceStep::frame_received)
      story.add("frame in " + std::to_string(trace.frame.opcode));
    else
      story.add("trace " + std::string(trace.text));
  };
  Client client(server.url("/old"), std::move(options));
  client.send("hi");
  CHECK(story.wait_for("message hi"));
  CHECK(story.count("trace GET /old HTTP/1.1") == 1);
  CHECK(story.count("trace HTTP/1.1 307") == 1);
  CHECK(story.count("trace GET /echo HTTP/1.1") == 1);
  CHECK(story.count("trace HTTP/1.1 101") == 1);
  CHECK(story.count("frame out 1 masked 1") == 1);
  CHECK(story.count("frame in 1") == 1);
  client.close();
  CHECK(client.wait_closed(5s));
  CHECK(story.count("frame out 8") == 1);
  CHECK(story.count("frame in 8") == 1);
}

TEST_CASE("client hands a rejection's status, headers and body to its caller") {
  EchoServer server;
  server.server.websocket(
      "/vip", {.on_upgrade = [](const UpgradeRequest&, Upgrade upgrade) {
        upgrade.reject({.status = 403, .body = "members only", .headers = {{"X-Why", "card"}}});
      }});
  server.start();
  std::optional<ConnectError> error;
  Journal story;
  ClientOptions options{.reconnect = kSoon};
  options.on_state = [&](Client&, const StateChange& change) {
    if (change.state != ClientState::closed) return;
    if (change.error) error = *change.error;
    story.add("closed");
  };
  const Client client(server.url("/vip"), std::move(options));
  REQUIRE(story.wait_for("closed"));
  REQUIRE(error.has_value());
  CHECK(error->fault == ConnectFault::rejected);
  REQUIRE(error->answer.has_value());
  CHECK(error->answer->status == 403);
  CHECK(error->answer->header("x-why") == "card");
  CHECK(error->answer->body.starts_with("members only"));
}

TEST_CASE("clients share a loop, also one that an application polls by descriptor") {
  EchoServer server;
  server.start();
  ClientLoop loop;
  Journal story;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 50; ++i) {
    clients.push_back(std::make_unique<Client>(loop, server.url("/echo"), storied(story)));
    clients.back()->send("hello");
  }
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (story.count("message hello") < 50 && std::chrono::steady_clock::now() < end) {
    pollfd ready{loop.descriptor(), POLLIN, 0};
    const auto timeout = loop.timeout();
    ::poll(&ready, 1, timeout ? static_cast<int>(timeout->count()) : 1000);
    loop.run_once(0ms);
  }
  CHECK(story.count("message hello") == 50);
  clients.clear();
  loop.run_once(0ms);
}

TEST_CASE(
    "many threads use all of one client's calls while its connection is cut again and again, and "
    "no message is lost in silence") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  Journal story;
  Client client(
      EchoServer::url_at(relay.port(), "/sink"),
      storied(story,
              {.reconnect = kSoon, .ping_interval = 20ms, .unconfirmed = Unconfirmed::report}));
  std::atomic<unsigned> busy{4};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&client, &busy, t] {
      for (int i = 0; i < 200; ++i) {
        CHECK(client.send(std::to_string(t) + "." + std::to_string(i) + ".") == SendStatus::queued);
        if (i % 20 == 0) std::this_thread::sleep_for(10ms);
      }
      --busy;
    });
  threads.emplace_back([&] {
    for (unsigned i = 0; busy > 0; ++i) {
      client.ping("p");
      client.poke();
      client.set_receiving(i % 2 == 0);
      if (i % 16 == 0) client.reconnect();
      (void)client.queued_bytes();
      (void)client.round_trip();
      (void)client.state();
      if (i % 8 == 0) relay.cut();
      std::this_thread::sleep_for(2ms);
    }
  });
  for (auto& thread : threads) thread.join();
  client.set_receiving(true);
  for (int i = 0; i < 1000 && client.queued_bytes() > 0; ++i) std::this_thread::sleep_for(10ms);
  client.close();
  CHECK(client.wait_closed(10s));
  CHECK(story.count("close ") > 1);
  unsigned lost = 0;
  for (int t = 0; t < 4; ++t)
    for (int i = 0; i < 200; ++i) {
      const std::string text = " " + std::to_string(t) + "." + std::to_string(i) + ".";
      if (server.journal.count(text) + story.count(text) == 0) ++lost;
    }
  CHECK(lost == 0);
}

TEST_CASE(
    "many threads send on one client while another closes it, and each message has one fate") {
  EchoServer server;
  server.start();
  Journal story;
  std::atomic<unsigned> queued{0};
  {
    Client client(server.url("/sink"), storied(story));
    REQUIRE(story.wait_for("state open"));
    std::vector<std::thread> senders;
    for (int t = 0; t < 8; ++t)
      senders.emplace_back([&client, &queued, t] {
        for (int i = 0; i < 500; ++i)
          if (client.send(std::to_string(t) + "." + std::to_string(i)) == SendStatus::queued)
            ++queued;
      });
    std::thread closer([&] {
      while (queued < 2000) std::this_thread::yield();
      client.close();
    });
    for (auto& sender : senders) sender.join();
    closer.join();
    CHECK(client.wait_closed(10s));
  }
  for (int i = 0; i < 200 && server.journal.count("sink") + story.count("undelivered") < queued;
       ++i)
    std::this_thread::sleep_for(10ms);
  CHECK(server.journal.count("sink") + story.count("undelivered") == queued);
}

TEST_CASE("a client may be destroyed in any state, also from another client's handler") {
  EchoServer server;
  server.start();
  Journal story;
  {
    const Client client(server.url("/echo"), storied(story));
  }  // connecting
  {
    const Client client("ws://127.0.0.1:1/", storied(story, {.reconnect = kSoon}));
  }
  {
    Journal own;
    const Client client(server.url("/echo"), storied(own));
    REQUIRE(own.wait_for("state open"));
  }
  CHECK(server.log.wait_for("code=1001"));
  ClientLoop loop;
  Journal seen;
  auto victim = std::make_unique<Client>(loop, server.url("/echo"), storied(seen));
  ClientOptions options = storied(story);
  options.on_message = [&](Client&, MessageView) {
    victim.reset();
    seen.add("gone");
  };
  Client killer(loop, server.url("/echo"), std::move(options));
  killer.send("now");
  for (int i = 0; i < 500 && seen.count("gone") == 0; ++i) loop.run_once(10ms);
  CHECK(seen.count("gone") == 1);
}

TEST_CASE("client streams a large message in pieces, and waits for room") {
  EchoServer server;
  std::atomic<std::size_t> got{0};
  server.server.websocket(
      "/big", {.on_message = [&](Peer&, MessageView message) { got = message.size(); }});
  server.start();
  constexpr std::size_t kPiece = 256 * 1024;
  constexpr std::size_t kPieces = 32;
  ClientLoop loop;
  std::size_t next = 0;
  const std::string piece(kPiece, 'p');
  const auto push = [&](Client& client) {
    while (next < kPieces) {
      const bool last = next + 1 == kPieces;
      if (client.send_piece(MessageKind::text, bytes_of(piece), last) != SendStatus::queued) return;
      ++next;
    }
  };
  ClientOptions options{.queue_bytes_max = 1 << 20};
  options.on_open = [&](Client& client, const Opened&) { push(client); };
  options.on_drain = push;
  const Client client(loop, server.url("/big"), std::move(options));
  for (int i = 0; i < 2000 && got == 0; ++i) loop.run_once(10ms);
  CHECK(got == kPiece * kPieces);
}

TEST_CASE("client keeps messages in its queue while one is sent in pieces [RFC 6455 5.4]") {
  EchoServer server;
  server.start();
  ClientLoop loop;
  Journal story;
  bool open = false;
  ClientOptions options = storied(story, {.queue_messages_max = 2});
  options.on_open = [&](Client& client, const Opened&) {
    open = client.send_piece(MessageKind::text, bytes_of("be"), false) == SendStatus::queued;
  };
  Client client(loop, server.url("/echo"), std::move(options));
  for (int i = 0; i < 500 && !open; ++i) loop.run_once(10ms);
  REQUIRE(open);
  for (int i = 0; i < 2; ++i) {
    CHECK(client.send("m" + std::to_string(i)) == SendStatus::queued);
    for (int turn = 0; turn < 5; ++turn) loop.run_once(1ms);
  }
  CHECK(client.queued_bytes() == 4);
  CHECK(client.send("m2") == SendStatus::overflow);
  CHECK(client.send_piece(MessageKind::text, bytes_of("fore"), true) == SendStatus::queued);
  for (int i = 0; i < 500 && story.count("message m1") == 0; ++i) loop.run_once(10ms);
  CHECK(story.lines_with("message") == "message before|message m0|message m1|");

  SUBCASE("and reports them where it closes before the last piece") {
    CHECK(client.send_piece(MessageKind::text, bytes_of("half"), false) == SendStatus::queued);
    CHECK(client.send("late") == SendStatus::queued);
    client.close();
    for (int i = 0; i < 500 && client.state() != ClientState::closed; ++i) loop.run_once(10ms);
    CHECK(story.count("close 1000") == 1);
    CHECK(story.count("undelivered closed late") == 1);
  }
}

}  // namespace
}  // namespace walkie::test
