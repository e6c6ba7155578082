// SPDX-License-Identifier: MIT
// One server-side TCP or unix connection: the place where its socket meets its machines, first
// HTTP/1.1, then, after an upgrade, one WebSocket.
//
//   (securing ->) http -> (upgrade) -> websocket -> flushing -> lingering -> released
//
// Own events are flushed once when they are drained; what others write is flushed once at the
// end of the loop's turn (mark_dirty()).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <base/timer_wheel.hpp>
#include <http/server_connection.hpp>
#include <io/loop.hpp>
#include <link/counter.hpp>
#include <link/keepalive.hpp>
#include <link/transport.hpp>
#include <proto/connection.hpp>

namespace walkie::link {

class H1Link;

/// What the link tells its session. All calls come on the shard's thread; none from inside a call
/// that the session made to the link, but for those named.
class LinkHandler {
 public:
  /// The TLS handshake is complete; what it agreed to is in tls().
  virtual void on_secured() = 0;
  /// TLS failed; `kind` is a word for metrics: the name of a tls::Failure, "timeout" or "reset".
  /// Before on_secured() it is the handshake that failed.
  virtual void on_insecure(std::string_view kind, std::string_view reason) = 0;
  /// A request: answer it through http() or upgrade(), now or later, then call answered() where it
  /// was later.
  virtual void on_request(const http::Request& request) = 0;
  /// The request was no HTTP, or broke a limit; it has been answered where it can be.
  virtual void on_bad_request(http::HeadError error) = 0;
  /// A request that was deferred took longer than the answer timeout: answer it now.
  virtual void on_answer_timeout() = 0;
  /// The Date header of now (RFC 9110 §6.6.1). Called from anywhere.
  virtual std::string_view date() = 0;
  /// A WebSocket's event.
  virtual void on_event(const proto::Event& event) = 0;
  /// All that was queued went to the kernel.
  virtual void on_drain() = 0;
  /// The socket is gone and nothing will be told any more. Last.
  virtual void on_released() = 0;

 protected:
  ~LinkHandler() = default;
};

/// One shard's traffic.
struct LinkCounters {
  Counter bytes_in;
  Counter bytes_out;
  Counter queued_bytes;  ///< Now, in all send queues.
};

/// What all links of one shard share; outlives them.
struct LinkContext {
  io::Loop& loop;
  proto::Resources resources;
  const http::ServerConnectionOptions& http;
  LinkCounters& counters;
  std::vector<H1Link*>& dirty;                         ///< To be serviced at the end of this turn.
  Duration answer_timeout = std::chrono::seconds(10);  ///< For a deferred answer.
  Duration linger_time = std::chrono::seconds(2);      ///< From our FIN to the peer's.
  Duration stall_time = std::chrono::seconds(10);  ///< Without progress of the last bytes: reset.
};

/// What an upgrade turns the link into. The references outlive the link.
struct WebSocketSetup {
  const proto::ConnectionOptions& connection;
  const KeepaliveOptions& keepalive;
  proto::DeflateParams deflate;
};

/// Not thread safe; never moves. Destroy it only after on_released().
class H1Link final : private TransportHandler, private base::Timer {
 public:
  H1Link(LinkContext& context, LinkHandler& handler);
  H1Link(const H1Link&) = delete;
  H1Link& operator=(const H1Link&) = delete;

  /// Takes a connected socket and starts, under TLS where `filter` is given. On failure nothing is
  /// told and the link stays unused.
  [[nodiscard]] Result<void> start(io::Fd fd, std::unique_ptr<tls::Filter> filter = nullptr);

  /// The HTTP machine; null in the TLS handshake, and once a WebSocket took over and its 101 was
  /// written.
  [[nodiscard]] http::ServerConnection* http() noexcept { return http_.get(); }
  /// The WebSocket; null before the upgrade.
  [[nodiscard]] proto::Connection* websocket() noexcept { return ws_ ? &*ws_ : nullptr; }
  [[nodiscard]] const Keepalive* keepalive() const noexcept {
    return keepalive_ ? &*keepalive_ : nullptr;
  }

  /// Null where the connection is plain.
  [[nodiscard]] const tls::Filter* tls() const noexcept { return transport_.tls(); }

  /// The current request will be answered later; ends in answered().
  void defer_answer();
  /// The deferred request has its answer. Not from inside on_request().
  void answered();
  /// Answers the current request with 101 and becomes a WebSocket. False where a field was left
  /// out, being no valid one.
  bool upgrade(std::string_view accept, std::string_view subprotocol, std::string_view extensions,
               std::span<const std::pair<std::string, std::string>> fields,
               const WebSocketSetup& setup);

  /// Someone appended output or ended the connection: see to it at the end of this turn.
  void mark_dirty();
  /// Drains events and flushes; the shard calls it for dirty links at the end of a turn.
  void service();
  /// Counts a data message for the idle timeout.
  void note_message() noexcept;
  /// Ends an HTTP connection: at once where it is idle, else behind the answer under way.
  void finish_http();
  /// Ends at once, without a flush; on_released() follows at the end of this turn.
  void abort();

  /// In the shard's list of dirty links.
  [[nodiscard]] bool dirty() const noexcept { return dirty_; }
  [[nodiscard]] bool released() const noexcept { return phase_ == Phase::released; }
  /// Waiting to be written, under TLS also what is encrypted already.
  [[nodiscard]] std::size_t queued_bytes() const noexcept;

 private:
  enum class Phase : std::uint8_t { securing, http, websocket, lingering, released };

  void on_secured() override;
  void on_insecure(std::string_view reason) override;
  void on_received(MutableBytes bytes) override;
  void on_sent(std::size_t bytes) override;
  void on_end() override;
  void on_error(std::error_code error) override;
  void on_timer(Instant now) override;

  void begin_http();
  void fail_tls(std::string_view kind, std::string_view reason);
  [[nodiscard]] std::size_t machine_bytes() const noexcept;
  void drain();
  void drain_http();
  void feed_leftover();
  void drain_websocket();
  void flush();
  [[nodiscard]] bool flush_once();
  void written(std::size_t bytes);
  [[nodiscard]] base::OutputQueue take_output() noexcept;
  void settle();
  void finish_sending();
  void regulate_receiving();
  void account_queue() noexcept;
  void reschedule();
  [[nodiscard]] Instant next_deadline() const noexcept;
  void run_keepalive(Instant now);
  [[nodiscard]] bool finished() const noexcept;
  void release(bool reset);

  LinkContext& context_;
  LinkHandler& handler_;
  Transport transport_;
  std::unique_ptr<http::ServerConnection> http_;
  std::optional<proto::Connection> ws_;
  std::optional<Keepalive> keepalive_;
  std::size_t accounted_bytes_ = 0;  ///< Our part of LinkCounters::queued_bytes.
  Instant armed_for_ = kNever;
  Instant end_deadline_ = kNever;  ///< For a deferred answer, the last bytes, or the linger.
  Phase phase_ = Phase::http;
  bool answer_deferred_ = false;
  bool draining_ = false;  ///< Events are being told: whoever appends need not mark us.
  bool dirty_ = false;
  bool sending_ = false;  ///< The socket took less than all: on_sent() will come.
  bool receiving_ = true;
  bool peer_ended_ = false;
  bool leftover_fed_ = false;
  bool drain_owed_ = false;  ///< Output went out that on_drain() was not told of.
};

}  // namespace walkie::link
