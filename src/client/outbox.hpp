// SPDX-License-Identifier: MIT
// What a client has been given to send: bounded, in order, each message's fate known. Pure: no I/O,
// time comes in.
//
//   push() -> waiting --take()--> unconfirmed --confirm()--> gone
//                |  <--- resend ------  |
//                +----- failed ---------+--> poll_failed()
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <optional>
#include <utility>

#include <base/time.hpp>
#include <walkie/client.hpp>
#include <walkie/message.hpp>
#include <walkie/send.hpp>

namespace walkie::client {

struct OutboxOptions {
  std::size_t bytes_max = std::size_t{16} << 20;  ///< Of payloads.
  std::size_t messages_max = 65'536;
  WhenFull when_full = WhenFull::refuse;
  Unconfirmed unconfirmed = Unconfirmed::forget;
};

/// A message that will not be delivered.
struct Failed {
  Message message;
  Undelivered why = Undelivered::dropped;
};

/// One message on its way out.
struct Outgoing {
  Message message;
  Compression compression = Compression::by_size;
  Instant expires = kNever;
  bool first = false;        ///< Goes before those that are not.
  std::uint64_t number = 0;  ///< In order of push(), from 1; push() sets it.
  bool written = false;      ///< It went out on a connection that was lost: it may have arrived.
};

/// Each message that push() queued meets one fate: forgotten on take() (Unconfirmed::forget),
/// confirmed, or failed once. One that was never taken fails as expired, dropped or closed; one
/// that was, always as unconfirmed.
///
/// Waiting and unconfirmed messages count into the bounds together; one message may always wait
/// alone. What failed has bounds of its own, of the same size: where poll_failed() is not called,
/// push() answers overflow. So never more is held than twice the bounds and two messages more.
///
/// Each call costs O(log n), or O(log n) for each message whose fate it decides; push() of one that
/// goes first also a step for each such one that waits. Not thread safe.
class Outbox {
 public:
  explicit Outbox(const OutboxOptions& options) noexcept : options_(options) {}
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  /// queued; dropped (drop_newest: the message itself failed); overflow, which leaves `message` as
  /// it was: by refuse, and by drop_oldest where dropping what waits would not make room (what is
  /// unconfirmed is never dropped); gone after close().
  SendStatus push(Outgoing&& message, Instant now);
  /// The next one to write; what expired before it fails. It moves to the unconfirmed ones where
  /// those are kept. A reference to it stays valid until the next call that is not const; call
  /// until it returns nullptr, or the last one's memory is held.
  [[nodiscard]] const Outgoing* take(Instant now);

  /// A mark for what was taken so far, to be carried by a Ping; confirm(mark) on its Pong.
  [[nodiscard]] std::uint64_t mark() const noexcept { return taken_; }
  /// What was taken up to the mark, on this connection, arrived. Marks of earlier connections and
  /// marks never given confirm nothing.
  void confirm(std::uint64_t mark) noexcept;
  /// The peer has everything: it answered our Close. A Close that the peer began does not tell how
  /// much it had read.
  void confirm_all() noexcept { confirm(taken_); }
  /// Whether so much is unconfirmed (a quarter of the bounds) that a Ping should ask now, before
  /// push() finds no room.
  [[nodiscard]] bool confirmation_due() const noexcept;

  /// The connection ended: unconfirmed messages fail, or wait again in front of the others.
  void connection_lost(Instant now);
  /// The client ended: everything fails, the oldest first.
  void close();

  /// Fails what expired: `expires` <= now.
  void expire(Instant now);
  /// When to call expire(): the earliest time that a waiting message expires.
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;
  /// What failed, in the order it did.
  [[nodiscard]] std::optional<Failed> poll_failed();

  /// Whether less than half of the bounds is in use, and a message of so many bytes fits too.
  [[nodiscard]] bool has_room(std::size_t bytes) const noexcept;
  [[nodiscard]] bool anything_waits() const noexcept { return !waiting_.messages.empty(); }
  [[nodiscard]] bool anything_unconfirmed() const noexcept {
    return !unconfirmed_.messages.empty();
  }
  /// Of what waits and what is unconfirmed.
  [[nodiscard]] std::size_t bytes() const noexcept { return waiting_.bytes + unconfirmed_.bytes; }

 private:
  struct Queue {
    std::list<Outgoing> messages;
    std::size_t bytes = 0;
  };
  using Place = std::list<Outgoing>::iterator;

  [[nodiscard]] bool fits(std::size_t messages, std::size_t bytes, std::size_t more) const noexcept;
  [[nodiscard]] bool make_room(std::size_t bytes);
  [[nodiscard]] Place place_of_next(bool first);
  void wait_for_deadline(Place place);
  void forget_deadline(const Outgoing& message) noexcept;
  void fail_waiting(Place place, Undelivered why);
  void fail(Outgoing&& message, Undelivered why);

  OutboxOptions options_;
  Queue waiting_;
  Queue unconfirmed_;
  std::list<Outgoing> handed_over_;  ///< The one that take() gave away, where none is kept.
  std::map<std::pair<Instant, std::uint64_t>, Place> deadlines_;  ///< Of what waits.
  std::deque<Failed> failed_;
  std::size_t failed_bytes_ = 0;
  std::uint64_t pushed_ = 0;
  std::uint64_t taken_ = 0;
  bool closed_ = false;
};

}  // namespace walkie::client
