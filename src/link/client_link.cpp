// SPDX-License-Identifier: MIT
// How a client's WebSocket moves bytes between its socket and its machine, and how it ends.
#include <link/client_link.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace walkie::link {
namespace {

constexpr std::size_t kChunksPerSend = 64;

}  // namespace

ClientLink::ClientLink(ClientLinkContext& context, ClientLinkHandler& handler,
                       std::unique_ptr<Transport> transport, const ClientLinkSetup& setup)
    : context_(context),
      handler_(&handler),
      transport_(std::move(transport)),
      ws_(proto::Role::client, setup.connection, context.resources, setup.deflate),
      keepalive_(setup.keepalive, context.loop.now()),
      watches_(setup.trace ? std::make_unique<Watches>() : nullptr) {
  transport_->set_handler(*this);
}

void ClientLink::start(MutableBytes leftover) {
  if (!leftover.empty()) {
    show_received(leftover);
    ws_.receive(leftover, context_.loop.now());
  }
  turn();
}

// -- what the owner asks for --

void ClientLink::mark_dirty() {
  if (draining_ || dirty_ || phase_ == Phase::released) return;
  dirty_ = true;
  context_.dirty.push_back(this);
}

void ClientLink::service() {
  dirty_ = false;
  if (phase_ != Phase::released) turn();
}

void ClientLink::set_receiving(bool on) {
  wanted_ = on;
  if (phase_ == Phase::open) regulate_receiving();
}

void ClientLink::prove_alive(Duration patience) {
  if (phase_ != Phase::open || !wanted_) return;
  ws_.ping(keepalive_.ping_payload());
  proof_deadline_ = context_.loop.now() + patience;
  mark_dirty();
}

void ClientLink::require_progress(Duration patience) {
  progress_patience_ = patience;
  note_progress(context_.loop.now());
  reschedule();
}

void ClientLink::note_progress(Instant now) {
  if (progress_patience_ > Duration::zero()) progress_deadline_ = now + progress_patience_;
}

void ClientLink::abort() {
  if (phase_ != Phase::released) release(true);
}

// -- what the socket tells --

void ClientLink::on_received(MutableBytes bytes) {
  if (phase_ == Phase::ending) return;  // read and forget, until the server's end
  const Instant now = context_.loop.now();
  keepalive_.alive(now);
  proof_deadline_ = kNever;
  show_received(bytes);
  ws_.receive(bytes, now);
  turn();
}

void ClientLink::on_sent(std::size_t bytes) {
  sending_ = false;
  const Instant now = context_.loop.now();
  if (transport_->peer_reads(ws_.blocked())) {
    keepalive_.alive(now);
    note_progress(now);
  }
  if (ws_.finished() && phase_ == Phase::open) end_deadline_ = now + context_.stall_time;
  if (watches_ && bytes > 0) {
    std::array<BytesView, kChunksPerSend> chunks;
    show_sent(std::span(chunks).first(ws_.output().gather(chunks)), bytes);
  }
  ws_.output_written(bytes);
  turn();
}

void ClientLink::on_end() {
  peer_ended_ = true;
  receiving_ = false;
  if (phase_ == Phase::ending) return release(false);
  ws_.receive_end(context_.loop.now());
  turn();
}

void ClientLink::on_error(std::error_code error) {
  transport_fault_ = error.message();
  break_off();
}

void ClientLink::on_insecure(std::string_view reason) {
  transport_fault_ = reason;
  break_off();
}

void ClientLink::on_timer(Instant now) {
  if (now >= end_deadline_) return release(phase_ == Phase::open);
  if (phase_ == Phase::ending) return reschedule();
  if (now >= proof_deadline_) {
    proof_deadline_ = kNever;
    ws_.fail(proto::ProtocolError::pong_timeout, now);
    return break_off();  // nobody is there to read a Close frame
  }
  if (now >= progress_deadline_) {
    progress_deadline_ = kNever;
    if (ws_.open() && queued_bytes() > 0) {
      ws_.fail(CloseCode::abnormal, "the server takes no more bytes", now);
      return break_off();
    }
  }
  ws_.on_deadline(now);
  run_keepalive(now);
  if (phase_ != Phase::released) turn();
}

// -- between the machine and the socket --

void ClientLink::turn() {
  drain();
  flush();
  settle();
}

void ClientLink::drain() {
  if (draining_) return;
  draining_ = true;
  while (const auto event = ws_.poll_event()) {
    if (event->kind == proto::EventKind::pong) keepalive_.pong(event->payload, context_.loop.now());
    if (event->kind == proto::EventKind::closed) clean_ = event->clean;
    handler_->on_event(*event);
  }
  draining_ = false;
}

void ClientLink::flush() {
  while (!sending_ && phase_ != Phase::released && !ws_.output().empty()) {
    drain_owed_ = true;
    if (!flush_once()) break;
  }
  if (phase_ == Phase::open && queued_bytes() == 0 && std::exchange(drain_owed_, false))
    handler_->on_drain();
}

/// False where the socket is full.
bool ClientLink::flush_once() {
  std::array<BytesView, kChunksPerSend> chunks;
  const auto offered = std::span(chunks).first(ws_.output().gather(chunks));
  std::size_t offered_bytes = 0;
  for (const BytesView chunk : offered) offered_bytes += chunk.size();
  const std::size_t sent = transport_->send(offered);
  sending_ = sent < offered_bytes || transport_->backlog() > 0;
  const bool in_flight = sending_ && transport_->keeps_chunks();
  show_sent(offered, sent);
  if (!in_flight || sent > 0) ws_.output_written(sent);
  if (in_flight) ws_.set_in_flight(offered_bytes - sent);
  return !sending_;
}

void ClientLink::settle() {
  if (phase_ == Phase::released) return;
  if (phase_ == Phase::open && ws_.finished()) {
    if (queued_bytes() == 0) return begin_ending();
    if (end_deadline_ == kNever) end_deadline_ = context_.loop.now() + context_.stall_time;
  }
  reschedule();
}

/// Everything is written. After a clean close the server ends the transport first, so that it and
/// not the client holds the TIME_WAIT (RFC 6455 §7.1.1); else the FIN is ours.
void ClientLink::begin_ending() {
  if (peer_ended_) return release(false);
  phase_ = Phase::ending;
  end_deadline_ = context_.loop.now() + context_.linger_time;
  if (!clean_) transport_->shutdown_send();
  if (!receiving_) {
    receiving_ = true;
    transport_->set_receiving(true);
  }
  reschedule();
}

/// A client reads also while its own bytes wait: the server may not, until its answers are read,
/// and if neither did, both would wait for ever.
void ClientLink::regulate_receiving() {
  if (peer_ended_ || wanted_ == receiving_) return;
  receiving_ = wanted_;
  transport_->set_receiving(wanted_);
}

Instant ClientLink::next_deadline() const noexcept {
  if (phase_ != Phase::open) return end_deadline_;
  Instant deadline = std::min({end_deadline_, proof_deadline_, progress_deadline_});
  if (const auto machine = ws_.next_deadline()) deadline = std::min(deadline, *machine);
  if (ws_.open()) deadline = std::min(deadline, keepalive_.next_deadline());
  return deadline;
}

void ClientLink::reschedule() {
  const Instant deadline = next_deadline();
  // A timer that is too early is cheaper than one that is armed anew with every message.
  if (deadline == kNever || (armed() && armed_for_ <= deadline)) return;
  armed_for_ = deadline;
  context_.loop.timers().arm(*this, deadline);
}

void ClientLink::run_keepalive(Instant now) {
  if (!ws_.open()) return;
  if (!receiving_) keepalive_.alive(now);
  switch (keepalive_.on_deadline(now)) {
    case KeepaliveAction::none:
      return;
    case KeepaliveAction::ping:
      return ws_.ping(keepalive_.ping_payload());
    case KeepaliveAction::idle:
      return ws_.fail(proto::ProtocolError::idle_timeout, now);
    case KeepaliveAction::peer_dead:
      ws_.fail(proto::ProtocolError::pong_timeout, now);
      return break_off();  // nobody is there to read a Close frame
  }
}

/// The transport is of no more use.
void ClientLink::break_off() {
  ws_.receive_end(context_.loop.now());
  drain();
  if (phase_ != Phase::released) release(true);
}

void ClientLink::release(bool reset) {
  if (phase_ == Phase::released) return;
  if (phase_ == Phase::open) {
    ws_.receive_end(context_.loop.now());
    drain();
  }
  phase_ = Phase::released;
  context_.loop.timers().cancel(*this);
  transport_->release(ws_.take_output(), reset);
  handler_->on_released();
}

// -- tracing --

void ClientLink::show_received(BytesView bytes) {
  if (!watches_) return;
  while (const auto frame = watches_->received.next(bytes)) handler_->on_frame(*frame, false);
}

void ClientLink::show_sent(std::span<const BytesView> chunks, std::size_t bytes) {
  if (!watches_) return;
  for (BytesView chunk : chunks) {
    chunk = chunk.first(std::min(chunk.size(), bytes));
    bytes -= chunk.size();
    while (const auto frame = watches_->sent.next(chunk)) handler_->on_frame(*frame, true);
  }
}

}  // namespace walkie::link
