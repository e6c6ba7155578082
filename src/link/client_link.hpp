// SPDX-License-Identifier: MIT
// One client-side WebSocket after its handshake: the place where its socket, plain or under TLS,
// meets its machine.
//
//   open -> (closed) -> ending -> released
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <vector>

#include <base/timer_wheel.hpp>
#include <io/loop.hpp>
#include <link/frame_watch.hpp>
#include <link/keepalive.hpp>
#include <link/transport.hpp>
#include <proto/connection.hpp>

namespace walkie::link {

class ClientLink;

/// What the link tells its owner, on the loop's thread; the owner must not destroy the link from
/// inside.
class ClientLinkHandler {
 public:
  virtual void on_event(const proto::Event& event) = 0;
  /// All that was queued went to the kernel.
  virtual void on_drain() = 0;
  /// A frame passed, where tracing was asked for.
  virtual void on_frame(const SeenFrame& frame, bool sent) = 0;
  /// The socket is gone and nothing will be told any more. Last.
  virtual void on_released() = 0;

 protected:
  ~ClientLinkHandler() = default;
};

/// What all links of one loop share; outlives them.
struct ClientLinkContext {
  io::Loop& loop;
  proto::Resources resources;
  std::vector<ClientLink*>& dirty;                 ///< To be serviced at the end of this turn.
  Duration linger_time = std::chrono::seconds(2);  ///< For the server's end of the transport.
  Duration stall_time = std::chrono::seconds(10);  ///< Without progress of the last bytes: reset.
};

/// The references outlive the link.
struct ClientLinkSetup {
  const proto::ConnectionOptions& connection;
  const KeepaliveOptions& keepalive;
  proto::DeflateParams deflate;
  bool trace = false;
};

/// Not thread safe; never moves. Destroy it only after on_released().
class ClientLink final : private TransportHandler, private base::Timer {
 public:
  ClientLink(ClientLinkContext& context, ClientLinkHandler& handler,
             std::unique_ptr<Transport> transport, const ClientLinkSetup& setup);
  ClientLink(const ClientLink&) = delete;
  ClientLink& operator=(const ClientLink&) = delete;

  /// Starts with the frames that came right behind the handshake.
  void start(MutableBytes leftover);
  /// Another owner is told from now on.
  void set_handler(ClientLinkHandler& handler) noexcept { handler_ = &handler; }

  [[nodiscard]] proto::Connection& websocket() noexcept { return ws_; }
  [[nodiscard]] const Keepalive& keepalive() const noexcept { return keepalive_; }
  /// Null where plain.
  [[nodiscard]] const tls::Filter* tls() const noexcept { return transport_->tls(); }

  /// Someone appended output or ended the connection: see to it at the end of this turn.
  void mark_dirty();
  /// Drains events and flushes; for dirty links at the end of a turn.
  void service();
  /// Counts a data message for the idle timeout.
  void note_message() noexcept { keepalive_.message(context_.loop.now()); }
  /// Whether anything is read: backpressure. While it is not, silence proves nothing, and no
  /// heartbeat ends the connection. Bytes already read may still come.
  void set_receiving(bool on);
  /// Pings now; the connection ends where nothing arrives within `patience`.
  void prove_alive(Duration patience);
  /// From now on the connection ends where the server takes none of what waits for so long.
  void require_progress(Duration patience);
  /// Ends at once, without a flush.
  void abort();

  [[nodiscard]] bool dirty() const noexcept { return dirty_; }
  [[nodiscard]] bool released() const noexcept { return phase_ == Phase::released; }
  [[nodiscard]] std::size_t queued_bytes() const noexcept {
    return ws_.output().size() + transport_->backlog();
  }
  /// Why the transport broke, where it did: "connection reset by peer".
  [[nodiscard]] std::string_view transport_fault() const noexcept { return transport_fault_; }

 private:
  enum class Phase : std::uint8_t { open, ending, released };

  void on_received(MutableBytes bytes) override;
  void on_sent(std::size_t bytes) override;
  void on_end() override;
  void on_error(std::error_code error) override;
  void on_insecure(std::string_view reason) override;
  void on_timer(Instant now) override;

  void turn();
  void drain();
  void flush();
  [[nodiscard]] bool flush_once();
  void settle();
  void begin_ending();
  void regulate_receiving();
  void reschedule();
  [[nodiscard]] Instant next_deadline() const noexcept;
  void note_progress(Instant now);
  void run_keepalive(Instant now);
  void break_off();
  void release(bool reset);
  void show_received(BytesView bytes);
  void show_sent(std::span<const BytesView> chunks, std::size_t bytes);

  struct Watches {
    FrameWatch received;
    FrameWatch sent;
  };

  ClientLinkContext& context_;
  ClientLinkHandler* handler_;
  std::unique_ptr<Transport> transport_;
  proto::Connection ws_;
  Keepalive keepalive_;
  std::unique_ptr<Watches> watches_;  ///< Where tracing was asked for.
  std::string transport_fault_;
  Instant armed_for_ = kNever;
  Instant end_deadline_ = kNever;       ///< Of the last bytes, or of the server's end.
  Instant proof_deadline_ = kNever;     ///< Something must arrive before.
  Instant progress_deadline_ = kNever;  ///< The server must take something before.
  Duration progress_patience_{0};       ///< 0: it need not.
  Phase phase_ = Phase::open;
  bool draining_ = false;
  bool dirty_ = false;
  bool drain_owed_ = false;
  bool sending_ = false;  ///< The socket took less than all: on_sent() will come.
  bool receiving_ = true;
  bool wanted_ = true;  ///< By the owner: see set_receiving().
  bool peer_ended_ = false;
  bool clean_ = false;  ///< Close frames went both ways.
};

}  // namespace walkie::link
