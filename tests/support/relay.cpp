// SPDX-License-Identifier: MIT
// Polls every ten milliseconds: a relay's switches take effect by then.
#include <support/relay.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace walkie::test {
namespace {

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

void reset(int fd) {
  constexpr linger kAbort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &kAbort, sizeof kAbort);
  ::close(fd);
}

void send_at_once(int fd) {
  constexpr int kOn = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
}

}  // namespace

Relay::Relay(std::uint16_t to) : to_(to) {
  listen_on(0);
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  stopping_.store(true);
  thread_.join();
  close_all();
  if (listener_ >= 0) ::close(listener_);
}

void Relay::listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  constexpr int kOn = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn);
  sockaddr_in address = loopback(port);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), length) != 0 ||
      ::listen(fd, 128) != 0)
    throw std::runtime_error("the relay cannot listen");
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  port_ = ntohs(address.sin_port);
  listener_ = fd;
}

void Relay::cut() {
  const std::lock_guard lock(mutex_);
  close_all();
}

void Relay::close_all() {
  for (const Pipe& pipe : pipes_) {
    reset(pipe.client);
    reset(pipe.server);
  }
  pipes_.clear();
}

void Relay::refuse(bool on) {
  const std::lock_guard lock(mutex_);
  if (on && listener_ >= 0) {
    ::close(listener_);
    listener_ = -1;
  }
  if (!on && listener_ < 0) listen_on(port_);
}

void Relay::run() {
  while (!stopping_.load()) {
    std::vector<pollfd> polled;
    {
      const std::lock_guard lock(mutex_);
      if (listener_ >= 0) polled.push_back({listener_, POLLIN, 0});
      if (!frozen_.load())
        for (const Pipe& pipe : pipes_) {
          polled.push_back({pipe.client, POLLIN, 0});
          polled.push_back({pipe.server, POLLIN, 0});
        }
    }
    ::poll(polled.data(), polled.size(), 10);
    const std::lock_guard lock(mutex_);
    for (const pollfd& one : polled) {
      if (one.revents == 0) continue;
      if (one.fd == listener_) {
        accept_one();
        continue;
      }
      for (auto pipe = pipes_.begin(); pipe != pipes_.end(); ++pipe) {
        const bool from_client = one.fd == pipe->client;
        if (!from_client && one.fd != pipe->server) continue;
        if (!pass(one.fd, from_client ? pipe->server : pipe->client,
                  from_client && swallowing_.load())) {
          ::close(pipe->client);
          ::close(pipe->server);
          pipes_.erase(pipe);
        }
        break;
      }
    }
  }
}

void Relay::accept_one() {
  const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  ++accepted_;
  const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = loopback(to_);
  if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    reset(client);
    ::close(server);
    return;
  }
  send_at_once(client);
  send_at_once(server);
  pipes_.push_back({client, server});
}

/// False where that end is over.
bool Relay::pass(int from, int to, bool drop) {
  std::array<char, 65536> bytes;
  const ssize_t got = ::recv(from, bytes.data(), bytes.size(), 0);
  if (got <= 0) return false;
  if (drop) return true;
  return ::send(to, bytes.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) == got;
}

}  // namespace walkie::test
