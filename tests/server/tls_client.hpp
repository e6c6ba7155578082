// SPDX-License-Identifier: MIT
// A blocking client under TLS: what it sends is what a test wrote down.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include <tls/tls_rig.hpp>

namespace walkie::test {

/// Gives up after five seconds of waiting. Takes certificates and contexts from a rig.
class TlsClient {
 public:
  TlsClient(TlsRig& rig, std::uint16_t port, std::string_view host = "server.example")
      : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (!rig.client_context) rig.make_contexts();
    side_.filter = std::make_unique<tls::Filter>(*rig.client_context, host, port, rig.pool);
    constexpr timeval kPatience{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    flush();
    while (side_.log.empty() && more()) {
    }
  }
  ~TlsClient() { ::close(fd_); }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  [[nodiscard]] bool open() const { return side_.filter->open() && side_.log.size() == 1; }
  [[nodiscard]] const tls::Filter& filter() const { return *side_.filter; }
  [[nodiscard]] std::string outcome() const { return side_.outcome(); }

  void send(std::string_view text) {
    side_.send(text);
    flush();
  }
  void shutdown() {
    side_.filter->shutdown();
    flush();
  }
  /// What came so far, once it contains `text`, or all where the end or patience comes first.
  std::string read_until(std::string_view text) {
    while (!side_.plain.contains(text) && more()) {
    }
    return std::exchange(side_.plain, {});
  }
  /// Reads to the end.
  std::string read_all() {
    while (more()) {
    }
    return std::exchange(side_.plain, {});
  }

 private:
  void flush() {
    const std::string bytes = side_.take_output();
    static_cast<void>(!::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  }
  bool more() {
    std::array<char, 16'384> buffer;
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count <= 0) return false;
    side_.receive({buffer.data(), static_cast<std::size_t>(count)}, SIZE_MAX);
    flush();
    return true;
  }

  int fd_;
  Side side_;
};

}  // namespace walkie::test
