// SPDX-License-Identifier: MIT
// How a server-side connection moves bytes between its socket and its machines, and how it ends.
#include <link/h1_link.hpp>

#include <algorithm>
#include <array>

#include <base/assert.hpp>

namespace walkie::link {
namespace {

/// While more than this waits to be written, nothing more is read from that peer, nor is it pinged.
constexpr std::size_t kReadPauseBytes = std::size_t{256} << 10;
/// The same while the kernel is only about to take it, at the end of this turn.
constexpr std::size_t kReadPauseKeptBytes = std::size_t{1} << 20;
constexpr std::size_t kChunksPerSend = 64;

}  // namespace

H1Link::H1Link(LinkContext& context, LinkHandler& handler)
    : context_(context), handler_(handler), transport_(context.loop, *this) {}

Result<void> H1Link::start(io::Fd fd, std::unique_ptr<tls::Filter> filter) {
  const bool secured = filter != nullptr;
  if (auto adopted = transport_.adopt(std::move(fd), std::move(filter)); !adopted) return adopted;
  if (!secured) {
    begin_http();
    return {};
  }
  phase_ = Phase::securing;
  end_deadline_ = context_.loop.now() + context_.http.head_timeout;
  reschedule();
  return {};
}

void H1Link::begin_http() {
  phase_ = Phase::http;
  end_deadline_ = kNever;
  http_ = std::make_unique<http::ServerConnection>(context_.http, context_.resources.buffers,
                                                   context_.loop.now());
  reschedule();
}

// -- what the session asks for --

void H1Link::defer_answer() {
  answer_deferred_ = true;
  end_deadline_ = context_.loop.now() + context_.answer_timeout;
}

void H1Link::answered() {
  answer_deferred_ = false;
  end_deadline_ = kNever;
  if (phase_ == Phase::http) http_->tell_time(context_.loop.now());
  mark_dirty();
}

bool H1Link::upgrade(std::string_view accept, std::string_view subprotocol,
                     std::string_view extensions,
                     std::span<const std::pair<std::string, std::string>> fields,
                     const WebSocketSetup& setup) {
  const bool all_fields = http_->upgrade(accept, subprotocol, extensions, fields);
  ws_.emplace(proto::Role::server, setup.connection, context_.resources, setup.deflate);
  keepalive_.emplace(setup.keepalive, context_.loop.now());
  phase_ = Phase::websocket;
  answer_deferred_ = false;
  end_deadline_ = kNever;
  mark_dirty();
  return all_fields;
}

void H1Link::mark_dirty() {
  if (draining_ || dirty_ || phase_ == Phase::released) return;
  dirty_ = true;
  context_.dirty.push_back(this);
}

void H1Link::service() {
  dirty_ = false;
  if (phase_ == Phase::released) return;
  drain();
  flush();
  settle();
}

void H1Link::note_message() noexcept {
  if (keepalive_) keepalive_->message(context_.loop.now());
}

void H1Link::finish_http() {
  if (phase_ == Phase::securing) return release(false);
  if (phase_ != Phase::http) return;
  http_->finish();
  mark_dirty();
}

void H1Link::abort() {
  if (phase_ != Phase::released) release(true);
}

std::size_t H1Link::queued_bytes() const noexcept { return machine_bytes() + transport_.backlog(); }

std::size_t H1Link::machine_bytes() const noexcept {
  return (ws_ ? ws_->output().size() : 0) + (http_ ? http_->output().size() : 0);
}

// -- what the socket tells --

void H1Link::on_secured() {
  handler_.on_secured();
  begin_http();
}

void H1Link::on_insecure(std::string_view reason) {
  fail_tls(tls::name_of(*transport_.tls()->failure()), reason);
}

/// Ends the machines, then lingers, so that our alert is not lost to a RST.
void H1Link::fail_tls(std::string_view kind, std::string_view reason) {
  if (phase_ == Phase::lingering) return release(false);
  handler_.on_insecure(kind, reason);
  if (phase_ == Phase::websocket) {
    ws_->receive_end(context_.loop.now());
    drain();
    static_cast<void>(ws_->take_output());
  }
  http_.reset();
  account_queue();
  finish_sending();
}

void H1Link::on_received(MutableBytes bytes) {
  context_.counters.bytes_in.add(bytes.size());
  const Instant now = context_.loop.now();
  if (phase_ == Phase::websocket) {
    if (!leftover_fed_) drain();  // upgraded in this turn: what came behind the head is first
    keepalive_->alive(now);
    ws_->receive(bytes, now);
  } else if (phase_ == Phase::http) {
    http_->receive(bytes, now);
  } else {
    return;  // securing never comes here; lingering: read and forget, so that our last bytes are
             // not lost to a RST
  }
  drain();
  flush();
  settle();
}

void H1Link::on_sent(std::size_t bytes) {
  sending_ = false;
  const Instant now = context_.loop.now();
  if (keepalive_ && transport_.peer_reads(ws_->blocked())) keepalive_->alive(now);
  if (finished() && phase_ != Phase::lingering) end_deadline_ = now + context_.stall_time;
  written(bytes);
  drain();  // a pipelined request may have waited for room
  flush();
  settle();
}

void H1Link::on_end() {
  peer_ended_ = true;
  receiving_ = false;
  if (phase_ == Phase::lingering) return release(false);
  const Instant now = context_.loop.now();
  if (phase_ == Phase::websocket)
    ws_->receive_end(now);
  else
    http_->receive_end(now);
  drain();
  flush();
  settle();
}

void H1Link::on_error(std::error_code error) {
  if (phase_ == Phase::securing) handler_.on_insecure("reset", error.message());
  if (phase_ == Phase::websocket) {
    ws_->receive_end(context_.loop.now());
    drain();
  }
  release(false);
}

void H1Link::on_timer(Instant now) {
  armed_for_ = kNever;
  if (phase_ == Phase::lingering && now >= end_deadline_) return release(false);
  if (phase_ == Phase::securing) {
    if (now < end_deadline_) return reschedule();
    handler_.on_insecure("timeout", "the TLS handshake took too long");
    return release(true);
  }
  if (answer_deferred_ && now >= end_deadline_) {
    end_deadline_ = kNever;
    answer_deferred_ = false;
    http_->tell_time(now);
    handler_.on_answer_timeout();
  } else if (finished() && now >= end_deadline_) {
    return release(true);
  }
  if (phase_ == Phase::websocket) {
    ws_->on_deadline(now);
    run_keepalive(now);
  } else if (phase_ == Phase::http) {
    http_->on_deadline(now);
  }
  drain();
  flush();
  settle();
}

// -- between the machines and the socket --

void H1Link::drain() {
  if (draining_) return;
  draining_ = true;
  if (phase_ == Phase::http) drain_http();
  feed_leftover();
  if (phase_ == Phase::websocket) drain_websocket();
  draining_ = false;
}

void H1Link::drain_http() {
  while (phase_ == Phase::http && !answer_deferred_) {
    const auto event = http_->poll_event(handler_.date());
    if (!event) return;
    if (event->kind == http::ServerEvent::Kind::request) handler_.on_request(event->request);
    if (event->kind == http::ServerEvent::Kind::failed) handler_.on_bad_request(event->error);
  }
}

/// The first frames may have come right behind the request's head, and the peer's FIN behind them,
/// while the answer was awaited.
void H1Link::feed_leftover() {
  if (leftover_fed_ || phase_ != Phase::websocket) return;
  leftover_fed_ = true;
  if (const MutableBytes frames = http_->leftover(); !frames.empty())
    ws_->receive(frames, context_.loop.now());
  if (peer_ended_) ws_->receive_end(context_.loop.now());
}

void H1Link::drain_websocket() {
  while (phase_ == Phase::websocket) {
    const auto event = ws_->poll_event();
    if (!event) return;
    if (event->kind == proto::EventKind::pong)
      keepalive_->pong(event->payload, context_.loop.now());
    handler_.on_event(*event);
  }
}

void H1Link::flush() {
  while (!sending_ && phase_ != Phase::released && machine_bytes() > 0) {
    drain_owed_ = true;
    if (!flush_once()) break;
  }
  if (drain_owed_ && phase_ == Phase::websocket && queued_bytes() == 0) {
    drain_owed_ = false;
    handler_.on_drain();
  }
}

/// One send of what both machines have, HTTP's first. False where the socket is full.
bool H1Link::flush_once() {
  std::array<BytesView, kChunksPerSend> chunks;
  const std::size_t of_http = http_ ? http_->output().gather(chunks) : 0;
  std::size_t count = of_http;
  if (ws_) count += ws_->output().gather(std::span(chunks).subspan(count));
  const auto bytes_of = [&](std::size_t from, std::size_t to) {
    std::size_t bytes = 0;
    for (std::size_t i = from; i < to; ++i) bytes += chunks[i].size();
    return bytes;
  };
  const std::size_t of_websocket = bytes_of(of_http, count);
  const std::size_t offered = bytes_of(0, of_http) + of_websocket;
  const std::size_t sent = transport_.send(std::span(chunks).first(count));
  sending_ = sent < offered || transport_.backlog() > 0;
  const bool in_flight = sending_ && transport_.keeps_chunks();
  if (!in_flight || sent > 0) written(sent);
  if (in_flight && ws_) ws_->set_in_flight(std::min(of_websocket, offered - sent));
  return !sending_;
}

void H1Link::written(std::size_t bytes) {
  context_.counters.bytes_out.add(bytes);
  if (http_) {
    const std::size_t of_http = std::min(bytes, http_->output().size());
    if (of_http > 0) http_->output_written(of_http);
    bytes -= of_http;
  }
  if (ws_) ws_->output_written(bytes);  // also 0: it learns that the socket is full
}

/// After every round: ends what is finished, and sets receiving and the timer to what is left.
void H1Link::settle() {
  if (phase_ == Phase::released) return;
  account_queue();
  if (phase_ == Phase::websocket && http_ && http_->output().empty()) http_.reset();
  if (phase_ != Phase::lingering && finished()) {
    if (queued_bytes() == 0) return finish_sending();
    if (end_deadline_ == kNever) end_deadline_ = context_.loop.now() + context_.stall_time;
  }
  regulate_receiving();
  reschedule();
}

/// Everything is written: FIN, then wait for the peer's, reading on, so that a RST caused by unread
/// bytes cannot overtake the Close frame (RFC 6455 §7.1.1).
void H1Link::finish_sending() {
  if (peer_ended_) return release(false);
  transport_.shutdown_send();
  phase_ = Phase::lingering;
  end_deadline_ = context_.loop.now() + context_.linger_time;
  if (!receiving_) {
    receiving_ = true;
    transport_.set_receiving(true);
  }
  reschedule();
}

void H1Link::account_queue() noexcept {
  const std::size_t queued = phase_ == Phase::released ? 0 : queued_bytes();
  if (queued == accounted_bytes_) return;
  context_.counters.queued_bytes.subtract(accounted_bytes_);
  context_.counters.queued_bytes.add(queued);
  accounted_bytes_ = queued;
}

void H1Link::regulate_receiving() {
  if (peer_ended_) return;
  const bool kept = transport_.keeps_chunks() && ws_ && !ws_->blocked();
  const bool full = sending_ && queued_bytes() >= (kept ? kReadPauseKeptBytes : kReadPauseBytes);
  const bool want = !full && (phase_ != Phase::http || http_->wants_input());
  if (want == receiving_) return;
  receiving_ = want;
  transport_.set_receiving(want);
}

Instant H1Link::next_deadline() const noexcept {
  Instant deadline = end_deadline_;
  const auto earlier = [&](std::optional<Instant> other) {
    if (other) deadline = std::min(deadline, *other);
  };
  if (phase_ == Phase::websocket) {
    earlier(ws_->next_deadline());
    if (ws_->open()) earlier(keepalive_->next_deadline());
  } else if (phase_ == Phase::http) {
    earlier(http_->next_deadline());
  }
  return deadline;
}

/// Arms the timer only for something earlier: a timer that fires too soon looks again, so activity
/// costs no timer work.
void H1Link::reschedule() {
  const Instant deadline = next_deadline();
  if (deadline == kNever || (armed() && armed_for_ <= deadline)) return;
  armed_for_ = deadline;
  context_.loop.timers().arm(*this, deadline);
}

void H1Link::run_keepalive(Instant now) {
  if (!ws_->open()) return;
  switch (keepalive_->on_deadline(now)) {
    case KeepaliveAction::none:
      return;
    case KeepaliveAction::ping:
      // Behind so much that waits a Ping would tell nothing, and many would wait there.
      if (queued_bytes() < kReadPauseBytes) ws_->ping(keepalive_->ping_payload());
      return;
    case KeepaliveAction::idle:
      return ws_->fail(proto::ProtocolError::idle_timeout, now);
    case KeepaliveAction::peer_dead:
      ws_->fail(proto::ProtocolError::pong_timeout, now);
      return release(true);  // nobody is there to read a Close frame
  }
}

bool H1Link::finished() const noexcept {
  return ws_ ? ws_->finished() : (http_ != nullptr && http_->finished());
}

void H1Link::release(bool reset) {
  if (phase_ == Phase::released) return;
  if (phase_ == Phase::websocket) {
    ws_->receive_end(context_.loop.now());
    drain();
  }
  phase_ = Phase::released;
  account_queue();
  context_.loop.timers().cancel(*this);
  transport_.release(take_output(), reset);
  handler_.on_released();
}

/// Of both machines, in order: a send that is under way may still read it.
base::OutputQueue H1Link::take_output() noexcept {
  base::OutputQueue output(context_.resources.buffers);
  if (http_) output.splice(std::move(http_->output()));
  if (ws_) output.splice(ws_->take_output());
  return output;
}

}  // namespace walkie::link
