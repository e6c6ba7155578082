// SPDX-License-Identifier: MIT
// Waits in slices, so that the end of a test ends every script.
#include <pair/hostile_server.hpp>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>

#include <proto/handshake.hpp>

namespace walkie::test {
namespace {

constexpr int kSliceMs = 10;
constexpr int kSlicesMax = 2000;

/// The value of the request's Sec-WebSocket-Key.
std::string key_in(const std::string& request) {
  constexpr std::string_view kName = "Sec-WebSocket-Key: ";
  const std::size_t at = request.find(kName);
  if (at == std::string::npos) return {};
  const std::size_t begin = at + kName.size();
  return request.substr(begin, request.find("\r\n", begin) - begin);
}

}  // namespace

// -- one connection --

/// False where the test ends, or twenty seconds have passed.
bool HostilePeer::wait(short events) const {
  for (int slice = 0; slice < kSlicesMax && !stopping_.load(); ++slice) {
    pollfd polled{fd_, events, 0};
    if (::poll(&polled, 1, kSliceMs) > 0) return true;
  }
  return false;
}

std::string HostilePeer::read_request() {
  std::string head;
  while (!head.contains("\r\n\r\n")) {
    const std::string more = read_some();
    if (more.empty()) break;
    head += more;
  }
  return head;
}

bool HostilePeer::send(std::string_view bytes) {
  while (!bytes.empty() && wait(POLLOUT)) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return bytes.empty();
}

std::size_t HostilePeer::send_endlessly(std::string_view bytes, std::size_t bytes_max) {
  std::string many;
  while (many.size() < 65536) many += bytes;
  std::size_t sent = 0;
  while (sent < bytes_max && send(many)) sent += many.size();
  return sent;
}

void HostilePeer::drip(std::string_view bytes, std::chrono::milliseconds pause) {
  for (const char byte : bytes) {
    if (stopping_.load() || !send({&byte, 1})) return;
    std::this_thread::sleep_for(pause);
  }
}

bool HostilePeer::upgrade(std::string_view fields, std::string_view more) {
  const std::string key = key_in(read_request());
  if (key.empty()) return false;
  std::string answer =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      proto::accept_of_key(key) + "\r\n";
  return send(answer.append(fields).append("\r\n").append(more));
}

std::string HostilePeer::read_some() {
  std::array<char, 4096> bytes;
  if (!wait(POLLIN)) return {};
  const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
  return got > 0 ? std::string(bytes.data(), static_cast<std::size_t>(got)) : std::string();
}

std::string HostilePeer::read_to_end() {
  std::string all;
  for (std::string more = read_some(); !more.empty(); more = read_some()) all += more;
  return all;
}

void HostilePeer::wait_for_end() { wait(POLLRDHUP); }

void HostilePeer::reset() {
  constexpr linger kAbort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &kAbort, sizeof kAbort);
}

// -- the server --

HostileServer::HostileServer(std::function<void(HostilePeer&)> script)
    : script_(std::move(script)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener_, generic, length) != 0 || ::listen(listener_, 16) != 0)
    throw std::runtime_error("the hostile server cannot listen");
  ::getsockname(listener_, generic, &length);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([this] { run(); });
}

HostileServer::~HostileServer() {
  stopping_.store(true);
  thread_.join();
  ::close(listener_);
}

void HostileServer::run() {
  while (!stopping_.load()) {
    pollfd polled{listener_, POLLIN, 0};
    if (::poll(&polled, 1, kSliceMs) <= 0) continue;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    ++accepted_;
    constexpr int kOn = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
    HostilePeer peer(fd, stopping_);
    script_(peer);
    ::close(fd);
    ++served_;
  }
}

bool HostileServer::wait_served(unsigned clients) const {
  for (int slice = 0; slice < kSlicesMax && served_.load() < clients; ++slice)
    std::this_thread::sleep_for(std::chrono::milliseconds(kSliceMs));
  return served_.load() >= clients;
}

// -- frames --

std::string server_frame(unsigned first, std::string_view payload, bool masked) {
  std::string frame(1, static_cast<char>(first));
  const unsigned mask_bit = masked ? 0x80U : 0U;
  const std::size_t size = payload.size();
  const unsigned length_bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;
  const std::size_t length_code = length_bytes == 0 ? size : length_bytes == 2 ? 126 : 127;
  frame += static_cast<char>(mask_bit | length_code);
  for (unsigned i = length_bytes; i > 0; --i)
    frame += static_cast<char>(size >> (8 * (i - 1)) & 0xffU);
  if (masked) frame.append(4, '\0');
  return frame.append(payload);
}

}  // namespace walkie::test
