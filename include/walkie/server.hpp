// SPDX-License-Identifier: MIT
// The WebSocket server: routes, handlers, limits, and how it starts and stops.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <walkie/error.hpp>
#include <walkie/http.hpp>
#include <walkie/log.hpp>
#include <walkie/message.hpp>
#include <walkie/metrics.hpp>
#include <walkie/peer.hpp>
#include <walkie/tls.hpp>

namespace walkie {

/// What the upgrade hook inspects: the request (headers, cookies, query, parameters, remote
/// address) and what is special to WebSockets. Views die when the hook returns.
class UpgradeRequest : public HttpRequest {
 public:
  /// Offered by the client, in its order of preference (RFC 6455 §11.3.4).
  [[nodiscard]] virtual std::span<const std::string_view> subprotocols() const noexcept = 0;
  /// The Origin header; empty where the client sent none (not a browser).
  [[nodiscard]] virtual std::string_view origin() const noexcept = 0;
};

/// Says yes to an upgrade.
struct Accept {
  std::string subprotocol{};  ///< One of those offered; empty: none.
  std::vector<std::pair<std::string, std::string>> headers{};  ///< Added to the 101.
};

/// Says no, with an HTTP answer.
struct Reject {
  int status = 403;
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// The answer to one upgrade, given at once or later, from any thread. The first answer counts; one
/// that is destroyed unanswered rejects with 500. After the handshake timeout the client has got
/// 503 and answering does nothing.
class Upgrade {
 public:
  struct Target;
  explicit Upgrade(std::shared_ptr<Target> target) noexcept;
  Upgrade(Upgrade&&) noexcept = default;
  Upgrade& operator=(Upgrade&&) noexcept = default;
  ~Upgrade();
  void accept(Accept answer = {});
  void reject(Reject answer = {});
  /// The typed state that this connection will start with, in place of a default-constructed one.
  /// Before accept(); `State` must be the route's.
  template <class State>
  void set_state(State state) {
    set_state_pointer(std::shared_ptr<void>(std::make_shared<State>(std::move(state))));
  }

 private:
  void set_state_pointer(std::shared_ptr<void> state);
  std::shared_ptr<Target> target_;
};

/// Which browsers may connect (the Origin header, RFC 6455 §10.2). Requests without Origin pass:
/// they come from no browser.
struct OriginPolicy {
  /// Same host and port as the request's Host header.
  bool same_origin = true;
  /// Also these: "https://example.com", "https://*.example.com", "*" (all).
  std::vector<std::string> allowed{};
};

/// Limits and behaviour of one route. Every limit is enforced.
struct WebSocketOptions {
  /// After inflating; a longer message ends the connection with 1009.
  std::uint64_t message_bytes_max = std::uint64_t{16} << 20;
  /// Frames of one message; more end the connection with 1008.
  std::uint32_t fragments_max = 131'072;
  /// What may wait to be sent; one message may always wait alone.
  std::size_t send_queue_bytes_max = std::size_t{16} << 20;
  SlowConsumer slow_consumer = SlowConsumer::close;
  /// Between our Pings; 0: none.
  std::chrono::milliseconds ping_interval{30'000};
  /// Silence after a Ping that means death: ended with 1006; 0: never.
  std::chrono::milliseconds pong_timeout{20'000};
  /// From a message's first bytes to its last (of a frame, under on_piece); a slower one ends the
  /// connection with 1008; 0: no limit.
  std::chrono::milliseconds message_timeout{120'000};
  /// No data message in either direction for so long: closed with 1001; 0: no limit.
  std::chrono::milliseconds idle_timeout{0};
  /// For the peer's answer to our Close.
  std::chrono::milliseconds close_timeout{5'000};
  /// Agree to permessage-deflate.
  bool compression = true;
  /// Better ratio, for up to 300 kB of memory per connection that compresses.
  bool context_takeover = true;
  int window_bits = 15;       ///< 9 to 15, both directions.
  int compression_level = 1;  ///< 1 to 9.
  std::uint32_t compression_threshold_bytes = 64;
  OriginPolicy origin{};
  /// In our order; the first that the client offers is agreed. The hook may choose another.
  std::vector<std::string> subprotocols{};
};

/// Handlers of a route without state. All run on the connection's shard, one at a time for it. One
/// that throws closes its connection with 1011.
struct WebSocketRoute {
  /// Absent: every upgrade that passes the Origin check is accepted.
  std::function<void(const UpgradeRequest&, Upgrade)> on_upgrade{};
  std::function<void(Peer&)> on_open{};
  std::function<void(Peer&, MessageView)> on_message{};
  /// Set it to get messages piece by piece while they arrive; on_message is then not called.
  std::function<void(Peer&, PieceView)> on_piece{};
  std::function<void(Peer&, BytesView)> on_pong{};
  /// All that was queued went to the kernel: go on sending. Also after sends that went out at
  /// once.
  std::function<void(Peer&)> on_drain{};
  std::function<void(Peer&, const CloseInfo&)> on_close{};
  WebSocketOptions options{};
};

/// The same with a State per connection: made before on_open, destroyed after on_close.
template <class State>
struct WebSocketRouteOf {
  std::function<void(const UpgradeRequest&, Upgrade)> on_upgrade{};
  std::function<void(Peer&, State&)> on_open{};
  std::function<void(Peer&, State&, MessageView)> on_message{};
  std::function<void(Peer&, State&, PieceView)> on_piece{};
  std::function<void(Peer&, State&, BytesView)> on_pong{};
  std::function<void(Peer&, State&)> on_drain{};
  std::function<void(Peer&, State&, const CloseInfo&)> on_close{};
  WebSocketOptions options{};
};

/// automatic: io_uring where the kernel has what it takes, else epoll. docs/performance.md compares
/// the two.
enum class IoBackend : std::uint8_t { automatic, epoll, uring };

/// Options of the whole server.
struct ServerOptions {
  unsigned threads = 1;  ///< Shards; 0: one per processor.
  IoBackend io = IoBackend::epoll;
  std::uint32_t connections_max = 1'000'000;  ///< More get 503; 0: no limit.
  /// More get 429; 0: no limit. Unix sockets do not count.
  std::uint32_t connections_per_address_max = 0;
  std::size_t head_bytes_max = 16 * 1024;                 ///< Of a request; else 431.
  std::uint64_t body_bytes_max = std::uint64_t{1} << 20;  ///< Of an ordinary request; else 413.
  /// For a TLS handshake, for a request's head, and for a deferred answer; for each of them.
  std::chrono::milliseconds handshake_timeout{10'000};
  std::chrono::milliseconds http_idle_timeout{60'000};  ///< Between requests of one connection.
  /// stop() spreads its 1001 closes over this; 0: all at once.
  std::chrono::milliseconds drain_time{5'000};
  std::uint32_t topics_per_connection_max = 1024;
  int publish_compression_level = 1;     ///< 1 to 9, for messages to topics.
  std::size_t mailbox_entries = 65'536;  ///< Of each shard.
  unsigned unix_mode = 0;                ///< chmod of unix sockets; 0: by umask.
  std::optional<ServerTls> tls{};        ///< For listen_tls().
  /// run() stops on SIGTERM and SIGINT, a second one ends at once; with TLS, SIGHUP reloads.
  bool handle_signals = true;
  LogSink log{};  ///< Default: errors go to stderr.
  /// Called once by run() and start(), when all endpoints are bound, with their real addresses.
  std::function<void(std::span<const std::string>)> on_listening{};
};

/// A WebSocket and HTTP server. Configure (one thread), then run() or start(). publish(), stop(),
/// reload_tls(), metrics() are safe from any thread.
///
///     walkie::Server server;
///     server.websocket("/echo", {
///         .on_message = [](walkie::Peer& peer, walkie::MessageView message) { peer.send(message);
///         },
///     });
///     return server.listen("127.0.0.1:9001").run();
class Server {
 public:
  explicit Server(ServerOptions options = {});
  ~Server();  ///< Stops at once where it still runs, and waits.
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Serves WebSockets at `pattern`: "/chat", "/chat/:room" (one segment), "/files/*path" (the
  /// rest). Of several that match, literal segments win over parameters, parameters over the rest.
  Server& websocket(std::string_view pattern, WebSocketRoute route);
  template <class State>
  Server& websocket(std::string_view pattern, WebSocketRouteOf<State> route);

  /// Serves ordinary requests. `method` "*" takes any. HEAD is answered by GET's handler without
  /// the body; a known path with another method gets 405.
  Server& http(std::string_view method, std::string_view pattern, HttpHandler handler);
  Server& http(std::string_view method, std::string_view pattern,
               std::function<HttpResponse(const HttpRequest&)> handler);
  Server& files(std::vector<StaticFile> files);

  /// Adds "HOST:PORT", "[V6]:PORT" (port 0: any free one) or "unix:PATH". Binds at start.
  /// Repeatable.
  Server& listen(std::string_view endpoint);
  /// The same, speaking https and wss there, as ServerOptions::tls says.
  Server& listen_tls(std::string_view endpoint);

  /// Binds and serves until stopped; prints the error to the log, or to stderr, and returns
  /// non-zero where it cannot.
  [[nodiscard]] int run();

  /// Binds and serves on threads of its own. After it, endpoints() has the real ports.
  [[nodiscard]] Result<void> start();
  [[nodiscard]] std::vector<std::string> endpoints() const;
  /// Those of them that speak TLS.
  [[nodiscard]] std::vector<std::string> tls_endpoints() const;
  /// What the loops run on: "epoll", "io_uring (multishot, ...)". Empty before the start.
  [[nodiscard]] std::string_view io_backend() const;
  /// Shards; after threads = 0 was resolved.
  [[nodiscard]] unsigned threads() const;

  /// Reads the files of ServerOptions::tls again, for new connections; open ones stay as they are.
  /// Where one is faulty, the certificates stay as they were, and the error says why; either is
  /// logged. Blocks while it reads. run() does it on SIGHUP. Any thread.
  [[nodiscard]] Result<void> reload_tls();

  /// Stops accepting, closes every WebSocket with 1001 spread over drain_time, lets requests under
  /// way finish, then ends. Returns at once. Any thread.
  void stop();
  /// Whether stop() was called, or a signal came.
  [[nodiscard]] bool stopping() const;
  /// Waits for the end of a started server.
  void wait();

  /// Sends to every subscriber of `topic` on all shards, but not to `except`. The message is copied
  /// once and encoded (and compressed) at most once per shard. `busy` where a shard's mailbox was
  /// full: that shard's subscribers miss it.
  SendStatus publish(std::string_view topic, MessageView message, const Peer& except = {});

  /// A snapshot of all counters.
  [[nodiscard]] ServerMetrics metrics() const;

 private:
  Server& add_route(std::string_view pattern, WebSocketRoute route,
                    std::function<std::shared_ptr<void>()> make_state);
  [[nodiscard]] static void* state_of(const Peer& peer) noexcept;
  std::unique_ptr<server::Core> core_;
};

template <class State>
Server& Server::websocket(std::string_view pattern, WebSocketRouteOf<State> route) {
  const auto with_state = [](auto handler) {
    return [handler = std::move(handler)](Peer& peer, auto&&... rest) {
      handler(peer, *static_cast<State*>(state_of(peer)), std::forward<decltype(rest)>(rest)...);
    };
  };
  WebSocketRoute plain;
  plain.options = std::move(route.options);
  plain.on_upgrade = std::move(route.on_upgrade);
  if (route.on_open) plain.on_open = with_state(std::move(route.on_open));
  if (route.on_message) plain.on_message = with_state(std::move(route.on_message));
  if (route.on_piece) plain.on_piece = with_state(std::move(route.on_piece));
  if (route.on_pong) plain.on_pong = with_state(std::move(route.on_pong));
  if (route.on_drain) plain.on_drain = with_state(std::move(route.on_drain));
  if (route.on_close) plain.on_close = with_state(std::move(route.on_close));
  return add_route(pattern, std::move(plain),
                   [] { return std::shared_ptr<void>(std::make_shared<State>()); });
}

}  // namespace walkie
