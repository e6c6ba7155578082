// SPDX-License-Identifier: MIT
// Endpoints as text and as socket addresses, and listening sockets.
#include <io/endpoint.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <initializer_list>
#include <optional>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

namespace walkie::io {
namespace {

constexpr std::string_view kUnixPrefix = "unix:";

const sockaddr* generic(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr*>(&address.storage);
}
sockaddr_in& v4(SocketAddress& address) noexcept {
  return reinterpret_cast<sockaddr_in&>(address.storage);
}
const sockaddr_in& v4(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr_in&>(address.storage);
}
sockaddr_in6& v6(SocketAddress& address) noexcept {
  return reinterpret_cast<sockaddr_in6&>(address.storage);
}
const sockaddr_in6& v6(const SocketAddress& address) noexcept {
  return reinterpret_cast<const sockaddr_in6&>(address.storage);
}

std::string join(std::initializer_list<std::string_view> parts) {
  std::string all;
  for (const std::string_view part : parts) all += part;
  return all;
}

std::unexpected<Error> refuse(std::string_view endpoint, std::string_view reason) {
  return std::unexpected(Error{join({"address '", endpoint, "': ", reason}), {}});
}

// -- to text --

std::string v6_host(const sockaddr_in6& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (IN6_IS_ADDR_V4MAPPED(&address.sin6_addr)) {
    inet_ntop(AF_INET, &address.sin6_addr.s6_addr[12], buffer.data(), buffer.size());
    return buffer.data();
  }
  inet_ntop(AF_INET6, &address.sin6_addr, buffer.data(), buffer.size());
  std::string host = buffer.data();
  if (address.sin6_scope_id != 0) host += '%' + std::to_string(address.sin6_scope_id);
  return host;
}

std::string unix_text(const SocketAddress& address) {
  const auto& name = reinterpret_cast<const sockaddr_un&>(address.storage);
  constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);
  if (address.length <= kPathOffset) return "unix";
  const std::string_view path(name.sun_path, address.length - kPathOffset);
  if (path.front() == '\0') return "unix:@" + std::string(path.substr(1));
  return "unix:" + std::string(path.substr(0, path.find('\0')));
}

// -- from text --

/// Whether the machine has this address: a kernel may know IPv6 and have none configured.
bool can_bind(const SocketAddress& address) noexcept {
  const Fd probe(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return probe && ::bind(probe.get(), generic(address), address.length) == 0;
}

std::vector<SocketAddress> all_addresses(std::uint16_t port) {
  if (!can_bind(ip_address(in6addr_any, 0))) return {ip_address(in_addr{htonl(INADDR_ANY)}, port)};
  SocketAddress any = ip_address(in6addr_any, port);
  any.dual_stack = true;
  return {any};
}

std::vector<SocketAddress> localhost(std::uint16_t port) {
  std::vector<SocketAddress> addresses{ip_address(in_addr{htonl(INADDR_LOOPBACK)}, port)};
  if (can_bind(ip_address(in6addr_loopback, 0)))
    addresses.push_back(ip_address(in6addr_loopback, port));
  return addresses;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) noexcept {
  Number number{};
  const char* const begin = text.data();
  const char* const end = begin + text.size();
  const auto [stop, error] = std::from_chars(begin, end, number);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::optional<SocketAddress> parse_v4(std::string_view host, std::uint16_t port) {
  in_addr bytes{};
  if (inet_pton(AF_INET, std::string(host).c_str(), &bytes) != 1) return std::nullopt;
  return ip_address(bytes, port);
}

/// `host` as IPv6, with a zone by name or number as in fe80::1%eth0 (RFC 4007 §11).
std::optional<SocketAddress> parse_v6(std::string_view host, std::uint16_t port) {
  const std::size_t percent = host.find('%');
  in6_addr bytes{};
  if (inet_pton(AF_INET6, std::string(host.substr(0, percent)).c_str(), &bytes) != 1)
    return std::nullopt;
  SocketAddress address = ip_address(bytes, port);
  if (percent == std::string_view::npos) return address;
  const std::string zone(host.substr(percent + 1));
  const unsigned scope = parse_number<unsigned>(zone).value_or(if_nametoindex(zone.c_str()));
  if (scope == 0) return std::nullopt;
  v6(address).sin6_scope_id = scope;
  return address;
}

Result<std::vector<SocketAddress>> parse_unix(std::string_view text) {
  const std::string_view path = text.substr(kUnixPrefix.size());
  SocketAddress address;
  auto& name = reinterpret_cast<sockaddr_un&>(address.storage);
  if (path.empty()) return refuse(text, "the path is empty");
  if (path.find('\0') != std::string_view::npos) return refuse(text, "the path has a zero byte");
  if (path.size() >= sizeof(name.sun_path))
    return refuse(text, join({"the path is longer than ", std::to_string(sizeof(name.sun_path) - 1),
                              " bytes"}));
  name.sun_family = AF_UNIX;
  std::memcpy(name.sun_path, path.data(), path.size());
  address.length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  if (path.front() == '@')
    name.sun_path[0] = '\0';  // Linux's abstract namespace: no file, no zero at the end
  else
    ++address.length;
  return std::vector{address};
}

Result<std::vector<SocketAddress>> parse_bracketed(std::string_view text, std::string_view host,
                                                   std::uint16_t port) {
  const std::string_view inner = host.substr(1, host.size() - 2);
  if (const auto address = parse_v6(inner, port)) return std::vector{*address};
  return refuse(text, join({"'", inner, "' is not an IPv6 address"}));
}

Result<std::vector<SocketAddress>> parse_host(std::string_view text, std::string_view host,
                                              std::uint16_t port) {
  if (host.empty() || host == "*") return all_addresses(port);
  if (host == "localhost") return localhost(port);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']')
    return parse_bracketed(text, host, port);
  if (host.find(':') != std::string_view::npos)
    return refuse(text, "an IPv6 address needs brackets, as in [::1]:80");
  if (const auto address = parse_v4(host, port)) return std::vector{*address};
  return refuse(text, join({"'", host, "' is not an IP address, localhost or *"}));
}

// -- listening --

std::unexpected<Error> binding_failed(const SocketAddress& address, int error) {
  return std::unexpected(
      system_error("binding " + address.text(), {error, std::system_category()}));
}

bool set_option(const Fd& fd, int level, int name, int value) noexcept {
  return ::setsockopt(fd.get(), level, name, &value, sizeof value) == 0;
}

/// A file system path, with the zero at its end; null for IP and abstract addresses.
const char* unix_path(const SocketAddress& address) noexcept {
  if (address.family() != AF_UNIX) return nullptr;
  const auto& name = reinterpret_cast<const sockaddr_un&>(address.storage);
  return name.sun_path[0] ? name.sun_path : nullptr;
}

/// Whether the file at `address` is a socket that refuses connections: its owner is gone.
bool stale(const SocketAddress& address) noexcept {
  struct stat status{};
  if (::lstat(unix_path(address), &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  return probe && ::connect(probe.get(), generic(address), address.length) != 0 &&
         errno == ECONNREFUSED;
}

/// 0, or the errno.
int bind_unix(const Fd& fd, const SocketAddress& address, unsigned mode) noexcept {
  const char* const path = unix_path(address);
  int bound = ::bind(fd.get(), generic(address), address.length);
  if (bound != 0 && errno == EADDRINUSE && path) {
    if (!stale(address) || ::unlink(path) != 0) return EADDRINUSE;
    bound = ::bind(fd.get(), generic(address), address.length);
  }
  if (bound != 0) return errno;
  // Nobody connects before listen(), so the mode is never too wide for a moment.
  return path && mode != 0 && ::chmod(path, mode) != 0 ? errno : 0;
}

/// 0, or the errno. SO_REUSEADDR skips the wait for old connections of a former process.
int bind_ip(const Fd& fd, const SocketAddress& address, bool share_port) noexcept {
  if (!set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1)) return errno;
  if (share_port && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1)) return errno;
  if (address.family() == AF_INET6 &&
      !set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, address.dual_stack ? 0 : 1))
    return errno;
  return ::bind(fd.get(), generic(address), address.length) == 0 ? 0 : errno;
}

}  // namespace

std::string SocketAddress::host() const {
  std::array<char, INET_ADDRSTRLEN> buffer{};
  switch (family()) {
    case AF_INET:
      return inet_ntop(AF_INET, &v4(*this).sin_addr, buffer.data(), buffer.size());
    case AF_INET6:
      return v6_host(v6(*this));
    case AF_UNIX:
      return "unix";
    default:
      return "unknown";
  }
}

std::string SocketAddress::text() const {
  if (family() == AF_UNIX) return unix_text(*this);
  const std::string name = host();
  const bool brackets = name.find(':') != std::string::npos;
  const std::string number = std::to_string(port());
  return brackets ? join({"[", name, "]:", number}) : join({name, ":", number});
}

std::uint16_t SocketAddress::port() const noexcept {
  if (family() == AF_INET) return ntohs(v4(*this).sin_port);
  if (family() == AF_INET6) return ntohs(v6(*this).sin6_port);
  return 0;
}

void SocketAddress::set_port(std::uint16_t port) noexcept {
  if (family() == AF_INET) v4(*this).sin_port = htons(port);
  if (family() == AF_INET6) v6(*this).sin6_port = htons(port);
}

SocketAddress ip_address(const in_addr& host, std::uint16_t port) noexcept {
  SocketAddress address;
  v4(address).sin_family = AF_INET;
  v4(address).sin_addr = host;
  v4(address).sin_port = htons(port);
  address.length = sizeof(sockaddr_in);
  return address;
}

SocketAddress ip_address(const in6_addr& host, std::uint16_t port) noexcept {
  SocketAddress address;
  v6(address).sin6_family = AF_INET6;
  v6(address).sin6_addr = host;
  v6(address).sin6_port = htons(port);
  address.length = sizeof(sockaddr_in6);
  return address;
}

// A zero byte would cut the text short for inet_pton().
std::optional<SocketAddress> numeric_address(std::string_view host, std::uint16_t port) {
  if (host.find('\0') != std::string_view::npos) return std::nullopt;
  return host.find(':') == std::string_view::npos ? parse_v4(host, port) : parse_v6(host, port);
}

Result<std::vector<SocketAddress>> parse_endpoint(std::string_view text) {
  if (text.starts_with(kUnixPrefix)) return parse_unix(text);
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']'))
    return refuse(text, "expected HOST:PORT, [IPv6]:PORT or unix:PATH");
  const std::string_view port_text = text.substr(colon + 1);
  const auto port = parse_number<std::uint16_t>(port_text);
  if (!port) return refuse(text, "port must be 0 to 65535");
  return parse_host(text, text.substr(0, colon), *port);
}

Fd::~Fd() {
  if (fd_ >= 0) ::close(fd_);
}

// With SO_REUSEPORT another process of the same user could quietly take a part of the connections.
// So the first shard's socket binds and listens without it, which fails where anyone else listens,
// and offers to share only then.
Result<Fd> listen_on(const SocketAddress& address, const ListenOptions& options) {
  const bool ip = address.family() != AF_UNIX;
  const bool share = ip && options.reuse_port;
  Fd fd(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return binding_failed(address, errno);
  const int failed = ip ? bind_ip(fd, address, share && !options.exclusive)
                        : bind_unix(fd, address, options.unix_mode);
  if (failed != 0) return binding_failed(address, failed);
  if (::listen(fd.get(), options.backlog) != 0) return binding_failed(address, errno);
  if (share && options.exclusive && !set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1))
    return binding_failed(address, errno);
  return fd;
}

Result<SocketAddress> local_address(const Fd& fd) {
  SocketAddress address;
  address.length = sizeof address.storage;
  auto* const generic_address = reinterpret_cast<sockaddr*>(&address.storage);
  if (::getsockname(fd.get(), generic_address, &address.length) != 0)
    return std::unexpected(errno_error("asking for a socket's address"));
  return address;
}

}  // namespace walkie::io
