// SPDX-License-Identifier: MIT
// The code that docs/client.md shows, so that it compiles; tools/docs compares the two.
#include <cstdio>
#include <string>
#include <string_view>

#include <walkie/blocking.hpp>
#include <walkie/client.hpp>
#include <walkie/stream.hpp>

namespace walkie::guide {

using namespace std::chrono_literals;

void use(std::string_view text);
void complain(std::string_view text);
void save(walkie::MessageView message);
std::string fresh_token();
int script();
void quick_start();
walkie::Task<> talk(walkie::ClientLoop& loop);
walkie::Task<> listen(walkie::ClientLoop& loop, walkie::Stream& stream);
void dialling(walkie::ClientOptions& options);
void trust(walkie::ClientOptions& options);
void reconnection(walkie::ClientOptions& options);
void loops();
void run_in_foreign_loop(walkie::ClientLoop& loop, int (*wait)(int descriptor, long timeout_ms));

int script() {
  auto ws = walkie::blocking::connect("ws://127.0.0.1:8000/echo");
  if (!ws) return std::puts(ws.error().message.c_str()), 1;
  ws->send("hello");
  auto reply = ws->receive(2s);
  return reply ? std::puts(reply->payload.c_str()), 0 : 1;
}

void quick_start() {
  walkie::Client client(
      "wss://example.com/feed",
      {
          .on_message = [](walkie::Client&, walkie::MessageView message) { use(message.text()); },
          .reconnect = walkie::Backoff{},
      });
  client.send("subscribe news");  // from any thread, at any time
  client.close();
  client.wait_closed(5s);
}

walkie::Task<> talk(walkie::ClientLoop& loop) {
  walkie::Stream stream(loop, "wss://example.com/feed");
  const auto opened = co_await stream.open();
  if (!opened) co_return complain(opened.error().message);
  while (const auto message = co_await stream.receive()) co_await stream.send(*message);
}

walkie::Task<> listen(walkie::ClientLoop& loop, walkie::Stream& stream) {
  std::stop_source stop;
  loop.post_after(5s, [stop]() mutable { stop.request_stop(); });
  const auto message = co_await stream.receive(stop.get_token());  // nothing after 5 s
  if (message) use(message->text());
}

void dialling(walkie::ClientOptions& options) {
  options.dial.overall_timeout = 5s;
  options.dial.proxy = "http://user:password@proxy.example:3128";
  options.bearer_token = fresh_token();
  options.headers = {{"X-Client", "tea 1.0"}};
}

void trust(walkie::ClientOptions& options) {
  options.dial.tls.ca_file = "our-authority.pem";  // beside the system's
  options.dial.tls.certificate_file = "me.pem";    // shown where the server asks
  options.dial.tls.key_file = "me.key";
}

void reconnection(walkie::ClientOptions& options) {
  options.on_attempt = [](walkie::Attempt attempt, walkie::AttemptReply reply) {
    attempt.headers.emplace_back("Authorization", "Bearer " + fresh_token());
    reply.proceed(std::move(attempt));
  };
  options.on_open = [](walkie::Client& client, const walkie::Opened&) {
    client.send("subscribe news", {.first = true});
  };
  options.on_undelivered = [](walkie::Client&, walkie::MessageView message,
                              walkie::Undelivered why) {
    if (why != walkie::Undelivered::expired) save(message);
  };
  options.reconnect_after = [](const walkie::Ending& ending) {
    if (ending.close && ending.close->code == walkie::CloseCode{4401}) return false;
    return ending.again;
  };
}

void loops() {
  walkie::ClientLoop loop;
  walkie::Client one(loop, "wss://example.com/one");
  walkie::Client two(loop, "wss://example.com/two");
  loop.start_thread();  // or run(), or run_once() from a loop of your own
}

void run_in_foreign_loop(walkie::ClientLoop& loop, int (*wait)(int descriptor, long timeout_ms)) {
  const auto timeout = loop.timeout();  // anew before each wait; nothing: no end
  wait(loop.descriptor(), timeout ? timeout->count() : -1);
  loop.run_once(0ms);
}

}  // namespace walkie::guide
