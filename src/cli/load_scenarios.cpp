// SPDX-License-Identifier: MIT
// What `walkie bench` does with its connections.
#include <cli/load_scenarios.hpp>

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

namespace walkie::cli {
namespace {

std::uint64_t nanoseconds(Duration time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, time.count()));
}

/// Checks a piece against the answer that is due; true where that answer is complete.
bool take_answer(LoadCrew& crew, NumberedMessage& message, Lane& lane, const LoadSocket& socket,
                 BytesView bytes, bool ends) {
  const bool matches = message.matches(lane.answered, lane.taken, bytes);
  lane.taken += bytes.size();
  if (!matches || (ends && lane.taken != message.answer_bytes())) {
    crew.fail(fmt::format("connection {}: answer {} is wrong at byte {}", socket.index() + 1,
                          lane.answered, lane.taken - bytes.size()));
    return false;
  }
  if (!ends) return false;
  lane.taken = 0;
  ++lane.answered;
  return true;
}

}  // namespace

// -- echo --

EchoScenario::EchoScenario(const NumberedMessageOptions& message, std::size_t connections,
                           std::size_t in_flight)
    : message_(message),
      in_flight_(in_flight),
      lanes_(connections),
      sent_at_(connections * in_flight) {}

void EchoScenario::start(LoadCrew& crew) {
  crew_ = &crew;
  const Instant now = std::chrono::steady_clock::now();
  for (std::size_t index = 0; index < lanes_.size(); ++index) {
    LoadSocket& socket = crew.socket(index);
    for (std::size_t number = 0; number < in_flight_; ++number) {
      sent_at_[index * in_flight_ + number] = now;
      socket.queue(message_.frame(static_cast<std::uint32_t>(number)));
    }
    socket.flush();
  }
}

void EchoScenario::on_piece(LoadSocket& socket, BytesView bytes, bool ends) {
  Lane& lane = lanes_[socket.index()];
  if (!take_answer(*crew_, message_, lane, socket, bytes, ends)) return;
  const Instant now = crew_->batch_time();
  const std::uint32_t answered = lane.answered - 1;
  Instant& sent_at = sent_at_[socket.index() * in_flight_ + answered % in_flight_];
  ++counts_.messages;
  counts_.latency_ns.record(nanoseconds(now - sent_at));
  if (stopped_) return;
  sent_at = now;  // message answered + in_flight takes the place of the answered one
  socket.queue(message_.frame(answered + static_cast<std::uint32_t>(in_flight_)));
}

// -- fan-out --

FanoutScenario::FanoutScenario(const NumberedMessageOptions& message, const FanoutOptions& options)
    : message_(message), options_(options), lanes_(options.members), published_(kTracked) {}

void FanoutScenario::start(LoadCrew& crew) {
  crew_ = &crew;
  next_at_ = std::chrono::steady_clock::now();
  if (options_.per_second == 0)
    for (std::size_t i = 0; i < options_.in_flight; ++i) publish(next_at_);
}

void FanoutScenario::publish(Instant now) {
  published_[published_count_ % kTracked] = {now, lanes_.size()};
  LoadSocket& publisher = crew_->socket(0);
  publisher.queue(message_.frame(published_count_));
  publisher.flush();
  ++published_count_;
}

void FanoutScenario::on_piece(LoadSocket& socket, BytesView bytes, bool ends) {
  Lane& lane = lanes_[socket.index()];
  if (!take_answer(*crew_, message_, lane, socket, bytes, ends)) return;
  const Instant now = crew_->batch_time();
  Published& published = published_[(lane.answered - 1) % kTracked];
  ++counts_.messages;
  counts_.latency_ns.record(nanoseconds(now - published.at));
  if (--published.missing > 0) return;
  ++complete_count_;
  if (options_.per_second == 0 && !stopped_) publish(now);
}

Duration FanoutScenario::on_turn(Instant now) {
  constexpr Duration kIdle = std::chrono::milliseconds(100);
  if (options_.per_second == 0 || stopped_) return kIdle;
  const Duration period = Duration(std::chrono::seconds(1)) / options_.per_second;
  while (next_at_ <= now) {
    if (published_count_ - complete_count_ == kTracked) {
      crew_->fail(fmt::format("{} messages are under way: the server does not keep up", kTracked));
      return kIdle;
    }
    publish(next_at_);  // latency counts from when it was due
    next_at_ += period;
  }
  return next_at_ - now;
}

// -- idle --

void IdleScenario::on_piece(LoadSocket& socket, BytesView, bool) {
  crew_->fail(fmt::format("connection {}: a message nobody asked for", socket.index() + 1));
}

}  // namespace walkie::cli
