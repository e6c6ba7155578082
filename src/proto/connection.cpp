// SPDX-License-Identifier: MIT
// The receiving half of a connection: bytes to frames to events, and how it ends.
#include <proto/connection.hpp>

#include <algorithm>
#include <cstring>

#include <base/assert.hpp>
#include <proto/connection_extra.hpp>

namespace walkie::proto {

namespace {

/// The key as the payload's byte number `bytes` sees it.
MaskKey turned(MaskKey key, std::size_t bytes) noexcept {
  std::rotate(key.begin(), key.begin() + static_cast<std::ptrdiff_t>(bytes % 4), key.end());
  return key;
}

/// Whether a compressed message may be that long on the wire: no compressor that means well
/// expands by more than an eighth.
bool may_inflate_within(std::uint64_t wire_bytes, std::uint64_t bytes_max) noexcept {
  constexpr std::uint64_t kSlack = 1024;
  return wire_bytes <= kSlack || wire_bytes - kSlack <= bytes_max ||
         wire_bytes - kSlack - bytes_max <= bytes_max / 8;
}

}  // namespace

Connection::Connection(Role role, const ConnectionOptions& options, const Resources& resources,
                       const DeflateParams& deflate)
    : options_(&options),
      resources_(&resources),
      output_(resources.buffers),
      deflate_(deflate),
      role_(role) {
  WALKIE_ASSERT(role == Role::server || resources.mask_keys != nullptr);
}

Connection::~Connection() {
  message_.release(resources_->buffers);
  if (!extra_) return;
  if (extra_->deflater) resources_->deflate.release(std::move(extra_->deflater));
  if (extra_->inflater) resources_->deflate.release(std::move(extra_->inflater));
}

Connection::Extra& Connection::extra() {
  if (!extra_) extra_ = std::make_unique<Extra>(resources_->buffers);
  return *extra_;
}

// -- bytes in --

void Connection::receive(MutableBytes bytes, Instant now) {
  if (ended_) return;
  WALKIE_ASSERT(input_.empty());
  input_ = bytes;
  if (close_sent_ || options_->message_timeout <= Duration::zero()) return;
  if (!restart_timeout_ && deadline_ != kNever) return;
  deadline_ = now + options_->message_timeout;
  restart_timeout_ = false;
}

void Connection::receive_end(Instant /*now*/) { end_received_ = true; }

std::optional<Event> Connection::poll_event() {
  if (release_due_) {
    message_.release(resources_->buffers);
    release_due_ = false;
  }
  if (at_short_message()) return read_short_message();
  return read_on();
}

/// Whether the input starts with a whole text or binary message of at most 125 bytes in one frame:
/// by far the commonest. Anything else is left to read_on(), which would judge it the same, in more
/// steps.
bool Connection::at_short_message() const noexcept {
  constexpr unsigned kFinText = 0x81;
  constexpr unsigned kFinBinary = 0x82;
  if (in_frame_ || in_message_ || close_sent_ || ended_ || header_bytes_ != 0) return false;
  if (input_.size() < short_header_bytes() || options_->deliver_pieces) return false;
  const auto first = std::to_integer<unsigned>(input_[0]);
  if (first != kFinText && first != kFinBinary) return false;
  // Where the mask bit is not what the role wants, this is no short length.
  const std::size_t length = std::to_integer<unsigned>(input_[1]) ^ (masks_input() ? 0x80U : 0U);
  return length <= kControlPayloadBytesMax && length <= input_.size() - short_header_bytes() &&
         length <= options_->message_bytes_max && options_->fragments_max > 0;
}

std::optional<Event> Connection::read_short_message() {
  const std::size_t length = std::to_integer<std::size_t>(input_[1]) & 0x7F;
  message_kind_ = static_cast<MessageKind>(std::to_integer<unsigned>(input_[0]) & 0x0F);
  const MutableBytes payload = input_.subspan(short_header_bytes(), length);
  if (masks_input()) {
    std::memcpy(mask_.data(), input_.data() + 2, mask_.size());
    apply_mask(payload, mask_);
  }
  input_ = input_.subspan(short_header_bytes() + length);
  if (message_kind_ == MessageKind::text && !is_utf8(payload)) {
    violate(ProtocolError::invalid_utf8);
    return closed_event();
  }
  std::optional<Event> event(std::in_place);
  event->message_kind = message_kind_;
  event->payload = payload;
  return event;
}

std::optional<Event> Connection::read_on() {
  while (!ended_) {
    if (!in_frame_ && !begin_frame()) break;
    if (std::optional<Event> event = read_frame()) return event;
    if (in_frame_) break;  // its rest is not here yet
  }
  if (ended_) return closed_event();
  if (!end_received_) {
    if (!close_sent_ && !mid_message()) deadline_ = kNever;
    return std::nullopt;
  }
  violate(ProtocolError::ended_without_close);
  return closed_event();
}

/// Whether the peer owes bytes of something that has begun: of a message, or of a frame where
/// pieces are delivered (a message may then be as long as a broadcast).
bool Connection::mid_message() const noexcept {
  return in_frame_ || header_bytes_ > 0 || (in_message_ && !options_->deliver_pieces);
}

/// Takes the next frame's header off the input. False: it is not complete, or not right.
bool Connection::begin_frame() {
  if (input_.empty()) return false;
  const DecodedHeader decoded = take_header();
  ProtocolError error = decoded.error;
  if (error == ProtocolError::none) {
    if (decoded.header_bytes == 0) return false;
    error = judge_header(decoded.header);
  }
  if (error == ProtocolError::none && !is_control(decoded.header.opcode))
    error = begin_data(decoded.header);
  if (error != ProtocolError::none) {
    violate(error);
    return false;
  }
  in_frame_ = true;
  part_unmasked_ = false;
  opcode_ = decoded.header.opcode;
  fin_ = decoded.header.fin;
  frame_bytes_left_ = decoded.header.payload_bytes;
  if (decoded.header.mask) mask_ = *decoded.header.mask;
  return true;
}

DecodedHeader Connection::take_header() {
  const std::size_t kept = header_bytes_;
  if (kept == 0) {
    DecodedHeader decoded = decode_header(input_);
    if (decoded.header_bytes > 0) {
      input_ = input_.subspan(decoded.header_bytes);
      return decoded;
    }
  }
  const std::size_t more = std::min(header_.size() - kept, input_.size());
  std::memcpy(header_.data() + kept, input_.data(), more);
  const DecodedHeader decoded = decode_header({header_.data(), kept + more});
  if (decoded.header_bytes > 0) {
    input_ = input_.subspan(decoded.header_bytes - kept);
    header_bytes_ = 0;
  } else {
    input_ = input_.subspan(more);
    header_bytes_ = static_cast<std::uint8_t>(kept + more);
  }
  return decoded;
}

/// What decode_header() cannot know: the role, what was negotiated, what came before.
ProtocolError Connection::judge_header(const FrameHeader& header) const noexcept {
  const bool masked = header.mask.has_value();
  if (masked != masks_input())  // §5.1
    return masked ? ProtocolError::frame_masked : ProtocolError::frame_not_masked;
  if (is_control(header.opcode)) return ProtocolError::none;
  if (header.rsv1 && !deflate_.enabled) return ProtocolError::compressed_without_negotiation;
  if (header.opcode != Opcode::continuation)
    return in_message_ ? ProtocolError::data_frame_inside_message : ProtocolError::none;
  if (!in_message_) return ProtocolError::continuation_without_start;
  return header.rsv1 ? ProtocolError::compressed_continuation : ProtocolError::none;
}

/// Opens the message where the frame starts one, and holds the limits against the declared length,
/// before its bytes arrive.
ProtocolError Connection::begin_data(const FrameHeader& header) {
  if (header.opcode != Opcode::continuation) {
    in_message_ = true;
    message_kind_ = static_cast<MessageKind>(header.opcode);
    message_compressed_ = header.rsv1;
    message_wire_bytes_ = 0;
    fragments_ = 0;
    first_piece_ = true;
    utf8_.reset();
    if (message_compressed_ && !close_sent_) begin_inflate();
  }
  if (close_sent_) return ProtocolError::none;  // nothing is kept of it
  if (++fragments_ > options_->fragments_max) return ProtocolError::too_many_fragments;
  // Both terms are below 2^63 (§5.2), and the first is within the limit: the sum cannot wrap.
  message_wire_bytes_ += header.payload_bytes;
  const std::uint64_t bytes_max = options_->message_bytes_max;
  const bool fits = message_compressed_ ? may_inflate_within(message_wire_bytes_, bytes_max)
                                        : message_wire_bytes_ <= bytes_max;
  return fits ? ProtocolError::none : ProtocolError::message_too_big;
}

/// Reads on in the current frame. Without an event: either the frame is over (in_frame_ is false),
/// or all input is used up.
std::optional<Event> Connection::read_frame() {
  if (is_control(opcode_)) return read_control();
  if (close_sent_) {
    skip_data();
    return std::nullopt;
  }
  if (message_compressed_) return read_compressed();
  if (options_->deliver_pieces) return read_piece();
  const bool untouched = fragments_ == 1 && frame_bytes_left_ == message_wire_bytes_;
  if (fin_ && untouched && frame_bytes_left_ <= input_.size()) return read_whole();
  return read_part();
}

/// The common case: one frame, one message, one buffer. Nothing is copied.
std::optional<Event> Connection::read_whole() {
  const MutableBytes payload = unmask_input();
  consume_payload(payload.size());
  if (message_kind_ == MessageKind::text && !is_utf8(payload)) {
    violate(ProtocolError::invalid_utf8);
    return std::nullopt;
  }
  in_message_ = false;
  return data_event(EventKind::message, payload);
}

/// A part of a message that is being assembled.
std::optional<Event> Connection::read_part() {
  const auto bytes =
      static_cast<std::size_t>(std::min<std::uint64_t>(frame_bytes_left_, input_.size()));
  if (bytes > 0) {
    // Room for what is here and at most as much again: never by the declared length alone.
    const std::uint64_t more = std::min<std::uint64_t>(frame_bytes_left_ - bytes, bytes);
    const MutableBytes room =
        message_.reserve(resources_->buffers, bytes + static_cast<std::size_t>(more));
    const MutableBytes part = room.first(bytes);
    if (masks_input())
      copy_masked(input_.first(bytes), part.data(), mask_);
    else
      std::memcpy(part.data(), input_.data(), bytes);
    message_.commit(bytes);
    consume_payload(bytes);
    if (message_kind_ == MessageKind::text && !utf8_.feed(part)) {
      violate(ProtocolError::invalid_utf8);
      return std::nullopt;
    }
  }
  if (frame_bytes_left_ > 0) return std::nullopt;
  in_frame_ = false;
  if (!fin_) return std::nullopt;
  if (message_kind_ == MessageKind::text && !utf8_.complete()) {
    violate(ProtocolError::invalid_utf8);
    return std::nullopt;
  }
  in_message_ = false;
  release_due_ = true;
  return data_event(EventKind::message, message_.bytes());
}

/// What has arrived of a message that is delivered in pieces: a view, nothing is kept.
std::optional<Event> Connection::read_piece() {
  const MutableBytes part = unmask_input();
  consume_payload(part.size());
  const bool last = fin_ && frame_bytes_left_ == 0;
  if (message_kind_ == MessageKind::text && (!utf8_.feed(part) || (last && !utf8_.complete()))) {
    violate(ProtocolError::invalid_utf8);
    return std::nullopt;
  }
  if (part.empty() && !last) return std::nullopt;
  Event event = data_event(EventKind::piece, part);
  event.last = last;
  if (last) in_message_ = false;
  return event;
}

void Connection::skip_data() noexcept {
  consume_payload(
      static_cast<std::size_t>(std::min<std::uint64_t>(frame_bytes_left_, input_.size())));
  if (!in_frame_ && fin_) in_message_ = false;
}

Event Connection::data_event(EventKind kind, MutableBytes payload) noexcept {
  Event event;
  event.kind = kind;
  event.message_kind = message_kind_;
  event.first = first_piece_;
  event.payload = payload;
  first_piece_ = false;
  if (kind == EventKind::message) restart_timeout_ = true;
  return event;
}

/// The current frame's payload at the front of the input, unmasked in place.
MutableBytes Connection::unmask_input() noexcept {
  const MutableBytes part = input_.first(
      static_cast<std::size_t>(std::min<std::uint64_t>(frame_bytes_left_, input_.size())));
  if (masks_input() && !part_unmasked_) apply_mask(part, mask_);
  part_unmasked_ = !part.empty();
  return part;
}

void Connection::consume_payload(std::size_t bytes) noexcept {
  input_ = input_.subspan(bytes);
  frame_bytes_left_ -= bytes;
  if (frame_bytes_left_ == 0) {
    in_frame_ = false;
    if (options_->deliver_pieces) restart_timeout_ = true;
    return;
  }
  if (bytes % 4 != 0) mask_ = turned(mask_, bytes);
  if (input_.empty()) part_unmasked_ = false;
}

// -- control frames (§5.5) --

std::optional<Event> Connection::read_control() {
  const std::size_t kept = extra_ ? extra_->control_bytes : 0;
  if (kept == 0 && frame_bytes_left_ <= input_.size()) {
    const MutableBytes payload = unmask_input();
    consume_payload(payload.size());
    return take_control(payload);
  }
  Extra& store = extra();
  const MutableBytes part = unmask_input();
  if (!part.empty()) std::memcpy(store.control.data() + kept, part.data(), part.size());
  store.control_bytes = static_cast<std::uint8_t>(kept + part.size());
  consume_payload(part.size());
  if (in_frame_) return std::nullopt;
  const MutableBytes payload = MutableBytes(store.control).first(store.control_bytes);
  store.control_bytes = 0;
  return take_control(payload);
}

std::optional<Event> Connection::take_control(MutableBytes payload) {
  if (!in_message_) restart_timeout_ = true;
  if (opcode_ == Opcode::close) return take_close(payload);
  Event event;
  event.kind = opcode_ == Opcode::ping ? EventKind::ping : EventKind::pong;
  event.payload = payload;
  if (opcode_ == Opcode::ping) {
    if (close_sent_) return std::nullopt;  // no Pong may follow our Close
    answer_ping(payload);
  }
  return event;
}

/// The peer's Close ends reading, whatever follows it (§5.5.1, §7.1.4 to §7.1.6).
std::optional<Event> Connection::take_close(MutableBytes payload) {
  std::uint16_t code = static_cast<std::uint16_t>(CloseCode::no_status);
  MutableBytes reason;
  ProtocolError error = ProtocolError::none;
  if (payload.size() == 1) {
    error = ProtocolError::close_payload_of_one_byte;
  } else if (payload.size() >= 2) {
    code = static_cast<std::uint16_t>(std::to_integer<unsigned>(payload[0]) << 8 |
                                      std::to_integer<unsigned>(payload[1]));
    reason = payload.subspan(2);
    if (!is_sendable_close_code(code))
      error = ProtocolError::invalid_close_code;
    else if (!is_utf8(reason))
      error = ProtocolError::close_reason_not_utf8;
  }
  if (error != ProtocolError::none) {
    violate(error);
    return std::nullopt;
  }
  Event event;
  event.kind = EventKind::closed;
  event.clean = true;
  event.by_peer = !close_sent_;
  event.code = static_cast<CloseCode>(code);
  event.payload = reason;
  if (!close_sent_) write_close(event.code, {});
  ended_ = true;
  input_ = {};
  return event;
}

// -- the end --

void Connection::end(CloseCode code, ProtocolError error, std::string_view reason) {
  if (ended_) return;
  by_peer_ = !close_sent_ &&
             (error == ProtocolError::ended_without_close || error == ProtocolError::pong_timeout);
  if (!close_sent_ && is_sendable_close_code(static_cast<std::uint16_t>(code)))
    write_close(code, reason);
  ended_ = true;
  closed_due_ = true;
  release_due_ = true;
  in_frame_ = false;
  code_ = code;
  error_ = error;
  input_ = {};
  Extra& store = extra();
  store.pong_due = false;
  store.note_bytes = static_cast<std::uint8_t>(std::min(reason.size(), store.note.size()));
  if (store.note_bytes > 0) std::memcpy(store.note.data(), reason.data(), store.note_bytes);
}

void Connection::violate(ProtocolError error) {
  const ErrorFacts& facts = facts_of(error);
  end(facts.code, error, facts.text);
}

void Connection::fail(ProtocolError error, Instant /*now*/) { violate(error); }

void Connection::fail(CloseCode code, std::string_view reason, Instant /*now*/) {
  end(code, ProtocolError::none, reason);
}

std::optional<Event> Connection::closed_event() {
  if (!closed_due_) return std::nullopt;
  closed_due_ = false;
  Event event;
  event.kind = EventKind::closed;
  event.by_peer = by_peer_;
  event.error = error_;
  event.code = code_;
  event.payload = MutableBytes(extra_->note).first(extra_->note_bytes);
  return event;
}

void Connection::close(CloseCode code, std::string_view reason, Instant now) {
  if (!open()) return;
  const bool sendable = is_sendable_close_code(static_cast<std::uint16_t>(code));
  if (!sendable && code != CloseCode::no_status) code = CloseCode::normal;
  write_close(code, reason);
  deadline_ = now + options_->close_timeout;
  release_due_ = true;  // what was assembled is no longer delivered
}

std::optional<Instant> Connection::next_deadline() const noexcept {
  if (ended_ || deadline_ == kNever) return std::nullopt;
  return deadline_;
}

void Connection::on_deadline(Instant now) {
  if (ended_ || deadline_ == kNever || now < deadline_) return;
  violate(close_sent_ ? ProtocolError::close_timeout : ProtocolError::message_timeout);
}

}  // namespace walkie::proto
