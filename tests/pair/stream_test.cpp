// SPDX-License-Identifier: MIT
// The façade whose calls are awaited, against a server of this library. Built without optimisation
// (tests/CMakeLists.txt).
#include <walkie/stream.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include <pair/rig.hpp>

namespace walkie::test {
namespace {

/// Lets other coroutines and the loop have a turn.
struct Turn {
  ClientLoop& loop;
  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> self) const {
    loop.post([self] { self.resume(); });
  }
  void await_resume() const noexcept {}
};

/// "/count": answers "N" with the messages "0" to "N-1".
class CountingServer : public EchoServer {
 public:
  CountingServer() {
    server.websocket("/count", {.on_message =
                                    [](Peer& peer, MessageView message) {
                                      const int end = std::stoi(std::string(message.text()));
                                      for (int i = 0; i < end; ++i) peer.send(std::to_string(i));
                                    },
                                .options = {.send_queue_bytes_max = std::size_t{256} << 20}});
    start();
  }
};

Task<std::string> received_text(Stream& stream) {
  const auto message = co_await stream.receive();
  co_return message ? message->payload : std::string("nothing");
}

TEST_CASE("a coroutine opens, sends, receives and closes [RFC 6455 7.1.4]") {
  EchoServer server;
  server.server.websocket("/v", {.on_message = [](Peer& peer, MessageView m) { peer.send(m); },
                                 .options = {.subprotocols = {"v2"}}});
  server.start();
  ClientLoop loop;
  const auto talk = [&](ClientLoop& on) -> Task<> {
    Stream stream(on, server.url("/v"), {.subprotocols = {"v1", "v2"}});
    const auto opened = co_await stream.open();
    CHECK(opened.has_value());
    CHECK(stream.subprotocol() == "v2");
    CHECK(stream.client().state() == ClientState::open);
    for (const char* word : {"one", "two", "three"}) {
      const SendStatus sent = co_await stream.send(word);
      CHECK(sent == SendStatus::queued);
      const std::string got = co_await received_text(stream);
      CHECK(got == word);
    }
    CHECK(stream.close_code() == CloseCode::no_status);
    const CloseCode code = co_await stream.close(CloseCode{4001}, "done");
    CHECK(code == CloseCode{4001});
    CHECK(stream.close_code() == CloseCode{4001});
    const std::string after = co_await received_text(stream);
    CHECK(after == "nothing");
    const SendStatus late = co_await stream.send("late");
    CHECK(late == SendStatus::gone);
  };
  block_on(loop, talk(loop));
  CHECK(server.log.wait_for("reason=done"));
}

TEST_CASE("a stream that cannot connect says why, and gives nothing") {
  ClientLoop loop;
  const auto talk = [](ClientLoop& on) -> Task<> {
    Stream stream(on, "ws://127.0.0.1:1/");
    const auto opened = co_await stream.open();
    REQUIRE(!opened.has_value());
    CHECK(opened.error().fault == ConnectFault::refused);
    CHECK(stream.close_code() == CloseCode::abnormal);
    const std::string got = co_await received_text(stream);
    CHECK(got == "nothing");
  };
  block_on(loop, talk(loop));
}

TEST_CASE("the server's Close ends a stream after its last message, with code and reason") {
  EchoServer server;
  server.server.websocket("/say", {.on_open = [](Peer& peer) {
                            peer.send("one");
                            peer.send("two");
                            peer.close(CloseCode{4002}, "said all");
                          }});
  server.start();
  ClientLoop loop;
  const auto talk = [&](ClientLoop& on) -> Task<> {
    Stream stream(on, server.url("/say"));
    co_await sleep(on, 50ms);  // all has come before anyone receives
    std::vector<std::string> got;
    while (const auto message = co_await stream.receive()) got.push_back(message->payload);
    CHECK(got == std::vector<std::string>{"one", "two"});
    CHECK(stream.close_code() == CloseCode{4002});
    CHECK(stream.close_reason() == "said all");
  };
  block_on(loop, talk(loop));
}

TEST_CASE("stop requests from another thread lose no message, whenever they come") {
  constexpr int kRounds = 600;
  constexpr int kEach = 5;  // and then it has to wait
  CountingServer server;
  ClientLoop loop;
  int received = 0;
  std::atomic<bool> over{false};
  std::mutex mutex;
  std::stop_source current;
  std::thread stopper([&] {
    std::minstd_rand random(1);
    while (!over) {
      {
        const std::lock_guard lock(mutex);
        current.request_stop();
      }
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 50));
    }
  });
  int asked = 0;
  int stops = 0;
  bool in_order = true;
  const auto count = [&](ClientLoop& on) -> Task<> {
    Stream stream(on, server.url("/count"), {.compression = false});
    const std::string ask = std::to_string(kEach);
    while (received < kRounds * kEach || stops < 20) {
      if (received == asked) {
        (void)co_await stream.send(ask);
        asked += kEach;
      }
      std::stop_token stop;
      {
        const std::lock_guard lock(mutex);
        current = std::stop_source();
        stop = current.get_token();
      }
      const auto message = co_await stream.receive(stop);
      if (!message) {
        ++stops;
        if (stream.close_code() != CloseCode::no_status) break;
        continue;
      }
      in_order = message->payload == std::to_string(received % kEach);
      if (!in_order) break;
      ++received;
    }
  };
  block_on(loop, count(loop));
  over = true;
  stopper.join();
  CHECK(in_order);
  CHECK(received >= kRounds * kEach);
}

TEST_CASE("a call with a stop that was requested before does nothing") {
  EchoServer server;
  server.start();
  ClientLoop loop;
  const auto talk = [&](ClientLoop& on) -> Task<> {
    std::stop_source source;
    source.request_stop();
    const std::stop_token stop = source.get_token();
    Stream stream(on, server.url("/echo"));
    const auto opened = co_await stream.open(stop);
    REQUIRE(!opened.has_value());
    CHECK(opened.error().fault == ConnectFault::cancelled);
    const SendStatus sent = co_await stream.send("never", stop);
    CHECK(sent == SendStatus::overflow);
    (void)co_await stream.send("x");
    co_await sleep(on, 50ms);  // the echo is there
    const auto stopped = co_await stream.receive(stop);
    CHECK(!stopped.has_value());
    const std::string got = co_await received_text(stream);
    CHECK(got == "x");
  };
  block_on(loop, talk(loop));
}

TEST_CASE("several receivers get messages in the order of their calls") {
  CountingServer server;
  ClientLoop loop;
  std::vector<std::string> got;
  std::optional<Stream> stream;
  const auto receiver = [&](int number) -> Task<> {
    while (const auto message = co_await stream->receive())
      got.push_back(std::to_string(number) + ":" + message->payload);
  };
  const auto talk = [&](ClientLoop& on) -> Task<> {
    stream.emplace(on, server.url("/count"));
    (void)co_await stream->open();
    for (int i = 0; i < 3; ++i) spawn(on, receiver(i));
    co_await Turn{on};
    (void)co_await stream->send("6");
    while (got.size() < 6) co_await sleep(on, 1ms);
    stream.reset();
  };
  block_on(loop, talk(loop));
  CHECK(got == std::vector<std::string>{"0:0", "1:1", "2:2", "0:3", "1:4", "2:5"});
}

TEST_CASE("receivers that are stopped or destroyed leave their messages to the others, in order") {
  constexpr int kMessages = 2000;
  CountingServer server;
  ClientLoop loop;
  std::optional<Stream> stream;
  int wanted = 0;
  bool in_order = true;
  // Hands over what it got, or nothing if it is destroyed.
  struct Started {
    struct promise_type {
      Started get_return_object() {
        return {std::coroutine_handle<promise_type>::from_promise(*this)};
      }
      std::suspend_never initial_suspend() const noexcept { return {}; }
      std::suspend_always final_suspend() const noexcept { return {}; }
      void return_void() const noexcept {}
      void unhandled_exception() const noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> frame;
  };
  const auto one = [&](std::stop_token stop) -> Started {
    if (const auto message = co_await stream->receive(stop)) {
      in_order = in_order && message->payload == std::to_string(wanted);
      ++wanted;
    }
  };
  const auto talk = [&](ClientLoop& on) -> Task<> {
    stream.emplace(on, server.url("/count"), ClientOptions{.compression = false});
    (void)co_await stream->open();
    const std::string ask = std::to_string(kMessages);
    (void)co_await stream->send(ask);
    std::minstd_rand random(7);
    while (wanted < kMessages && in_order) {
      std::stop_source source;
      std::vector<Started> receivers;
      for (int i = 0; i < 4; ++i) receivers.push_back(one(source.get_token()));
      if (random() % 2 == 0) source.request_stop();
      for (unsigned turns = static_cast<unsigned>(random() % 3); turns > 0; --turns)
        co_await Turn{on};
      for (const Started& receiver : receivers) receiver.frame.destroy();
      co_await Turn{on};
    }
    stream.reset();
  };
  block_on(loop, talk(loop));
  CHECK(in_order);
  CHECK(wanted == kMessages);
}

TEST_CASE("concurrent senders wait for room and each one's messages arrive in its order") {
  EchoServer server;
  server.start();
  ClientLoop loop;
  std::optional<Stream> stream;
  int done = 0;
  const auto sender = [&](int number) -> Task<> {
    for (int i = 0; i < 200; ++i) {
      const std::string text = std::to_string(number) + "." + std::to_string(i) + ";";
      const SendStatus status = co_await stream->send(text);
      if (status != SendStatus::queued) co_return;
    }
    ++done;
  };
  const auto talk = [&](ClientLoop& on) -> Task<> {
    stream.emplace(on, server.url("/sink"), ClientOptions{.queue_messages_max = 3});
    for (int i = 0; i < 4; ++i) spawn(on, sender(i));
    while (done < 4) co_await sleep(on, 1ms);
    (void)co_await stream->close();
    stream.reset();
  };
  block_on(loop, talk(loop));
  REQUIRE(server.journal.wait_for("sink 3.199;"));
  CHECK(server.journal.count("sink") == 800);
}

TEST_CASE("send() waits while the server does not read; stopped, it has sent nothing") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  ClientLoop loop;
  const auto talk = [&](ClientLoop& on) -> Task<> {
    Stream stream(on, EchoServer::url_at(relay.port(), "/sink"),
                  {.compression = false, .queue_bytes_max = 256 * 1024});
    (void)co_await stream.open();
    relay.freeze(true);
    const std::string chunk(64 * 1024, 'c');
    SendStatus status = SendStatus::queued;
    std::size_t queued = 0;
    while (queued < 4000) {
      std::stop_source stop;
      on.post_after(200ms, [stop]() mutable { stop.request_stop(); });
      status = co_await stream.send(chunk, stop.get_token());
      if (status != SendStatus::queued) break;
      ++queued;
    }
    CHECK(status == SendStatus::overflow);
    on.post_after(20ms, [&relay] { relay.freeze(false); });
    status = co_await stream.send("last");
    CHECK(status == SendStatus::queued);
    const CloseCode code = co_await stream.close();
    CHECK(code == CloseCode::normal);
    CHECK(server.journal.wait_for("sink last"));
    CHECK(server.journal.count("sink ccc") == queued);
  };
  block_on(loop, talk(loop));
}

TEST_CASE("send() that waits without a connection goes on when what was queued has expired") {
  ClientLoop loop;
  const auto talk = [](ClientLoop& on) -> Task<> {
    Stream stream(on, "ws://127.0.0.1:1/",
                  {.reconnect = Backoff{.first = 1h, .longest = 1h},
                   .queue_messages_max = 1,
                   .message_ttl = 50ms});
    SendStatus status = co_await stream.send("first");
    CHECK(status == SendStatus::queued);
    status = co_await stream.send("second");
    CHECK(status == SendStatus::queued);
  };
  block_on(loop, talk(loop));
}

TEST_CASE("a small message passes a large one that was stopped, when both waited") {
  ClientLoop loop;
  std::optional<Stream> stream;
  std::vector<SendStatus> ends;
  const std::string large(80, 'l');
  const auto sender = [&](std::string_view text, std::stop_token stop) -> Task<> {
    const SendStatus status = co_await stream->send(text, stop);
    ends.push_back(status);
  };
  const auto talk = [&](ClientLoop& on) -> Task<> {
    stream.emplace(
        on, "ws://127.0.0.1:1/",
        ClientOptions{.reconnect = Backoff{.first = 1h, .longest = 1h}, .queue_bytes_max = 100});
    (void)co_await stream->send("fifty bytes or so, which leave no room for the large");
    std::stop_source stop;
    spawn(on, sender(large, stop.get_token()));
    spawn(on, sender("small", {}));
    co_await sleep(on, 5ms);
    CHECK(ends.empty());
    stop.request_stop();
    while (ends.size() < 2) co_await sleep(on, 1ms);
    stream.reset();
  };
  block_on(loop, talk(loop));
  CHECK(ends == std::vector{SendStatus::overflow, SendStatus::queued});
}

TEST_CASE("a stream that is destroyed ends every call that waits") {
  ClientLoop loop;
  std::optional<Stream> stream;
  std::vector<std::string> ends;
  const auto opener = [&]() -> Task<> {
    const auto opened = co_await stream->open();
    ends.push_back(opened ? "open" : std::string(name_of(opened.error().fault)));
  };
  const auto receiver = [&]() -> Task<> {
    const auto message = co_await stream->receive();
    ends.emplace_back(message ? "message" : "nothing");
  };
  const auto sender = [&]() -> Task<> {
    const SendStatus status = co_await stream->send("x");
    ends.emplace_back(status == SendStatus::gone ? "gone" : "sent");
  };
  const auto talk = [&](ClientLoop& on) -> Task<> {
    stream.emplace(
        on, "ws://127.0.0.1:1/",
        ClientOptions{.reconnect = Backoff{.first = 1h, .longest = 1h}, .queue_messages_max = 1});
    (void)co_await stream->send("fills the queue");
    spawn(on, opener());
    spawn(on, receiver());
    spawn(on, sender());
    co_await sleep(on, 5ms);
    CHECK(ends.empty());
    stream.reset();
    while (ends.size() < 3) co_await sleep(on, 1ms);
  };
  block_on(loop, talk(loop));
  CHECK(ends == std::vector<std::string>{"cancelled", "nothing", "gone"});
}

TEST_CASE("coroutines that still wait are destroyed with their loop, streams and all") {
  EchoServer server;
  server.start();
  {
    ClientLoop loop;
    std::promise<void> waits;
    const auto talk = [&](ClientLoop& on) -> Task<> {
      Stream stream(on, server.url("/echo"));
      (void)co_await stream.open();
      on.post([&waits] { waits.set_value(); });
      (void)co_await stream.receive();
    };
    spawn(loop, talk(loop));
    loop.start_thread();
    REQUIRE(waits.get_future().wait_for(5s) == std::future_status::ready);
  }
  CHECK(server.log.wait_for("code=1001"));
}

TEST_CASE("a stream with a Backoff goes on over connections, and its handlers are called") {
  EchoServer server;
  server.start();
  Relay relay(server.port);
  Journal story;
  ClientLoop loop;
  const auto talk = [&](ClientLoop& on) -> Task<> {
    ClientOptions options = storied(story, {.reconnect = kSoon});
    Stream stream(on, EchoServer::url_at(relay.port(), "/echo"), std::move(options));
    for (int i = 0; i < 5; ++i) {
      (void)co_await stream.send("again");
      const std::string got = co_await received_text(stream);
      CHECK(got == "again");
      relay.cut();
      while (stream.client().state() == ClientState::open) co_await sleep(on, 1ms);
    }
    CHECK(stream.close_code() == CloseCode::no_status);
  };
  block_on(loop, talk(loop));
  CHECK(story.count("state open") >= 5);
  CHECK(story.count("close 1006") >= 5);
  CHECK(story.count("message") == 0);
}

TEST_CASE("a stream reads ahead, holds the server back, and gives everything in order") {
  constexpr int kMessages = 20'000;
  CountingServer server;
  ClientLoop loop;
  int wanted = 0;
  const auto talk = [&](ClientLoop& on) -> Task<> {
    Stream stream(on, server.url("/count"), {.compression = false});
    const std::string ask = std::to_string(kMessages);
    (void)co_await stream.send(ask);
    co_await sleep(on, 50ms);
    while (wanted < kMessages) {
      const auto message = co_await stream.receive();
      if (!message || message->payload != std::to_string(wanted)) break;
      ++wanted;
    }
  };
  block_on(loop, talk(loop));
  CHECK(wanted == kMessages);
}

TEST_CASE("close() comes through although nothing was received and the server is held back") {
  CountingServer server;
  ClientLoop loop;
  const auto talk = [&](ClientLoop& on) -> Task<> {
    Stream stream(on, server.url("/count"), {.compression = false});
    (void)co_await stream.send("2000000");
    co_await sleep(on, 200ms);
    const CloseCode code = co_await stream.close();
    CHECK(code == CloseCode::normal);
  };
  block_on(loop, talk(loop));
}

TEST_CASE("a million co_awaits of a stream that need not wait take no stack") {
  EchoServer server;
  server.start();
  ClientLoop loop;
  const auto talk = [&](ClientLoop& on) -> Task<int> {
    Stream stream(on, server.url("/echo"));
    int opened = 0;
    for (int i = 0; i < 1'000'000; ++i) {
      const auto open = co_await stream.open();
      opened += open ? 1 : 0;
    }
    co_return opened;
  };
  CHECK(block_on(loop, talk(loop)) == 1'000'000);
}

}  // namespace
}  // namespace walkie::test
