// SPDX-License-Identifier: MIT
// One WebSocket after its handshake (RFC 6455 §5 to §7, RFC 7692): a machine, in either role.
//
//   receive(bytes) -> poll_event()* -> application calls send()... -> output() -> output_written(n)
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include <base/buffer_pool.hpp>
#include <base/output_queue.hpp>
#include <base/time.hpp>
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
};

/// What all connections of one route share. Outlives them.
struct ConnectionOptions {
  std::uint64_t message_bytes_max = std::uint64_t{16} << 20;  ///< After inflating; else 1009.
  std::uint32_t fragments_max = 131'072;                      ///< Frames of one message; else 1008.
  bool deliver_pieces = false;  ///< Event::piece as bytes arrive, in place of Event::message.
  Duration close_timeout = std::chrono::seconds(5);  ///< From our Close to the peer's; then give up.
  std::size_t send_queue_bytes_max = std::size_t{16} << 20;  ///< One message may always wait alone.
  SlowConsumer slow_consumer = SlowConsumer::close;
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
  CloseCode code = CloseCode::no_status;      ///< closed: the peer's code, or ours where we failed it.
  MutableBytes payload;  ///< closed: the reason (UTF-8).
};

class SharedFrame;

/// Not thread safe. About 200 bytes; holds buffers only while something is in transit.
class Connection {
 public:
  Connection(Role role, const ConnectionOptions& options, const Resources& resources,
             const DeflateParams& deflate);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // -- bytes in --

  /// Hands over received bytes, which must live and stay untouched until poll_event() has returned
  /// nothing. Drain poll_event() before the next call. Bytes after the end are ignored.
  void receive(MutableBytes bytes, Instant now);

  /// The transport ended: no more bytes will come. Without a Close before it, the next poll_event() is
  /// `closed` with 1006 (RFC 6455 §7.1.5). Queued output stays and still goes out.
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
  SendStatus send(MessageKind kind, BytesView payload, Compression compression = Compression::by_size);

  /// Sends the next piece of a message; the first call starts it, `last` ends it.
  SendStatus send_piece(MessageKind kind, BytesView bytes, bool last,
                        Compression compression = Compression::by_size);

  /// Sends a frame that was encoded once for many. Server role only.
  SendStatus send_shared(SharedFrame& frame);

  /// At most 125 bytes, else they are cut. Never dropped; ignored once Close was sent.
  void ping(BytesView payload);
  void pong(BytesView payload);

  /// Starts the close handshake, or does nothing where it is under way. `reason` is cut to 123
  /// bytes at a character's end. A code that may not be sent (§7.4.1) is replaced by 1000, but
  /// no_status sends an empty Close.
  void close(CloseCode code, std::string_view reason, Instant now);

  /// Ends the connection for a reason of ours: a Close frame with the error's code goes out, nothing
  /// more is read, `closed` is the next event.
  void fail(ProtocolError error, Instant now);
  void fail(CloseCode code, std::string_view reason, Instant now);

  // -- bytes out --

  /// What is to be written; gather() it, write, then output_written(n).
  [[nodiscard]] const base::OutputQueue& output() const noexcept;
  void output_written(std::size_t bytes);
  /// Hands the queue's blocks over, for a write still in flight when the connection dies.
  [[nodiscard]] base::OutputQueue take_output() noexcept;
  /// Bytes at the front of output() that a write in flight still reads: they are not dropped.
  void set_in_flight(std::size_t bytes) noexcept;

  // -- time --

  /// When on_deadline() wants to be called: the close handshake's end.
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;
  void on_deadline(Instant now);

  // -- state --

  [[nodiscard]] bool open() const noexcept;
  /// Nothing more will be read or queued: write output() out, then end the transport (§7.1.1: the
  /// server first; a client waits for it).
  [[nodiscard]] bool finished() const noexcept;
  [[nodiscard]] const DeflateParams& deflate() const noexcept;
  /// Dropped messages so far (slow consumer).
  [[nodiscard]] std::uint32_t dropped_messages() const noexcept;
};

}  // namespace walkie::proto
