// SPDX-License-Identifier: MIT
// The sending half of a connection: messages, pieces and control frames into the output queue, and
// what is done where that is full.
#include <algorithm>
#include <cstring>

#include <base/assert.hpp>
#include <proto/connection.hpp>
#include <proto/connection_extra.hpp>
#include <proto/shared_frame.hpp>

namespace walkie::proto {

namespace {

constexpr std::size_t kReasonBytesMax = kControlPayloadBytesMax - 2;
/// A part fits the pool's largest block together with what the queue keeps in front of it.
constexpr std::size_t kPartBytesMax = base::BufferPool::kChunkBytes - 256;
constexpr std::size_t kScratchBytesKept = std::size_t{1} << 20;

/// At most 123 bytes of `reason`, cut at a character's end; nothing where it is not UTF-8 (§5.5.1).
std::string_view fitting_reason(std::string_view reason) noexcept {
  if (reason.size() > kReasonBytesMax) {
    std::size_t end = kReasonBytesMax;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0) == 0x80) --end;
    reason = reason.substr(0, end);
  }
  return is_utf8(bytes_of(reason)) ? reason : std::string_view{};
}

}  // namespace

// -- admission --

std::size_t Connection::waiting_bytes() const noexcept {
  return output_.size() + (extra_ ? extra_->deferred.size() : 0);
}

/// Asks whether `bytes` more may wait; one message may wait alone.
SendStatus Connection::admit(std::size_t bytes, bool droppable) {
  const std::size_t waiting = waiting_bytes();
  const bool fits = waiting == 0 || waiting + bytes <= options_->send_queue_bytes_max;
  return fits && !(droppable && blocked_) ? SendStatus::queued : admit_late(bytes, droppable);
}

/// The same where the peer reads too slowly: the policy decides.
SendStatus Connection::admit_late(std::size_t bytes, bool droppable) {
  std::size_t waiting = waiting_bytes();
  if (droppable && options_->slow_consumer == SlowConsumer::keep_latest) {
    drop_waiting(waiting);
    waiting = waiting_bytes();
  }
  const std::size_t bytes_max = options_->send_queue_bytes_max;
  const auto fits = [&] { return waiting == 0 || waiting + bytes <= bytes_max; };
  if (fits()) return SendStatus::queued;
  if (options_->slow_consumer == SlowConsumer::close) {
    violate(ProtocolError::send_queue_full);
    return SendStatus::overflow;
  }
  drop_waiting(waiting + bytes - bytes_max);
  waiting = waiting_bytes();
  if (fits()) return SendStatus::queued;
  if (!droppable) return SendStatus::overflow;
  ++dropped_messages_;
  return SendStatus::dropped;
}

/// Drops whole messages, the oldest first, until `bytes` are gone or none is left that may go.
void Connection::drop_waiting(std::size_t bytes) noexcept {
  const std::size_t before = output_.size();
  std::size_t dropped = output_.drop_oldest(bytes, in_flight_bytes_);
  const std::size_t gone = before - output_.size();
  if (extra_ && gone < bytes) dropped += extra_->deferred.drop_oldest(bytes - gone, 0);
  dropped_messages_ += static_cast<std::uint32_t>(dropped);
}

// -- whole messages --

SendStatus Connection::send(MessageKind kind, BytesView payload, Compression compression) {
  if (!open()) return SendStatus::closing;
  const bool compress =
      compression == Compression::always ||
      (compression == Compression::by_size && payload.size() >= options_->deflate.threshold_bytes);
  if (!compress || piece_open_ || !may_compress()) return queue_message(kind, false, payload);

  std::vector<std::byte>& scratch = resources_->scratch;
  begin_deflate();
  extra_->deflater->compress(payload, true, scratch);
  end_deflate();
  // Where a context is kept the message is in it by now, and must go out compressed.
  const bool gains = keeps_context() || scratch.size() < payload.size();
  const SendStatus status =
      gains ? queue_message(kind, true, scratch) : queue_message(kind, false, payload);
  scratch.clear();
  if (scratch.capacity() > kScratchBytesKept) scratch.shrink_to_fit();
  return status;
}

/// Queues one frame that is a message; behind the message in pieces where one is under way.
SendStatus Connection::queue_message(MessageKind kind, bool compressed, BytesView payload) {
  const FrameHeader header{.fin = true,
                           .rsv1 = compressed,
                           .opcode = static_cast<Opcode>(kind),
                           .mask = std::nullopt,
                           .payload_bytes = payload.size()};
  const bool droppable = options_->slow_consumer != SlowConsumer::close;
  const std::size_t frame_bytes =
      encoded_header_bytes(header) + (role_ == Role::client ? 4 : 0) + payload.size();
  if (const SendStatus status = admit(frame_bytes, droppable); status != SendStatus::queued)
    return status;
  base::OutputQueue& queue = piece_open_ ? extra().deferred : output_;
  if (droppable) queue.begin_droppable();
  write_frame(queue, header, payload);
  if (droppable) queue.end_droppable();
  return SendStatus::queued;
}

SendStatus Connection::send_shared(SharedFrame& frame) {
  WALKIE_ASSERT(role_ == Role::server);  // a client's frames are masked, each with a key of its own
  if (!open()) return SendStatus::closing;
  const bool compress =
      may_compress() && frame.payload_bytes() >= options_->deflate.threshold_bytes;
  const base::SharedBytes& bytes = compress ? frame.compressed(own_window_bits()) : frame.plain();
  const bool droppable = options_->slow_consumer != SlowConsumer::close;
  if (const SendStatus status = admit(bytes.size(), droppable); status != SendStatus::queued)
    return status;
  if (compress) history_stale_ = true;
  base::OutputQueue& queue = piece_open_ ? extra().deferred : output_;
  if (droppable) queue.begin_droppable();
  queue.append_shared(bytes);
  if (droppable) queue.end_droppable();
  return SendStatus::queued;
}

// -- messages in pieces (§5.4) --

SendStatus Connection::send_piece(MessageKind kind, BytesView bytes, bool last,
                                  Compression compression) {
  if (!open()) return SendStatus::closing;
  if (!piece_open_ && last) return send(kind, bytes, compression);
  if (const SendStatus status = admit(kHeaderBytesMax + bytes.size(), false);
      status != SendStatus::queued)
    return status;
  if (!piece_open_) {
    piece_open_ = true;
    piece_first_ = true;
    piece_kind_ = kind;
    piece_compressed_ = compression != Compression::never && may_compress();
    if (piece_compressed_) begin_deflate();
  }
  if (!piece_compressed_) return queue_piece(bytes, last);

  std::vector<std::byte>& scratch = resources_->scratch;
  extra_->deflater->compress(bytes, last, scratch);
  if (last) end_deflate();
  const SendStatus status = queue_piece(scratch, last);
  scratch.clear();
  if (scratch.capacity() > kScratchBytesKept) scratch.shrink_to_fit();
  return status;
}

SendStatus Connection::queue_piece(BytesView payload, bool last) {
  if (payload.empty() && !last) return SendStatus::queued;  // an empty frame would say nothing
  const FrameHeader header{
      .fin = last,
      .rsv1 = piece_compressed_ && piece_first_,
      .opcode = piece_first_ ? static_cast<Opcode>(piece_kind_) : Opcode::continuation,
      .mask = std::nullopt,
      .payload_bytes = payload.size()};
  write_frame(output_, header, payload);
  piece_first_ = false;
  if (!last) return SendStatus::queued;
  piece_open_ = false;
  if (extra_ && !extra_->deferred.empty()) output_.splice(std::move(extra_->deferred));
  return SendStatus::queued;
}

// -- compressors --

bool Connection::may_compress() const noexcept {
  // zlib cannot compress within 8 bits; a message may always go out uncompressed (RFC 7692 §6.1).
  return deflate_.enabled && own_window_bits() >= 9;
}

int Connection::own_window_bits() const noexcept {
  return role_ == Role::server ? deflate_.server_max_window_bits : deflate_.client_max_window_bits;
}

/// A queue that drops messages cannot keep a context: the peer would miss a part of it. Not to use
/// a context that was agreed is always allowed (RFC 7692 §7.1.1).
bool Connection::keeps_context() const noexcept {
  const bool agreed = role_ == Role::server ? !deflate_.server_no_context_takeover
                                            : !deflate_.client_no_context_takeover;
  return agreed && options_->slow_consumer == SlowConsumer::close;
}

/// Gets a deflater that knows what the peer's window holds, or nothing. end_deflate() follows.
void Connection::begin_deflate() {
  Extra& store = extra();
  if (!store.deflater)
    store.deflater =
        resources_->deflate.acquire_deflater(own_window_bits(), options_->deflate.level);
  else if (history_stale_)
    store.deflater->reset();
  history_stale_ = false;
}

void Connection::end_deflate() {
  if (!keeps_context()) resources_->deflate.release(std::move(extra_->deflater));
}

// -- frames --

/// Encodes the frame to the end of `queue`, in blocks that the pool keeps.
void Connection::write_frame(base::OutputQueue& queue, FrameHeader header, BytesView payload) {
  if (role_ == Role::client) header.mask = resources_->mask_keys->next();
  std::size_t header_bytes = encoded_header_bytes(header);
  std::size_t done = 0;
  do {
    const std::size_t part = std::min(payload.size() - done, kPartBytesMax - header_bytes);
    std::byte* to = queue.prepare(header_bytes + part).data();
    if (header_bytes > 0) to += encode_header(header, to);
    if (header.mask)
      copy_masked(payload.subspan(done, part), to, *header.mask, done);
    else if (part > 0)
      std::memcpy(to, payload.data() + done, part);
    queue.commit(header_bytes + part);
    done += part;
    header_bytes = 0;
  } while (done < payload.size());
}

void Connection::write_control(Opcode opcode, BytesView payload) {
  const FrameHeader header{.fin = true,
                           .rsv1 = false,
                           .opcode = opcode,
                           .mask = std::nullopt,
                           .payload_bytes = payload.size()};
  write_frame(output_, header, payload);
}

void Connection::write_close(CloseCode code, std::string_view reason) {
  std::array<std::byte, kControlPayloadBytesMax> payload;
  std::size_t bytes = 0;
  if (code != CloseCode::no_status) {
    const auto number = static_cast<std::uint16_t>(code);
    reason = fitting_reason(reason);
    payload[0] = static_cast<std::byte>(number >> 8);
    payload[1] = static_cast<std::byte>(number & 0xFF);
    if (!reason.empty()) std::memcpy(payload.data() + 2, reason.data(), reason.size());
    bytes = 2 + reason.size();
  }
  write_control(Opcode::close, BytesView(payload).first(bytes));
  close_sent_ = true;
  if (extra_) extra_->pong_due = false;  // nothing may follow a Close
}

void Connection::ping(BytesView payload) {
  if (!open()) return;
  write_control(Opcode::ping, payload.first(std::min(payload.size(), kControlPayloadBytesMax)));
}

void Connection::pong(BytesView payload) {
  if (!open()) return;
  write_control(Opcode::pong, payload.first(std::min(payload.size(), kControlPayloadBytesMax)));
}

bool Connection::takes_pongs() const noexcept {
  return output_.size() <=
         std::min(options_->send_queue_bytes_max, options_->pongs_behind_bytes_max);
}

/// Each Ping gets its Pong; but while too much waits only the latest does (§5.5.3).
void Connection::answer_ping(BytesView payload) {
  if (takes_pongs()) return write_control(Opcode::pong, payload);
  Extra& store = extra();
  if (!payload.empty()) std::memcpy(store.note.data(), payload.data(), payload.size());
  store.note_bytes = static_cast<std::uint8_t>(payload.size());
  store.pong_due = true;
}

// -- bytes out --

void Connection::output_written(std::size_t bytes) {
  output_.consume(bytes);
  const std::size_t in_flight = std::exchange(in_flight_bytes_, 0);
  blocked_ = in_flight > 0 ? bytes < in_flight : !output_.empty();
  if (!extra_ || !extra_->pong_due || !takes_pongs()) return;
  extra_->pong_due = false;
  write_control(Opcode::pong, BytesView(extra_->note).first(extra_->note_bytes));
}

}  // namespace walkie::proto
