// SPDX-License-Identifier: MIT
// A loop without sockets: tests say what arrives, how much may be written, and what time it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include <io/loop.hpp>

namespace walkie::test {

/// One socket. Time is virtual; everything is recorded.
class FakeLoop final : public io::Loop {
 public:
  // -- what a test plays --

  /// Bytes from the peer.
  void arrive(std::string bytes) {
    if (!handler_ || !receiving_) return;
    handler_->on_received(std::as_writable_bytes(std::span(bytes)));
    end_turn();
  }
  /// The end of connect().
  void connected() {
    if (handler_) handler_->on_connected();
    end_turn();
  }
  void end_of_stream() {
    if (handler_) handler_->on_end();
    end_turn();
  }
  void break_socket() {
    if (handler_) handler_->on_error(std::make_error_code(std::errc::connection_reset));
    end_turn();
  }
  /// The peer reads again: the blocked send may go on.
  void make_writable(std::size_t room) {
    room_ = room;
    if (handler_ && std::exchange(blocked_, false)) handler_->on_sent(0);
    end_turn();
  }
  /// The kernel, in a loop that keeps chunks, is done with `bytes` of them.
  void complete(std::size_t bytes) {
    if (handler_ && std::exchange(blocked_, false)) handler_->on_sent(bytes);
    end_turn();
  }
  void pass(Duration time) {
    now_ += time;
    timers_.advance(now_);
    end_turn();
  }
  void end_turn() {
    if (turn_) turn_->on_turn_end();
  }

  // -- what it saw --

  std::string written;    ///< All bytes sent.
  std::size_t sends = 0;  ///< Calls to send().
  bool fin_sent = false;
  bool released = false;
  bool reset = false;
  std::size_t handed_over = 0;  ///< Bytes that release() brought.
  [[nodiscard]] bool receiving() const noexcept { return receiving_; }

  /// Bytes that the socket takes from now on before it is full.
  std::size_t room_ = SIZE_MAX;
  /// Sends are written later, when the test says complete(); `written` has what was offered.
  bool keeps = false;

  // -- io::Loop --

  [[nodiscard]] std::string_view backend() const noexcept override { return "fake"; }
  [[nodiscard]] bool keeps_chunks() const noexcept override { return keeps; }
  [[nodiscard]] Result<io::SocketId> listen(io::Fd, io::AcceptHandler&) override {
    return std::unexpected(Error{"the fake loop does not listen", {}});
  }
  void stop_listening(io::SocketId) override {}
  [[nodiscard]] Result<io::SocketId> adopt(io::Fd, io::SocketHandler& handler) override {
    handler_ = &handler;
    return io::SocketId{0, 1};
  }
  [[nodiscard]] Result<io::SocketId> connect(const io::SocketAddress&, io::SocketHandler& handler,
                                             const io::SocketAddress*) override {
    handler_ = &handler;
    return io::SocketId{0, 1};
  }
  void set_handler(io::SocketId, io::SocketHandler& handler) override { handler_ = &handler; }
  [[nodiscard]] io::Fd detach(io::SocketId) override { return {}; }
  [[nodiscard]] Result<void> watch(int, bool, bool, io::ReadinessHandler&) override {
    return std::unexpected(Error{"the fake loop does not watch", {}});
  }
  [[nodiscard]] int descriptor() const noexcept override { return -1; }
  void set_receiving(io::SocketId, bool on) override { receiving_ = on; }
  [[nodiscard]] std::size_t send(io::SocketId, std::span<const BytesView> chunks) override {
    ++sends;
    if (keeps) {
      for (const BytesView chunk : chunks) written += text_of(chunk);
      blocked_ = true;
      return 0;
    }
    std::size_t taken = 0;
    std::size_t offered = 0;
    for (const BytesView chunk : chunks) {
      offered += chunk.size();
      const std::size_t part = std::min(chunk.size(), room_);
      written += text_of(chunk.first(part));
      if (room_ != SIZE_MAX) room_ -= part;
      taken += part;
    }
    blocked_ = taken < offered;
    return taken;
  }
  void shutdown_send(io::SocketId) override { fin_sent = true; }
  void release(io::SocketId, base::OutputQueue in_flight, bool with_reset) override {
    released = true;
    handed_over = in_flight.size();
    reset = with_reset;
    handler_ = nullptr;
  }
  [[nodiscard]] Instant now() const noexcept override { return now_; }
  [[nodiscard]] base::TimerWheel& timers() noexcept override { return timers_; }
  void set_turn_handler(io::TurnHandler* handler) noexcept override { turn_ = handler; }
  [[nodiscard]] Result<void> run_turn(Duration) override { return {}; }
  void wake() noexcept override {}
  [[nodiscard]] io::LoopStats stats() const noexcept override { return {}; }

 private:
  Instant now_ = Instant(std::chrono::hours(1));
  base::TimerWheel timers_{now_};
  io::SocketHandler* handler_ = nullptr;
  io::TurnHandler* turn_ = nullptr;
  bool receiving_ = true;
  bool blocked_ = false;
};

}  // namespace walkie::test
