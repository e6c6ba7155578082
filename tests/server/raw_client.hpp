// SPDX-License-Identifier: MIT
// A client of nothing but a blocking socket: what it sends is what a test wrote down.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <io/kernel_order.hpp>

namespace walkie::test {

/// A frame as a server sends it.
struct Frame {
  unsigned opcode = 0;
  bool fin = false;
  bool compressed = false;
  std::string payload;
  /// Of a Close frame; 0 where there is none.
  [[nodiscard]] unsigned close_code() const {
    if (opcode != 8 || payload.size() < 2) return 0;
    const auto byte = [this](std::size_t at) -> unsigned {
      return static_cast<unsigned char>(payload[at]);
    };
    return byte(0) << 8 | byte(1);
  }
};

/// Gives up after twenty seconds of waiting, so that a failing test ends.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    open(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  explicit RawClient(const std::string& unix_path) : fd_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    unix_path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    open(reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  static RawClient over_ipv6(std::uint16_t port) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    address.sin6_addr = in6addr_loopback;
    return RawClient(AF_INET6, reinterpret_cast<const sockaddr*>(&address), sizeof(address));
  }
  RawClient(RawClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), in_(std::move(other.in_)) {}
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() {
    if (fd_ >= 0) ::close(fd_);
  }

  /// Connects and upgrades `path`; throws where the answer is not 101.
  static RawClient websocket(std::uint16_t port, std::string_view path,
                             std::string_view more_fields = {}) {
    RawClient client(port);
    client.upgrade(path, more_fields);
    return client;
  }

  /// Sends the opening handshake and returns the answer's head.
  std::string try_upgrade(std::string_view path, std::string_view more_fields = {}) {
    send("GET " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
         std::string(more_fields) + "\r\n");
    return read_head();
  }
  void upgrade(std::string_view path, std::string_view more_fields = {}) {
    const std::string head = try_upgrade(path, more_fields);
    if (!head.starts_with("HTTP/1.1 101 ")) throw std::runtime_error("not upgraded: " + head);
  }

  void send(std::string_view bytes) {
    io::order_before_send();
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // the server has ended it: the next read tells
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
  }
  void send_frame(unsigned opcode, std::string_view payload, bool fin = true, bool rsv1 = false) {
    std::string frame;
    frame += static_cast<char>((fin ? 0x80U : 0U) | (rsv1 ? 0x40U : 0U) | opcode);
    if (payload.size() < 126) {
      frame += static_cast<char>(0x80U | payload.size());
    } else if (payload.size() < 65536) {
      frame += static_cast<char>(0x80U | 126U);
      append_length(frame, payload.size(), 2);
    } else {
      frame += static_cast<char>(0x80U | 127U);
      append_length(frame, payload.size(), 8);
    }
    frame.append(4, '\0');  // a key of zeros masks nothing
    send(frame.append(payload));
  }
  void finish_sending() { ::shutdown(fd_, SHUT_WR); }

  /// Up to and with the empty line; what is behind it stays for the next read.
  std::string read_head() {
    for (;;) {
      if (const auto end = in_.find("\r\n\r\n"); end != std::string::npos) return take(end + 4);
      if (!read_more()) return take(in_.size());
    }
  }
  std::string read(std::size_t bytes) {
    while (in_.size() < bytes)
      if (!read_more()) throw std::runtime_error("the server sent less than expected");
    return take(bytes);
  }
  std::string read_to_end() {
    while (read_more()) {
    }
    return take(in_.size());
  }
  Frame read_frame() {
    const std::string head = read(2);
    const auto first = static_cast<unsigned char>(head[0]);
    std::uint64_t length = static_cast<unsigned char>(head[1]);
    if (length >= 126) {
      const std::string more = read(length == 126 ? 2 : 8);
      length = 0;
      for (const char c : more) length = (length << 8) | static_cast<unsigned char>(c);
    }
    return {first & 0x0FU, (first & 0x80U) != 0, (first & 0x40U) != 0, read(length)};
  }
  /// The next frame that is no Ping.
  Frame read_message() {
    for (;;)
      if (Frame frame = read_frame(); frame.opcode != 9) return frame;
  }
  /// Whether the server ended the connection, with nothing more before it.
  bool at_end() { return in_.empty() && !read_more(); }

 private:
  RawClient(int family, const sockaddr* address, socklen_t length)
      : fd_(::socket(family, SOCK_STREAM, 0)) {
    open(address, length);
  }
  void open(const sockaddr* address, socklen_t length) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (::connect(fd_, address, length) != 0) throw std::runtime_error("cannot connect");
  }
  static void append_length(std::string& frame, std::uint64_t length, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
      frame += static_cast<char>((length >> shift) & 0xFF);
  }
  bool read_more() {
    char chunk[65536];
    const ssize_t got = ::recv(fd_, chunk, sizeof(chunk), 0);
    io::order_after_receive();
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
      throw std::runtime_error("the server stayed silent for twenty seconds");
    if (got <= 0) return false;
    in_.append(chunk, static_cast<std::size_t>(got));
    return true;
  }
  std::string take(std::size_t bytes) {
    std::string out = in_.substr(0, bytes);
    in_.erase(0, bytes);
    return out;
  }

  int fd_;
  std::string in_;
};

}  // namespace walkie::test
