// SPDX-License-Identifier: MIT
// Sockets on io_uring: what their owners ask for, and what completions tell them.
#include <io/uring_loop.hpp>

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <io/kernel_order.hpp>
#include <io/socket_calls.hpp>

namespace walkie::io {
namespace {

constexpr std::size_t kSpareOperationsMax = 256;
/// A send of so much does not wait for the turn's end.
constexpr std::size_t kSendNowBytes = std::size_t{8} << 10;

}  // namespace

// Where work is deferred, the kernel touches our memory only inside a call of the one thread that
// may enter; where it is not, any thread may finish. Either way nothing is touched behind finish().
UringLoop::~UringLoop() {
  finish();
  ring_.reset();
  sockets_.for_each([](SocketId, Socket& socket) { delete socket.sending; });
}

// -- calls --

UringLoop::Socket* UringLoop::find(SocketId id) noexcept {
  Socket* socket = sockets_.find(id);
  return socket && !socket->released ? socket : nullptr;
}

Result<SocketId> UringLoop::adopt(Fd fd, SocketHandler& handler) {
  if (!make_blocking(fd)) return std::unexpected(errno_error("making a socket blocking"));
  disable_delay(fd);
  const SocketId id = sockets_.emplace(std::move(fd), handler);
  receive(id, *sockets_.find(id));
  flush_outside_turn();
  return id;
}

Result<SocketId> UringLoop::connect(const SocketAddress& to, SocketHandler& handler,
                                    const SocketAddress* local) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return std::unexpected(errno_error("creating a socket"));
  if (local && bind_local(fd, *local) != 0) {
    const std::error_code error = system_code(errno);
    return std::unexpected(system_error("binding " + local->text(), error));
  }
  disable_delay(fd);
  const SocketId id = sockets_.emplace(std::move(fd), handler);
  Socket& socket = *sockets_.find(id);
  socket.connecting = true;
  socket.rest = std::make_unique<Rest>(to, std::nullopt);
  start(Kind::connect, id, [&socket](io_uring_sqe& entry) {
    const SocketAddress& address = socket.rest->connect_to;
    io_uring_prep_connect(&entry, socket.fd.get(),
                          reinterpret_cast<const sockaddr*>(&address.storage), address.length);
  });
  ++socket.operations;
  flush_outside_turn();
  return id;
}

void UringLoop::set_handler(SocketId id, SocketHandler& handler) {
  if (Socket* socket = find(id)) socket->handler = &handler;
}

void UringLoop::set_receiving(SocketId id, bool on) {
  Socket* socket = find(id);
  if (!socket || socket->wants_receiving == on) return;
  socket->wants_receiving = on;
  if (on && socket->rest && (socket->rest->held_end || !socket->rest->held.empty())) {
    to_tell_.push_back(id);
    if (!in_turn_) wake();
  }
  update(id, *socket);
  flush_outside_turn();
}

/// Small sends of a turn go in one submission. The first try does not wait for room, so that the
/// owner learns that there is none; the next one does. Large ones go now, while they are in the
/// processor's cache: that saves more than a system call costs.
std::size_t UringLoop::send(SocketId id, std::span<const BytesView> chunks) {
  Socket* socket = find(id);
  if (!socket || socket->dead || socket->busy || chunks.empty()) return 0;
  order_before_send();
  socket->busy = true;
  if (socket->connecting) return 0;  // told by on_sent() once it stands
  const bool all = chunks.size() <= kChunksPerSend;
  chunks = chunks.first(std::min(chunks.size(), kChunksPerSend));
  std::size_t bytes = 0;
  for (const BytesView chunk : chunks) bytes += chunk.size();
  std::size_t written = 0;
  if (all && bytes >= kSendNowBytes && !socket->full) {
    written = send_now(*socket, chunks);
    socket->busy = written < bytes;
    if (!socket->busy) return written;
    socket->full = true;
  }
  send_later(id, *socket, chunks, written);
  flush_outside_turn();
  return written;
}

/// What fails here fails again in the ring, which tells it.
std::size_t UringLoop::send_now(const Socket& socket, std::span<const BytesView> chunks) noexcept {
  SendOperation operation;
  operation.set(chunks, 0);
  const ssize_t sent = ::sendmsg(socket.fd.get(), &operation.message, MSG_NOSIGNAL | MSG_DONTWAIT);
  return sent > 0 ? static_cast<std::size_t>(sent) : 0;
}

/// Queues what is behind the first `written` bytes.
void UringLoop::send_later(SocketId id, Socket& socket, std::span<const BytesView> chunks,
                           std::size_t written) {
  const int fd = socket.fd.get();
  const unsigned how = MSG_NOSIGNAL | (socket.full ? 0U : unsigned{MSG_DONTWAIT});
  ++socket.operations;
  if (chunks.size() == 1) {
    const BytesView rest = chunks[0].subspan(written);
    return start(Kind::send, id, [&](io_uring_sqe& entry) {
      io_uring_prep_send(&entry, fd, rest.data(), rest.size(), static_cast<int>(how));
    });
  }
  if (spare_.empty()) spare_.push_back(std::make_unique<SendOperation>());
  socket.sending = spare_.back().release();
  spare_.pop_back();
  socket.sending->set(chunks, written);
  start(Kind::send, id, [&](io_uring_sqe& entry) {
    io_uring_prep_sendmsg(&entry, fd, &socket.sending->message, how);
  });
}

void UringLoop::shutdown_send(SocketId id) {
  if (const Socket* socket = find(id)) ::shutdown(socket->fd.get(), SHUT_WR);
}

void UringLoop::release(SocketId id, base::OutputQueue in_flight, bool reset) {
  Socket* socket = find(id);
  if (!socket) return;
  order_before_send();  // a FIN is received too
  socket->reset = reset;
  if (socket->busy && socket->operations > 0) {
    if (!socket->rest) socket->rest = std::make_unique<Rest>();
    socket->rest->in_flight.emplace(std::move(in_flight));
  }
  forsake(id, *socket);
}

/// Nobody is told of the socket any more; it is closed when the kernel is done with it.
void UringLoop::forsake(SocketId id, Socket& socket) {
  socket.released = true;
  if (socket.operations == 0) return close(id, socket);
  if (socket.busy) cancel(Kind::send, id);
  if (socket.receiving && !socket.stopping) cancel(Kind::receive, id);
  if (socket.connecting) cancel(Kind::connect, id);
  if (socket.watching) cancel(Kind::hang_up, id);
  flush_outside_turn();
}

Fd UringLoop::detach(SocketId id) {
  Socket* socket = find(id);
  if (!socket) return {};
  if (socket->operations == 0) {
    Fd fd = std::move(socket->fd);
    sockets_.erase(id);
    return fd;
  }
  // The kernel's operations hold the socket, not the descriptor: a copy outlives them.
  Fd copy(::fcntl(socket->fd.get(), F_DUPFD_CLOEXEC, 0));
  forsake(id, *socket);
  return copy;
}

// -- completions. After a handler was called the socket may be gone: find it again --

/// An operation is over. The last one of a released socket closes it.
void UringLoop::end_operation(SocketId id, Socket& socket) {
  --socket.operations;
  if (socket.released && socket.operations == 0) close(id, socket);
}

void UringLoop::close(SocketId id, Socket& socket) {
  if (socket.reset) {
    constexpr linger kAbort{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket.fd.get(), SOL_SOCKET, SO_LINGER, &kAbort, sizeof kAbort);
  }
  sockets_.erase(id);
}

void UringLoop::receive(SocketId id, Socket& socket) {
  const int fd = socket.fd.get();
  start(Kind::receive, id, [fd](io_uring_sqe& entry) {
    io_uring_prep_recv_multishot(&entry, fd, nullptr, 0, 0);
    entry.flags |= IOSQE_BUFFER_SELECT;
    entry.buf_group = Uring::kBufferGroup;
  });
  socket.receiving = true;
  socket.stopping = false;
  ++socket.operations;
}

void UringLoop::complete_receive(SocketId id, int result, unsigned flags) {
  tell_received(id, result, flags);
  if ((flags & IORING_CQE_F_BUFFER) != 0)
    ring_->give_back(flags, static_cast<std::size_t>(std::max(result, 0)));
  if ((flags & IORING_CQE_F_MORE) != 0) return;
  Socket* socket = sockets_.find(id);
  if (!socket) return;
  socket->receiving = false;
  socket->stopping = false;
  if (!socket->released && !socket->dead) to_update_.push_back(id);
  end_operation(id, *socket);
}

void UringLoop::tell_received(SocketId id, int result, unsigned flags) {
  Socket* socket = find(id);
  if (!socket || socket->dead || socket->ended || finishing_) return;
  order_after_receive();
  if (result < 0) {
    if (!is_momentary(-result)) die(id, *socket, -result);
    return;
  }
  if (result == 0) socket->ended = true;
  const MutableBytes bytes =
      result > 0 ? ring_->received(flags, static_cast<std::size_t>(result)) : MutableBytes{};
  const bool behind_held = socket->rest && !socket->rest->held.empty();
  if (!socket->wants_receiving || behind_held) return hold(*socket, bytes);
  if (result > 0) return socket->handler->on_received(bytes);
  socket->handler->on_end();
}

/// What the kernel had read before it learned that nothing more is wanted waits here; it is no more
/// than all its buffers. Without `bytes`, the FIN.
void UringLoop::hold(Socket& socket, BytesView bytes) {
  if (!socket.rest) socket.rest = std::make_unique<Rest>();
  if (bytes.empty()) socket.rest->held_end = true;
  socket.rest->held.insert(socket.rest->held.end(), bytes.begin(), bytes.end());
}

/// What was held and is wanted again comes in front of all that arrives in this turn.
void UringLoop::tell_held() {
  round_.swap(to_tell_);
  for (const SocketId id : round_) tell_held(id);
  round_.clear();
}

void UringLoop::tell_held(SocketId id) {
  Socket* socket = find(id);
  if (!socket || socket->dead || !socket->wants_receiving || !socket->rest) return;
  std::vector<std::byte> bytes = std::exchange(socket->rest->held, {});
  if (!bytes.empty()) socket->handler->on_received(bytes);
  socket = find(id);
  if (!socket || socket->dead || !socket->wants_receiving) return;
  if (std::exchange(socket->rest->held_end, false)) socket->handler->on_end();
}

void UringLoop::complete_send(SocketId id, int result) {
  Socket* socket = sockets_.find(id);
  if (!socket) return;
  socket->busy = false;
  if (socket->sending) {
    std::unique_ptr<SendOperation> done(std::exchange(socket->sending, nullptr));
    if (spare_.size() < kSpareOperationsMax) spare_.push_back(std::move(done));
  }
  const bool alive = !socket->released && !socket->dead && !finishing_;
  const bool broken = result < 0 && !is_momentary(-result);
  socket->full = result == -EAGAIN;
  SocketHandler* handler = socket->handler;
  if (alive && broken) socket->dead = true;
  end_operation(id, *socket);
  if (!alive) return;
  if (broken)
    handler->on_error(system_code(-result));
  else
    handler->on_sent(static_cast<std::size_t>(std::max(result, 0)));
}

void UringLoop::complete_connect(SocketId id, int result) {
  Socket* socket = sockets_.find(id);
  if (!socket) return;
  socket->connecting = false;
  socket->rest.reset();
  SocketHandler* handler = socket->handler;
  const bool told = !socket->released && !finishing_;
  if (told && result < 0) socket->dead = true;
  end_operation(id, *socket);
  if (!told) return;
  if (result < 0) return handler->on_error(system_code(-result));
  handler->on_connected();
  // Only now: its owner may have handed the socket on.
  Socket* connected = find(id);
  if (!connected) return;
  update(id, *connected);
  if (!connected->busy) return;
  connected->busy = false;  // it tried to send too early
  connected->handler->on_sent(0);
}

/// Errors and hang-ups are told also while nothing is received.
void UringLoop::watch_hang_up(SocketId id, Socket& socket) {
  const int fd = socket.fd.get();
  // POLLERR and POLLHUP come unasked.
  start(Kind::hang_up, id, [fd](io_uring_sqe& entry) { io_uring_prep_poll_add(&entry, fd, 0); });
  socket.watching = true;
  ++socket.operations;
}

void UringLoop::complete_hang_up(SocketId id, int result) {
  Socket* socket = sockets_.find(id);
  if (!socket) return;
  socket->watching = false;
  const bool told =
      result > 0 && !socket->released && !socket->dead && !socket->receiving && !finishing_;
  end_operation(id, *socket);
  if (!told) return;
  if (const int error = pending_error(socket->fd)) die(id, *socket, error);
}

/// Sees to it that the kernel does what is wanted of this socket, and no more.
void UringLoop::update(SocketId id, Socket& socket) {
  if (socket.dead || socket.connecting) return;
  const bool wants = socket.wants_receiving && !socket.ended;
  if (wants && !socket.receiving) return receive(id, socket);
  if (!wants && socket.receiving && !socket.stopping) {
    socket.stopping = true;
    return cancel(Kind::receive, id);
  }
  if (!wants && !socket.receiving && !socket.watching) watch_hang_up(id, socket);
}

/// Tells the error now. The socket waits, silent, for its release.
void UringLoop::die(SocketId, Socket& socket, int error) {
  socket.dead = true;
  socket.handler->on_error(system_code(error));
}

}  // namespace walkie::io
