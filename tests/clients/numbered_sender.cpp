// SPDX-License-Identifier: MIT
// A client that sends numbered messages until SIGTERM and writes down what it is told of them:
//
//   numbered_sender URL [KEY=VALUE...]      times are milliseconds
//
//   TIME open | lost CODE REASON | again ATTEMPT DELAY WHY | undelivered WHY NUMBER | sent COUNT |
//   confirmed | closed WHY                  TIME: of the monotonic clock
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <thread>

#include <walkie/client.hpp>

namespace {

using namespace walkie;
using std::chrono::milliseconds;

volatile std::sig_atomic_t enough = 0;

/// KEY=VALUE arguments.
class Arguments {
 public:
  Arguments(int argc, char** argv) {
    for (int i = 2; i < argc; ++i) {
      const std::string_view argument = argv[i];
      const std::size_t equals = argument.find('=');
      if (equals == std::string_view::npos) continue;
      values_[std::string(argument.substr(0, equals))] = argument.substr(equals + 1);
    }
  }
  [[nodiscard]] std::string text(const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? std::string() : found->second;
  }
  [[nodiscard]] int number(const std::string& key, int otherwise) const {
    const std::string value = text(key);
    return value.empty() ? otherwise : std::atoi(value.c_str());
  }
  [[nodiscard]] milliseconds time(const std::string& key, int otherwise) const {
    return milliseconds(number(key, otherwise));
  }

 private:
  std::map<std::string, std::string> values_;
};

void tell(const std::string& what) {
  const std::chrono::duration<double, std::milli> now =
      std::chrono::steady_clock::now().time_since_epoch();
  std::printf("%.3f %s\n", now.count(), what.c_str());
  std::fflush(stdout);
}

std::string text_of(const CloseInfo& close) {
  return std::to_string(static_cast<unsigned>(close.code)) + " " + std::string(close.reason);
}

void on_state(Client&, const StateChange& change) {
  const std::string why = change.error   ? change.error->message
                          : change.close ? text_of(*change.close)
                                         : std::string("-");
  if (change.state == ClientState::reconnecting)
    tell("again " + std::to_string(change.attempt) + " " + std::to_string(change.delay.count()) +
         " " + why);
  if (change.state == ClientState::closed) tell("closed " + why);
}

ClientOptions options_of(const Arguments& arguments) {
  ClientOptions options;
  options.on_open = [](Client&, const Opened&) { tell("open"); };
  options.on_close = [](Client&, const CloseInfo& close) { tell("lost " + text_of(close)); };
  options.on_state = on_state;
  options.on_undelivered = [](Client&, MessageView message, Undelivered why) {
    const std::string_view text = message.text();
    tell("undelivered " + std::string(name_of(why)) + " " +
         std::string(text.substr(0, text.find(' '))));
  };
  options.reconnect = Backoff{.first = arguments.time("first", 50),
                              .longest = arguments.time("longest", 200),
                              .spread = arguments.time("first", 50)};
  options.ping_interval = arguments.time("ping", 200);
  options.pong_timeout = arguments.time("pong", 300);
  options.message_ttl = arguments.time("ttl", 0);
  options.unconfirmed =
      arguments.text("unconfirmed") == "resend" ? Unconfirmed::resend : Unconfirmed::report;
  options.dial.proxy = arguments.text("proxy");
  options.dial.resolve_timeout = arguments.time("resolve", 300);
  options.dial.connect_timeout = arguments.time("connect", 300);
  options.dial.handshake_timeout = arguments.time("handshake", 300);
  options.dial.tls_timeout = arguments.time("handshake", 300);
  options.dial.tls.ca_file = arguments.text("ca");
  return options;
}

/// Until all that was sent is confirmed, dropped or reported.
bool wait_for_fates(const Client& client, milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (client.queued_bytes() > 0 && std::chrono::steady_clock::now() < end)
    std::this_thread::sleep_for(milliseconds(5));
  return client.queued_bytes() == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const Arguments arguments(argc, argv);
  std::signal(SIGTERM, [](int) { enough = 1; });
  const auto pace = std::chrono::microseconds(arguments.number("pace_us", 500));
  const std::string padding(static_cast<std::size_t>(arguments.number("padding", 50)), '.');
  Client client(argv[1], options_of(arguments));
  int count = 0;
  while (enough == 0) {
    ++count;
    while (client.send(std::to_string(count) + " " + padding) == SendStatus::overflow)
      std::this_thread::sleep_for(milliseconds(1));
    std::this_thread::sleep_for(pace);
  }
  tell("sent " + std::to_string(count));
  if (wait_for_fates(client, arguments.time("patience", 15'000))) tell("confirmed");
  client.close();
  return client.wait_closed(milliseconds(5'000)) ? 0 : 1;
}
