// SPDX-License-Identifier: MIT
// What `walkie bench` does with its connections: echo, fan-out, nothing. Every answer is checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <cli/histogram.hpp>
#include <cli/load_crew.hpp>
#include <cli/load_frames.hpp>

namespace walkie::cli {

/// What a scenario counted since the last clear().
struct LoadCounts {
  std::uint64_t messages = 0;  ///< Answers (echo) or deliveries (fan-out).
  Histogram latency_ns;
  void clear() noexcept {
    messages = 0;
    latency_ns.clear();
  }
};

/// Where each connection stands in its stream of answers.
struct Lane {
  std::uint32_t answered = 0;  ///< Also the number of the answer that comes next.
  std::size_t taken = 0;       ///< Bytes of it that came.
};

/// Every connection keeps `in_flight` messages under way and sends the next for each answer.
class EchoScenario final : public LoadScenario {
 public:
  EchoScenario(const NumberedMessageOptions& message, std::size_t connections,
               std::size_t in_flight);
  void start(LoadCrew& crew);
  /// No more messages are sent; what comes is still checked.
  void stop() noexcept { stopped_ = true; }
  [[nodiscard]] LoadCounts& counts() noexcept { return counts_; }
  void on_piece(LoadSocket& socket, BytesView bytes, bool ends) override;

 private:
  NumberedMessage message_;
  std::size_t in_flight_;
  std::vector<Lane> lanes_;
  std::vector<Instant> sent_at_;  ///< `in_flight_` for each connection, by number.
  LoadCounts counts_;
  LoadCrew* crew_ = nullptr;
  bool stopped_ = false;
};

struct FanoutOptions {
  std::size_t members = 1;
  std::size_t in_flight = 1;     ///< Messages under way, where there is no rate.
  std::uint64_t per_second = 0;  ///< Messages at a fixed rate; 0: the next when all have the last.
};

/// The first connection publishes to a room, all receive.
class FanoutScenario final : public LoadScenario {
 public:
  FanoutScenario(const NumberedMessageOptions& message, const FanoutOptions& options);
  void start(LoadCrew& crew);
  void stop() noexcept { stopped_ = true; }
  [[nodiscard]] LoadCounts& counts() noexcept { return counts_; }
  void on_piece(LoadSocket& socket, BytesView bytes, bool ends) override;
  Duration on_turn(Instant now) override;

 private:
  static constexpr std::size_t kTracked = 4096;  ///< Messages under way at most.
  struct Published {
    Instant at;
    std::size_t missing = 0;  ///< Members that do not have it yet.
  };
  void publish(Instant now);
  NumberedMessage message_;
  FanoutOptions options_;
  std::vector<Lane> lanes_;
  std::vector<Published> published_;
  std::uint32_t published_count_ = 0;
  std::uint32_t complete_count_ = 0;
  Instant next_at_{};
  LoadCounts counts_;
  LoadCrew* crew_ = nullptr;
  bool stopped_ = false;
};

/// Nothing is sent, and nothing may come.
class IdleScenario final : public LoadScenario {
 public:
  void on_piece(LoadSocket& socket, BytesView bytes, bool ends) override;
  void start(LoadCrew& crew) { crew_ = &crew; }

 private:
  LoadCrew* crew_ = nullptr;
};

}  // namespace walkie::cli
