// SPDX-License-Identifier: MIT
// The client's queue: bounds, expiry, confirmation, and that each message meets one fate.
//
// Replay one random run with WALKIE_SIM_SEED=<seed>; run more with WALKIE_SIM_RUNS=<n>.
#include <client/outbox.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::client {
namespace {

using namespace std::chrono_literals;

constexpr Instant kStart{std::chrono::hours(1000)};

Outgoing text(std::string payload, Instant expires = kNever) {
  return {.message = {MessageKind::text, std::move(payload)}, .expires = expires};
}

std::string taken_text(Outbox& outbox, Instant now = kStart) {
  const Outgoing* message = outbox.take(now);
  return message == nullptr ? "nothing" : message->message.payload;
}

/// All that failed, as "payload:reason" with blanks between.
std::string failures(Outbox& outbox) {
  std::string list;
  while (const auto failed = outbox.poll_failed()) {
    if (!list.empty()) list += ' ';
    list += failed->message.payload + ':' + std::string(name_of(failed->why));
  }
  return list;
}

void push_all(Outbox& outbox, std::initializer_list<const char*> payloads) {
  for (const char* payload : payloads)
    REQUIRE(outbox.push(text(payload), kStart) == SendStatus::queued);
}

TEST_CASE("outbox hands messages over in order, with all that they were pushed with") {
  Outbox outbox({});
  CHECK_FALSE(outbox.anything_waits());
  CHECK(outbox.take(kStart) == nullptr);
  Outgoing message{.message = {MessageKind::binary, "abc"},
                   .compression = Compression::never,
                   .expires = kStart + 1s,
                   .number = 77,
                   .written = true};
  REQUIRE(outbox.push(std::move(message), kStart) == SendStatus::queued);
  push_all(outbox, {"d", "e"});
  CHECK(outbox.anything_waits());
  CHECK(outbox.bytes() == 5);

  const Outgoing* first = outbox.take(kStart);
  REQUIRE(first != nullptr);
  CHECK(first->message.kind == MessageKind::binary);
  CHECK(first->message.payload == "abc");
  CHECK(first->compression == Compression::never);
  CHECK(first->expires == kStart + 1s);
  CHECK(first->number == 1);
  CHECK_FALSE(first->written);
  CHECK(taken_text(outbox) == "d");
  CHECK(taken_text(outbox) == "e");
  CHECK(taken_text(outbox) == "nothing");
  CHECK(outbox.bytes() == 0);
}

TEST_CASE("outbox that forgets keeps nothing of what was taken") {
  Outbox outbox({});
  push_all(outbox, {"a", "b"});
  CHECK(taken_text(outbox) == "a");
  CHECK(outbox.bytes() == 1);
  CHECK_FALSE(outbox.anything_unconfirmed());
  outbox.connection_lost(kStart);
  CHECK(taken_text(outbox) == "b");
  outbox.close();
  CHECK(failures(outbox).empty());
}

TEST_CASE("outbox that is full refuses, and leaves the message with the caller") {
  Outbox by_count({.messages_max = 2});
  push_all(by_count, {"a", "b"});
  Outgoing third = text("a third message, longer than a short string");
  CHECK(by_count.push(std::move(third), kStart) == SendStatus::overflow);
  CHECK(third.message.payload == "a third message, longer than a short string");
  CHECK(failures(by_count).empty());
  CHECK(taken_text(by_count) == "a");
  CHECK(by_count.push(std::move(third), kStart) == SendStatus::queued);

  Outbox by_bytes({.bytes_max = 10});
  push_all(by_bytes, {"12345", "6789"});
  CHECK(by_bytes.push(text("ab"), kStart) == SendStatus::overflow);
  CHECK(by_bytes.push(text("a"), kStart) == SendStatus::queued);
  CHECK(by_bytes.push(text("b"), kStart) == SendStatus::overflow);
  CHECK(by_bytes.push(text(""), kStart) == SendStatus::queued);
}

TEST_CASE("outbox takes one message of any size where nothing else waits or is unconfirmed") {
  for (const WhenFull when_full :
       {WhenFull::refuse, WhenFull::drop_oldest, WhenFull::drop_newest}) {
    Outbox outbox({.bytes_max = 4, .when_full = when_full, .unconfirmed = Unconfirmed::report});
    CHECK(outbox.push(text("longer than four"), kStart) == SendStatus::queued);
    CHECK(taken_text(outbox) == "longer than four");
    CHECK(outbox.push(text("x"), kStart) != SendStatus::queued);
    outbox.confirm_all();
    CHECK(outbox.push(text("longer than four"), kStart) == SendStatus::queued);
  }
}

TEST_CASE("outbox drops the oldest that wait, no more than make room") {
  Outbox outbox({.bytes_max = 10, .when_full = WhenFull::drop_oldest});
  push_all(outbox, {"aaa", "bbb", "ccc"});
  CHECK(outbox.push(text("dd"), kStart) == SendStatus::queued);
  CHECK(failures(outbox) == "aaa:dropped");
  CHECK(outbox.push(text("eeeeee"), kStart) == SendStatus::queued);
  CHECK(failures(outbox) == "bbb:dropped ccc:dropped");
  CHECK(outbox.push(text("longer than ten"), kStart) == SendStatus::queued);
  CHECK(failures(outbox) == "dd:dropped eeeeee:dropped");
  CHECK(taken_text(outbox) == "longer than ten");
}

TEST_CASE("outbox refuses, and drops nothing, where only unconfirmed messages could make room") {
  Outbox outbox(
      {.messages_max = 3, .when_full = WhenFull::drop_oldest, .unconfirmed = Unconfirmed::resend});
  push_all(outbox, {"a", "b", "c"});
  CHECK(taken_text(outbox) == "a");
  CHECK(taken_text(outbox) == "b");
  CHECK(outbox.push(text("d"), kStart) == SendStatus::queued);
  CHECK(failures(outbox) == "c:dropped");
  CHECK(taken_text(outbox) == "d");
  CHECK(outbox.push(text("e"), kStart) == SendStatus::overflow);
  CHECK(failures(outbox).empty());
}

TEST_CASE("outbox drops the newest: that message fails, and those that wait stay") {
  Outbox outbox({.messages_max = 1, .when_full = WhenFull::drop_newest});
  push_all(outbox, {"a"});
  CHECK(outbox.push(text("b"), kStart) == SendStatus::dropped);
  CHECK(failures(outbox) == "b:dropped");
  CHECK(taken_text(outbox) == "a");
}

TEST_CASE("outbox bounds what failed and was not polled") {
  for (const WhenFull when_full : {WhenFull::drop_oldest, WhenFull::drop_newest}) {
    Outbox outbox({.messages_max = 4, .when_full = when_full});
    int pushed = 0;
    while (pushed < 100 && outbox.push(text("x"), kStart) != SendStatus::overflow) ++pushed;
    CHECK(pushed == 8);
    CHECK(outbox.poll_failed().has_value());
    CHECK(outbox.push(text("x"), kStart) != SendStatus::overflow);
    CHECK(outbox.push(text("x"), kStart) == SendStatus::overflow);
  }
  Outbox by_bytes({.bytes_max = 4, .when_full = WhenFull::drop_oldest});
  CHECK(by_bytes.push(text("abcd"), kStart) == SendStatus::queued);
  CHECK(by_bytes.push(text("e"), kStart) == SendStatus::queued);
  CHECK(by_bytes.push(text("f"), kStart) == SendStatus::overflow);
  CHECK(failures(by_bytes) == "abcd:dropped");
  CHECK(by_bytes.push(text("f"), kStart) == SendStatus::queued);
  CHECK(by_bytes.push(text("ghij"), kStart) == SendStatus::queued);
  CHECK(by_bytes.push(text("k"), kStart) == SendStatus::queued);
  CHECK(failures(by_bytes) == "e:dropped f:dropped ghij:dropped");
  CHECK(by_bytes.push(text("lmno"), kStart) == SendStatus::queued);
  CHECK(by_bytes.push(text("p"), kStart) == SendStatus::queued);
  CHECK(by_bytes.push(text("q"), kStart) == SendStatus::overflow);
}

TEST_CASE("outbox fails what expired, the earliest deadline first, wherever it waits") {
  Outbox outbox({});
  CHECK(outbox.next_deadline() == std::nullopt);
  REQUIRE(outbox.push(text("never"), kStart) == SendStatus::queued);
  CHECK(outbox.next_deadline() == std::nullopt);
  REQUIRE(outbox.push(text("third", kStart + 3s), kStart) == SendStatus::queued);
  REQUIRE(outbox.push(text("first", kStart + 1s), kStart) == SendStatus::queued);
  REQUIRE(outbox.push(text("second", kStart + 2s), kStart) == SendStatus::queued);
  CHECK(outbox.next_deadline() == kStart + 1s);
  outbox.expire(kStart + 1s - 1ns);
  CHECK(failures(outbox).empty());
  outbox.expire(kStart + 1s);
  CHECK(failures(outbox) == "first:expired");
  CHECK(outbox.next_deadline() == kStart + 2s);
  outbox.expire(kStart + 10s);
  CHECK(failures(outbox) == "second:expired third:expired");
  CHECK(outbox.next_deadline() == std::nullopt);
  CHECK(taken_text(outbox, kStart + 10s) == "never");
}

TEST_CASE("outbox never hands over an expired message, and what was taken does not expire") {
  Outbox outbox({.unconfirmed = Unconfirmed::report});
  REQUIRE(outbox.push(text("a", kStart + 1s), kStart) == SendStatus::queued);
  REQUIRE(outbox.push(text("b", kStart + 1s), kStart) == SendStatus::queued);
  CHECK(taken_text(outbox) == "a");
  CHECK(taken_text(outbox, kStart + 1s) == "nothing");
  CHECK(failures(outbox) == "b:expired");
  CHECK(outbox.next_deadline() == std::nullopt);
  CHECK(outbox.anything_unconfirmed());
}

TEST_CASE("expired messages make room before the policy decides") {
  Outbox outbox({.messages_max = 2, .when_full = WhenFull::drop_oldest});
  push_all(outbox, {"a"});
  REQUIRE(outbox.push(text("b", kStart + 1s), kStart) == SendStatus::queued);
  CHECK(outbox.push(text("c"), kStart + 2s) == SendStatus::queued);
  CHECK(failures(outbox) == "b:expired");
}

TEST_CASE("a mark confirms what was taken before it, and not what was taken later") {
  Outbox outbox({.unconfirmed = Unconfirmed::report});
  push_all(outbox, {"a", "b", "c"});
  CHECK(taken_text(outbox) == "a");
  CHECK(taken_text(outbox) == "b");
  const std::uint64_t mark = outbox.mark();
  CHECK(taken_text(outbox) == "c");
  outbox.confirm(mark);
  CHECK(outbox.anything_unconfirmed());
  CHECK(outbox.bytes() == 1);
  outbox.confirm(outbox.mark() + 1);
  CHECK(outbox.anything_unconfirmed());
  outbox.connection_lost(kStart);
  CHECK(failures(outbox) == "c:unconfirmed");
  CHECK_FALSE(outbox.anything_unconfirmed());
  CHECK(outbox.bytes() == 0);
}

TEST_CASE("outbox asks for a confirmation once a quarter of its bounds is unconfirmed") {
  Outbox by_count({.messages_max = 8, .unconfirmed = Unconfirmed::report});
  push_all(by_count, {"a", "b"});
  CHECK_FALSE(by_count.confirmation_due());
  CHECK(taken_text(by_count) == "a");
  CHECK_FALSE(by_count.confirmation_due());
  CHECK(taken_text(by_count) == "b");
  CHECK(by_count.confirmation_due());
  by_count.confirm_all();
  CHECK_FALSE(by_count.confirmation_due());

  Outbox by_bytes({.bytes_max = 8, .unconfirmed = Unconfirmed::report});
  push_all(by_bytes, {"ab"});
  CHECK(taken_text(by_bytes) == "ab");
  CHECK(by_bytes.confirmation_due());
}

TEST_CASE("outbox that resends puts unconfirmed messages in front, in their order") {
  Outbox outbox({.unconfirmed = Unconfirmed::resend});
  push_all(outbox, {"a", "b", "c"});
  CHECK(taken_text(outbox) == "a");
  CHECK(taken_text(outbox) == "b");
  outbox.connection_lost(kStart);
  CHECK_FALSE(outbox.anything_unconfirmed());
  push_all(outbox, {"d"});
  const Outgoing* again = outbox.take(kStart);
  REQUIRE(again != nullptr);
  CHECK(again->message.payload == "a");
  CHECK(again->number == 1);
  CHECK(again->written);
  CHECK(taken_text(outbox) == "b");
  const Outgoing* fresh = outbox.take(kStart);
  REQUIRE(fresh != nullptr);
  CHECK(fresh->message.payload == "c");
  CHECK_FALSE(fresh->written);
  CHECK(taken_text(outbox) == "d");
  outbox.confirm_all();
  outbox.close();
  CHECK(failures(outbox).empty());
}

TEST_CASE("a mark of an earlier connection confirms nothing on the next") {
  Outbox outbox({.unconfirmed = Unconfirmed::resend});
  push_all(outbox, {"a", "b"});
  CHECK(taken_text(outbox) == "a");
  CHECK(taken_text(outbox) == "b");
  const std::uint64_t old = outbox.mark();
  outbox.connection_lost(kStart);
  CHECK(taken_text(outbox) == "a");
  outbox.confirm(old);
  CHECK(outbox.anything_unconfirmed());
  outbox.confirm(outbox.mark());
  CHECK_FALSE(outbox.anything_unconfirmed());
}

TEST_CASE(
    "a message that went out once fails as unconfirmed, also where it expires or is dropped") {
  const auto lost_once = [](Outbox& outbox) {
    REQUIRE(outbox.push(text("a", kStart + 1s), kStart) == SendStatus::queued);
    push_all(outbox, {"b"});
    REQUIRE(taken_text(outbox) == "a");
    outbox.connection_lost(kStart);
  };
  Outbox expires({.unconfirmed = Unconfirmed::resend});
  lost_once(expires);
  CHECK(expires.next_deadline() == kStart + 1s);
  expires.expire(kStart + 1s);
  CHECK(failures(expires) == "a:unconfirmed");

  Outbox full(
      {.messages_max = 2, .when_full = WhenFull::drop_oldest, .unconfirmed = Unconfirmed::resend});
  lost_once(full);
  push_all(full, {"c"});
  CHECK(failures(full) == "a:unconfirmed");

  Outbox closed({.unconfirmed = Unconfirmed::resend});
  lost_once(closed);
  closed.close();
  CHECK(failures(closed) == "a:unconfirmed b:closed");
}

TEST_CASE("a message whose time is over when its connection is lost is not sent again") {
  Outbox outbox({.unconfirmed = Unconfirmed::resend});
  REQUIRE(outbox.push(text("a", kStart + 1s), kStart) == SendStatus::queued);
  CHECK(taken_text(outbox) == "a");
  outbox.connection_lost(kStart + 2s);
  CHECK(failures(outbox) == "a:unconfirmed");
  CHECK_FALSE(outbox.anything_waits());
}

TEST_CASE("close fails everything, the oldest first, and takes no more") {
  Outbox outbox({.unconfirmed = Unconfirmed::report});
  push_all(outbox, {"a", "b"});
  REQUIRE(outbox.push(text("c", kStart + 1s), kStart) == SendStatus::queued);
  CHECK(taken_text(outbox) == "a");
  outbox.close();
  CHECK(failures(outbox) == "a:unconfirmed b:closed c:closed");
  CHECK(outbox.bytes() == 0);
  CHECK(outbox.next_deadline() == std::nullopt);
  CHECK(outbox.push(text("d"), kStart) == SendStatus::gone);
  outbox.close();
  CHECK(failures(outbox).empty());
}

// -- random runs against a model -----------------------------------------------------------------

/// What the model knows of one queued message.
struct Known {
  enum class Stage : std::uint8_t { waiting, unconfirmed, over } stage = Stage::waiting;
  std::size_t bytes = 0;
  Instant expires = kNever;
  bool ever_taken = false;
};

/// Drives an Outbox at random, and says at each step what it must do. Payloads begin with their
/// message's number, so that fates can be told apart.
class RandomRun {
 public:
  explicit RandomRun(std::uint64_t seed)
      : engine_(seed),
        options_{.bytes_max = 20 + below(100),
                 .messages_max = 1 + below(12),
                 .when_full = WhenFull(below(3)),
                 .unconfirmed = Unconfirmed(below(3))},
        outbox_(options_) {}

  void run() {
    for (int step = 0; step < 400; ++step) {
      act();
      poll();
      check();
    }
    outbox_.close();
    poll();
    for (const auto& [number, known] : known_) {
      CAPTURE(number);
      CHECK(known.stage == Known::Stage::over);
    }
  }

 private:
  std::size_t below(std::size_t n) { return engine_() % n; }

  void act() {
    switch (below(8)) {
      case 0:
      case 1:
      case 2:
        return push();
      case 3:
      case 4:
        return take();
      case 5:
        return confirm();
      case 6:
        now_ += std::chrono::milliseconds(below(500));
        return outbox_.expire(now_);
      default:
        return below(4) == 0 ? lose() : outbox_.expire(now_);
    }
  }

  void push() {
    const std::uint64_t number = pushed_ + 1;
    std::string payload = std::to_string(number) + ' ';
    payload.resize(payload.size() + below(20), '.');
    const std::size_t bytes = payload.size();
    const Instant expires = below(2) == 0 ? kNever : now_ + std::chrono::milliseconds(below(2'000));
    Outgoing message = text(std::move(payload), expires);
    const SendStatus status = outbox_.push(std::move(message), now_);
    if (status == SendStatus::overflow) {
      CHECK(options_.when_full != WhenFull::drop_newest);
      return;
    }
    pushed_ += status == SendStatus::queued ? 1 : 0;
    if (status == SendStatus::dropped) {
      CHECK(options_.when_full == WhenFull::drop_newest);
      const auto failed = last_failure();
      CHECK(failed.first == number);
      CHECK(failed.second == Undelivered::dropped);
      return;
    }
    REQUIRE(status == SendStatus::queued);
    known_[number] = {.bytes = bytes, .expires = expires};
  }

  /// Polls all; the last of them is given back and not judged, as it was never queued.
  std::pair<std::uint64_t, Undelivered> last_failure() {
    std::vector<Failed> all;
    while (auto failed = outbox_.poll_failed()) all.push_back(std::move(*failed));
    REQUIRE_FALSE(all.empty());
    for (std::size_t i = 0; i + 1 < all.size(); ++i) judge(all[i]);
    return {std::stoull(all.back().message.payload), all.back().why};
  }

  void take() {
    const Outgoing* message = outbox_.take(now_);
    if (message == nullptr) return;
    Known& known = known_.at(message->number);
    CHECK(std::stoull(message->message.payload) == message->number);
    CHECK(known.stage == Known::Stage::waiting);
    CHECK(known.expires > now_);
    CHECK(message->written == known.ever_taken);
    for (const auto& [number, other] : known_) {
      if (number >= message->number) break;
      CHECK((other.stage != Known::Stage::waiting || other.expires <= now_));
    }
    known.ever_taken = true;
    const bool forgets = options_.unconfirmed == Unconfirmed::forget;
    known.stage = forgets ? Known::Stage::over : Known::Stage::unconfirmed;
    if (!forgets) taken_.push_back(message->number);
    if (below(3) == 0) marks_.emplace_back(outbox_.mark(), taken_);
  }

  void confirm() {
    if (marks_.empty()) return;
    const auto& [mark, confirmed] = marks_[below(marks_.size())];
    outbox_.confirm(mark);
    for (const std::uint64_t number : confirmed)
      if (std::erase(taken_, number) > 0) known_.at(number).stage = Known::Stage::over;
  }

  void lose() {
    outbox_.connection_lost(now_);
    old_marks_ = std::move(marks_);
    marks_.clear();
    taken_.clear();
    if (options_.unconfirmed == Unconfirmed::resend)
      for (auto& [number, known] : known_)
        if (known.stage == Known::Stage::unconfirmed) known.stage = Known::Stage::waiting;
    if (!old_marks_.empty()) outbox_.confirm(old_marks_.back().first);
  }

  void poll() {
    while (const auto failed = outbox_.poll_failed()) judge(*failed);
  }

  void judge(const Failed& failed) {
    const std::uint64_t number = std::stoull(failed.message.payload);
    CAPTURE(number);
    Known& known = known_.at(number);
    CHECK(known.stage != Known::Stage::over);
    CHECK(failed.message.payload.size() == known.bytes);
    CHECK((failed.why == Undelivered::unconfirmed) == known.ever_taken);
    if (failed.why == Undelivered::expired) CHECK(known.expires <= now_);
    if (failed.why == Undelivered::dropped) CHECK(options_.when_full == WhenFull::drop_oldest);
    known.stage = Known::Stage::over;
  }

  void check() {
    std::size_t messages = 0;
    std::size_t bytes = 0;
    std::optional<Instant> deadline;
    bool waits = false;
    for (const auto& [number, known] : known_) {
      if (known.stage == Known::Stage::over) continue;
      ++messages;
      bytes += known.bytes;
      if (known.stage != Known::Stage::waiting) continue;
      waits = true;
      if (known.expires != kNever) deadline = std::min(deadline.value_or(kNever), known.expires);
    }
    CHECK(outbox_.bytes() == bytes);
    CHECK(outbox_.anything_waits() == waits);
    CHECK(outbox_.anything_unconfirmed() == !taken_.empty());
    CHECK(outbox_.next_deadline() == deadline);
    CHECK(messages <= options_.messages_max);
    CHECK((bytes <= options_.bytes_max || messages == 1));
  }

  std::mt19937_64 engine_;
  OutboxOptions options_;
  Outbox outbox_;
  Instant now_ = kStart;
  std::uint64_t pushed_ = 0;
  std::map<std::uint64_t, Known> known_;
  /// Unconfirmed on this connection, in order of take(); what each mark covers.
  std::vector<std::uint64_t> taken_;
  std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>> marks_;
  std::vector<std::pair<std::uint64_t, std::vector<std::uint64_t>>> old_marks_;
};

TEST_CASE("outbox hands over those that go first before the others, each kind in its order") {
  Outbox outbox({.unconfirmed = Unconfirmed::resend});
  push_all(outbox, {"a", "b"});
  for (const char* payload : {"x", "y"}) {
    Outgoing message = text(payload);
    message.first = true;
    REQUIRE(outbox.push(std::move(message), kStart) == SendStatus::queued);
  }
  push_all(outbox, {"c"});
  for (const char* payload : {"x", "y", "a"}) CHECK(taken_text(outbox) == payload);
  outbox.connection_lost(kStart);
  for (const char* payload : {"x", "y", "a", "b", "c", "nothing"})
    CHECK(taken_text(outbox) == payload);
}

TEST_CASE(
    "outbox has room again where half of its bounds is free, and the message asked for fits") {
  Outbox outbox({.bytes_max = 8, .messages_max = 4, .unconfirmed = Unconfirmed::report});
  push_all(outbox, {"aa", "bb", "cc"});
  CHECK_FALSE(outbox.has_room(1));  // three of four messages, six of eight bytes
  (void)outbox.take(kStart);
  (void)outbox.take(kStart);
  CHECK_FALSE(outbox.has_room(1));  // unconfirmed ones count
  outbox.confirm(1);
  CHECK(outbox.has_room(1));
  CHECK(outbox.has_room(4));
  CHECK_FALSE(outbox.has_room(5));
  outbox.confirm(2);
  CHECK(outbox.has_room(6));
  CHECK_FALSE(outbox.has_room(100));  // it may wait alone only
  (void)outbox.take(kStart);
  outbox.confirm(3);
  CHECK(outbox.has_room(100));
}

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* value = std::getenv(variable);
  return value == nullptr ? otherwise : std::strtoull(value, nullptr, 10);
}

TEST_CASE("every queued message meets exactly one fate, whatever happens") {
  const std::uint64_t one = number_from("WALKIE_SIM_SEED", 0);
  const std::uint64_t runs = one != 0 ? 1 : number_from("WALKIE_SIM_RUNS", 300);
  for (std::uint64_t run = 0; run < runs; ++run) {
    const std::uint64_t seed = one != 0 ? one : run + 1;
    CAPTURE(seed);
    RandomRun(seed).run();
  }
}

}  // namespace
}  // namespace walkie::client
