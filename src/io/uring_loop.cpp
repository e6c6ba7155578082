// SPDX-License-Identifier: MIT
// Operations and their completions. Which object a completion is for stands in its 64 bits of user
// data: kind (4), slot (28), generation (32).
#include <io/uring_loop.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <base/assert.hpp>
#include <io/socket_calls.hpp>

namespace walkie::io {
namespace {

constexpr Duration kAcceptPause = std::chrono::milliseconds(100);
constexpr Duration kWaitMax = std::chrono::hours(1);
constexpr std::size_t kIdsReserved = 64;  // a quiet loop allocates nothing
constexpr unsigned kKindShift = 60;
constexpr std::uint32_t kSlotMax = (std::uint32_t{1} << 28) - 1;

Instant read_clock() noexcept { return std::chrono::steady_clock::now(); }

/// The loop whose turn this thread runs: others are nudged through its ring.
thread_local UringLoop* current_loop = nullptr;

/// Also in a signal handler.
void write_event(int event) noexcept {
  const int saved_errno = errno;
  constexpr std::uint64_t kOne = 1;
  static_cast<void>(!::write(event, &kOne, sizeof kOne));
  errno = saved_errno;
}

/// Whether a listener has a connection to take.
bool connection_waits(const Fd& listener) noexcept {
  pollfd item{.fd = listener.get(), .events = POLLIN, .revents = 0};
  return ::poll(&item, 1, 0) != 0;
}

}  // namespace

UringLoop::UringLoop(std::unique_ptr<Uring> ring, Fd wake_event, const LoopOptions& options)
    : options_(options),
      wake_event_(std::move(wake_event)),
      now_(read_clock()),
      timers_(now_),
      ring_(std::move(ring)) {
  for (std::vector<SocketId>* ids : {&to_update_, &to_poll_, &to_tell_, &round_})
    ids->reserve(kIdsReserved);
  description_ = "io_uring (multishot";
  if (ring_->incremental_buffers()) description_ += ", incremental buffers";
  if (ring_->deferred_work()) description_ += ", deferred work";
  description_ += ")";
  poll_wake();
}

Result<std::unique_ptr<UringLoop>> UringLoop::make(const LoopOptions& options,
                                                   const UringOptions& ring_options) {
  auto ring = Uring::make(ring_options);
  if (!ring) return std::unexpected(std::move(ring.error()));
  Fd wake_event(::eventfd(0, EFD_CLOEXEC));
  if (!wake_event) return std::unexpected(errno_error("creating an eventfd"));
  return std::make_unique<UringLoop>(*std::move(ring), std::move(wake_event), options);
}

Result<std::unique_ptr<Loop>> make_uring_loop(const LoopOptions& options) {
  return UringLoop::make(options, {.entries = options.one_thread ? 4096U : 256U,
                                   .buffer_bytes = options.receive_buffer_bytes * 4,
                                   .one_thread = options.one_thread});
}

/// Ends all operations and closes all sockets. A few rounds: what completes meanwhile may have
/// started another.
void UringLoop::finish() {
  if (finishing_ || !ring_->enabled() || !ring_->may_enter()) return;
  finishing_ = true;
  constexpr int kRounds = 100;
  for (int round = 0; round < kRounds && (operations_ > 0 || ring_->anything_queued()); ++round) {
    io_uring_sqe& entry = ring_->entry();
    io_uring_prep_cancel64(&entry, 0, IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL);
    entry.user_data = tag(Kind::ignored, {});
    static_cast<void>(ring_->enter(std::chrono::milliseconds(20)));
    ring_->for_each_completion([this](const UringCompletion& done) { complete(done); });
  }
  if (operations_ == 0) erase_all();
}

void UringLoop::erase_all() {
  listeners_.for_each([this](SocketId id, Listener& listener) {
    timers_.cancel(listener);
    listeners_.erase(id);
  });
  sockets_.for_each([this](SocketId id, Socket& socket) { close(id, socket); });
  watches_.for_each([this](SocketId id, Watch&) { watches_.erase(id); });
}

// -- entries --

std::uint64_t UringLoop::tag(Kind kind, SocketId id) noexcept {
  WALKIE_ASSERT(id.slot <= kSlotMax);
  return std::uint64_t{static_cast<std::uint8_t>(kind)} << kKindShift |
         std::uint64_t{id.slot} << 32 | id.generation;
}

/// Asks for the end of an operation; its last completion comes all the same.
void UringLoop::cancel(Kind kind, SocketId id) {
  io_uring_sqe& entry = ring_->entry();
  io_uring_prep_cancel64(&entry, tag(kind, id), 0);
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry.user_data = tag(Kind::ignored, {});
}

/// Between turns nobody would submit, and a foreign loop would not be told.
void UringLoop::flush_outside_turn() {
  if (in_turn_ || options_.one_thread || !ring_->anything_queued()) return;
  static_cast<void>(ring_->enter(Duration::zero()));
}

// -- turns --

Result<void> UringLoop::run_turn(Duration wait_max) {
  in_turn_ = true;
  current_loop = this;
  const int entered = ring_->enter(wait_time(wait_max));
  reachable_.store(options_.one_thread, std::memory_order_release);
  const bool harmless = entered >= 0 || entered == -ETIME || entered == -EINTR ||
                        entered == -EAGAIN || entered == -EBUSY;
  now_ = read_clock();
  if (harmless) {
    tell_held();
    ring_->for_each_completion([this](const UringCompletion& done) { complete(done); });
    timers_.advance(now_);
    if (woken_) end_wake();
    if (turn_handler_) turn_handler_->on_turn_end();
    update_all();
    meter_.add(read_clock() - now_);
  }
  in_turn_ = false;
  current_loop = nullptr;
  // Whoever was nudged does not wait for our next turn, which may never come.
  if (std::exchange(nudging_, false)) static_cast<void>(ring_->submit());
  flush_outside_turn();
  if (!to_tell_.empty() && !options_.one_thread) wake();  // a foreign loop must see it
  if (harmless) return {};
  return std::unexpected(system_error("entering an io_uring", system_code(-entered)));
}

/// Not past a timer, and not at all while there is something to tell.
Duration UringLoop::wait_time(Duration wait_max) const {
  if (woken_ || !to_tell_.empty()) return Duration::zero();
  Duration time = std::min(wait_max, kWaitMax);
  if (const auto deadline = timers_.next_deadline())
    time = std::min(time, *deadline - read_clock());
  return std::max(time, Duration::zero());
}

void UringLoop::complete(const UringCompletion& completion) {
  const auto [user_data, result, flags] = completion;
  const Kind kind = static_cast<Kind>(user_data >> kKindShift);
  if (kind >= Kind::wake && (flags & IORING_CQE_F_MORE) == 0) --operations_;
  const SocketId id{.slot = static_cast<std::uint32_t>(user_data >> 32) & kSlotMax,
                    .generation = static_cast<std::uint32_t>(user_data)};
  switch (kind) {
    case Kind::ignored:
      return;
    case Kind::nudge:
      woken_ = true;
      return;
    case Kind::nudged:
      return write_event(static_cast<int>(id.generation));
    case Kind::wake:
      return complete_wake();
    case Kind::accept:
      return complete_accept(id, result, flags);
    case Kind::receive:
      return complete_receive(id, result, flags);
    case Kind::send:
      return complete_send(id, result);
    case Kind::connect:
      return complete_connect(id, result);
    case Kind::hang_up:
      return complete_hang_up(id, result);
    case Kind::watch:
      return complete_watch(id, result);
  }
}

/// Starts anew what ended in this turn and is still wanted.
void UringLoop::update_all() {
  round_.swap(to_update_);
  for (const SocketId id : round_)
    if (Socket* socket = find(id)) update(id, *socket);
  round_.clear();
  round_.swap(to_poll_);
  for (const SocketId id : round_)
    if (Watch* watch = watches_.find(id)) poll(id, *watch);
  round_.clear();
  if (!polling_wake_) poll_wake();
}

// -- waking --

void UringLoop::poll_wake() {
  start(Kind::wake, {}, [this](io_uring_sqe& entry) {
    io_uring_prep_read(&entry, wake_event_.get(), &wake_count_, sizeof wake_count_, 0);
  });
  polling_wake_ = true;
}

void UringLoop::complete_wake() {
  polling_wake_ = false;
  woken_ = true;
}

// The flag is cleared before on_wake() looks: whoever posts after that look wakes anew.
void UringLoop::end_wake() {
  woken_ = false;
  wake_pending_.exchange(false, std::memory_order_acq_rel);
  if (turn_handler_) turn_handler_->on_wake();
}

void UringLoop::wake() noexcept {
  if (!wake_pending_.exchange(true, std::memory_order_acq_rel)) write_event(wake_event_.get());
}

void UringLoop::nudge() noexcept {
  if (!current_loop || !reachable_.load(std::memory_order_acquire)) return wake();
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  if (current_loop == this) {
    woken_ = true;
    return;
  }
  io_uring_sqe& entry = current_loop->ring_->entry();
  io_uring_prep_msg_ring(&entry, ring_->fd(), 0, tag(Kind::nudge, {}), 0);
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  // Where it fails, its completion says whom to wake by the eventfd.
  const auto event = static_cast<std::uint32_t>(wake_event_.get());
  entry.user_data = tag(Kind::nudged, {.slot = 0, .generation = event});
  current_loop->nudging_ = true;
}

// -- listeners --

Result<SocketId> UringLoop::listen(Fd fd, AcceptHandler& handler) {
  if (!make_blocking(fd)) return std::unexpected(errno_error("making a listener blocking"));
  const SocketId id = listeners_.emplace(*this, std::move(fd), handler);
  Listener& listener = *listeners_.find(id);
  listener.id = id;
  accept(listener);
  flush_outside_turn();
  return id;
}

void UringLoop::accept(Listener& listener) {
  const int fd = listener.fd.get();
  start(Kind::accept, listener.id, [fd](io_uring_sqe& entry) {
    io_uring_prep_multishot_accept(&entry, fd, nullptr, nullptr, SOCK_CLOEXEC);
  });
  listener.accepting = true;
}

void UringLoop::stop_listening(SocketId id) {
  Listener* listener = listeners_.find(id);
  if (!listener || listener->stopped) return;
  listener->stopped = true;
  timers_.cancel(*listener);
  // Its socket stays bound until the accept is over.
  if (listener->accepting)
    cancel(Kind::accept, id);
  else
    listeners_.erase(id);
  flush_outside_turn();
}

void UringLoop::complete_accept(SocketId id, int result, unsigned flags) {
  Fd fd(result >= 0 ? result : -1);
  Listener* listener = listeners_.find(id);
  if (!listener) return;
  const bool over = (flags & IORING_CQE_F_MORE) == 0;
  if (over) listener->accepting = false;
  if (finishing_) return;
  if (listener->stopped) {
    if (over) listeners_.erase(id);
    return;
  }
  if (fd) {
    SocketAddress peer;
    peer.length = sizeof peer.storage;
    // One that left already has no address: nobody is there to serve.
    if (::getpeername(fd.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.length) == 0)
      listener->handler->on_accepted(std::move(fd), peer);
  } else if (!concerns_one_connection(-result) && !is_momentary(-result)) {
    return pause(*listener, -result);
  }
  listener = listeners_.find(id);  // on_accepted() may have stopped it
  if (over && listener && !listener->stopped) accept(*listener);
}

/// Where descriptors are wanting, the kernel says so before there is a connection to take: that
/// nobody needs to know.
void UringLoop::pause(Listener& listener, int error) {
  timers_.arm(listener, now_ + kAcceptPause);
  if (connection_waits(listener.fd)) listener.handler->on_accept_failed(system_code(error));
}

// -- other people's descriptors --

Result<void> UringLoop::watch(int fd, bool readable, bool writable, ReadinessHandler& handler) {
  SocketId known{};
  watches_.for_each([&](SocketId id, const Watch& watch) {
    if (watch.fd == fd) known = id;
  });
  const std::uint32_t events =
      (readable ? std::uint32_t{POLLIN} : 0U) | (writable ? std::uint32_t{POLLOUT} : 0U);
  if (events != 0 && ::fcntl(fd, F_GETFD) < 0)
    return std::unexpected(errno_error("watching a descriptor"));
  if (const Watch* watch = watches_.find(known)) {
    if (watch->polling) cancel(Kind::watch, known);
    watches_.erase(known);
  }
  if (events != 0) {
    const SocketId id = watches_.emplace(fd, events, handler);
    poll(id, *watches_.find(id));
  }
  flush_outside_turn();
  return {};
}

void UringLoop::poll(SocketId id, Watch& watch) {
  start(Kind::watch, id,
        [&watch](io_uring_sqe& entry) { io_uring_prep_poll_add(&entry, watch.fd, watch.events); });
  watch.polling = true;
}

void UringLoop::complete_watch(SocketId id, int result) {
  Watch* watch = watches_.find(id);
  if (!watch) return;
  watch->polling = false;
  if (finishing_) return;
  if (result > 0 || is_momentary(-result)) to_poll_.push_back(id);
  if (result <= 0) return;
  // It may have been read from since.
  pollfd now{.fd = watch->fd, .events = static_cast<short>(watch->events), .revents = 0};
  if (::poll(&now, 1, 0) != 1) return;
  result = now.revents;
  const bool trouble = (result & (POLLERR | POLLHUP)) != 0;
  watch->handler->on_ready(watch->fd, trouble || (result & POLLIN) != 0,
                           trouble || (result & POLLOUT) != 0);
}

}  // namespace walkie::io
