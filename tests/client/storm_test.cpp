// SPDX-License-Identifier: MIT
// 10,000 clients lose their server at the same moment: they must come back spread, and soon.
// Virtual time, and what Reconnect decides; beside it, for comparison, the same without jitter.
//
// WALKIE_STORM_CSV=<file>: write the figures there, for tools/storm_plot.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <queue>
#include <random>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <client/reconnect.hpp>

namespace walkie::client {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kClients = 10'000;
constexpr Duration kBucket = 100ms;
constexpr std::size_t kAcceptedPerBucket = 200;
/// From the start of an attempt to its outcome.
constexpr Duration kAttemptTime = 20ms;
constexpr Instant kLoss{std::chrono::hours(1000)};

enum class Jitter : std::uint8_t { full, none };

/// What happened in one tenth of a second.
struct Bucket {
  std::size_t attempts = 0;
  std::size_t accepted = 0;
};

/// All clients lose the server at kLoss. It comes back after `outage`, and then accepts at most
/// kAcceptedPerBucket connections in each tenth of a second; all other attempts are refused.
class Storm {
 public:
  Storm(Duration outage, Jitter jitter, std::uint64_t seed)
      : outage_(outage), jitter_(jitter), engine_(seed) {}

  void run() {
    std::vector<Reconnect> clients(kClients, Reconnect(Backoff{}));
    for (std::size_t i = 0; i < clients.size(); ++i) {
      clients[i].opened(kLoss - 1h);
      const NextAttempt next =
          clients[i].connection_ended({.code = CloseCode::abnormal}, kLoss, random());
      attempts_.push({kLoss + next.delay, i});
    }
    const ConnectError refused{.fault = ConnectFault::refused};
    while (!attempts_.empty()) {
      const auto [start, client] = attempts_.top();
      attempts_.pop();
      if (accepts(start)) continue;
      const NextAttempt next = clients[client].attempt_failed(refused, random());
      REQUIRE_FALSE(next.give_up);
      attempts_.push({start + kAttemptTime + next.delay, client});
    }
  }

  /// By tenths of a second since the loss; the last client is back in the last.
  [[nodiscard]] const std::vector<Bucket>& buckets() const noexcept { return buckets_; }

  /// The most attempts in one tenth of a second, from then on.
  [[nodiscard]] std::size_t peak_from(Duration begin) const {
    std::size_t peak = 0;
    for (std::size_t i = static_cast<std::size_t>(begin / kBucket); i < buckets_.size(); ++i)
      peak = std::max(peak, buckets_[i].attempts);
    return peak;
  }

  /// From the server's return until the last client is back.
  [[nodiscard]] Duration recovery() const { return kBucket * std::ssize(buckets_) - outage_; }

 private:
  /// In [0, 1); without jitter always the longest.
  double random() {
    if (jitter_ == Jitter::none) return 1 - 1e-12;
    return static_cast<double>(engine_() >> 11) * 0x1p-53;
  }

  bool accepts(Instant start) {
    const Duration since = start - kLoss;
    const auto index = static_cast<std::size_t>(since / kBucket);
    if (index >= buckets_.size()) buckets_.resize(index + 1);
    Bucket& bucket = buckets_[index];
    ++bucket.attempts;
    if (since < outage_ || bucket.accepted == kAcceptedPerBucket) return false;
    ++bucket.accepted;
    return true;
  }

  Duration outage_;
  Jitter jitter_;
  std::mt19937_64 engine_;
  using Attempt = std::pair<Instant, std::size_t>;
  std::priority_queue<Attempt, std::vector<Attempt>, std::greater<>> attempts_;
  std::vector<Bucket> buckets_;
};

/// Attempts in a tenth of a second, were they spread evenly over `span`.
std::size_t uniform_rate(Duration span) {
  return kClients * static_cast<std::size_t>(kBucket.count()) /
         static_cast<std::size_t>(span.count());
}

/// One row for each tenth of a second in which anything was tried.
void write_rows(std::ostream& out, Duration outage, Jitter jitter, const Storm& storm) {
  for (std::size_t i = 0; i < storm.buckets().size(); ++i) {
    const Bucket& bucket = storm.buckets()[i];
    if (bucket.attempts == 0) continue;
    out << outage / 1s << ',' << (jitter == Jitter::full ? "full" : "none") << ','
        << static_cast<double>(i) / 10 << ',' << bucket.attempts << ',' << bucket.accepted << '\n';
  }
}

constexpr Duration kOutages[] = {0s, 5s, 60s};

TEST_CASE("10,000 clients that lose a server together come back spread, and soon") {
  constexpr Backoff kBackoff{};
  for (const Duration outage : kOutages) {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
      CAPTURE(outage / 1s);
      CAPTURE(seed);
      Storm storm(outage, Jitter::full, seed);
      storm.run();
      CHECK(storm.peak_from(0s) <= 2 * uniform_rate(kBackoff.spread));
      CHECK(storm.recovery() <= kBackoff.longest + 5s);
      // By then they wait half of the longest time on average.
      if (outage > kBackoff.longest)
        CHECK(storm.peak_from(outage) <= 2 * uniform_rate(kBackoff.longest / 2));
    }
  }
}

TEST_CASE("without jitter they would come back all at once, again and again") {
  for (const Duration outage : kOutages) {
    Storm storm(outage, Jitter::none, 0);
    storm.run();
    CHECK(storm.peak_from(0s) == kClients);
    CHECK(storm.recovery() > 20min);
  }
}

TEST_CASE("the storm is written down where it is asked for") {
  const char* file = std::getenv("WALKIE_STORM_CSV");
  if (file == nullptr) return;
  std::ofstream out(file);
  out << "outage_s,jitter,time_s,attempts,accepted\n";
  for (const Duration outage : kOutages)
    for (const Jitter jitter : {Jitter::full, Jitter::none}) {
      Storm storm(outage, jitter, 1);
      storm.run();
      write_rows(out, outage, jitter, storm);
    }
  out.flush();
  REQUIRE(out.good());
}

}  // namespace
}  // namespace walkie::client
