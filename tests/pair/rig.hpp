// SPDX-License-Identifier: MIT
// A server, a relay in front of it, and clients whose story is kept.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <server/running_server.hpp>
#include <support/relay.hpp>
#include <walkie/client.hpp>

namespace walkie::test {

using namespace std::chrono_literals;

/// "/echo" echoes, "/sink" keeps what it gets in `journal`, "/leave" closes with 4001 on the first
/// message.
class EchoServer : public RunningServer {
 public:
  explicit EchoServer(ServerOptions options = {}) : RunningServer(std::move(options)) {
    server.websocket("/echo",
                     {.on_message = [](Peer& peer, MessageView message) { peer.send(message); }});
    server.websocket("/sink", {.on_message = [this](Peer&, MessageView message) {
                       journal.add("sink " + std::string(message.text()));
                     }});
    server.websocket("/leave", {.on_message = [](Peer& peer, MessageView) {
                       peer.close(CloseCode{4001}, "enough");
                     }});
  }
  [[nodiscard]] std::string url(std::string_view path) const { return url_at(port, path); }
  [[nodiscard]] static std::string url_at(std::uint16_t at, std::string_view path) {
    return "ws://127.0.0.1:" + std::to_string(at) + std::string(path);
  }
};

/// Options of a client that writes what it is told into `story`: "open", "message ...",
/// "close 1000", "state open", "undelivered expired ...".
inline ClientOptions storied(Journal& story, ClientOptions options = {}) {
  options.on_open = [&story](Client&, const Opened&) { story.add("open"); };
  options.on_message = [&story](Client&, MessageView message) {
    story.add("message " + std::string(message.text()));
  };
  options.on_close = [&story](Client&, const CloseInfo& info) {
    story.add("close " + std::to_string(static_cast<unsigned>(info.code)) + " " +
              std::string(info.reason));
  };
  options.on_state = [&story](Client&, const StateChange& change) {
    std::string line = "state " + std::string(name_of(change.state));
    if (change.attempt > 0) line += " attempt " + std::to_string(change.attempt);
    if (change.error)
      line += " " + std::string(name_of(change.error->fault)) + ": " + change.error->message;
    story.add(std::move(line));
  };
  options.on_undelivered = [&story](Client&, MessageView message, Undelivered why) {
    story.add("undelivered " + std::string(name_of(why)) + " " + std::string(message.text()));
  };
  return options;
}

/// A backoff for tests: soon, and often.
inline constexpr Backoff kSoon{.first = 20ms, .longest = 100ms, .spread = 20ms};

}  // namespace walkie::test
