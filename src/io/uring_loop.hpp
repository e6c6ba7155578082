// SPDX-License-Identifier: MIT
// The loop on io_uring: multishot accept and receive into provided buffers, and all sends of a turn
// in one submission.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <sys/uio.h>

#include <base/output_queue.hpp>
#include <base/slab.hpp>
#include <base/timer_wheel.hpp>
#include <io/loop.hpp>
#include <io/turn_meter.hpp>
#include <io/uring.hpp>

namespace walkie::io {

/// Memory that the kernel may still touch belongs to the loop: a released socket stays, known to
/// nobody else, until the last of its operations is over.
class UringLoop final : public Loop {
 public:
  /// `ring` may leave out what this kernel has; its buffers are as large as it says.
  [[nodiscard]] static Result<std::unique_ptr<UringLoop>> make(const LoopOptions& options,
                                                               const UringOptions& ring);
  UringLoop(std::unique_ptr<Uring> ring, Fd wake_event, const LoopOptions& options);
  ~UringLoop() override;

  [[nodiscard]] std::string_view backend() const noexcept override { return "io_uring"; }
  [[nodiscard]] std::string_view description() const noexcept override { return description_; }
  [[nodiscard]] bool keeps_chunks() const noexcept override { return true; }
  [[nodiscard]] Result<SocketId> listen(Fd fd, AcceptHandler& handler) override;
  void stop_listening(SocketId listener) override;
  [[nodiscard]] Result<SocketId> adopt(Fd fd, SocketHandler& handler) override;
  [[nodiscard]] Result<SocketId> connect(const SocketAddress& to, SocketHandler& handler,
                                         const SocketAddress* local) override;
  void set_handler(SocketId id, SocketHandler& handler) override;
  void set_receiving(SocketId id, bool on) override;
  [[nodiscard]] std::size_t send(SocketId id, std::span<const BytesView> chunks) override;
  void shutdown_send(SocketId id) override;
  void release(SocketId id, base::OutputQueue in_flight, bool reset) override;
  [[nodiscard]] Fd detach(SocketId id) override;
  [[nodiscard]] Result<void> watch(int fd, bool readable, bool writable,
                                   ReadinessHandler& handler) override;

  [[nodiscard]] Instant now() const noexcept override { return now_; }
  [[nodiscard]] base::TimerWheel& timers() noexcept override { return timers_; }
  void set_turn_handler(TurnHandler* handler) noexcept override { turn_handler_ = handler; }
  [[nodiscard]] Result<void> run_turn(Duration wait_max) override;
  [[nodiscard]] int descriptor() const noexcept override { return ring_->fd(); }
  void wake() noexcept override;
  void nudge() noexcept override;
  void finish() override;
  [[nodiscard]] LoopStats stats() const noexcept override { return meter_.read(); }

 private:
  /// What a completion is for; with the slot and generation of its owner in 64 bits. `nudge` comes
  /// from another ring; `nudged`, that one to another did not arrive.
  enum class Kind : std::uint8_t {
    ignored,
    nudge,
    nudged,
    wake,
    accept,
    receive,
    send,
    connect,
    hang_up,
    watch
  };

  static constexpr std::size_t kChunksPerSend = 64;
  /// A send of several chunks: what the kernel reads until it completes.
  struct SendOperation {
    msghdr message{};
    std::array<iovec, kChunksPerSend> pieces;

    /// All of `chunks` behind the first `written` bytes.
    void set(std::span<const BytesView> chunks, std::size_t written) noexcept {
      std::size_t count = 0;
      for (BytesView chunk : chunks) {
        const std::size_t skipped = std::min(written, chunk.size());
        written -= skipped;
        chunk = chunk.subspan(skipped);
        if (!chunk.empty()) pieces[count++] = {const_cast<std::byte*>(chunk.data()), chunk.size()};
      }
      message.msg_iov = pieces.data();
      message.msg_iovlen = count;
    }
  };
  /// What few sockets need, and only for a while.
  struct Rest {
    SocketAddress connect_to{};
    std::optional<base::OutputQueue> in_flight{};
    std::vector<std::byte> held{};  ///< Arrived after receiving was stopped.
    bool held_end = false;          ///< So did the FIN.
  };

  struct Socket {
    Socket(Fd owned, SocketHandler& told) noexcept : fd(std::move(owned)), handler(&told) {}
    Fd fd;
    std::uint8_t operations = 0;  ///< Of the kernel, each of which ends in one last completion.
    SocketHandler* handler;
    std::unique_ptr<Rest> rest;
    SendOperation* sending = nullptr;  ///< Of several chunks.
    bool busy : 1 = false;             ///< A send is under way.
    bool connecting : 1 = false;
    bool wants_receiving : 1 = true;
    bool receiving : 1 = false;  ///< A receive is under way.
    bool stopping : 1 = false;   ///< It was asked to end.
    bool watching : 1 = false;   ///< A poll for hang-ups is under way.
    bool ended : 1 = false;      ///< The FIN arrived; on_end() was told or is held.
    bool full : 1 = false;       ///< The last send found no room: the next one waits for it.
    bool dead : 1 = false;       ///< on_error() was told or is about to be.
    bool released : 1 = false;
    bool reset : 1 = false;
  };

  /// Its timer ends a pause.
  struct Listener final : base::Timer {
    Listener(SocketId own, UringLoop& in, Fd owned, AcceptHandler& told) noexcept
        : id(own), loop(&in), fd(std::move(owned)), handler(&told) {}
    void on_timer(Instant) override {
      if (!accepting) loop->accept(*this);
    }
    SocketId id;
    UringLoop* loop;
    Fd fd;
    AcceptHandler* handler;
    bool accepting = false;
    bool stopped = false;
  };

  struct Watch {
    Watch(int on, std::uint32_t wanted, ReadinessHandler& told) noexcept
        : fd(on), events(wanted), handler(&told) {}
    int fd;
    std::uint32_t events;
    ReadinessHandler* handler;
    bool polling = false;
  };

  [[nodiscard]] static std::uint64_t tag(Kind kind, SocketId id) noexcept;
  /// Queues an operation that ends in one last completion; `prepare` fills the entry.
  template <class Prepare>
  void start(Kind kind, SocketId id, Prepare&& prepare) {
    io_uring_sqe& entry = ring_->entry();
    prepare(entry);
    entry.user_data = tag(kind, id);
    ++operations_;
  }
  void cancel(Kind kind, SocketId id);
  void flush_outside_turn();

  void complete(const UringCompletion& completion);
  void complete_accept(SocketId id, int result, unsigned flags);
  void complete_receive(SocketId id, int result, unsigned flags);
  void complete_send(SocketId id, int result);
  void complete_connect(SocketId id, int result);
  void complete_hang_up(SocketId id, int result);
  void complete_watch(SocketId id, int result);
  void complete_wake();
  void tell_received(SocketId id, int result, unsigned flags);
  void hold(Socket& socket, BytesView bytes);
  void tell_held();
  void tell_held(SocketId id);

  [[nodiscard]] static std::size_t send_now(const Socket& socket,
                                            std::span<const BytesView> chunks) noexcept;
  void send_later(SocketId id, Socket& socket, std::span<const BytesView> chunks,
                  std::size_t written);
  [[nodiscard]] Socket* find(SocketId id) noexcept;
  [[nodiscard]] Duration wait_time(Duration wait_max) const;
  void accept(Listener& listener);
  void pause(Listener& listener, int error);
  void receive(SocketId id, Socket& socket);
  void watch_hang_up(SocketId id, Socket& socket);
  void update(SocketId id, Socket& socket);
  void update_all();
  void poll(SocketId id, Watch& watch);
  void poll_wake();
  void end_operation(SocketId id, Socket& socket);
  void forsake(SocketId id, Socket& socket);
  void close(SocketId id, Socket& socket);
  void die(SocketId id, Socket& socket, int error);
  void end_wake();
  void erase_all();

  const LoopOptions options_;
  Fd wake_event_;
  std::uint64_t wake_count_ = 0;  ///< What the eventfd is read into.
  std::atomic<bool> wake_pending_{false};
  std::atomic<bool> reachable_{false};  ///< By messages from other rings.
  bool woken_ = false;
  bool in_turn_ = false;
  bool polling_wake_ = false;
  bool nudging_ = false;        ///< A nudge for another loop is queued.
  bool finishing_ = false;      ///< Nothing is told any more.
  std::size_t operations_ = 0;  ///< That are queued or under way.
  Instant now_;
  TurnHandler* turn_handler_ = nullptr;
  base::TimerWheel timers_;
  base::Slab<Socket> sockets_;
  base::Slab<Listener> listeners_;
  base::Slab<Watch> watches_;
  std::vector<SocketId> to_update_;  ///< Whose operations may have to be started anew.
  std::vector<SocketId> to_poll_;    ///< Watches that were told in this turn.
  std::vector<SocketId> to_tell_;    ///< Whose held bytes are wanted again.
  std::vector<SocketId> round_;      ///< One of these three while it is worked off.
  std::string description_;
  std::vector<std::unique_ptr<SendOperation>> spare_;
  TurnMeter meter_;
  std::unique_ptr<Uring> ring_;  ///< Last: it ends first, and with it the kernel's use of the rest.
};

}  // namespace walkie::io
