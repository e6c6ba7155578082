// SPDX-License-Identifier: MIT
// A thread of the application publishes; every connection gets it: broadcast [HOST:PORT]
#include <chrono>
#include <string>
#include <thread>

#include <walkie/server.hpp>

int main(int argc, char** argv) {
  walkie::Server server({.threads = 2});

  walkie::WebSocketRoute ticks;
  // Ticks age: a reader that falls behind gets the newest one, not all that it missed.
  ticks.options.slow_consumer = walkie::SlowConsumer::keep_latest;
  ticks.on_open = [](walkie::Peer& peer) { peer.subscribe("ticks"); };
  server.websocket("/ticks", std::move(ticks));

  const std::jthread publisher([&server](const std::stop_token& stop) {
    for (int tick = 0; !stop.stop_requested(); ++tick) {
      server.publish("ticks", "tick " + std::to_string(tick));
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  });

  return server.listen(argc > 1 ? argv[1] : "127.0.0.1:9001").run();
}
