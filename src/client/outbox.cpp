// SPDX-License-Identifier: MIT
// The queue of a client. Messages keep their nodes from push() to their fate: moving one between
// the queues copies nothing, and one in the middle expires without a search.
#include <client/outbox.hpp>

#include <algorithm>
#include <iterator>

namespace walkie::client {

namespace {

std::size_t bytes_in(const Outgoing& message) noexcept { return message.message.payload.size(); }

}  // namespace

SendStatus Outbox::push(Outgoing&& message, Instant now) {
  handed_over_.clear();
  if (closed_) return SendStatus::gone;
  expire(now);
  const std::size_t bytes = bytes_in(message);
  if (!failed_.empty() &&
      (failed_.size() >= options_.messages_max || failed_bytes_ >= options_.bytes_max))
    return SendStatus::overflow;
  if (!make_room(bytes)) {
    if (options_.when_full != WhenFull::drop_newest) return SendStatus::overflow;
    fail(std::move(message), Undelivered::dropped);
    return SendStatus::dropped;
  }
  message.number = ++pushed_;
  message.written = false;
  const Place next = place_of_next(message.first);
  wait_for_deadline(waiting_.messages.insert(next, std::move(message)));
  waiting_.bytes += bytes;
  return SendStatus::queued;
}

Outbox::Place Outbox::place_of_next(bool first) {
  if (!first) return waiting_.messages.end();
  return std::ranges::find(waiting_.messages, false, &Outgoing::first);
}

bool Outbox::fits(std::size_t messages, std::size_t bytes, std::size_t more) const noexcept {
  if (messages == 0) return true;
  return messages < options_.messages_max && bytes <= options_.bytes_max &&
         more <= options_.bytes_max - bytes;
}

bool Outbox::has_room(std::size_t more) const noexcept {
  const std::size_t messages = waiting_.messages.size() + unconfirmed_.messages.size();
  return messages <= options_.messages_max / 2 &&
         fits(messages, bytes(), std::max(more, options_.bytes_max / 2));
}

/// False, and nothing dropped, where the policy cannot make room for so many more bytes.
bool Outbox::make_room(std::size_t bytes) {
  const std::size_t unconfirmed = unconfirmed_.messages.size();
  const auto room = [&] {
    return fits(waiting_.messages.size() + unconfirmed, waiting_.bytes + unconfirmed_.bytes, bytes);
  };
  if (room()) return true;
  if (options_.when_full != WhenFull::drop_oldest || !fits(unconfirmed, unconfirmed_.bytes, bytes))
    return false;
  while (!room()) fail_waiting(waiting_.messages.begin(), Undelivered::dropped);
  return true;
}

const Outgoing* Outbox::take(Instant now) {
  handed_over_.clear();
  expire(now);
  if (waiting_.messages.empty()) return nullptr;
  const Place first = waiting_.messages.begin();
  const std::size_t bytes = bytes_in(*first);
  forget_deadline(*first);
  waiting_.bytes -= bytes;
  ++taken_;
  if (options_.unconfirmed == Unconfirmed::forget) {
    handed_over_.splice(handed_over_.end(), waiting_.messages, first);
  } else {
    unconfirmed_.messages.splice(unconfirmed_.messages.end(), waiting_.messages, first);
    unconfirmed_.bytes += bytes;
  }
  return &*first;
}

void Outbox::confirm(std::uint64_t mark) noexcept {
  handed_over_.clear();
  if (mark > taken_) return;
  // They were taken one after the other, the last of them as number taken_.
  const std::uint64_t later = taken_ - mark;
  while (unconfirmed_.messages.size() > later) {
    unconfirmed_.bytes -= bytes_in(unconfirmed_.messages.front());
    unconfirmed_.messages.pop_front();
  }
}

bool Outbox::confirmation_due() const noexcept {
  return !unconfirmed_.messages.empty() &&
         (unconfirmed_.messages.size() >= options_.messages_max / 4 ||
          unconfirmed_.bytes >= options_.bytes_max / 4);
}

void Outbox::connection_lost(Instant now) {
  handed_over_.clear();
  if (options_.unconfirmed == Unconfirmed::resend) {
    for (Place place = unconfirmed_.messages.begin(); place != unconfirmed_.messages.end();
         ++place) {
      place->written = true;
      wait_for_deadline(place);
    }
    waiting_.messages.splice(waiting_.messages.begin(), unconfirmed_.messages);
    waiting_.bytes += unconfirmed_.bytes;
  } else {
    for (Outgoing& message : unconfirmed_.messages)
      fail(std::move(message), Undelivered::unconfirmed);
    unconfirmed_.messages.clear();
  }
  unconfirmed_.bytes = 0;
  expire(now);
}

void Outbox::close() {
  handed_over_.clear();
  closed_ = true;
  for (Outgoing& message : unconfirmed_.messages)
    fail(std::move(message), Undelivered::unconfirmed);
  for (Outgoing& message : waiting_.messages) fail(std::move(message), Undelivered::closed);
  unconfirmed_ = {};
  waiting_ = {};
  deadlines_.clear();
}

void Outbox::expire(Instant now) {
  while (!deadlines_.empty() && deadlines_.begin()->first.first <= now)
    fail_waiting(deadlines_.begin()->second, Undelivered::expired);
}

std::optional<Instant> Outbox::next_deadline() const noexcept {
  if (deadlines_.empty()) return std::nullopt;
  return deadlines_.begin()->first.first;
}

std::optional<Failed> Outbox::poll_failed() {
  if (failed_.empty()) return std::nullopt;
  Failed failed = std::move(failed_.front());
  failed_.pop_front();
  failed_bytes_ -= failed.message.payload.size();
  return failed;
}

void Outbox::wait_for_deadline(Place place) {
  if (place->expires != kNever) deadlines_.emplace(std::pair{place->expires, place->number}, place);
}

void Outbox::forget_deadline(const Outgoing& message) noexcept {
  if (message.expires != kNever) deadlines_.erase({message.expires, message.number});
}

void Outbox::fail_waiting(Place place, Undelivered why) {
  forget_deadline(*place);
  waiting_.bytes -= bytes_in(*place);
  fail(std::move(*place), why);
  waiting_.messages.erase(place);
}

void Outbox::fail(Outgoing&& message, Undelivered why) {
  failed_bytes_ += bytes_in(message);
  failed_.push_back({std::move(message.message), message.written ? Undelivered::unconfirmed : why});
}

}  // namespace walkie::client
