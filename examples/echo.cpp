// SPDX-License-Identifier: MIT
// Sends every message back to its sender: echo [HOST:PORT]
#include <walkie/server.hpp>

int main(int argc, char** argv) {
  walkie::Server server;
  server.websocket("/echo", {.on_message = [](walkie::Peer& peer, walkie::MessageView message) {
                     peer.send(message);
                   }});
  return server.listen(argc > 1 ? argv[1] : "127.0.0.1:9001").run();
}
