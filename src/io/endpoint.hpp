// SPDX-License-Identifier: MIT
// Where to listen or connect: HOST:PORT, [v6]:PORT or unix:PATH, and the kernel's form of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <walkie/error.hpp>

namespace walkie::io {

/// A socket address with its length. A value.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  bool dual_stack = false;  ///< Listening on [::]: takes IPv4 too.
  [[nodiscard]] int family() const noexcept { return storage.ss_family; }
  /// "127.0.0.1:80", "[::1]:80", "unix:/path", "unix:@abstract", "unix" where unnamed.
  [[nodiscard]] std::string text() const;
  /// Without the port: the key for limits per address. IPv4-mapped IPv6 counts as IPv4;
  /// all unix peers are "unix".
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::uint16_t port() const noexcept;  ///< 0 of unix addresses.
  void set_port(std::uint16_t port) noexcept;         ///< Of IP addresses.
};

[[nodiscard]] SocketAddress ip_address(const in_addr& host, std::uint16_t port) noexcept;
[[nodiscard]] SocketAddress ip_address(const in6_addr& host, std::uint16_t port) noexcept;

/// `host` where it is an address and no name: IPv4 as four decimal numbers, or IPv6 without
/// brackets, with a zone by name or number as in fe80::1%eth0 (RFC 4007 §11).
[[nodiscard]] std::optional<SocketAddress> numeric_address(std::string_view host,
                                                           std::uint16_t port);

/// Parses an endpoint with a numeric host, "localhost" (127.0.0.1 and, where the machine has it,
/// ::1), "*" or an empty host (all addresses: [::] with IPv4, or 0.0.0.0 where there is no IPv6)
/// and a port (0: any free one). "unix:@NAME" is abstract. No name look-ups. Errors: one line that
/// quotes `text`, such as "address 'foo:99999': port must be 0 to 65535".
[[nodiscard]] Result<std::vector<SocketAddress>> parse_endpoint(std::string_view text);

/// Owns a file descriptor.
class Fd {
 public:
  Fd() noexcept = default;
  explicit Fd(int fd) noexcept : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd();
  [[nodiscard]] int get() const noexcept { return fd_; }
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct ListenOptions {
  int backlog = 4096;
  bool reuse_port = true;  ///< One listener per shard on the same port; IP only.
  /// Fails where anyone, this process included, listens there already. The further shards'
  /// listeners on the same port say false.
  bool exclusive = true;
  unsigned unix_mode = 0;  ///< chmod for unix sockets; 0: leave the umask's.
};

/// A bound, listening, non-blocking socket. Errors name the address and the reason. A stale unix
/// socket file that nobody listens on is replaced; one in use is an error.
[[nodiscard]] Result<Fd> listen_on(const SocketAddress& address, const ListenOptions& options);

/// The address a socket is bound to (the real port where 0 was asked).
[[nodiscard]] Result<SocketAddress> local_address(const Fd& fd);

}  // namespace walkie::io
