// SPDX-License-Identifier: MIT
// What the kernel wants to be asked, and how.
#include <io/socket_calls.hpp>

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace walkie::io {
namespace {

bool set_flag(const Fd& fd, int flag, bool on) noexcept {
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0) return false;
  const int wanted = on ? flags | flag : flags & ~flag;
  return wanted == flags || ::fcntl(fd.get(), F_SETFL, wanted) == 0;
}

}  // namespace

bool make_nonblocking(const Fd& fd) noexcept { return set_flag(fd, O_NONBLOCK, true); }

bool make_blocking(const Fd& fd) noexcept { return set_flag(fd, O_NONBLOCK, false); }

void disable_delay(const Fd& fd) noexcept {
  constexpr int kOn = 1;
  static_cast<void>(::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn));
}

int pending_error(const Fd& fd) noexcept {
  int error = 0;
  socklen_t length = sizeof error;
  return ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

int bind_local(const Fd& fd, const SocketAddress& local) noexcept {
  // Lets the kernel choose the port at connect(), by the whole address pair: more of them fit.
  constexpr int kOn = 1;
  if (local.family() != AF_UNIX && local.port() == 0)
    static_cast<void>(
        ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &kOn, sizeof kOn));
  return ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&local.storage), local.length);
}

bool concerns_one_connection(int error) noexcept {
  constexpr std::array kErrors{ECONNABORTED, EINTR,     EPROTO,       ENOPROTOOPT,
                               ENETDOWN,     EHOSTDOWN, EHOSTUNREACH, ENETUNREACH};
  return std::find(kErrors.begin(), kErrors.end(), error) != kErrors.end();
}

}  // namespace walkie::io
