// SPDX-License-Identifier: MIT
// Which socket an event is for stands in its 64 bits of user data: generation, two bits of kind,
// slot.
// A generation of 0 is the wake-up.
#include <io/epoll_loop.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <base/assert.hpp>
#include <io/socket_calls.hpp>

namespace walkie::io {
namespace {

constexpr std::uint32_t kListenerBit = std::uint32_t{1} << 31;
constexpr std::uint32_t kWatchBit = std::uint32_t{1} << 30;
constexpr std::uint64_t kWakeTag = 0;
constexpr std::size_t kChunksPerWrite = 64;
constexpr Duration kAcceptPause = std::chrono::milliseconds(100);
constexpr Duration kWaitMax = std::chrono::hours(1);

std::uint64_t tag_of(SocketId id, std::uint32_t kind) noexcept {
  WALKIE_ASSERT(id.slot < kWatchBit);
  return std::uint64_t{id.generation} << 32 | kind | id.slot;
}

Instant read_clock() noexcept { return std::chrono::steady_clock::now(); }

/// As sendmsg(), again where a signal came in between.
ssize_t send_pieces(const Fd& fd, std::span<const BytesView> chunks) noexcept {
  std::array<iovec, kChunksPerWrite> pieces;
  for (std::size_t i = 0; i < chunks.size(); ++i)
    pieces[i] = {const_cast<std::byte*>(chunks[i].data()), chunks[i].size()};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = chunks.size();
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd.get(), &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent;
}

}  // namespace

EpollLoop::EpollLoop(Fd epoll, Fd wake_event, const LoopOptions& options)
    : options_(options),
      epoll_(std::move(epoll)),
      wake_event_(std::move(wake_event)),
      now_(read_clock()),
      timers_(now_),
      events_(options.events_per_turn_max),
      receive_buffer_(std::make_unique_for_overwrite<std::byte[]>(options.receive_buffer_bytes)) {}

Result<std::unique_ptr<Loop>> make_epoll_loop(const LoopOptions& options) {
  WALKIE_ASSERT(options.receive_buffer_bytes > 0 && options.events_per_turn_max > 0 &&
                options.accepts_per_turn_max > 0);
  Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return std::unexpected(errno_error("creating an epoll instance"));
  Fd wake_event(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake_event) return std::unexpected(errno_error("creating an eventfd"));
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeTag}};
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake_event.get(), &event) != 0)
    return std::unexpected(errno_error("watching an eventfd"));
  return std::make_unique<EpollLoop>(std::move(epoll), std::move(wake_event), options);
}

// -- turns --

Result<void> EpollLoop::run_turn(Duration wait_max) {
  const int ready = wait(wait_max);
  if (ready < 0 && errno != EINTR) return std::unexpected(errno_error("waiting for socket events"));
  now_ = read_clock();
  in_turn_ = true;
  for (int i = 0; i < ready; ++i) tell(events_[static_cast<std::size_t>(i)]);
  timers_.advance(now_);
  if (woken_) end_wake();
  tell_failures();
  if (turn_handler_) turn_handler_->on_turn_end();
  in_turn_ = false;
  if (!failures_.empty()) wake();
  meter_.add(read_clock() - now_);
  return {};
}

/// How long the kernel may wait: not past a timer, and not at all while failures wait to be told.
Duration EpollLoop::wait_time(Duration wait_max) const {
  if (!failures_.empty()) return Duration::zero();
  Duration time = std::min(wait_max, kWaitMax);
  if (const auto deadline = timers_.next_deadline())
    time = std::min(time, *deadline - read_clock());
  return std::max(time, Duration::zero());
}

int EpollLoop::wait(Duration wait_max) {
  const Duration time = wait_time(wait_max);
  const int capacity = static_cast<int>(events_.size());
  if (has_pwait2_) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
    const timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (time - seconds).count()};
    const int ready = ::epoll_pwait2(epoll_.get(), events_.data(), capacity, &timeout, nullptr);
    if (ready >= 0 || errno != ENOSYS) return ready;
    has_pwait2_ = false;  // a kernel before 5.11
  }
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  return ::epoll_wait(epoll_.get(), events_.data(), capacity, static_cast<int>(ms));
}

void EpollLoop::tell(const epoll_event& event) {
  if (event.data.u64 == kWakeTag) {
    woken_ = true;
    return;
  }
  const auto low = static_cast<std::uint32_t>(event.data.u64);
  const SocketId id{.slot = low & ~(kListenerBit | kWatchBit),
                    .generation = static_cast<std::uint32_t>(event.data.u64 >> 32)};
  if ((low & kListenerBit) != 0)
    accept_some(id);
  else if ((low & kWatchBit) != 0)
    tell_watch(id, event.events);
  else
    tell_socket(id, event.events);
}

void EpollLoop::tell_watch(SocketId id, std::uint32_t events) {
  const Watch* watch = watches_.find(id);
  if (!watch) return;
  const bool trouble = (events & (EPOLLERR | EPOLLHUP)) != 0;
  watch->handler->on_ready(watch->fd, trouble || (events & EPOLLIN) != 0,
                           trouble || (events & EPOLLOUT) != 0);
}

// Failures of sends inside on_error() go to the next turn, which does not wait.
void EpollLoop::tell_failures() {
  const std::vector<Failure> failures = std::exchange(failures_, {});
  for (const auto& [id, error] : failures)
    if (Socket* socket = sockets_.find(id)) socket->handler->on_error(error);
}

// The flag is cleared before on_wake() looks: whoever posts after that look writes the eventfd
// anew.
void EpollLoop::end_wake() {
  woken_ = false;
  std::uint64_t count = 0;
  static_cast<void>(!::read(wake_event_.get(), &count, sizeof count));
  wake_pending_.exchange(false, std::memory_order_acq_rel);
  if (turn_handler_) turn_handler_->on_wake();
}

void EpollLoop::wake() noexcept {
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const int saved_errno = errno;  // this may run in a signal handler
  constexpr std::uint64_t kOne = 1;
  static_cast<void>(!::write(wake_event_.get(), &kOne, sizeof kOne));
  errno = saved_errno;
}

// -- listeners --

Result<SocketId> EpollLoop::listen(Fd fd, AcceptHandler& handler) {
  if (!make_nonblocking(fd)) return std::unexpected(errno_error("making a listener non-blocking"));
  const SocketId id = listeners_.emplace(*this, std::move(fd), handler);
  const Listener& listener = *listeners_.find(id);
  // Exclusive: of the shards that share one listening socket, not all are woken for one connection.
  epoll_event event{.events = EPOLLIN | EPOLLEXCLUSIVE, .data = {.u64 = tag_of(id, kListenerBit)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener.fd.get(), &event) == 0) return id;
  auto error = errno_error("watching a listener");
  listeners_.erase(id);
  return std::unexpected(std::move(error));
}

// Told to epoll too: the socket lives on where another shard has a duplicate of it.
void EpollLoop::stop_listening(SocketId id) {
  Listener* listener = listeners_.find(id);
  if (!listener) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener->fd.get(), nullptr);
  listeners_.erase(id);
}

void EpollLoop::accept_some(SocketId id) {
  for (std::size_t i = 0; i < options_.accepts_per_turn_max; ++i) {
    Listener* listener = listeners_.find(id);  // on_accepted() may have stopped it
    if (!listener) return;
    SocketAddress peer;
    peer.length = sizeof peer.storage;
    Fd fd(::accept4(listener->fd.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.length,
                    SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      listener->handler->on_accepted(std::move(fd), peer);
      continue;
    }
    if (errno == EAGAIN) return;
    if (!concerns_one_connection(errno)) return pause(*listener, errno);
  }
}

// Without descriptors the listener stays readable: watching it would spin.
void EpollLoop::pause(Listener& listener, int error) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, listener.fd.get(), nullptr);
  timers_.arm(listener, now_ + kAcceptPause);
  listener.handler->on_accept_failed(system_code(error));
}

void EpollLoop::resume(Listener& listener) {
  epoll_event event{.events = EPOLLIN | EPOLLEXCLUSIVE,
                    .data = {.u64 = tag_of(listener.id, kListenerBit)}};
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, listener.fd.get(), &event) != 0)
    timers_.arm(listener, now_ + kAcceptPause);
}

// -- sockets: calls --

Result<SocketId> EpollLoop::adopt(Fd fd, SocketHandler& handler) {
  if (!make_nonblocking(fd)) return std::unexpected(errno_error("making a socket non-blocking"));
  disable_delay(fd);
  const SocketId id = sockets_.emplace(std::move(fd), handler);
  if (watch(id, *sockets_.find(id), EPOLLIN)) return id;
  auto error = errno_error("watching a socket");
  sockets_.erase(id);
  return std::unexpected(std::move(error));
}

Result<SocketId> EpollLoop::connect(const SocketAddress& to, SocketHandler& handler,
                                    const SocketAddress* local) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(errno_error("creating a socket"));
  if (local && bind_local(fd, *local) != 0) {
    const std::error_code error = system_code(errno);
    return std::unexpected(system_error("binding " + local->text(), error));
  }
  disable_delay(fd);
  const int connected =
      ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length);
  const int connect_error = connected == 0 ? 0 : errno;
  const SocketId id = sockets_.emplace(std::move(fd), handler);
  Socket& socket = *sockets_.find(id);
  socket.connecting = true;
  // Success at once is told by epoll like any other: the socket is writable.
  if (connect_error != 0 && connect_error != EINPROGRESS)
    fail_later(id, socket, connect_error);
  else
    update_watch(id, socket);
  return id;
}

void EpollLoop::set_handler(SocketId id, SocketHandler& handler) {
  if (Socket* socket = sockets_.find(id)) socket->handler = &handler;
}

void EpollLoop::set_receiving(SocketId id, bool on) {
  Socket* socket = sockets_.find(id);
  if (!socket || socket->receiving == on) return;
  socket->receiving = on;
  update_watch(id, *socket);
}

std::size_t EpollLoop::send(SocketId id, std::span<const BytesView> chunks) {
  Socket* socket = sockets_.find(id);
  if (!socket || socket->dead || socket->busy) return 0;
  std::size_t bytes = 0;
  std::size_t written = 0;
  while (!chunks.empty() && written == bytes) {
    const auto batch = chunks.first(std::min(chunks.size(), kChunksPerWrite));
    chunks = chunks.subspan(batch.size());
    for (const BytesView chunk : batch) bytes += chunk.size();
    written += write_some(id, *socket, batch);
  }
  if (written < bytes && !socket->dead) {
    socket->busy = true;
    update_watch(id, *socket);
  }
  return written;
}

std::size_t EpollLoop::write_some(SocketId id, Socket& socket, std::span<const BytesView> chunks) {
  if (socket.connecting) return 0;
  const ssize_t written = send_pieces(socket.fd, chunks);
  if (written >= 0) return static_cast<std::size_t>(written);
  if (errno != EAGAIN) fail_later(id, socket, errno);
  return 0;
}

void EpollLoop::shutdown_send(SocketId id) {
  if (const Socket* socket = sockets_.find(id)) ::shutdown(socket->fd.get(), SHUT_WR);
}

// Events of this turn that are still to be told find a stale id. `in_flight` is freed on return:
// epoll never writes behind our back.
void EpollLoop::release(SocketId id, base::OutputQueue, bool reset) {
  const Socket* socket = sockets_.find(id);
  if (!socket) return;
  if (reset) {
    constexpr linger kAbort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket->fd.get(), SOL_SOCKET, SO_LINGER, &kAbort, sizeof kAbort);
  }
  sockets_.erase(id);
}

Fd EpollLoop::detach(SocketId id) {
  Socket* socket = sockets_.find(id);
  if (!socket) return {};
  unwatch(*socket);
  Fd fd = std::move(socket->fd);
  sockets_.erase(id);
  return fd;
}

// -- other people's descriptors --

/// A key that no watch has, where there is none. They are few: a resolver's.
SocketId EpollLoop::find_watch(int fd) noexcept {
  SocketId found{};
  watches_.for_each([&](SocketId id, const Watch& watch) {
    if (watch.fd == fd) found = id;
  });
  return found;
}

Result<void> EpollLoop::watch(int fd, bool readable, bool writable, ReadinessHandler& handler) {
  SocketId id = find_watch(fd);
  Watch* known = watches_.find(id);
  if (!readable && !writable) {
    if (!known) return {};
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
    watches_.erase(id);
    return {};
  }
  if (!known) id = watches_.emplace(Watch{fd, &handler});
  watches_.find(id)->handler = &handler;
  epoll_event event{.events = (readable ? std::uint32_t{EPOLLIN} : 0U) |
                              (writable ? std::uint32_t{EPOLLOUT} : 0U),
                    .data = {.u64 = tag_of(id, kWatchBit)}};
  if (::epoll_ctl(epoll_.get(), known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event) == 0) return {};
  auto error = errno_error("watching a descriptor");
  if (!known) watches_.erase(id);
  return std::unexpected(std::move(error));
}

// -- sockets: events. After a handler was called the socket may be gone: find it again --

void EpollLoop::tell_socket(SocketId id, std::uint32_t events) {
  Socket* socket = sockets_.find(id);
  if (!socket || socket->dead) return;
  if (socket->connecting) return finish_connect(id, *socket);
  const bool trouble = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (socket->receiving && !socket->ended) {
    if (trouble || (events & EPOLLIN) != 0) receive(id, *socket, events);
  } else if (trouble) {
    hung_up(id, *socket);
  }
  if (trouble || (events & EPOLLOUT) != 0) writable(id);
}

void EpollLoop::receive(SocketId id, Socket& socket, std::uint32_t events) {
  const ssize_t received =
      ::recv(socket.fd.get(), receive_buffer_.get(), options_.receive_buffer_bytes, 0);
  if (received > 0)
    return socket.handler->on_received({receive_buffer_.get(), static_cast<std::size_t>(received)});
  if (received == 0) {
    socket.ended = true;
    update_watch(id, socket);
    return socket.handler->on_end();
  }
  if (errno != EAGAIN && errno != EINTR) return die(id, socket, errno);
  if ((events & EPOLLERR) != 0) hung_up(id, socket);
}

// EPOLLERR and EPOLLHUP cannot be masked: what has no error to tell leaves epoll until it is wanted
// again, unless a send still waits for its end.
void EpollLoop::hung_up(SocketId id, Socket& socket) {
  if (const int error = pending_error(socket.fd)) return die(id, socket, error);
  if (wanted(socket) == 0) unwatch(socket);
}

// EPOLLOUT stays armed until it was told in vain once: a socket that fills up turn after turn costs
// no epoll_ctl().
void EpollLoop::writable(SocketId id) {
  Socket* socket = sockets_.find(id);
  if (!socket || socket->dead || !socket->registered) return;
  if (socket->busy) {
    socket->busy = false;
    return socket->handler->on_sent(0);
  }
  if (socket->watched != wanted(*socket)) watch(id, *socket, wanted(*socket));
}

void EpollLoop::finish_connect(SocketId id, Socket& socket) {
  socket.connecting = false;
  if (const int error = pending_error(socket.fd)) return die(id, socket, error);
  update_watch(id, socket);
  socket.handler->on_connected();
}

// -- what epoll watches --

std::uint32_t EpollLoop::wanted(const Socket& socket) noexcept {
  if (socket.connecting) return EPOLLOUT;
  std::uint32_t events = 0;
  if (socket.receiving && !socket.ended) events |= EPOLLIN;
  if (socket.busy) events |= EPOLLOUT;
  return events;
}

bool EpollLoop::watch(SocketId id, Socket& socket, std::uint32_t events) noexcept {
  epoll_event event{.events = events, .data = {.u64 = tag_of(id, 0)}};
  const int operation = socket.registered ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
  if (::epoll_ctl(epoll_.get(), operation, socket.fd.get(), &event) != 0) return false;
  socket.registered = true;
  socket.watched = events;
  return true;
}

void EpollLoop::update_watch(SocketId id, Socket& socket) {
  if (socket.dead) return;
  const std::uint32_t events = wanted(socket);
  const bool watched = socket.registered && (socket.watched & ~EPOLLOUT) == (events & ~EPOLLOUT) &&
                       (socket.watched & events) == events;
  if (!watched && !watch(id, socket, events)) fail_later(id, socket, errno);
}

void EpollLoop::unwatch(Socket& socket) noexcept {
  if (!std::exchange(socket.registered, false)) return;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, socket.fd.get(), nullptr);
}

/// Tells the error now. The socket waits, silent, for its release.
void EpollLoop::die(SocketId, Socket& socket, int error) {
  socket.dead = true;
  unwatch(socket);
  socket.handler->on_error(system_code(error));
}

// Between turns, a foreign loop must see that there is something to tell.
void EpollLoop::fail_later(SocketId id, Socket& socket, int error) {
  socket.dead = true;
  unwatch(socket);
  failures_.push_back({.id = id, .error = system_code(error)});
  if (!in_turn_) wake();
}

}  // namespace walkie::io
