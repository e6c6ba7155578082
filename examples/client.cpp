// SPDX-License-Identifier: MIT
// Sends each line of the standard input and prints what comes back: client [URL]
#include <chrono>
#include <iostream>
#include <string>

#include <walkie/client.hpp>

int main(int argc, char** argv) {
  using namespace std::chrono_literals;
  int status = 0;

  // Handlers run on the client's thread, one at a time.
  walkie::ClientOptions options;
  options.on_message = [](walkie::Client&, walkie::MessageView message) {
    std::cout << message.text() << std::endl;
  };
  options.on_state = [&status](walkie::Client&, const walkie::StateChange& change) {
    if (change.error == nullptr) return;
    std::cerr << change.error->message << '\n';
    status = 1;
  };
  walkie::Client client(argc > 1 ? argv[1] : "ws://127.0.0.1:9001/echo", std::move(options));

  // Legal at any time: what is sent before the connection is open waits for it.
  for (std::string line; client.state() != walkie::ClientState::closed && getline(std::cin, line);)
    if (client.send(line) == walkie::SendStatus::overflow) std::cerr << "too much at once\n";

  client.close();
  if (!client.wait_closed(10s)) status = 1;
  return status;
}
