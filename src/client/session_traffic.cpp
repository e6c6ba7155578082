// SPDX-License-Identifier: MIT
// A client's messages: from the queue to the connection, from the connection to the handlers, and
// what became of them.
#include <algorithm>
#include <cstring>

#include <client/exchange.hpp>
#include <client/handshake_options.hpp>
#include <client/session.hpp>

namespace walkie::client {
namespace {

/// More than this is not handed to the connection at once: what waits in the queue can still
/// expire, be dropped, or go out on the next connection.
constexpr std::size_t kFeedBytes = std::size_t{64} << 10;
/// Pings that confirm are at least so far apart.
constexpr Duration kProofPace = std::chrono::milliseconds(50);
constexpr std::size_t kPingsMax = 64;

/// A Ping that confirms: our tag, then the outbox's mark.
using Proof = std::array<std::byte, 12>;

Proof make_proof(const std::array<std::byte, 4>& tag, std::uint64_t mark) noexcept {
  Proof proof;
  std::ranges::copy(tag, proof.begin());
  std::memcpy(proof.data() + tag.size(), &mark, sizeof mark);
  return proof;
}

}  // namespace

// -- any thread --

SendStatus Session::send(MessageView message, SendOptions options) {
  const std::lock_guard lock(mutex_);
  if (state() == ClientState::closed) return SendStatus::gone;
  if (asked_close_) return SendStatus::closing;
  const auto ttl = options.ttl.count() > 0 ? options.ttl : options_.message_ttl;
  const Instant now = std::chrono::steady_clock::now();
  const SendStatus status = outbox_.push({.message = message.to_owned(),
                                          .compression = options.compression,
                                          .expires = ttl.count() > 0 ? now + ttl : kNever,
                                          .first = options.first},
                                         now);
  if (status == SendStatus::overflow)
    refused_bytes_ = std::max(refused_bytes_.value_or(0), message.size());
  else
    ask_attention();
  return status;
}

SendStatus Session::send_piece(MessageKind kind, BytesView bytes, bool last,
                               Compression compression) {
  const std::lock_guard turn(turn_mutex_);
  if (close_request_) return SendStatus::closing;
  if (!link_open()) return SendStatus::gone;
  if (link_->queued_bytes() > 0 && link_->queued_bytes() + bytes.size() > options_.queue_bytes_max)
    return SendStatus::overflow;
  const SendStatus status = link_->websocket().send_piece(kind, bytes, last, compression);
  link_->note_message();
  if (last) feed();  // with what waited behind it
  link_->mark_dirty();
  return status;
}

SendStatus Session::ping(std::string_view payload) {
  const std::lock_guard lock(mutex_);
  if (asked_close_) return SendStatus::closing;
  if (state() != ClientState::open) return SendStatus::gone;
  if (requests_.pings.size() >= kPingsMax) return SendStatus::overflow;
  requests_.pings.emplace_back(payload);
  ask_attention();
  return SendStatus::queued;
}

void Session::close(CloseCode code, std::string_view reason) {
  const std::lock_guard lock(mutex_);
  if (asked_close_ || state() == ClientState::closed) return;
  asked_close_ = CloseRequest{code, std::string(reason)};
  ask_attention();
}

void Session::reconnect() {
  const std::lock_guard lock(mutex_);
  requests_.reconnect = true;
  ask_attention();
}

void Session::poke() {
  const std::lock_guard lock(mutex_);
  requests_.poke = true;
  ask_attention();
}

void Session::set_receiving(bool on) {
  const std::lock_guard lock(mutex_);
  requests_.receiving = on;
  ask_attention();
}

std::size_t Session::queued_bytes() const noexcept {
  const std::lock_guard lock(mutex_);
  return outbox_.bytes();
}

std::optional<Duration> Session::round_trip() const noexcept {
  const std::int64_t ns = round_trip_ns_.load();
  return ns > 0 ? std::optional(Duration(ns)) : std::nullopt;
}

// -- out --

bool Session::link_open() const noexcept { return link_ && link_->websocket().open(); }

/// Hands waiting messages to the connection, as long as it takes them. Those that would wait there
/// behind a message in pieces stay in the queue, which bounds them and knows what becomes of them.
void Session::feed() {
  if (!link_open()) return;
  const bool held = link_->websocket().in_pieces();
  bool empty = false;
  while (!empty && !held && link_->queued_bytes() < kFeedBytes) {
    const std::lock_guard lock(mutex_);
    const Outgoing* first = outbox_.take(runtime_.loop().now());
    empty = first == nullptr;
    if (empty) break;
    link_->websocket().send(first->message.kind, first->message.bytes(), first->compression);
    link_->note_message();
  }
  if (empty || confirmation_due()) ask_for_proof();
  if ((empty || held) && close_request_) send_close();  // no piece is taken any more
  link_->mark_dirty();
}

bool Session::confirmation_due() const {
  const std::lock_guard lock(mutex_);
  return outbox_.confirmation_due();
}

/// Senders that found the queue full may go on, unless all is over.
void Session::tell_room() {
  {
    const std::lock_guard lock(mutex_);
    if (state() == ClientState::closed || !refused_bytes_ || !outbox_.has_room(*refused_bytes_))
      return;
    refused_bytes_.reset();
  }
  call(options_.on_drain);
}

/// Where fates are tracked: a Ping behind what was sent, whose Pong says that the peer has it.
void Session::ask_for_proof() {
  const Instant now = runtime_.loop().now();
  std::uint64_t mark = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!outbox_.anything_unconfirmed() || proof_asked_) return;
    mark = outbox_.mark();
  }
  if (next_proof_ != kNever && now < next_proof_) return;
  proof_asked_ = true;
  next_proof_ = now + kProofPace;
  link_->websocket().ping(make_proof(proof_tag_, mark));
}

/// False for a Pong that answers no Ping of ask_for_proof().
bool Session::confirm(BytesView pong) {
  if (pong.size() != sizeof(Proof)) return false;
  if (!std::equal(proof_tag_.begin(), proof_tag_.end(), pong.begin())) return false;
  std::uint64_t mark = 0;
  std::memcpy(&mark, pong.data() + proof_tag_.size(), sizeof mark);
  proof_asked_ = false;
  const std::lock_guard lock(mutex_);
  outbox_.confirm(mark);
  return true;
}

void Session::begin_close() {
  if (!link_) {
    const ConnectError error{.fault = ConnectFault::cancelled,
                             .message = "closed before a connection was open"};
    return finish({.error = &error});
  }
  if (state() != ClientState::open) return;
  link_->set_receiving(true);  // or the peer's Close would never be seen
  // A server that takes nothing could hold back our Close, and its timeout, for ever.
  link_->require_progress(options_.close_timeout);
  enter(ClientState::closing, {});
}

void Session::send_close() {
  if (link_->websocket().open())
    link_->websocket().close(close_request_->code, close_request_->reason, runtime_.loop().now());
}

// -- in --

void Session::on_event(const proto::Event& event) {
  const std::lock_guard turn(turn_mutex_);
  switch (event.kind) {
    case proto::EventKind::message:
      link_->note_message();
      return call(options_.on_message, MessageView(event.message_kind, event.payload));
    case proto::EventKind::piece:
      link_->note_message();
      return call(options_.on_piece,
                  PieceView{event.message_kind, event.first, event.last, event.payload});
    case proto::EventKind::pong:
      if (const auto trip = link_->keepalive().round_trip()) round_trip_ns_.store(trip->count());
      if (confirm(event.payload)) return settle();
      return call(options_.on_pong, BytesView(event.payload));
    case proto::EventKind::ping:
      return;
    case proto::EventKind::closed:
      return closed_event(event);
  }
}

void Session::on_drain() {
  const std::lock_guard turn(turn_mutex_);
  if (!link_open()) return;
  feed();
  if (link_->queued_bytes() == 0) {
    {
      const std::lock_guard lock(mutex_);
      refused_bytes_.reset();
    }
    call(options_.on_drain);
  }
  settle();
}

void Session::on_frame(const link::SeenFrame& frame, bool sent) {
  const std::lock_guard turn(turn_mutex_);
  call(options_.on_trace, Trace{.step = sent ? TraceStep::frame_sent : TraceStep::frame_received,
                                .frame = {.opcode = static_cast<std::uint8_t>(frame.header.opcode),
                                          .fin = frame.header.fin,
                                          .rsv1 = frame.header.rsv1,
                                          .masked = frame.header.mask.has_value(),
                                          .payload_bytes = frame.header.payload_bytes,
                                          .payload = frame.payload}});
}

/// The link's last word; `closed` came before, and the link was retired with it.
void Session::on_released() {}

void Session::closed_event(const proto::Event& event) {
  const auto& facts = proto::facts_of(event.error);
  std::string reason(text_of(event.payload));
  if (reason.empty() && event.error != proto::ProtocolError::none) reason = facts.text;
  if (!link_->transport_fault().empty()) reason += ": " + std::string(link_->transport_fault());
  const CloseInfo info{.code = event.code,
                       .reason = reason,
                       .clean = event.clean,
                       .by_peer = event.by_peer,
                       .clause = facts.clause};
  {
    const std::lock_guard lock(mutex_);
    // The answer to our Close came behind all that we had sent.
    if (event.clean && !event.by_peer) outbox_.confirm_all();
    outbox_.connection_lost(runtime_.loop().now());
  }
  runtime_.retire(std::move(link_), shared_from_this());
  report_undelivered();
  call(options_.on_close, info);
  if (std::exchange(reconnect_asked_, false) && !close_request_ && !handler_failed_)
    begin_attempt();
  else
    connection_ended(info);
  settle();
}

// -- fates and time --

/// After whatever changed the queue or the connection.
void Session::settle() {
  report_undelivered();
  tell_room();
  schedule();
}

void Session::report_undelivered() {
  while (true) {
    std::optional<Failed> failed;
    {
      const std::lock_guard lock(mutex_);
      failed = outbox_.poll_failed();
    }
    if (!failed) return;
    call(options_.on_undelivered, MessageView(failed->message), failed->why);
  }
}

void Session::on_timer(Instant now) {
  const std::lock_guard turn(turn_mutex_);
  {
    const std::lock_guard lock(mutex_);
    outbox_.expire(now);
  }
  if (now >= hook_deadline_) {
    cancel_opening();
    attempt_failed({.fault = ConnectFault::timeout,
                    .message = "the hook before the attempt did not answer in time"});
  }
  if (now >= attempt_at_) begin_attempt();
  feed();
  settle();
}

void Session::schedule() {
  if (state() == ClientState::closed) return;
  Instant deadline = std::min(attempt_at_, hook_deadline_);
  {
    const std::lock_guard lock(mutex_);
    if (const auto expiry = outbox_.next_deadline()) deadline = std::min(deadline, *expiry);
    if (link_ && !proof_asked_ && outbox_.anything_unconfirmed() && !outbox_.anything_waits())
      deadline = std::min(deadline, next_proof_);
  }
  if (deadline == kNever)
    runtime_.loop().timers().cancel(*this);
  else
    runtime_.loop().timers().arm(*this, deadline);
}

// -- handlers --

/// Where no connection is open, the end comes with attend().
void Session::handler_threw(std::string_view what) {
  handler_failed_ = true;
  const auto url = parse_websocket_url(url_);  // as it stands it may hold a password
  log(LogLevel::error, "handler threw",
      {{"url", url ? message_text(*url) : std::string()}, {"what", what}});
  if (link_) return fail_link();
  const std::lock_guard lock(mutex_);
  ask_attention();
}

void Session::fail_link() {
  link_->websocket().fail(CloseCode::internal_error, "internal error", runtime_.loop().now());
  link_->mark_dirty();
}

void Session::log(LogLevel level, std::string_view event,
                  std::initializer_list<LogField> fields) const {
  if (options_.log.takes(level))
    options_.log.write({level, event, {fields.begin(), fields.size()}});
}

}  // namespace walkie::client
