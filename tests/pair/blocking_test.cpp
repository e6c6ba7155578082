// SPDX-License-Identifier: MIT
// The façade whose calls wait, against servers of this library and against bytes written down.
#include <walkie/blocking.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <pair/rig.hpp>

namespace walkie::test {
namespace {

using blocking::Fault;
using Clock = std::chrono::steady_clock;

/// Gives the first who connects one answer and waits for him to leave.
class AnsweringServer {
 public:
  enum class Then { wait, close };
  explicit AnsweringServer(std::string answer, Then then = Then::wait)
      : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    REQUIRE(::bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0);
    REQUIRE(::listen(listener_, 8) == 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this, answer = std::move(answer), then] { serve(answer, then); });
  }
  ~AnsweringServer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::uint16_t port = 0;

 private:
  void serve(const std::string& answer, Then then) const {
    const int fd = ::accept(listener_, nullptr, nullptr);
    if (fd < 0) return;
    std::array<char, 4096> buffer{};
    std::string request;
    while (!request.contains("\r\n\r\n")) {
      const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      request.append(buffer.data(), static_cast<std::size_t>(got));
    }
    ::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL);
    while (then == Then::wait && ::recv(fd, buffer.data(), buffer.size(), 0) > 0) {
    }
    ::close(fd);
  }
  int listener_;
  std::thread thread_;
};

blocking::WebSocket connected(const std::string& url, ClientOptions options = {}) {
  auto ws = blocking::connect(url, std::move(options));
  REQUIRE_MESSAGE(ws.has_value(), (ws ? "" : ws.error().message));
  return *std::move(ws);
}

TEST_CASE("a script connects, sends, receives and leaves with 1000 [RFC 6455 7.4.1]") {
  EchoServer server;
  server.start();
  {
    auto ws = walkie::blocking::connect(server.url("/echo"));
    REQUIRE(ws.has_value());
    CHECK(ws->send("hello"));
    const auto reply = ws->receive(2s);
    REQUIRE(reply.has_value());
    CHECK(reply->is_text());
    CHECK(reply->text() == "hello");
    CHECK(ws->send(binary(bytes_of("\x01\x02"))));
    CHECK(ws->receive()->kind == MessageKind::binary);
    CHECK(ws->open());
    CHECK(ws->close_code() == CloseCode::no_status);
  }
  CHECK(server.log.wait_for("code=1000"));
}

TEST_CASE("receive() gives up at its deadline and leaves the connection as it was") {
  EchoServer server;
  server.start();
  auto ws = connected(server.url("/echo"));
  const auto start = Clock::now();
  CHECK(ws.receive(50ms).error() == Fault::timeout);
  CHECK(Clock::now() - start >= 50ms);
  CHECK(ws.receive(0ms).error() == Fault::timeout);
  CHECK(ws.receive(-5ms).error() == Fault::timeout);
  CHECK(ws.send("still here"));
  CHECK(ws.receive(std::chrono::milliseconds::max())->text() == "still here");
  CHECK(blocking::name_of(Fault::timeout) == "timeout");
}

TEST_CASE("the server's close code and reason are told, after the messages that came before") {
  EchoServer server;
  server.server.websocket("/say", {.on_open = [](Peer& peer) {
                            for (const char* word : {"one", "two", "three"}) peer.send(word);
                            peer.close(CloseCode{4002}, "said all");
                          }});
  server.start();
  auto ws = connected(server.url("/say"));
  for (int i = 0; i < 500 && ws.open(); ++i) std::this_thread::sleep_for(10ms);
  CHECK(ws.receive()->text() == "one");
  CHECK(ws.receive()->text() == "two");
  CHECK(ws.receive()->text() == "three");
  CHECK(ws.receive().error() == Fault::closed);
  CHECK(ws.send("late").error() == Fault::closed);
  CHECK(ws.close_code() == CloseCode{4002});
  CHECK(ws.close_reason() == "said all");
  CHECK(ws.close());  // it was closed in good order
}

TEST_CASE("close() tells whether the server's Close came [RFC 6455 7.1.4]") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  auto polite = connected(server.url("/echo"));
  CHECK(polite.close(CloseCode{4003}, "done"));
  CHECK(server.log.wait_for("reason=done"));
  CHECK(polite.close_code() == CloseCode{4003});
  CHECK(!polite.open());

  auto frozen = connected(EchoServer::url_at(relay.port(), "/echo"), {.close_timeout = 100ms});
  relay.freeze(true);
  const auto start = Clock::now();
  CHECK(!frozen.close(CloseCode::normal, "", 20ms));
  CHECK(!frozen.close());  // ends by close_timeout
  CHECK(Clock::now() - start < 3s);
  CHECK(frozen.close_code() == CloseCode::abnormal);
  relay.freeze(false);

  auto lost = connected(EchoServer::url_at(relay.port(), "/echo"));
  relay.cut();
  CHECK(lost.receive().error() == Fault::closed);
  CHECK(lost.close_code() == CloseCode::abnormal);
  CHECK(!lost.close_reason().empty());
  CHECK(!lost.close());
}

TEST_CASE("messages wait up to 64 MiB; beyond that the server is held back, and none is lost") {
  constexpr int kMessages = 110;
  EchoServer server;
  server.server.websocket("/flood",
                          {.on_open =
                               [](Peer& peer) {
                                 std::string chunk(std::size_t{1} << 20, 'x');
                                 for (int i = 0; i < kMessages; ++i)
                                   peer.send(chunk.replace(0, 3, std::to_string(100 + i)));
                               },
                           .options = {.send_queue_bytes_max = std::size_t{256} << 20}});
  server.start();
  auto ws = connected(server.url("/flood"), {.compression = false});
  std::size_t before = 1;
  std::size_t after = 0;
  for (int i = 0; i < 200 && before != after; ++i) {  // until it stands still
    before = server.server.metrics().queued_bytes;
    std::this_thread::sleep_for(100ms);
    after = server.server.metrics().queued_bytes;
  }
  CHECK(after > std::size_t{20} << 20);
  for (int i = 0; i < kMessages; ++i) {
    const auto message = ws.receive();
    REQUIRE(message.has_value());
    REQUIRE(message->text().substr(0, 3) == std::to_string(100 + i));
  }
  CHECK(ws.close());
}

TEST_CASE("empty messages count too: a million of them do not wait here") {
  constexpr unsigned kMessages = 1'500'000;
  EchoServer server;
  server.server.websocket("/empty", {.on_open =
                                         [](Peer& peer) {
                                           for (unsigned i = 0; i < kMessages; ++i) peer.send("");
                                         },
                                     .options = {.send_queue_bytes_max = std::size_t{256} << 20}});
  server.start();
  auto ws = connected(server.url("/empty"), {.compression = false});
  unsigned received = 0;
  while (received < kMessages && ws.receive()) ++received;
  CHECK(received == kMessages);
  CHECK(ws.close());
}

TEST_CASE("close() comes through although nothing was received and the server is held back") {
  EchoServer server;
  server.server.websocket("/flood", {.on_open =
                                         [](Peer& peer) {
                                           const std::string chunk(std::size_t{1} << 20, 'x');
                                           for (int i = 0; i < 90; ++i) peer.send(chunk);
                                         },
                                     .options = {.send_queue_bytes_max = std::size_t{256} << 20}});
  server.start();
  auto ws = connected(server.url("/flood"), {.compression = false});
  for (int i = 0; i < 20; ++i) std::this_thread::sleep_for(10ms);
  CHECK(ws.close(CloseCode::normal, "enough", 20s));
  CHECK(ws.close_code() == CloseCode::normal);
}

TEST_CASE("send() waits for room until its deadline, and goes on when there is some") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  auto ws = connected(EchoServer::url_at(relay.port(), "/sink"),
                      {.compression = false, .queue_bytes_max = 256 * 1024});
  relay.freeze(true);
  const std::string chunk(64 * 1024, 'c');
  std::expected<void, Fault> sent;
  int queued = 0;
  while (queued < 4000 && (sent = ws.send(chunk, 100ms))) ++queued;
  REQUIRE(!sent);
  CHECK(sent.error() == Fault::full);
  CHECK(ws.open());
  std::thread later([&] { relay.freeze(false); });
  CHECK(ws.send("last", 10s));
  later.join();
  CHECK(ws.close());
  CHECK(server.journal.wait_for("sink last"));
  CHECK(server.journal.count("sink ccc") == static_cast<std::size_t>(queued));
}

TEST_CASE("send() waits also for what is unconfirmed, and goes on when it was confirmed") {
  EchoServer server;
  server.start();
  auto ws =
      connected(server.url("/sink"), {.queue_messages_max = 4, .unconfirmed = Unconfirmed::report});
  for (int i = 0; i < 50; ++i) REQUIRE(ws.send(std::to_string(i), 5s));
  CHECK(ws.close());
  CHECK(server.journal.count("sink") == 50);
}

TEST_CASE("send() that waits ends when the connection does") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  auto ws = connected(EchoServer::url_at(relay.port(), "/sink"),
                      {.compression = false, .queue_bytes_max = 64 * 1024});
  relay.freeze(true);
  std::atomic<int> queued{0};
  std::thread cutter([&] {
    int seen = -1;
    while (seen != queued) {  // stands still: it waits
      seen = queued;
      std::this_thread::sleep_for(200ms);
    }
    relay.cut();
  });
  std::expected<void, Fault> sent;
  while (queued < 4000 && (sent = ws.send(std::string(64 * 1024, 'c'), 20s))) ++queued;
  cutter.join();
  REQUIRE(!sent);
  CHECK(sent.error() == Fault::closed);
}

TEST_CASE("several threads send and receive on one connection, and each message has one receiver") {
  constexpr unsigned kThreads = 4;
  constexpr unsigned kEach = 500;
  EchoServer server;
  server.start();
  auto ws = connected(server.url("/echo"));
  std::atomic<unsigned> received{0};
  std::atomic<std::uint64_t> sum{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (unsigned i = 0; i < kEach; ++i)
        if (!ws.send(std::to_string(t * kEach + i))) return;
    });
    threads.emplace_back([&] {
      while (received < kThreads * kEach) {
        const auto message = ws.receive(50ms);
        if (!message) continue;
        sum += std::stoul(message->payload);
        ++received;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(received == kThreads * kEach);
  CHECK(sum == std::uint64_t{kThreads * kEach} * (kThreads * kEach - 1) / 2);
}

TEST_CASE("close() wakes a thread that receives") {
  EchoServer server;
  server.start();
  auto ws = connected(server.url("/echo"));
  std::thread waiting([&] { CHECK(ws.receive(20s).error() == Fault::closed); });
  CHECK(ws.close());
  waiting.join();
}

TEST_CASE("a WebSocket that is replaced or destroyed closes, and waits a second at most") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  auto ws = connected(server.url("/echo"));
  ws = connected(EchoServer::url_at(relay.port(), "/echo"));
  CHECK(server.log.wait_for("code=1000"));
  CHECK(ws.send("x"));
  CHECK(ws.receive()->text() == "x");
  relay.freeze(true);
  const auto start = Clock::now();
  {
    const blocking::WebSocket gone(std::move(ws));
  }
  CHECK(Clock::now() - start > 900ms);
  CHECK(Clock::now() - start < 3s);
}

TEST_CASE("connect() says which of the faults stood in the way, in one line") {
  EchoServer server;
  server.server.http("GET", "/loop", [](const HttpRequest&) {
    return HttpResponse{.status = 302, .headers = {{"Location", "/loop"}}};
  });
  server.start();
  AnsweringServer silent("");
  AnsweringServer nonsense(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
      "Connection: Upgrade\r\nSec-WebSocket-Accept: bm9wZQ==\r\n\r\n");
  AnsweringServer leaving("HTTP/1.1 101 Swit", AnsweringServer::Then::close);
  AnsweringServer proxy("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n");
  const auto at = [](std::uint16_t port) { return EchoServer::url_at(port, "/"); };
  struct Case {
    ConnectFault fault;
    std::string url;
    ClientOptions options;
    std::string_view told;
  };
  std::vector<Case> cases;
  cases.push_back({ConnectFault::bad_url, "http://", {}, ""});
  cases.push_back({ConnectFault::bad_url, at(1), {.subprotocols = {"a b"}}, "a b"});
  cases.push_back({ConnectFault::resolve, "ws://nobody.onion/", {}, "nobody.onion"});
  cases.push_back({ConnectFault::refused, at(1), {}, "127.0.0.1:1"});
  cases.push_back({ConnectFault::unreachable,
                   at(1),
                   {.dial = {.unix_socket = "/nonexistent/socket"}},
                   "/nonexistent/socket"});
  cases.push_back(
      {ConnectFault::timeout, at(silent.port), {.dial = {.handshake_timeout = 50ms}}, ""});
  cases.push_back({ConnectFault::proxy,
                   at(1),
                   {.dial = {.proxy = "http://127.0.0.1:" + std::to_string(proxy.port)}},
                   "407"});
  cases.push_back({ConnectFault::rejected, server.url("/nowhere"), {}, "404"});
  cases.push_back({ConnectFault::redirect, server.url("/loop"), {}, ""});
  cases.push_back({ConnectFault::protocol, at(nonsense.port), {}, "Sec-WebSocket-Accept"});
  cases.push_back({ConnectFault::ended, at(leaving.port), {}, ""});
  cases.push_back({ConnectFault::cancelled,
                   at(1),
                   {.on_attempt = [](Attempt, AttemptReply reply) { reply.give_up("not today"); }},
                   "not today"});
  for (Case& each : cases) {
    CAPTURE(name_of(each.fault));
    const auto ws = blocking::connect(each.url, std::move(each.options));
    REQUIRE(!ws.has_value());
    CHECK(name_of(ws.error().fault) == name_of(each.fault));
    CHECK(ws.error().message.contains(each.told));
    CHECK(!ws.error().message.empty());
    CHECK(!ws.error().message.contains('\n'));
  }
}

TEST_CASE("connect() tells the subprotocol, and of a rejection status, headers and body") {
  EchoServer server;
  server.server.websocket("/chat", {.options = {.subprotocols = {"v2"}}});
  server.server.websocket("/vip", {.on_upgrade = [](const UpgradeRequest&, Upgrade upgrade) {
                            upgrade.reject({.status = 403, .body = "members only"});
                          }});
  server.start();
  CHECK(connected(server.url("/chat"), {.subprotocols = {"v1", "v2"}}).subprotocol() == "v2");
  const auto ws = blocking::connect(server.url("/vip"));
  REQUIRE(!ws.has_value());
  REQUIRE(ws.error().answer.has_value());
  CHECK(ws.error().answer->status == 403);
  CHECK(ws.error().answer->body.starts_with("members only"));
}

}  // namespace
}  // namespace walkie::test
