// SPDX-License-Identifier: MIT
// What a connection does with its events: dispatch, upgrades, messages, and the end.
#include <server/session.hpp>

#include <algorithm>
#include <exception>

#include <http/static_files.hpp>
#include <proto/handshake.hpp>
#include <server/core.hpp>
#include <server/origin.hpp>
#include <server/request_view.hpp>
#include <server/shard.hpp>

namespace walkie::server {

namespace {

/// For a WebSocket whose transport went before its machine could say how it ended.
proto::Event abnormal_end() {
  proto::Event event;
  event.kind = proto::EventKind::closed;
  event.code = CloseCode::abnormal;
  event.error = proto::ProtocolError::ended_without_close;
  return event;
}

/// Runs `action` and says what it threw, if it did.
template <class Action>
std::optional<std::string> thrown_by(Action action) {
  try {
    action();
    return std::nullopt;
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "not a std::exception";
  }
}

}  // namespace

/// A request that waits for its answer, and for an upgrade what the 101 will say.
struct Session::Pending {
  std::uint32_t number = 0;
  bool deferred = false;
  const Route* route = nullptr;  ///< Null: an ordinary request.
  std::string accept;
  proto::DeflateAnswer deflate;
  std::string subprotocol;  ///< Ours, if the hook names none.
  std::vector<std::string> offered;
  std::optional<Answer> answer;  ///< Given while the handler runs: applied when it has returned.
};

Session::Session(base::SlabKey key, Shard& shard, std::string remote, int refusal)
    : shard_(shard),
      link_(shard.link_context(), *this),
      remote_(std::move(remote)),
      key_(key),
      refusal_(static_cast<std::uint16_t>(refusal)) {}

Session::~Session() = default;

// -- TLS --

void Session::on_secured() {
  const tls::Session session = link_.tls()->session();
  shard_.counters().tallies.tls_handshake(session.resumed ? "resumed" : "full");
  shard_.core().log(LogLevel::debug, "tls handshake complete",
                    {{"remote", remote_},
                     {"version", session.version},
                     {"cipher", session.cipher},
                     {"resumed", session.resumed ? "yes" : "no"}});
}

void Session::on_insecure(std::string_view kind, std::string_view reason) {
  const bool handshake = !link_.tls()->open();
  if (handshake) shard_.counters().tallies.tls_handshake(kind);
  shard_.core().log(LogLevel::info, handshake ? "tls handshake failed" : "tls failed",
                    {{"remote", remote_}, {"kind", kind}, {"why", reason}});
}

// -- requests --

void Session::on_request(const http::Request& request) {
  ++requests_;
  if (!request.asks_for_websocket) shard_.counters().http_requests.add();
  if (refusal_ != 0) {
    shard_.counters().tallies.handshake(std::to_string(refusal_));
    const std::string text = refusal_ == 429 ? "too many connections from this address\n"
                                             : "the server is at its connection limit\n";
    link_.http()->respond({.status = refusal_, .body = text, .headers = {{"Retry-After", "5"}}},
                          shard_.date(), true);
    return;
  }
  dispatch(request);
  if (!pending_) return;
  if (auto answer = std::exchange(pending_->answer, std::nullopt)) return apply_any(*answer);
  pending_->deferred = true;
  link_.defer_answer();
}

void Session::dispatch(const http::Request& request) {
  const Core& core = shard_.core();
  auto matches = core.find(request.head->path);
  if (!matches) return respond(400, "malformed percent-escape in the path [RFC 3986 §2.1]\n");
  std::string allowed;
  bool only_websocket = false;
  for (const Router::Match& match : *matches) {
    const Core::Target& target = core.target(match.id);
    if (target.websocket) {
      if (request.asks_for_websocket)
        return begin_upgrade(request, *target.websocket, match.parameters);
      only_websocket = true;
      continue;
    }
    const std::string_view method = request.head->method;
    if (target.method == "*" || target.method == method ||
        (method == "HEAD" && target.method == "GET"))
      return handle_http(request, target.handler, match.parameters);
    allowed += (allowed.empty() ? "" : ", ") + target.method;
  }
  if (const auto* file = core.files().find(request.head->path))
    return http::respond_file(*link_.http(), *file, *request.head, shard_.date());
  if (request.asks_for_websocket)
    return reject_handshake(404, "no WebSocket is served at this path", "");
  if (!allowed.empty())
    return respond(405, "this path does not take this method\n", {{"Allow", allowed}});
  if (only_websocket)
    return respond(426, "this path serves WebSockets only\n", {{"Upgrade", "websocket"}});
  respond(404, "not found\n");
}

void Session::handle_http(const http::Request& request, const HttpHandler& handler,
                          const Parameters& parameters) {
  pending_ = std::make_unique<Pending>();
  pending_->number = requests_;
  const RequestView view(request, parameters, remote_, link_.tls());
  HttpReply reply(std::make_shared<HttpReply::Target>(shard_.core().gate(),
                                                      RequestKey{shard_.index(), key_, requests_}));
  // Where it throws, the reply, if it still was with the handler, answers 500 as it dies.
  if (const auto what = thrown_by([&] { handler(view, std::move(reply)); }))
    shard_.core().log(LogLevel::error, "http handler threw",
                      {{"path", view.path()}, {"what", *what}});
}

void Session::begin_upgrade(const http::Request& request, const Route& route,
                            const Parameters& parameters) {
  const auto& head = *request.head;
  if (const auto fault = proto::judge_request({head.method, head.minor_version, head.fields})) {
    std::vector<std::pair<std::string, std::string>> fields;
    if (fault->status == 405) fields = {{"Allow", "GET"}};
    if (fault->status == 426) fields = {{"Sec-WebSocket-Version", "13"}, {"Upgrade", "websocket"}};
    return reject_handshake(fault->status, fault->text, fault->clause, std::move(fields));
  }
  const RequestView view(request, parameters, remote_, link_.tls());
  const auto host = view.header("Host").value_or(std::string_view{});
  if (!origin_allowed(route.handlers.options.origin, view.origin(), host, view.secure()))
    return reject_handshake(403, "this Origin may not connect", "RFC 6455 §10.2");
  auto deflate = proto::answer_deflate(head.fields, route.connection.deflate);
  if (!deflate)
    return reject_handshake(deflate.error().status, deflate.error().text, deflate.error().clause);
  if (shard_.core().stop_level() != StopLevel::running)
    return reject_handshake(503, "the server is stopping", "", {{"Retry-After", "1"}});

  pending_ = std::make_unique<Pending>();
  pending_->number = requests_;
  pending_->route = &route;
  pending_->accept = proto::accept_of_key(*view.header("Sec-WebSocket-Key"));
  pending_->deflate = *std::move(deflate);
  pending_->offered.assign(view.subprotocols().begin(), view.subprotocols().end());
  for (const std::string& ours : route.handlers.options.subprotocols)
    if (pending_->subprotocol.empty() && std::ranges::count(pending_->offered, ours) > 0)
      pending_->subprotocol = ours;

  if (!route.handlers.on_upgrade) return apply(UpgradeAccepted{});
  Upgrade upgrade(std::make_shared<Upgrade::Target>(shard_.core().gate(),
                                                    RequestKey{shard_.index(), key_, requests_}));
  if (const auto what = thrown_by([&] { route.handlers.on_upgrade(view, std::move(upgrade)); }))
    shard_.core().log(LogLevel::error, "upgrade hook threw",
                      {{"route", route.pattern}, {"what", *what}});
}

void Session::on_bad_request(http::HeadError error) {
  const auto& facts = http::facts_of(error);
  shard_.counters().tallies.handshake(std::to_string(facts.status));
  shard_.core().log(LogLevel::info, "request refused",
                    {{"remote", remote_},
                     {"status", std::to_string(facts.status)},
                     {"why", facts.text},
                     {"clause", facts.clause}});
}

// -- answers --

/// The request's views live until its handler returns, so what it answers meanwhile waits.
void Session::answer(std::uint32_t number, Answer answer) {
  if (!pending_ || pending_->number != number || pending_->answer) return;
  if (!pending_->deferred) {
    pending_->answer = std::move(answer);
    return;
  }
  apply_any(answer);
  link_.answered();
}

void Session::apply_any(Answer& answer) {
  std::visit([this](auto& alternative) { apply(std::move(alternative)); }, answer);
}

std::string_view Session::date() { return shard_.date(); }

void Session::on_answer_timeout() {
  if (!pending_) return;
  const bool upgrade = pending_->route != nullptr;
  pending_.reset();
  if (upgrade) return reject_handshake(503, "the server took too long to decide", "");
  respond(503, "the server took too long to answer\n");
}

void Session::apply(UpgradeAccepted accepted) {
  const auto pending = std::move(pending_);
  if (!pending->route) return respond(500, "internal error\n");
  const auto& chosen = accepted.answer.subprotocol;
  if (!chosen.empty() && std::ranges::count(pending->offered, chosen) == 0) {
    shard_.core().log(LogLevel::error, "upgrade hook chose a subprotocol that was not offered",
                      {{"route", pending->route->pattern}, {"subprotocol", chosen}});
    return reject_handshake(500, "internal error", "");
  }
  if (shard_.core().stop_level() != StopLevel::running)
    return reject_handshake(503, "the server is stopping", "", {{"Retry-After", "1"}});
  if (!accepted.state && !make_state(*pending->route, accepted.state))
    return reject_handshake(500, "internal error", "");
  if (!link_.upgrade(
          pending->accept, chosen.empty() ? pending->subprotocol : chosen,
          pending->deflate.extension, accepted.answer.headers,
          {pending->route->connection, pending->route->keepalive, pending->deflate.params}))
    warn_of_bad_field();
  route_ = pending->route;
  state_ = std::move(accepted.state);
  shard_.counters().tallies.handshake("accepted");
  shard_.counters().websockets_open.add();
  shard_.core().log(LogLevel::debug, "websocket opened",
                    {{"remote", remote_}, {"route", route_->pattern}});
  call(route_->handlers.on_open);
}

/// False where the State's constructor threw.
bool Session::make_state(const Route& route, std::shared_ptr<void>& state) {
  if (!route.make_state) return true;
  const auto what = thrown_by([&] { state = route.make_state(); });
  if (what)
    shard_.core().log(LogLevel::error, "making a connection's state threw",
                      {{"route", route.pattern}, {"what", *what}});
  return !what;
}

void Session::apply(Reject rejected) {
  const auto pending = std::move(pending_);
  if (!pending->route) return respond(500, "internal error\n");
  const int status = rejected.status >= 300 && rejected.status <= 599 ? rejected.status : 500;
  reject_handshake(status, rejected.body.empty() ? http::reason_of(status) : rejected.body, "",
                   std::move(rejected.headers));
}

void Session::apply(const HttpResponse& response) {
  pending_.reset();
  if (!link_.http()->respond(response, shard_.date())) warn_of_bad_field();
}

void Session::warn_of_bad_field() {
  shard_.core().log(LogLevel::error, "a handler's header field is malformed and was left out", {});
}

void Session::respond(int status, std::string_view text,
                      std::vector<std::pair<std::string, std::string>> fields) {
  link_.http()->respond({.status = status, .body = std::string(text), .headers = std::move(fields)},
                        shard_.date());
}

void Session::reject_handshake(int status, std::string_view text, std::string_view clause,
                               std::vector<std::pair<std::string, std::string>> fields) {
  shard_.counters().tallies.handshake(std::to_string(status));
  shard_.core().log(
      LogLevel::info, "handshake refused",
      {{"remote", remote_}, {"status", std::to_string(status)}, {"why", text}, {"clause", clause}});
  std::string body(text);
  if (!clause.empty()) body.append(" [").append(clause).append("]");
  if (!body.ends_with('\n')) body += '\n';
  respond(status, body, std::move(fields));
}

// -- the WebSocket --

void Session::on_event(const proto::Event& event) {
  const WebSocketRoute& handlers = route_->handlers;
  Counters& counters = shard_.counters();
  switch (event.kind) {
    case proto::EventKind::message:
      counters.messages_in.add();
      counters.payload_bytes_in.add(event.payload.size());
      link_.note_message();
      return call(handlers.on_message, MessageView(event.message_kind, event.payload));
    case proto::EventKind::piece:
      if (event.last) counters.messages_in.add();
      counters.payload_bytes_in.add(event.payload.size());
      link_.note_message();
      return call(handlers.on_piece,
                  PieceView{event.message_kind, event.first, event.last, event.payload});
    case proto::EventKind::pong:
      return call(handlers.on_pong, BytesView(event.payload));
    case proto::EventKind::ping:
      return;
    case proto::EventKind::closed:
      return end(event);
  }
}

void Session::on_drain() {
  if (!ended_ && route_) call(route_->handlers.on_drain);
}

/// Says once, to metrics, log and application, how the WebSocket ended.
void Session::end(const proto::Event& event) {
  if (ended_) return;
  ended_ = true;
  shard_.topics().unsubscribe_all(memberships_);
  Counters& counters = shard_.counters();
  counters.subscriptions.set(shard_.topics().subscriptions());
  counters.websockets_open.subtract();
  if (const auto* websocket = link_.websocket()) count_dropped(*websocket);
  const auto& facts = proto::facts_of(event.error);
  const bool faulty = event.error != proto::ProtocolError::none;
  const std::string_view how = faulty          ? facts.text
                               : event.by_peer ? std::string_view("peer closed")
                                               : std::string_view("we closed");
  counters.tallies.end(event.code, how);
  const std::string_view reason = text_of(event.payload);
  shard_.core().log(faulty ? LogLevel::info : LogLevel::debug, "websocket ended",
                    {{"remote", remote_},
                     {"route", route_->pattern},
                     {"code", std::to_string(static_cast<unsigned>(event.code))},
                     {"how", how},
                     {"reason", reason},
                     {"clause", facts.clause}});
  const CloseInfo info{.code = event.code,
                       .reason = reason.empty() && faulty ? facts.text : reason,
                       .clean = event.clean,
                       .by_peer = event.by_peer,
                       .clause = facts.clause};
  call(route_->handlers.on_close, info);
}

void Session::on_released() {
  pending_.reset();
  if (route_ && !ended_) end(abnormal_end());
  shard_.bury(key_);
}

/// Runs one of the application's handlers, if there is one; an exception ends the connection.
template <class Handler, class... Args>
void Session::call(const Handler& handler, Args&&... args) {
  if (!handler) return;
  Peer self = peer();
  if (const auto what = thrown_by([&] { handler(self, std::forward<Args>(args)...); }))
    fail_handler(*what);
}

void Session::fail_handler(std::string_view what) {
  shard_.core().log(LogLevel::error, "handler threw",
                    {{"route", route_->pattern}, {"remote", remote_}, {"what", what}});
  if (auto* websocket = link_.websocket()) {
    websocket->fail(CloseCode::internal_error, "internal error", shard_.loop().now());
    link_.mark_dirty();
  }
}

// -- what a Peer can do --

Peer Session::peer() const noexcept { return shard_.core().peer(shard_, key_); }

proto::Connection* Session::open_websocket() noexcept {
  return ended_ ? nullptr : link_.websocket();
}

/// The machine counts what it dropped; metrics get what is new.
void Session::count_dropped(const proto::Connection& websocket) noexcept {
  const std::uint32_t dropped = websocket.dropped_messages();
  if (dropped == dropped_counted_) return;
  shard_.counters().dropped_messages.add(dropped - dropped_counted_);
  dropped_counted_ = dropped;
}

SendStatus Session::sent(const proto::Connection& websocket, SendStatus status,
                         std::size_t payload_bytes) {
  count_dropped(websocket);
  if (status == SendStatus::queued) {
    shard_.counters().messages_out.add();
    shard_.counters().payload_bytes_out.add(payload_bytes);
    link_.note_message();
  }
  link_.mark_dirty();
  return status;
}

SendStatus Session::send(MessageView message, Compression compression) {
  auto* websocket = open_websocket();
  if (!websocket) return SendStatus::closing;
  const auto status = websocket->send(message.kind(), message.bytes(), compression);
  return sent(*websocket, status, message.size());
}

SendStatus Session::send_shared(proto::SharedFrame& frame) {
  auto* websocket = open_websocket();
  if (!websocket) return SendStatus::closing;
  const auto status = websocket->send_shared(frame);
  return sent(*websocket, status, frame.payload_bytes());
}

SendStatus Session::send_piece(MessageKind kind, BytesView bytes, bool last,
                               Compression compression) {
  auto* websocket = open_websocket();
  if (!websocket) return SendStatus::closing;
  const SendStatus status = websocket->send_piece(kind, bytes, last, compression);
  if (last) return sent(*websocket, status, bytes.size());
  count_dropped(*websocket);
  if (status == SendStatus::queued) shard_.counters().payload_bytes_out.add(bytes.size());
  link_.note_message();
  link_.mark_dirty();
  return status;
}

void Session::abandon_message() {
  auto* websocket = open_websocket();
  if (!websocket) return;
  websocket->fail(proto::ProtocolError::send_queue_full, shard_.loop().now());
  link_.mark_dirty();
}

SendStatus Session::ping(std::string_view payload) {
  auto* websocket = open_websocket();
  if (!websocket || !websocket->open()) return SendStatus::closing;
  // Control frames are never dropped, so a full queue takes none of the application's.
  if (link_.queued_bytes() > route_->connection.send_queue_bytes_max) return SendStatus::overflow;
  websocket->ping(bytes_of(payload));
  link_.mark_dirty();
  return SendStatus::queued;
}

SendStatus Session::close(CloseCode code, std::string_view reason) {
  auto* websocket = open_websocket();
  if (!websocket || !websocket->open()) return SendStatus::closing;
  websocket->close(code, reason, shard_.loop().now());
  link_.mark_dirty();
  return SendStatus::queued;
}

SendStatus Session::subscribe(std::string_view topic) {
  if (!open_websocket()) return SendStatus::closing;
  if (memberships_.size() >= shard_.core().options().topics_per_connection_max)
    return SendStatus::overflow;
  shard_.topics().subscribe(*this, memberships_, topic);
  shard_.counters().subscriptions.set(shard_.topics().subscriptions());
  return SendStatus::queued;
}

SendStatus Session::unsubscribe(std::string_view topic) {
  shard_.topics().unsubscribe(memberships_, topic);
  shard_.counters().subscriptions.set(shard_.topics().subscriptions());
  return SendStatus::queued;
}

std::optional<Duration> Session::round_trip() const noexcept {
  return link_.keepalive() ? link_.keepalive()->round_trip() : std::nullopt;
}

std::string Session::remote_host() const {
  if (remote_.starts_with("unix")) return {};
  const std::string host = remote_.substr(0, remote_.rfind(':'));
  return host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
}

}  // namespace walkie::server
