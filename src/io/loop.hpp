// SPDX-License-Identifier: MIT
// The event loop: one per shard and thread. It speaks completions ("these bytes arrived", "n bytes
// were written"), so that epoll and io_uring serve the same callers.
//
//   turn: wait -> socket events -> timers -> posted wake-ups -> turn_end() -> reap
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include <base/output_queue.hpp>
#include <base/slab.hpp>
#include <base/time.hpp>
#include <base/timer_wheel.hpp>
#include <io/endpoint.hpp>
#include <walkie/bytes.hpp>
#include <walkie/error.hpp>

namespace walkie::io {

/// Names a socket of one loop; a stale one is ignored by every call.
using SocketId = base::SlabKey;

/// What a socket's owner is told, on the loop's thread, never from inside a call that the owner
/// made to the loop. After Loop::release() nothing is told any more.
class SocketHandler {
 public:
  /// Bytes that arrived, in a buffer of the loop; yours to overwrite until this returns.
  virtual void on_received(MutableBytes bytes) = 0;
  /// A send() that returned less than everything can go on: `bytes` of it were written meanwhile
  /// (0: none, send() it again). Forget those bytes and send() the rest.
  virtual void on_sent(std::size_t bytes) = 0;
  /// The peer will send no more (FIN). Sending still works.
  virtual void on_end() = 0;
  /// The socket is dead (reset, timed out). Release it.
  virtual void on_error(std::error_code error) = 0;
  /// connect() succeeded.
  virtual void on_connected() {}

 protected:
  ~SocketHandler() = default;
};

/// Is told of new connections.
class AcceptHandler {
 public:
  virtual void on_accepted(Fd fd, const SocketAddress& peer) = 0;
  /// accept() failed for want of descriptors or memory; the listener pauses for a moment by itself.
  virtual void on_accept_failed(std::error_code error) = 0;

 protected:
  ~AcceptHandler() = default;
};

/// Is told of descriptors that are not the loop's own (a resolver's).
class ReadinessHandler {
 public:
  /// Level-triggered: told again in each turn while it is so. An error or a hang-up is both.
  virtual void on_ready(int fd, bool readable, bool writable) = 0;

 protected:
  ~ReadinessHandler() = default;
};

/// Is told of the turn's phases.
class TurnHandler {
 public:
  /// Another thread called wake().
  virtual void on_wake() = 0;
  /// All events of this turn were told: flush what others wrote to.
  virtual void on_turn_end() = 0;

 protected:
  ~TurnHandler() = default;
};

struct LoopOptions {
  std::size_t receive_buffer_bytes = std::size_t{512} * 1024;  ///< One per loop, not per socket.
  std::size_t events_per_turn_max = 1024;
  std::size_t accepts_per_turn_max = 64;
  /// Turns are always run by the thread that ran the first, and calls come from inside them (but
  /// for those in front of the first). A loop that is embedded elsewhere says false.
  bool one_thread = true;
};

/// How turns went; one writer, any thread may read (relaxed).
struct LoopStats {
  std::uint64_t turns = 0;
  /// Time spent working in a turn (not waiting), counted by upper bound in microseconds; the last
  /// is everything above. This is how long an event may have waited for others.
  static constexpr std::array<std::uint32_t, 12> kBoundsUs{
      10, 25, 50, 100, 250, 500, 1000, 2500, 10000, 25000, 100000, 1000000};
  std::array<std::uint64_t, kBoundsUs.size() + 1> turn_us{};
  std::uint64_t busy_ns = 0;
};

/// Not thread safe but for wake() and stats().
class Loop {
 public:
  virtual ~Loop() = default;

  [[nodiscard]] virtual std::string_view backend() const noexcept = 0;  ///< "epoll", "io_uring".
  /// The same with what is used of it: "io_uring (multishot, incremental buffers)". Lives as long
  /// as the loop.
  [[nodiscard]] virtual std::string_view description() const noexcept { return backend(); }
  /// Whether the kernel reads the chunks of a send() until on_sent(): they must not change. Such a
  /// loop may write at the end of the turn: send() returned 0, and on_sent() says what went. It may
  /// also take no more than 64 chunks.
  [[nodiscard]] virtual bool keeps_chunks() const noexcept { return false; }

  // -- listeners and sockets --

  [[nodiscard]] virtual Result<SocketId> listen(Fd fd, AcceptHandler& handler) = 0;
  virtual void stop_listening(SocketId listener) = 0;

  /// Takes a connected socket (made non-blocking, TCP_NODELAY set) and starts receiving.
  [[nodiscard]] virtual Result<SocketId> adopt(Fd fd, SocketHandler& handler) = 0;
  /// Starts connecting; `local` binds the source address where given. Ends in on_connected() or
  /// on_error().
  [[nodiscard]] virtual Result<SocketId> connect(const SocketAddress& to, SocketHandler& handler,
                                                 const SocketAddress* local = nullptr) = 0;

  /// From now on `handler` is told; what it is told next comes from the loop, not from this call.
  virtual void set_handler(SocketId socket, SocketHandler& handler) = 0;

  /// Stops or resumes receiving; while stopped the kernel's window closes and holds the peer back.
  /// Bytes already read in this turn may still come.
  virtual void set_receiving(SocketId socket, bool on) = 0;

  /// Writes from the front of `chunks` and returns how many bytes went at once. If that is less
  /// than all, the socket is busy: the chunks stay valid and send() is not called again until
  /// on_sent(). A broken socket returns 0 and tells on_error() later: in this turn or at once in
  /// the next.
  [[nodiscard]] virtual std::size_t send(SocketId socket, std::span<const BytesView> chunks) = 0;

  /// Sends FIN behind what was written.
  virtual void shutdown_send(SocketId socket) = 0;

  /// Closes the socket. `in_flight` keeps the memory of a pending send alive until the kernel is
  /// done. `reset`: with a RST in place of FIN.
  virtual void release(SocketId socket, base::OutputQueue in_flight, bool reset = false) = 0;

  /// Gives up a socket, inside its on_connected() or while it connects: nothing more is told about
  /// it, and what arrives waits in the kernel for the next owner. An Fd without a descriptor where
  /// `socket` is stale.
  [[nodiscard]] virtual Fd detach(SocketId socket) = 0;

  /// Watches someone else's descriptor until watched for nothing (both false), which comes before
  /// it is closed. A change replaces what was asked before.
  [[nodiscard]] virtual Result<void> watch(int fd, bool readable, bool writable,
                                           ReadinessHandler& handler) = 0;

  // -- time and turns --

  /// Read once per turn, after waiting.
  [[nodiscard]] virtual Instant now() const noexcept = 0;
  [[nodiscard]] virtual base::TimerWheel& timers() noexcept = 0;
  virtual void set_turn_handler(TurnHandler* handler) noexcept = 0;

  /// One turn; waits at most `wait_max` for something to do. Fails only where the kernel does.
  [[nodiscard]] virtual Result<void> run_turn(Duration wait_max) = 0;

  /// Readable when run_turn() would not wait for a socket, a failure or a wake-up: for a foreign
  /// loop, which also calls run_turn() when timers are due. Lives as long as the loop.
  [[nodiscard]] virtual int descriptor() const noexcept = 0;

  /// Makes the current or next wait end and on_wake() be called. Any thread, also a signal handler.
  virtual void wake() noexcept = 0;
  /// The same, but not from a signal handler: where the caller runs a turn of a loop of the same
  /// kind, it may go with what that turn submits at its end.
  virtual void nudge() noexcept { wake(); }

  /// Closes all that is open, after the last turn and by its thread; nothing is told any more.
  /// Without it a loop that is destroyed elsewhere leaves the end of some of it to the kernel,
  /// which may take a moment longer.
  virtual void finish() {}

  [[nodiscard]] virtual LoopStats stats() const noexcept = 0;
};

[[nodiscard]] Result<std::unique_ptr<Loop>> make_epoll_loop(const LoopOptions& options = {});
[[nodiscard]] Result<std::unique_ptr<Loop>> make_uring_loop(const LoopOptions& options = {});

/// automatic: io_uring where the kernel has what the loop needs, else epoll.
enum class Backend : std::uint8_t { automatic, epoll, uring };
[[nodiscard]] Result<std::unique_ptr<Loop>> make_loop(Backend backend,
                                                      const LoopOptions& options = {});

}  // namespace walkie::io
