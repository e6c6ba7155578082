// SPDX-License-Identifier: MIT
// A script: connect, ask, print the answer: blocking_script [URL [TEXT]]
#include <iostream>

#include <walkie/blocking.hpp>

int main(int argc, char** argv) {
  auto ws = walkie::blocking::connect(argc > 1 ? argv[1] : "ws://127.0.0.1:9001/echo");
  if (!ws) return std::cerr << ws.error().message << '\n', 1;
  ws->send(argc > 2 ? argv[2] : "hello");
  const auto reply = ws->receive(std::chrono::seconds(5));
  std::cout << (reply ? reply->text() : name_of(reply.error())) << '\n';
  return reply ? 0 : 1;
}
