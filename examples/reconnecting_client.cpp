// SPDX-License-Identifier: MIT
// Stays connected whatever happens, subscribes anew on each connection, and knows what became of
// each message it sent: reconnecting_client [URL]
#include <chrono>
#include <iostream>
#include <string>

#include <walkie/client.hpp>

namespace {

void print_state(const walkie::StateChange& change) {
  std::cout << "* " << name_of(change.state);
  if (change.attempt > 1) std::cout << ", attempt " << change.attempt;
  if (change.delay.count() > 0) std::cout << " in " << change.delay.count() << " ms";
  if (change.error != nullptr) std::cout << ": " << change.error->message;
  if (change.close != nullptr) std::cout << ": " << static_cast<int>(change.close->code);
  std::cout << std::endl;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  walkie::ClientOptions options;
  options.reconnect = walkie::Backoff{.first = 200ms, .longest = 10s};
  options.unconfirmed = walkie::Unconfirmed::resend;  // at least once, rather than at most once
  options.message_ttl = 5min;
  options.on_attempt = [](walkie::Attempt attempt, walkie::AttemptReply reply) {
    attempt.headers.emplace_back("X-Attempt", std::to_string(attempt.number));  // a fresh token
    reply.proceed(std::move(attempt));
  };
  options.on_open = [](walkie::Client& client, const walkie::Opened&) {
    client.send("subscribe", {.first = true});  // before what waited for the connection
  };
  options.on_message = [](walkie::Client&, walkie::MessageView message) {
    std::cout << message.text() << std::endl;
  };
  options.on_state = [](walkie::Client&, const walkie::StateChange& change) {
    print_state(change);
  };
  options.on_undelivered = [](walkie::Client&, walkie::MessageView message,
                              walkie::Undelivered why) {
    std::cout << "* not delivered (" << name_of(why) << "): " << message.text() << std::endl;
  };
  walkie::Client client(argc > 1 ? argv[1] : "ws://127.0.0.1:9001/echo", std::move(options));

  for (std::string line; getline(std::cin, line);) client.send(line);
  client.close();
  return client.wait_closed(10s) ? 0 : 1;
}
