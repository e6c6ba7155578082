// SPDX-License-Identifier: MIT
// One attempt to open a WebSocket: address, proxy, TLS, handshake, redirects, each within its
// deadline.
//
//   dial -> [TLS to the proxy] -> [CONNECT | SOCKS] -> [TLS] -> upgrade -> opened
//             ^--------------------- redirect ------------------'
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/output_queue.hpp>
#include <base/timer_wheel.hpp>
#include <client/connect_proxy.hpp>
#include <client/dial.hpp>
#include <client/handshake.hpp>
#include <client/proxy.hpp>
#include <client/runtime.hpp>
#include <client/socks.hpp>
#include <http/client_connection.hpp>
#include <http/url.hpp>
#include <link/transport.hpp>
#include <span>
#include <tls/context.hpp>
#include <walkie/client.hpp>

namespace walkie::client {

/// An open WebSocket, its machine still to be made.
struct OpenedTransport {
  std::unique_ptr<link::Transport> transport;
  std::string url;
  std::string subprotocol;
  proto::DeflateParams deflate;
  HttpAnswer answer;
  std::string remote_address;
  MutableBytes leftover;  ///< Frames right behind the answer. Lives as long as the Opening.
};

class OpeningHandler {
 public:
  /// One of these, once and last, on the loop's thread, never from inside start(). The handler must
  /// not destroy the Opening from inside: Runtime::bury().
  virtual void on_opened(OpenedTransport opened) = 0;
  virtual void on_opening_failed(ConnectError error) = 0;
  virtual void on_opening_step(TraceStep step, std::string_view text) = 0;

 protected:
  ~OpeningHandler() = default;
};

/// The TLS contexts of one client, made when first needed and kept for resumption.
class TlsContexts {
 public:
  explicit TlsContexts(const ClientTls& options) noexcept : options_(options) {}
  /// Errors: as tls::ClientContext::make().
  [[nodiscard]] Result<tls::ClientContext*> for_server();
  /// Behind a redirect to another origin: the same, but our certificate is not shown.
  [[nodiscard]] Result<tls::ClientContext*> for_other_origin();
  /// For an https proxy: the same trust, but neither the pins nor the name of the server, nor our
  /// certificate.
  [[nodiscard]] Result<tls::ClientContext*> for_proxy();

 private:
  [[nodiscard]] static Result<tls::ClientContext*> make(const ClientTls& options,
                                                        std::unique_ptr<tls::ClientContext>& place);
  const ClientTls& options_;
  std::unique_ptr<tls::ClientContext> server_;
  std::unique_ptr<tls::ClientContext> other_origin_;
  std::unique_ptr<tls::ClientContext> proxy_;
};

/// Not thread safe. Destroying it cancels it.
class Opening final : private link::TransportHandler, private base::Timer {
 public:
  /// All references outlive it.
  Opening(Runtime& runtime, OpeningHandler& handler, const ClientOptions& options,
          TlsContexts& contexts);
  ~Opening();
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;

  void start(Attempt attempt);
  /// Ends it; nothing is told any more.
  void cancel();

 private:
  enum class Stage : std::uint8_t { starting, dialling, proxy_tls, tunnel, tls, upgrade, over };

  void on_received(MutableBytes bytes) override;
  void on_sent(std::size_t bytes) override;
  void on_end() override;
  void on_error(std::error_code error) override;
  void on_secured() override;
  void on_insecure(std::string_view reason) override;
  void on_timer(Instant now) override;

  void begin();
  void dial();
  void take_socket(Dialled dialled);
  void go_on();
  void secure(Result<tls::ClientContext*> context, const http::Url& with);
  void warn_of_no_verification(const http::Url& with) const;
  void open_tunnel();
  void upgrade();
  void ask(const OutgoingRequest& request);
  void write();
  void forget_sent(std::size_t bytes);
  void receive_socks(MutableBytes bytes);
  void judge_socks();
  void judge();
  void judge_tunnel(const http::ClientEvent& event);
  void finish(AgreedUpgrade agreed);
  void enter(Stage stage, std::chrono::milliseconds timeout);
  void set_deadline(Instant when);
  void show(TraceStep step, std::string_view text);
  [[nodiscard]] const http::Url& url() const noexcept { return handshake_->url(); }
  [[nodiscard]] std::string peer() const;
  [[nodiscard]] std::string_view step_name() const noexcept;
  [[nodiscard]] std::string unasked_bytes() const;
  void end_transport();
  void fail(ConnectFault fault, std::string message, std::string_view clause = {});
  void fail(ConnectError error);

  Runtime& runtime_;
  OpeningHandler& handler_;
  const ClientOptions& options_;
  TlsContexts& contexts_;
  Attempt attempt_;
  std::optional<http::Url> proxy_;
  std::optional<Handshake> handshake_;
  std::unique_ptr<Dial> dial_;
  std::unique_ptr<link::Transport> transport_;
  http::ClientConnectionOptions http_options_;
  std::unique_ptr<http::ClientConnection> http_;
  std::unique_ptr<SocksHandshake> socks_;
  base::OutputQueue unsent_;  ///< Of SOCKS, which has no queue of its own.
  std::string remote_;
  Instant overall_deadline_ = kNever;
  Instant stage_deadline_ = kNever;
  Stage stage_ = Stage::starting;
  bool sending_ = false;
  // What was begun on the current connection:
  bool proxy_secured_ = false;
  bool tunnelled_ = false;
  bool secured_ = false;
};

}  // namespace walkie::client
