// SPDX-License-Identifier: MIT
// The way to an open WebSocket, step by step; whatever goes wrong names its step.
#include <client/opening.hpp>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>
#include <variant>

#include <link/key_log.hpp>

namespace walkie::client {
namespace {

constexpr std::string_view kProtocols[] = {"http/1.1"};

std::optional<std::string> environment(std::string_view name) {
  const char* value = std::getenv(std::string(name).c_str());
  return value ? std::optional<std::string>(value) : std::nullopt;
}

std::string seconds_text(std::chrono::milliseconds time) {
  const auto ms = time.count();
  if (ms % 1000 != 0) return std::to_string(ms) + " ms";
  return std::to_string(ms / 1000) + " s";
}

std::string text_of_output(const base::OutputQueue& output) {
  std::array<BytesView, 8> chunks;
  std::string text;
  for (const BytesView chunk : std::span(chunks).first(output.gather(chunks)))
    text += walkie::text_of(chunk);
  return text;
}

/// As it was sent, but for the spelling of white space.
std::string text_of(const http::ResponseHead& head) {
  std::string text = "HTTP/1." + std::to_string(head.minor_version) + " " +
                     std::to_string(head.status) + " " + std::string(head.reason) + "\r\n";
  for (const HeaderField& field : head.fields)
    text.append(field.name).append(": ").append(field.value).append("\r\n");
  return text + "\r\n";
}

}  // namespace

// -- contexts --

Result<tls::ClientContext*> TlsContexts::make(const ClientTls& options,
                                              std::unique_ptr<tls::ClientContext>& place) {
  auto key_log = link::open_key_log(options.key_log_file);
  if (!key_log) return std::unexpected(std::move(key_log.error()));
  auto made = tls::ClientContext::make(options, kProtocols, *std::move(key_log));
  if (!made) return std::unexpected(std::move(made.error()));
  place = *std::move(made);
  return place.get();
}

Result<tls::ClientContext*> TlsContexts::for_server() {
  return server_ ? server_.get() : make(options_, server_);
}

Result<tls::ClientContext*> TlsContexts::for_other_origin() {
  if (other_origin_) return other_origin_.get();
  ClientTls options = options_;
  options.certificate_file.clear();
  options.key_file.clear();
  return make(options, other_origin_);
}

Result<tls::ClientContext*> TlsContexts::for_proxy() {
  if (proxy_) return proxy_.get();
  ClientTls options = options_;
  options.certificate_file.clear();
  options.key_file.clear();
  options.pinned_keys.clear();
  options.server_name.clear();
  return make(options, proxy_);
}

// -- start and end --

Opening::Opening(Runtime& runtime, OpeningHandler& handler, const ClientOptions& options,
                 TlsContexts& contexts)
    : runtime_(runtime),
      handler_(handler),
      options_(options),
      contexts_(contexts),
      unsent_(runtime.buffers()) {
  http_options_.limits.head_bytes_max = options.head_bytes_max;
  http_options_.body_bytes_max = options.reject_body_bytes_max;
}

Opening::~Opening() { cancel(); }

void Opening::start(Attempt attempt) {
  attempt_ = std::move(attempt);
  const Instant now = runtime_.loop().now();
  if (options_.dial.overall_timeout.count() > 0)
    overall_deadline_ = now + options_.dial.overall_timeout;
  // Nothing may be told from inside start(): faults too come by the timer.
  set_deadline(now);
}

void Opening::cancel() {
  stage_ = Stage::over;
  runtime_.loop().timers().cancel(*this);
  dial_.reset();
  end_transport();
}

void Opening::end_transport() {
  if (!transport_) return;
  base::OutputQueue in_flight = std::exchange(unsent_, base::OutputQueue(runtime_.buffers()));
  if (http_) in_flight.splice(std::move(http_->output()));
  sending_ = false;
  transport_->release(std::move(in_flight), true);
  runtime_.bury(std::shared_ptr<link::Transport>(std::move(transport_)));
}

void Opening::fail(ConnectFault fault, std::string message, std::string_view clause) {
  fail(ConnectError{.fault = fault, .message = std::move(message), .clause = clause});
}

void Opening::fail(ConnectError error) {
  if (stage_ == Stage::over) return;
  cancel();
  handler_.on_opening_failed(std::move(error));
}

void Opening::on_timer(Instant now) {
  if (stage_ == Stage::starting) return begin();
  if (now >= overall_deadline_)
    return fail(ConnectFault::timeout, "connecting to " + message_text(url()) +
                                           " took longer than " +
                                           seconds_text(options_.dial.overall_timeout) + " in all");
  if (now < stage_deadline_) return set_deadline(stage_deadline_);
  switch (stage_) {
    case Stage::proxy_tls:
    case Stage::tls:
      return fail(ConnectFault::timeout, "the TLS handshake with " + peer() + " took longer than " +
                                             seconds_text(options_.dial.tls_timeout));
    case Stage::tunnel:
      return fail(ConnectFault::timeout, "the proxy " + peer() + " did not answer within " +
                                             seconds_text(options_.dial.handshake_timeout));
    case Stage::upgrade:
      return fail(ConnectFault::timeout, message_text(url()) +
                                             " did not answer the handshake within " +
                                             seconds_text(options_.dial.handshake_timeout));
    case Stage::starting:
    case Stage::dialling:
    case Stage::over:
      return;
  }
}

void Opening::enter(Stage stage, std::chrono::milliseconds timeout) {
  stage_ = stage;
  stage_deadline_ = timeout.count() > 0 ? runtime_.loop().now() + timeout : kNever;
  set_deadline(stage_deadline_);
}

void Opening::set_deadline(Instant when) {
  const Instant deadline = std::min(when, overall_deadline_);
  if (deadline == kNever)
    runtime_.loop().timers().cancel(*this);
  else
    runtime_.loop().timers().arm(*this, deadline);
}

void Opening::show(TraceStep step, std::string_view text) {
  if (options_.on_trace) handler_.on_opening_step(step, text);
}

/// Whom the current stage talks to.
std::string Opening::peer() const {
  const bool with_proxy = stage_ == Stage::proxy_tls || stage_ == Stage::tunnel;
  return with_proxy ? proxy_->authority() : url().authority();
}

std::string_view Opening::step_name() const noexcept {
  switch (stage_) {
    case Stage::proxy_tls:
    case Stage::tls:
      return "the TLS handshake";
    case Stage::tunnel:
      return "the proxy's handshake";
    default:
      return "the opening handshake";
  }
}

// -- the steps --

void Opening::begin() {
  auto handshake = Handshake::make(attempt_.url, attempt_.headers, options_);
  if (!handshake) return fail(std::move(handshake.error()));
  handshake_.emplace(*std::move(handshake));
  dial();
}

/// Starts over, at the handshake's URL. The last request was perhaps not yet sent to its end.
void Opening::dial() {
  proxy_secured_ = tunnelled_ = secured_ = sending_ = false;
  auto proxy = proxy_for(url(), options_.dial.proxy, environment);
  if (!proxy) return fail(ConnectFault::bad_url, std::move(proxy.error().message));
  proxy_ = options_.dial.unix_socket.empty() ? *std::move(proxy) : std::nullopt;
  enter(Stage::dialling, std::chrono::milliseconds(0));
  const http::Url& to = proxy_ ? *proxy_ : url();
  show(TraceStep::dial, (proxy_ ? "proxy " : "") + to.authority());
  const DialOptions& options = options_.dial;
  DialRequest request{.host = to.host,
                      .port = to.port,
                      .unix_path = options.unix_socket,
                      .resolve_timeout = options.resolve_timeout};
  request.race.pace = options.address_pace;
  request.race.attempt_timeout = options.connect_timeout;
  dial_ = std::make_unique<Dial>(runtime_.loop(), runtime_.resolver(), std::move(request),
                                 [this](Dial::Result result) {
                                   runtime_.bury(std::shared_ptr<Dial>(std::move(dial_)));
                                   if (!result) return fail(std::move(result.error()));
                                   take_socket(*std::move(result));
                                 });
}

void Opening::take_socket(Dialled dialled) {
  remote_ = dialled.remote.text();
  show(TraceStep::dial, "connected to " + remote_);
  transport_ = std::make_unique<link::Transport>(runtime_.loop(),
                                                 static_cast<link::TransportHandler&>(*this));
  if (auto adopted = transport_->adopt(std::move(dialled.fd)); !adopted)
    return fail(ConnectFault::unreachable, std::move(adopted.error().message));
  go_on();
}

/// The next step that this connection still needs.
void Opening::go_on() {
  if (proxy_ && proxy_->secure() && !std::exchange(proxy_secured_, true)) {
    enter(Stage::proxy_tls, options_.dial.tls_timeout);
    return secure(contexts_.for_proxy(), *proxy_);
  }
  if (proxy_ && !std::exchange(tunnelled_, true)) return open_tunnel();
  if (url().secure() && !std::exchange(secured_, true)) {
    enter(Stage::tls, options_.dial.tls_timeout);
    return secure(
        handshake_->credentials_dropped() ? contexts_.for_other_origin() : contexts_.for_server(),
        url());
  }
  upgrade();
}

void Opening::secure(Result<tls::ClientContext*> context, const http::Url& with) {
  if (!context) return fail(ConnectFault::bad_url, std::move(context.error().message));
  if (options_.dial.tls.insecure_accept_any_certificate) warn_of_no_verification(with);
  // The dot of a fully qualified name is no part of a certificate's names (RFC 6066 §3).
  std::string_view name = with.host;
  if (name.ends_with('.')) name.remove_suffix(1);
  transport_->secure(std::make_unique<tls::Filter>(**context, name, with.port, runtime_.buffers()));
}

void Opening::warn_of_no_verification(const http::Url& with) const {
  if (!options_.log.takes(LogLevel::warning)) return;
  const std::string server = with.authority();
  const LogField field{"server", server};
  options_.log.write({LogLevel::warning,
                      "INSECURE: the server's certificate is not verified; anyone on the way can "
                      "read and change everything",
                      {&field, 1}});
}

void Opening::open_tunnel() {
  enter(Stage::tunnel, options_.dial.handshake_timeout);
  if (!proxy_->scheme.starts_with("socks")) return ask(connect_request(*proxy_, url()));
  socks_ = std::make_unique<SocksHandshake>(url().host, url().port, proxy_->user, proxy_->password);
  judge_socks();
}

void Opening::upgrade() {
  enter(Stage::upgrade, options_.dial.handshake_timeout);
  ask(handshake_->request(runtime_.random().nonce()));
}

void Opening::ask(const OutgoingRequest& request) {
  http_ = std::make_unique<http::ClientConnection>(http_options_, runtime_.buffers());
  if (!request.send(*http_))
    return fail(ConnectFault::bad_url, "a byte that HTTP does not allow stands in the request");
  if (options_.on_trace) show(TraceStep::request, text_of_output(http_->output()));
  write();
}

/// Sends what waits, as far as the socket takes it.
void Opening::write() {
  while (stage_ != Stage::over && !sending_ &&
         (!unsent_.empty() || (http_ && !http_->output().empty()))) {
    std::array<BytesView, 8> chunks;
    const bool raw = !unsent_.empty();
    const std::size_t count = (raw ? unsent_ : http_->output()).gather(chunks);
    std::size_t offered = 0;
    for (std::size_t i = 0; i < count; ++i) offered += chunks[i].size();
    const std::size_t sent = transport_->send(std::span(chunks).first(count));
    sending_ = sent < offered;
    forget_sent(sent);
  }
}

void Opening::forget_sent(std::size_t bytes) {
  if (!unsent_.empty())
    unsent_.consume(bytes);
  else if (http_)
    http_->output().consume(bytes);
}

// -- what the socket tells --

void Opening::on_sent(std::size_t bytes) {
  sending_ = false;
  forget_sent(bytes);
  write();
}

void Opening::on_received(MutableBytes bytes) {
  if (stage_ == Stage::tunnel && socks_) return receive_socks(bytes);
  if (stage_ != Stage::tunnel && stage_ != Stage::upgrade) return;
  http_->receive(bytes);
  judge();
}

void Opening::on_end() {
  if (stage_ == Stage::tunnel && socks_) {
    socks_->receive_end();
    return judge_socks();
  }
  if (stage_ == Stage::tunnel || stage_ == Stage::upgrade) {
    http_->receive_end();
    return judge();
  }
  fail(stage_ == Stage::tunnel ? ConnectFault::proxy : ConnectFault::ended,
       peer() + " closed the connection during " + std::string(step_name()));
}

void Opening::on_error(std::error_code error) {
  fail(stage_ == Stage::tunnel ? ConnectFault::proxy : ConnectFault::ended,
       std::string(step_name()) + " with " + peer() + ": " + error.message());
}

void Opening::on_secured() {
  if (stage_ == Stage::proxy_tls || stage_ == Stage::tls) go_on();
}

/// A server that goes away in the middle may be back soon; one that fails TLS will fail it again.
void Opening::on_insecure(std::string_view reason) {
  const bool cut = transport_->tls() && transport_->tls()->failure() == tls::Failure::cut;
  fail(cut ? ConnectFault::ended : ConnectFault::tls,
       "TLS with " + peer() + ": " + std::string(reason));
}

void Opening::receive_socks(MutableBytes bytes) {
  const std::size_t used = socks_->receive(bytes);
  if (socks_->done() && used < bytes.size()) return fail(ConnectFault::proxy, unasked_bytes());
  judge_socks();
}

void Opening::judge_socks() {
  if (socks_->fault())
    return fail(ConnectFault::proxy, "proxy " + proxy_->authority() + ": " + *socks_->fault());
  if (socks_->done()) {
    socks_.reset();
    return go_on();
  }
  const auto more = socks_->take_output();
  unsent_.append(more);
  write();
}

/// Of the tunnel's or the upgrade's request, once its answer is whole.
void Opening::judge() {
  const auto event = http_->poll_event();
  if (!event) return;
  if (options_.on_trace && event->head) show(TraceStep::answer, text_of(*event->head));
  if (stage_ == Stage::tunnel) return judge_tunnel(*event);
  auto outcome = handshake_->judge(*event);
  if (auto* error = std::get_if<ConnectError>(&outcome)) return fail(std::move(*error));
  if (auto* agreed = std::get_if<AgreedUpgrade>(&outcome)) return finish(std::move(*agreed));
  show(TraceStep::dial, std::get<FollowedRedirect>(outcome).message);
  end_transport();
  dial();
}

void Opening::judge_tunnel(const http::ClientEvent& event) {
  if (auto error = judge_connect_answer(*proxy_, url(), event)) return fail(*std::move(error));
  if (!http_->leftover().empty()) return fail(ConnectFault::proxy, unasked_bytes());
  http_.reset();
  go_on();
}

std::string Opening::unasked_bytes() const {
  return "proxy " + proxy_->authority() + " sent bytes that nobody had asked for";
}

void Opening::finish(AgreedUpgrade agreed) {
  stage_ = Stage::over;
  runtime_.loop().timers().cancel(*this);
  handler_.on_opened({.transport = std::move(transport_),
                      .url = url().text(),
                      .subprotocol = std::move(agreed.subprotocol),
                      .deflate = agreed.deflate,
                      .answer = std::move(agreed.answer),
                      .remote_address = remote_,
                      .leftover = http_->leftover()});
}

}  // namespace walkie::client
