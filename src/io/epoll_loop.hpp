// SPDX-License-Identifier: MIT
// The loop on epoll, level-triggered: readiness turned into completions.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/epoll.h>

#include <base/slab.hpp>
#include <base/timer_wheel.hpp>
#include <io/loop.hpp>
#include <io/turn_meter.hpp>

namespace walkie::io {

/// One recv() per readable socket and turn: level triggering tells again what is left, and no
/// socket starves the others.
class EpollLoop final : public Loop {
 public:
  EpollLoop(Fd epoll, Fd wake_event, const LoopOptions& options);

  [[nodiscard]] std::string_view backend() const noexcept override { return "epoll"; }
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
  [[nodiscard]] int descriptor() const noexcept override { return epoll_.get(); }
  void wake() noexcept override;
  [[nodiscard]] LoopStats stats() const noexcept override { return meter_.read(); }

 private:
  struct Socket {
    Socket(Fd owned, SocketHandler& told) noexcept : fd(std::move(owned)), handler(&told) {}
    Fd fd;
    std::uint32_t watched = 0;  ///< What epoll was asked for, where registered.
    SocketHandler* handler;
    bool registered = false;  ///< Known to epoll.
    bool connecting = false;
    bool receiving = true;
    bool ended = false;  ///< on_end() was told.
    bool busy = false;   ///< send() returned less than all; on_sent() is owed.
    bool dead = false;   ///< on_error() was told or is about to be.
  };

  /// Its timer ends a pause.
  struct Listener final : base::Timer {
    Listener(SocketId own, EpollLoop& in, Fd owned, AcceptHandler& told) noexcept
        : id(own), loop(&in), fd(std::move(owned)), handler(&told) {}
    void on_timer(Instant) override { loop->resume(*this); }
    SocketId id;
    EpollLoop* loop;
    Fd fd;
    AcceptHandler* handler;
  };

  struct Watch {
    int fd;
    ReadinessHandler* handler;
  };

  struct Failure {
    SocketId id;
    std::error_code error;
  };

  int wait(Duration wait_max);
  [[nodiscard]] Duration wait_time(Duration wait_max) const;
  void tell(const epoll_event& event);
  void tell_socket(SocketId id, std::uint32_t events);
  void tell_watch(SocketId id, std::uint32_t events);
  void tell_failures();
  void receive(SocketId id, Socket& socket, std::uint32_t events);
  void hung_up(SocketId id, Socket& socket);
  void writable(SocketId id);
  void finish_connect(SocketId id, Socket& socket);
  void end_wake();

  /// Writes a part of `chunks`; returns bytes written, and less than all where the socket is full
  /// or broke.
  std::size_t write_some(SocketId id, Socket& socket, std::span<const BytesView> chunks);

  void accept_some(SocketId id);
  void pause(Listener& listener, int error);
  void resume(Listener& listener);

  [[nodiscard]] static std::uint32_t wanted(const Socket& socket) noexcept;
  [[nodiscard]] SocketId find_watch(int fd) noexcept;
  bool watch(SocketId id, Socket& socket, std::uint32_t events) noexcept;
  void update_watch(SocketId id, Socket& socket);
  void unwatch(Socket& socket) noexcept;
  void die(SocketId id, Socket& socket, int error);
  void fail_later(SocketId id, Socket& socket, int error);

  const LoopOptions options_;
  Fd epoll_;
  Fd wake_event_;
  std::atomic<bool> wake_pending_{false};
  bool woken_ = false;
  bool in_turn_ = false;
  bool has_pwait2_ = true;
  Instant now_;
  TurnHandler* turn_handler_ = nullptr;
  base::TimerWheel timers_;
  base::Slab<Socket> sockets_;
  base::Slab<Listener> listeners_;
  base::Slab<Watch> watches_;
  std::vector<Failure> failures_;
  std::vector<epoll_event> events_;
  std::unique_ptr<std::byte[]> receive_buffer_;
  TurnMeter meter_;
};

}  // namespace walkie::io
