// SPDX-License-Identifier: MIT
// Compressed messages in (RFC 7692 §6.2, §7.2.2): inflated as their bytes arrive, in bounded steps.
#include <algorithm>

#include <proto/connection.hpp>
#include <proto/connection_extra.hpp>

namespace walkie::proto {

namespace {
constexpr std::size_t kPieceBytes = 16384;     ///< The most that one inflated piece carries.
constexpr std::size_t kGuessBytesMin = 512;    ///< The first room for a message's output: by what
constexpr std::size_t kGuessBytesMax = 65536;  ///< the input suggests, within these.
}  // namespace

bool Connection::peer_keeps_context() const noexcept {
  return role_ == Role::server ? !deflate_.client_no_context_takeover
                               : !deflate_.server_no_context_takeover;
}

void Connection::begin_inflate() {
  Extra& store = extra();
  store.inflated_bytes = 0;
  inflate_more_ = false;
  const int window_bits =
      role_ == Role::server ? deflate_.client_max_window_bits : deflate_.server_max_window_bits;
  if (!store.inflater) store.inflater = resources_->deflate.acquire_inflater(window_bits);
}

/// Inflates the frame's payload as far as it is here. In pieces: until one is full.
std::optional<Event> Connection::read_compressed() {
  Inflater& inflater = *extra_->inflater;
  for (;;) {
    BytesView in = unmask_input();
    const bool tail = fin_ && frame_bytes_left_ == 0;
    if (in.empty() && !inflate_more_ && !tail) break;
    const MutableBytes room = inflate_room(in.size());
    const std::size_t in_bytes = in.size();
    std::size_t produced = 0;
    const InflateStatus status =
        tail ? inflater.finish(room, produced) : inflater.inflate(in, room, produced);
    consume_payload(in_bytes - in.size());
    message_.commit(produced);
    // What came out before the fault is judged first: so the verdict depends on the bytes alone,
    // not on how they were split.
    ProtocolError error = judge_inflated(room.first(produced));
    if (error == ProtocolError::none && status == InflateStatus::corrupt)
      error = ProtocolError::corrupt_deflate_data;
    if (error != ProtocolError::none) {
      violate(error);
      return std::nullopt;
    }
    inflate_more_ = status == InflateStatus::output;
    if (tail && !inflate_more_) return end_inflate(message_.bytes());
    if (fin_ || inflate_more_) in_frame_ = true;  // the last byte is in, but not all came out
    if (options_->deliver_pieces && produced > 0) {
      release_due_ = true;
      Event event = data_event(EventKind::piece, room.first(produced));
      event.last = false;
      return event;
    }
  }
  if (frame_bytes_left_ == 0) in_frame_ = false;
  return std::nullopt;
}

MutableBytes Connection::inflate_room(std::size_t input_bytes) {
  MutableBytes room;
  if (options_->deliver_pieces) {
    message_.rewind();
    room = message_.reserve(resources_->buffers, kPieceBytes).first(kPieceBytes);
  } else {
    // Text shrinks to about a quarter; a wrong guess costs a move, not correctness.
    const std::size_t guess =
        std::clamp(std::min(input_bytes, kGuessBytesMax) * 4, kGuessBytesMin, kGuessBytesMax);
    room = message_.reserve(resources_->buffers, message_.size() == 0 ? guess : 1);
  }
  // One byte past the limit shows that it is passed; more never comes out.
  const std::uint64_t allowed = options_->message_bytes_max - extra_->inflated_bytes;
  return allowed < room.size() ? room.first(static_cast<std::size_t>(allowed) + 1) : room;
}

ProtocolError Connection::judge_inflated(BytesView bytes) {
  extra_->inflated_bytes += bytes.size();
  if (message_kind_ == MessageKind::text && !utf8_.feed(bytes)) return ProtocolError::invalid_utf8;
  return extra_->inflated_bytes > options_->message_bytes_max ? ProtocolError::message_too_big
                                                              : ProtocolError::none;
}

std::optional<Event> Connection::end_inflate(MutableBytes rest) {
  in_frame_ = false;
  if (!peer_keeps_context()) resources_->deflate.release(std::move(extra_->inflater));
  if (message_kind_ == MessageKind::text && !utf8_.complete()) {
    violate(ProtocolError::invalid_utf8);
    return std::nullopt;
  }
  in_message_ = false;
  release_due_ = true;
  return data_event(options_->deliver_pieces ? EventKind::piece : EventKind::message, rest);
}

}  // namespace walkie::proto
