// SPDX-License-Identifier: MIT
// One WebSocket after its handshake (RFC 6455 §5 to §7, RFC 7692): a machine, in either role.
//
//   receive(bytes) -> poll_event()* -> application calls send()... -> output() -> output_written(n)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <base/buffer_pool.hpp>
#include <base/output_queue.hpp>
#include <base/time.hpp>
#include <proto/assembly.hpp>
#include <proto/deflate.hpp>
#include <proto/frame.hpp>
#include <proto/handshake.hpp>
#include <proto/protocol_error.hpp>
#include <proto/utf8.hpp>
#include <walkie/bytes.hpp>
#include <walkie/close_code.hpp>
#include <walkie/message.hpp>
#include <walkie/send.hpp>

namespace walkie::proto {

/// Where a client's masking keys come from (RFC 6455 §10.3: unpredictable). Not thread safe.
class MaskKeySource {
 public:
  virtual MaskKey next() noexcept = 0;

 protected:
  ~MaskKeySource() = default;
};

/// What all connections of one shard share. Outlives them.
struct Resources {
  base::BufferPool& buffers;
  DeflatePool& deflate;
  MaskKeySource* mask_keys = nullptr;  ///< Needed in the client role.
  /// The compressor's output on its way to a queue; empty between calls. Kept, so that a shard that
  /// compresses allocates nothing per message.
  mutable std::vector<std::byte> scratch{};
};

/// What all connections of one route share. Outlives them.
struct ConnectionOptions {
  std::uint64_t message_bytes_max = std::uint64_t{16} << 20;  ///< After inflating; else 1009.
  std::uint32_t fragments_max = 131'072;                      ///< Frames of one message; else 1008.
  bool deliver_pieces = false;  ///< Event::piece as bytes arrive, in place of Event::message.
  /// From the first bytes of a message to its last (of a frame, where pieces are delivered); a
  /// slower one ends the connection with 1008. Zero: no limit.
  Duration message_timeout{0};
  Duration close_timeout =
      std::chrono::seconds(5);  ///< From our Close to the peer's; then give up.
  std::size_t send_queue_bytes_max = std::size_t{16} << 20;  ///< One message may always wait alone.
  SlowConsumer slow_consumer = SlowConsumer::close;
  /// While more output than this waits, or a full send queue, only the latest Ping gets its Pong.
  std::size_t pongs_behind_bytes_max = std::size_t{16} << 20;
  DeflatePolicy deflate;  ///< level and threshold; what was negotiated comes with each connection.
};

enum class EventKind : std::uint8_t {
  message,  ///< A whole message: kind, payload.
  piece,    ///< A part of one: kind, payload, first, last.
  ping,     ///< Already answered with a Pong. payload.
  pong,     ///< payload.
  closed,   ///< Once, and last: code, reason, clean, by_peer, error.
};

/// What happened. Views live until the next poll_event() or receive().
struct Event {
  EventKind kind = EventKind::message;
  MessageKind message_kind = MessageKind::text;
  bool first = true;
  bool last = true;
  bool clean = false;    ///< closed: Close frames went both ways.
  bool by_peer = false;  ///< closed: the peer's Close came first, or it vanished.
  ProtocolError error = ProtocolError::none;  ///< closed: what was violated.
  CloseCode code = CloseCode::no_status;  ///< closed: the peer's code, or ours where we failed it.
  MutableBytes payload;                   ///< closed: the reason (UTF-8).
};

class SharedFrame;

/// Not thread safe. About 200 bytes; holds buffers only while something is in transit.
///
/// After close() incoming data is no longer delivered, only judged, until the peer's Close comes.
/// Exactly one `closed` event ends every connection that is polled to its end.
class Connection {
 public:
  Connection(Role role, const ConnectionOptions& options, const Resources& resources,
             const DeflateParams& deflate);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // -- bytes in --

  /// Hands over received bytes, which must live and stay untouched until poll_event() has returned
  /// nothing. Drain poll_event() before the next call (asserted). Bytes after the end are ignored.
  void receive(MutableBytes bytes, Instant now);

  /// The transport ended: no more bytes will come. Without a Close before it, the next poll_event()
  /// is `closed` with 1006 (RFC 6455 §7.1.5). Queued output stays and still goes out.
  void receive_end(Instant now);

  /// The next event, parsed on demand, or nothing: then receive() more. Poll after receive(),
  /// receive_end(), on_deadline(), and after any call that may end the connection (close(), fail(),
  /// a send() that returned overflow).
  [[nodiscard]] std::optional<Event> poll_event();

  // -- messages out: appended to output(), nothing is written here --

  /// Sends a whole message. A text message is not checked for UTF-8: the caller vouches for it.
  /// Results: queued; dropped (policy); overflow (the queue is full and the policy is close: the
  /// connection fails with 1013); closing (Close was sent or received).
  /// While a message is being sent in pieces, whole messages wait behind it, uncompressed.
  SendStatus send(MessageKind kind, BytesView payload,
                  Compression compression = Compression::by_size);

  /// Sends the next piece of a message; the first call starts it (and decides its kind and whether
  /// it is compressed), `last` ends it. A piece is never dropped: where the queue is full and
  /// the policy is not close, the answer is `overflow`, nothing was taken, and the same piece may
  /// be sent again later.
  SendStatus send_piece(MessageKind kind, BytesView bytes, bool last,
                        Compression compression = Compression::by_size);

  /// Sends a frame that was encoded once for many. Server role only.
  SendStatus send_shared(SharedFrame& frame);

  /// At most 125 bytes, else they are cut. Never dropped; ignored once Close was sent. They go
  /// between the pieces of a message.
  void ping(BytesView payload);
  void pong(BytesView payload);

  /// Starts the close handshake, or does nothing where it is under way. `reason` is cut to 123
  /// bytes at a character's end, and left out where it is not UTF-8. A code that may not be sent
  /// (§7.4.1) is replaced by 1000, but no_status sends an empty Close. A message that is being sent
  /// in pieces ends here, and with it what waits behind it.
  void close(CloseCode code, std::string_view reason, Instant now);

  /// Ends the connection for a reason of ours: a Close frame with the error's code goes out (unless
  /// one did, or the code may not be sent, as 1006), nothing more is read, `closed` is the next
  /// event.
  void fail(ProtocolError error, Instant now);
  void fail(CloseCode code, std::string_view reason, Instant now);

  // -- bytes out --

  /// What is to be written; gather() it, write, then output_written(n).
  [[nodiscard]] const base::OutputQueue& output() const noexcept { return output_; }
  /// The transport took `bytes`, 0 included. While some are left, or of those in flight where there
  /// were any, it counts as blocked, which is when SlowConsumer::keep_latest acts. Nothing is in
  /// flight any more. May append a Pong that had to wait.
  void output_written(std::size_t bytes);
  /// Hands the queue's blocks over, for a write still in flight when the connection dies.
  [[nodiscard]] base::OutputQueue take_output() noexcept { return std::move(output_); }
  /// Bytes at the front of output() that a write in flight still reads: they are not dropped.
  void set_in_flight(std::size_t bytes) noexcept { in_flight_bytes_ = bytes; }
  /// The transport took less than it was given, and the rest waits.
  [[nodiscard]] bool blocked() const noexcept { return blocked_; }

  // -- time --

  /// When on_deadline() wants to be called: the close handshake's end, or a message's.
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;
  void on_deadline(Instant now);

  // -- state --

  /// Whether messages may be sent: no Close went either way, and nothing failed.
  [[nodiscard]] bool open() const noexcept { return !close_sent_ && !ended_; }
  /// Nothing more will be read or queued: write output() out, then end the transport (§7.1.1: the
  /// server first; a client waits for it).
  [[nodiscard]] bool finished() const noexcept { return ended_; }
  /// Whether a message is being sent in pieces: whole messages wait behind it.
  [[nodiscard]] bool in_pieces() const noexcept { return piece_open_; }
  [[nodiscard]] const DeflateParams& deflate() const noexcept { return deflate_; }
  /// Dropped messages so far (slow consumer).
  [[nodiscard]] std::uint32_t dropped_messages() const noexcept { return dropped_messages_; }

 private:
  struct Extra;

  // connection.cpp: bytes to events
  [[nodiscard]] bool at_short_message() const noexcept;
  std::optional<Event> read_short_message();
  std::optional<Event> read_on();
  bool begin_frame();
  [[nodiscard]] DecodedHeader take_header();
  [[nodiscard]] ProtocolError judge_header(const FrameHeader& header) const noexcept;
  [[nodiscard]] bool mid_message() const noexcept;
  [[nodiscard]] ProtocolError begin_data(const FrameHeader& header);
  std::optional<Event> read_frame();
  std::optional<Event> read_whole();
  std::optional<Event> read_part();
  std::optional<Event> read_piece();
  void skip_data() noexcept;
  [[nodiscard]] Event data_event(EventKind kind, MutableBytes payload) noexcept;
  MutableBytes unmask_input() noexcept;
  void consume_payload(std::size_t bytes) noexcept;
  std::optional<Event> read_control();
  std::optional<Event> take_control(MutableBytes payload);
  std::optional<Event> take_close(MutableBytes payload);
  std::optional<Event> closed_event();
  void end(CloseCode code, ProtocolError error, std::string_view reason);
  void violate(ProtocolError error);

  // connection_inflate.cpp: compressed messages in
  void begin_inflate();
  std::optional<Event> read_compressed();
  [[nodiscard]] MutableBytes inflate_room(std::size_t input_bytes);
  [[nodiscard]] ProtocolError judge_inflated(BytesView bytes);
  std::optional<Event> end_inflate(MutableBytes rest);
  [[nodiscard]] bool peer_keeps_context() const noexcept;

  // connection_send.cpp: messages out
  [[nodiscard]] SendStatus admit(std::size_t bytes, bool droppable);
  [[nodiscard]] SendStatus admit_late(std::size_t bytes, bool droppable);
  void drop_waiting(std::size_t bytes) noexcept;
  [[nodiscard]] std::size_t waiting_bytes() const noexcept;
  SendStatus queue_message(MessageKind kind, bool compressed, BytesView payload);
  SendStatus queue_piece(BytesView payload, bool last);
  void write_frame(base::OutputQueue& queue, FrameHeader header, BytesView payload);
  void write_control(Opcode opcode, BytesView payload);
  void write_close(CloseCode code, std::string_view reason);
  [[nodiscard]] bool takes_pongs() const noexcept;
  void answer_ping(BytesView payload);
  [[nodiscard]] bool may_compress() const noexcept;
  [[nodiscard]] bool keeps_context() const noexcept;
  [[nodiscard]] int own_window_bits() const noexcept;
  void begin_deflate();
  void end_deflate();

  Extra& extra();
  /// What a client sends is masked, what a server sends is not (RFC 6455 §5.1).
  [[nodiscard]] bool masks_input() const noexcept { return role_ == Role::server; }
  [[nodiscard]] std::size_t short_header_bytes() const noexcept {
    return masks_input() ? 2 + sizeof(MaskKey) : 2;
  }

  const ConnectionOptions* options_;
  const Resources* resources_;
  base::OutputQueue output_;
  std::unique_ptr<Extra> extra_;  ///< What few connections need, made on first need.
  MutableBytes input_;            ///< Received and not yet parsed.
  Assembly message_;  ///< Of the message under way, where it cannot be a view of the input.
  std::uint64_t frame_bytes_left_ = 0;    ///< Payload of the current frame that was not consumed.
  std::uint64_t message_wire_bytes_ = 0;  ///< Payload lengths of the message's frames so far.
  Instant deadline_ = kNever;  ///< Of the message under way or, once Close was sent, of its answer.
  std::size_t in_flight_bytes_ = 0;
  std::uint32_t fragments_ = 0;
  std::uint32_t dropped_messages_ = 0;
  MaskKey mask_{};  ///< Of the current frame, turned so that its first byte is for the next one.
  DeflateParams deflate_;
  Utf8Stream utf8_;
  std::array<std::byte, kHeaderBytesMax> header_{};  ///< A header cut by the end of a buffer.
  std::uint8_t header_bytes_ = 0;
  Role role_;
  Opcode opcode_ = Opcode::binary;  ///< Of the current frame.
  MessageKind message_kind_ = MessageKind::text;
  MessageKind piece_kind_ = MessageKind::text;
  ProtocolError error_ = ProtocolError::none;
  CloseCode code_ = CloseCode::abnormal;
  bool fin_ : 1 = false;         ///< Of the current frame.
  bool in_frame_ : 1 = false;    ///< Between a frame's header and its last byte.
  bool in_message_ : 1 = false;  ///< Between a message's first frame and its last.
  bool message_compressed_ : 1 = false;
  bool first_piece_ : 1 = false;    ///< No piece of this message was delivered.
  bool part_unmasked_ : 1 = false;  ///< The payload at the front of input_ is plain already.
  bool inflate_more_ : 1 = false;   ///< The inflater holds output that did not fit.
  bool release_due_ : 1 = false;    ///< The delivered view of message_ dies at the next poll.
  bool end_received_ : 1 = false;   ///< receive_end() was called.
  bool close_sent_ : 1 = false;
  bool restart_timeout_ : 1 = false;  ///< What message_timeout was running for is complete.
  bool ended_ : 1 = false;            ///< Nothing more is read.
  bool closed_due_ : 1 = false;       ///< The closed event was not delivered yet.
  bool by_peer_ : 1 = false;
  bool blocked_ : 1 = false;     ///< The transport took less than there was.
  bool piece_open_ : 1 = false;  ///< A message is being sent in pieces.
  bool piece_compressed_ : 1 = false;
  bool piece_first_ : 1 = false;    ///< None of its frames went out.
  bool history_stale_ : 1 = false;  ///< The peer's window moved on without our deflater.
};

static_assert(sizeof(Connection) <= 208, "an idle connection stays small");

}  // namespace walkie::proto
