// SPDX-License-Identifier: MIT
// Small calls on sockets that both backends make.
#pragma once

#include <cerrno>
#include <system_error>

#include <io/endpoint.hpp>

namespace walkie::io {

/// epoll's way: a call that would wait returns.
[[nodiscard]] bool make_nonblocking(const Fd& fd) noexcept;
/// io_uring's way: an operation that would wait waits in the kernel.
[[nodiscard]] bool make_blocking(const Fd& fd) noexcept;

/// TCP_NODELAY; nothing happens to unix sockets, which have no such delay.
void disable_delay(const Fd& fd) noexcept;

[[nodiscard]] inline std::error_code system_code(int error) noexcept {
  return {error, std::system_category()};
}

/// Whether an operation in the kernel ended for reasons of the moment, and may be tried again.
[[nodiscard]] inline bool is_momentary(int error) noexcept {
  return error == ECANCELED || error == ENOBUFS || error == EINTR || error == EAGAIN;
}

/// Takes the socket's pending error; 0 where there is none.
[[nodiscard]] int pending_error(const Fd& fd) noexcept;

/// Binds the source address of a connect() to come. As bind().
[[nodiscard]] int bind_local(const Fd& fd, const SocketAddress& local) noexcept;

/// Whether accept() failed for the sake of one connection only: it died before, or its network's
/// trouble is handed on (accept(2)). The next one may be fine.
[[nodiscard]] bool concerns_one_connection(int error) noexcept;

}  // namespace walkie::io
