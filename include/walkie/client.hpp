// SPDX-License-Identifier: MIT
// The WebSocket client: connects, verifies, keeps the connection alive, reconnects by itself, and
// says what became of every message.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <walkie/close_code.hpp>
#include <walkie/connect_error.hpp>
#include <walkie/error.hpp>
#include <walkie/log.hpp>
#include <walkie/message.hpp>
#include <walkie/send.hpp>
#include <walkie/tls.hpp>

namespace walkie {

namespace client {
class Runtime;
class Session;
}  // namespace client
namespace detail {
struct Detached;
}  // namespace detail

class Client;

/// Where a client stands.
enum class ClientState : std::uint8_t {
  connecting,    ///< Resolving, dialling, shaking hands.
  open,          ///< Messages travel.
  closing,       ///< close() was called; waiting for the peer's Close.
  reconnecting,  ///< Waiting for the next attempt.
  closed,        ///< The end: nothing will happen any more.
};

[[nodiscard]] std::string_view name_of(ClientState state) noexcept;

/// How long to wait before each attempt: a random time from 0 to min(longest, first * factor^n)
/// ("full jitter"), so that clients that lost the same server come back spread; n counts what went
/// wrong in a row before: lost connections and failed attempts. A Retry-After of the server comes
/// on top. All times are at most a day.
struct Backoff {
  std::chrono::milliseconds first{1'000};  ///< At least 1 ms.
  std::chrono::milliseconds longest{30'000};
  double factor = 2.0;  ///< At least 1.
  /// The first attempt after a connection that was open waits a random part of this.
  std::chrono::milliseconds spread{1'000};
  /// A connection that stayed open for so long resets n; one that did not counts as a failure.
  std::chrono::milliseconds stable_after{10'000};
  std::uint32_t attempts_max = 0;  ///< In a row, without an open connection; 0: no limit.
};

/// What to do with messages that are sent while there is no connection, or faster than it takes
/// them.
enum class WhenFull : std::uint8_t { refuse, drop_oldest, drop_newest };

/// What to do with messages whose bytes went out on a connection that ended before the peer was
/// known to have them. A Pong that answers a later Ping, or the answer to our Close, tells that it
/// has.
enum class Unconfirmed : std::uint8_t {
  forget,  ///< Nothing: no copy is kept (at most once).
  report,  ///< on_undelivered says which they were (at most once, and known).
  resend,  ///< They go first on the next connection (at least once: duplicates are possible).
};

/// Why a message was not delivered. Those that are unconfirmed may have arrived; the others never
/// left.
enum class Undelivered : std::uint8_t {
  expired,      ///< It waited longer than its time to live.
  dropped,      ///< The queue was full, and the policy chose it.
  unconfirmed,  ///< It went out, and the connection ended before the peer was known to have it.
  closed,       ///< The client was closed, or gave up, while it waited.
};

[[nodiscard]] std::string_view name_of(Undelivered why) noexcept;

/// How to send one message.
struct SendOptions {
  Compression compression = Compression::by_size;
  /// It is given up when it still waits after this; 0: ClientOptions::message_ttl.
  std::chrono::milliseconds ttl{0};
  /// It goes before everything that waits, behind others of this kind: for on_open, which tells a
  /// new connection's server who this is and what it subscribes to.
  bool first = false;
};

/// What a connection agreed to. Views die when the callback returns.
struct Opened {
  std::string_view url;                ///< After redirects.
  std::string_view subprotocol;        ///< Empty: none.
  bool compressed = false;             ///< permessage-deflate is on.
  std::string_view remote_address;     ///< "192.0.2.1:443"; of the proxy where there is one.
  std::string_view tls;                ///< "TLSv1.3 TLS_AES_128_GCM_SHA256", empty over ws.
  const HttpAnswer* answer = nullptr;  ///< The 101.
  std::uint32_t attempt = 0;           ///< 0: the first connection of this client.
};

/// A change of state. Views die when the callback returns.
struct StateChange {
  ClientState state = ClientState::connecting;
  std::uint32_t attempt = 0;            ///< Of connecting and reconnecting: 1, 2, ... in a row.
  std::chrono::milliseconds delay{0};   ///< Of reconnecting: until the next attempt.
  const ConnectError* error = nullptr;  ///< Why the attempt failed, where one did.
  const CloseInfo* close = nullptr;     ///< How the connection ended, where one was open.
};

/// An end that another attempt may mend: of an open connection, or of an attempt. One of the two is
/// set. Views die when the callback returns.
struct Ending {
  const CloseInfo* close = nullptr;
  const ConnectError* error = nullptr;
  bool again = false;  ///< What the client would do by itself: the tables in docs/client.md.
};

/// What the hook before an attempt may change.
struct Attempt {
  std::uint32_t number = 1;  ///< In a row.
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
};

/// Lets an attempt go on, at once or later, from any thread. One that is destroyed unanswered gives
/// the client up, as give_up() does.
class AttemptReply {
 public:
  struct Target;
  explicit AttemptReply(std::shared_ptr<Target> target) noexcept;
  AttemptReply(AttemptReply&&) noexcept = default;
  AttemptReply& operator=(AttemptReply&&) noexcept = default;
  ~AttemptReply();
  void proceed(Attempt attempt);
  /// Ends the client, with ConnectFault::cancelled.
  void give_up(std::string_view why);
  /// This attempt counts as failed; the next follows after the backoff.
  void retry_later(std::string_view why);

 private:
  std::shared_ptr<Target> target_;
};

/// What a trace shows.
enum class TraceStep : std::uint8_t {
  dial,            ///< text: what is tried now, such as "192.0.2.1:443".
  request,         ///< text: a request's head as sent, line ends included; also of CONNECT.
  answer,          ///< text: an answer's head as received.
  frame_sent,      ///< frame.
  frame_received,  ///< frame.
};

/// A frame as it travels (RFC 6455 §5.2).
struct TracedFrame {
  std::uint8_t opcode = 0;
  bool fin = true;
  bool rsv1 = false;  ///< Compressed (RFC 7692 §6).
  bool masked = false;
  std::uint64_t payload_bytes = 0;  ///< On the wire.
  BytesView payload{};              ///< Of control frames, unmasked; empty for data frames.
};

/// One step of a connection, for those who look into it. Views die when the callback returns.
struct Trace {
  TraceStep step = TraceStep::dial;
  std::string_view text{};
  TracedFrame frame{};
};

/// How and through what to connect. All durations: 0 is no limit.
struct DialOptions {
  std::chrono::milliseconds resolve_timeout{5'000};
  std::chrono::milliseconds connect_timeout{10'000};  ///< Of each address.
  std::chrono::milliseconds tls_timeout{10'000};
  std::chrono::milliseconds handshake_timeout{10'000};  ///< The upgrade's answer.
  std::chrono::milliseconds overall_timeout{
      30'000};  ///< From the start to open, redirects included.
  /// Between starts of attempts on further addresses (RFC 8305 §5).
  std::chrono::milliseconds address_pace{250};
  /// "http://user:password@host:port", https, socks5, socks5h; "direct" for none. Empty: by the
  /// variables HTTPS_PROXY (wss), HTTP_PROXY (ws), ALL_PROXY and NO_PROXY, in either case.
  std::string proxy{};
  std::string unix_socket{};  ///< Connect to this path in place of the URL's host and port.
  std::uint32_t redirects_max = 5;
  ClientTls tls{};
};

/// What a client is and does. Handlers run on its loop's thread, one at a time; those that throw
/// close the connection with 1011 and do not reconnect.
struct ClientOptions {
  std::function<void(Client&, const Opened&)> on_open{};
  std::function<void(Client&, MessageView)> on_message{};
  /// Set it to get messages piece by piece while they arrive; on_message is then not called.
  std::function<void(Client&, PieceView)> on_piece{};
  std::function<void(Client&, BytesView)> on_pong{};
  /// Everything that waited went to the kernel; or, after a send() that answered overflow, there is
  /// room again: at most half of the queue is in use.
  std::function<void(Client&)> on_drain{};
  /// A connection that was open has ended; whether another follows is told by on_state.
  std::function<void(Client&, const CloseInfo&)> on_close{};
  std::function<void(Client&, const StateChange&)> on_state{};
  /// Before each attempt: another URL, fresh tokens.
  std::function<void(Attempt, AttemptReply)> on_attempt{};
  std::function<void(Client&, MessageView, Undelivered)> on_undelivered{};
  /// Shows handshakes and frames. Received frames are shown as soon as their headers are there
  /// (control frames: whole), before what they bring about.
  std::function<void(Client&, const Trace&)> on_trace{};

  /// Absent: one attempt, and closed when the connection ends.
  std::optional<Backoff> reconnect{};
  /// Decides in place of the client's own rules whether another attempt follows (true), for close
  /// codes of the application and the like. Not asked without `reconnect`, after close(), or when
  /// attempts_max is reached.
  std::function<bool(const Ending&)> reconnect_after{};
  DialOptions dial{};
  /// Added to the request. Those that the handshake writes itself (Host, Upgrade, Connection and
  /// Sec-WebSocket-*) are an error.
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string cookies{};  ///< "a=1; b=2".
  std::string user{};     ///< Basic auth; also from the URL's user:password@.
  std::string password{};
  std::string bearer_token{};  ///< In place of basic auth.
  std::string origin{};
  std::vector<std::string> subprotocols{};  ///< In order of preference.

  bool compression = true;
  bool context_takeover = true;
  int window_bits = 15;
  int compression_level = 1;
  std::uint32_t compression_threshold_bytes = 64;
  std::uint64_t message_bytes_max = std::uint64_t{16} << 20;
  std::uint32_t fragments_max = 131'072;
  std::chrono::milliseconds message_timeout{120'000};
  std::chrono::milliseconds ping_interval{30'000};  ///< 0: none.
  std::chrono::milliseconds pong_timeout{20'000};   ///< Silence after a Ping that means death.
  std::chrono::milliseconds idle_timeout{0};
  std::chrono::milliseconds close_timeout{5'000};
  std::size_t head_bytes_max = 16 * 1024;  ///< Of the answer.
  std::size_t reject_body_bytes_max = 64 * 1024;

  /// Messages that wait, for a connection or behind others.
  std::size_t queue_bytes_max = std::size_t{16} << 20;
  std::size_t queue_messages_max = 65'536;
  WhenFull when_full = WhenFull::refuse;
  std::chrono::milliseconds message_ttl{0};  ///< 0: they wait for ever.
  Unconfirmed unconfirmed = Unconfirmed::forget;

  LogSink log{};  ///< Default: warnings and errors go to stderr.
};

/// Where clients run: one loop. By itself a Client makes its own, with a thread; many may share
/// one, and an application may drive it.
class ClientLoop {
 public:
  /// Throws std::system_error where the process has no descriptors left.
  ClientLoop();
  /// After all clients of it, and not from inside it. Tasks and coroutines that are not over are
  /// destroyed.
  ~ClientLoop();
  ClientLoop(const ClientLoop&) = delete;
  ClientLoop& operator=(const ClientLoop&) = delete;

  /// Runs on a thread of its own until destroyed. Call it, or one of the next two, not both.
  void start_thread();
  /// Runs on this thread until stop().
  void run();
  void stop();  ///< For good. Any thread.
  /// One turn; waits at most so long for something to do; 0: does not wait. Not from inside it.
  void run_once(std::chrono::milliseconds wait_max);

  /// Runs `task` on the loop's thread, soon and in order; an exception that leaves it ends the
  /// program. Any thread. Nothing bounds how many wait: post no faster than they run.
  void post(std::move_only_function<void()> task);
  /// The same after `delay`, at most a year.
  void post_after(std::chrono::milliseconds delay, std::move_only_function<void()> task);

  /// For a foreign loop: call run_once(0) when this descriptor is readable, and after timeout().
  [[nodiscard]] int descriptor() const noexcept;
  /// Until run_once() has something to do even if nothing arrives; nothing: not at all.
  [[nodiscard]] std::optional<std::chrono::milliseconds> timeout() const;

 private:
  friend class Client;
  friend struct detail::Detached;
  std::unique_ptr<client::Runtime> runtime_;
  std::set<void*> frames_;  ///< Of coroutines that run by themselves. On the loop's thread.
};

/// One WebSocket that stays. All calls are safe from any thread unless said otherwise; handlers run
/// on the loop's thread.
///
///     walkie::Client client("wss://example.com/feed", {
///         .on_message = [](walkie::Client&, walkie::MessageView message) { use(message.text()); },
///         .reconnect = walkie::Backoff{},
///     });
class Client {
 public:
  /// Starts connecting, on a thread of its own.
  explicit Client(std::string_view url, ClientOptions options = {});
  /// The same on `loop`, which must outlive it.
  Client(ClientLoop& loop, std::string_view url, ClientOptions options = {});
  /// Closes with 1001 where open and waits for nothing but a handler that runs elsewhere: what is
  /// queued is not sent. close() and wait_closed() end in good order. Not from inside a handler of
  /// this client.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends a message, now or when there is a connection. queued: it is on its way or waits, and
  /// on_undelivered tells if it fails. dropped: by WhenFull::drop_newest. overflow: the queue is
  /// full (WhenFull::refuse); on_drain tells when to try again. closing, gone: too late.
  SendStatus send(MessageView message, SendOptions options = {});
  /// Sends a large message piece by piece on the connection that is open now; `last` ends it. gone
  /// where none is; overflow where too much waits: try again in on_drain. A connection that ends
  /// takes the message with it; what is sent meanwhile waits behind it. On the loop's thread only.
  SendStatus send_piece(MessageKind kind, BytesView bytes, bool last,
                        Compression compression = Compression::by_size);
  /// A Ping of at most 125 bytes; gone where no connection is open.
  SendStatus ping(std::string_view payload = {});

  /// Sends what waits, then Close; no reconnection. What the peer sends before it answers is not
  /// delivered once our Close is out. Without a connection, or where the server takes nothing for
  /// close_timeout, what waits is undelivered.
  void close(CloseCode code = CloseCode::normal, std::string_view reason = {});
  /// Ends the current connection and connects again at once, or tries now where it waits: for a
  /// change of network, of credentials, of mind.
  void reconnect();
  /// The network changed: tries now where it waits; where open, pings, and gives the peer two
  /// seconds to show that the connection lives.
  void poke();

  /// Stops or resumes reading, for handlers that cannot keep up: the kernel then holds the peer
  /// back. Messages that were read already may still come. Holds for later connections too. After
  /// close() everything is read, for the peer's Close is behind it.
  void set_receiving(bool on);

  [[nodiscard]] ClientState state() const noexcept;
  /// Waits until it is closed and the last handler has returned, at most a year; false where that
  /// did not come in time. Not on the loop's thread.
  bool wait_closed(std::chrono::milliseconds timeout);
  /// Bytes of messages that wait.
  [[nodiscard]] std::size_t queued_bytes() const noexcept;
  /// The last measured round trip of a heartbeat; nothing before the first.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> round_trip() const noexcept;

 private:
  std::unique_ptr<ClientLoop> own_loop_;
  std::shared_ptr<client::Session> session_;
};

}  // namespace walkie
