// SPDX-License-Identifier: MIT
// A bare TCP echo on epoll: the least that a server can spend on a message. What walkie spends is
// compared with this, in the same run and under the same load.
//
// usage: bare_echo PORT    (127.0.0.1, one thread)
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

[[noreturn]] void fail(const char* doing) {
  std::perror(doing);
  std::exit(1);
}

int listen_on(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<in_port_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    fail("bind");
  constexpr int kBacklog = 4096;
  if (listen(listener, kBacklog) != 0) fail("listen");
  return listener;
}

void watch(int poll, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

void accept_all(int poll, int listener) {
  const int on = 1;
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
    if (fd < 0) return;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(poll, fd);
  }
}

/// The load keeps little enough under way that a write always takes everything; where it does
/// not, the comparison would be void, so the connection ends and the load generator says so.
void echo(int fd, std::vector<std::byte>& buffer) {
  const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (got <= 0 || send(fd, buffer.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) != got)
    close(fd);
}

void allow_many_descriptors() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int count, char** words) {
  if (count != 2) {
    std::fprintf(stderr, "usage: bare_echo PORT\n");
    return 2;
  }
  allow_many_descriptors();
  const int listener = listen_on(std::atoi(words[1]));
  const int poll = epoll_create1(0);
  watch(poll, listener);
  std::vector<std::byte> buffer(std::size_t{512} * 1024);
  std::vector<epoll_event> events(1024);
  for (;;) {
    const int ready = epoll_wait(poll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener)
        accept_all(poll, listener);
      else
        echo(fd, buffer);
    }
  }
}
