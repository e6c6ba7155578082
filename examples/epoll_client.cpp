// SPDX-License-Identifier: MIT
// A client inside a loop of epoll, beside the standard input: epoll_client [URL]
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <iostream>
#include <string_view>

#include <walkie/client.hpp>

namespace {

bool watch(int epoll, int descriptor) {
  epoll_event event{.events = EPOLLIN, .data = {.fd = descriptor}};
  return ::epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  walkie::ClientLoop loop;
  walkie::ClientOptions options;
  options.on_message = [](walkie::Client&, walkie::MessageView message) {
    std::cout << message.text() << std::flush;
  };
  walkie::Client client(loop, argc > 1 ? argv[1] : "ws://127.0.0.1:9001/echo", std::move(options));

  const int epoll = ::epoll_create1(EPOLL_CLOEXEC);
  if (!watch(epoll, loop.descriptor())) return 1;
  if (!watch(epoll, STDIN_FILENO))
    return std::cerr << "the input must be a pipe or a terminal\n", 1;

  while (client.state() != walkie::ClientState::closed) {
    epoll_event event{};
    const auto timeout = loop.timeout();  // asked anew before each wait
    const int ready =
        ::epoll_wait(epoll, &event, 1, timeout ? static_cast<int>(timeout->count()) : -1);
    if (ready == 1 && event.data.fd == STDIN_FILENO) {
      std::array<char, 4096> input{};
      const ssize_t got = ::read(STDIN_FILENO, input.data(), input.size());
      if (got > 0) {
        client.send(std::string_view(input.data(), static_cast<std::size_t>(got)));
      } else {
        client.close();
        ::epoll_ctl(epoll, EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
      }
    }
    loop.run_once(std::chrono::milliseconds(0));
  }
  ::close(epoll);
}
