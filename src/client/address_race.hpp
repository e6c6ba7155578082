// SPDX-License-Identifier: MIT
// Happy eyeballs (RFC 8305): which address to try when. A pure state machine: no I/O, time comes
// in.
//
//   resolved() -> untried -> start -> running -> won | failed | abandoned
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include <base/time.hpp>
#include <io/endpoint.hpp>
#include <walkie/error.hpp>

namespace walkie::client {

struct RaceOptions {
  Duration pace = std::chrono::milliseconds(250);  ///< §5: between starts; 0: all at once.
  Duration resolution_delay = std::chrono::milliseconds(50);  ///< §3: A waits so long for AAAA.
  Duration attempt_timeout = std::chrono::seconds(10);        ///< Of each address; 0: none.
  std::size_t addresses_max = 32;  ///< Of each family; the rest is ignored.
};

/// What the driver does next.
struct RaceAction {
  enum class Kind : std::uint8_t { start, abandon } kind = Kind::start;
  std::size_t attempt = 0;      ///< Names it in failed() and won(); counts from 0.
  io::SocketAddress address{};  ///< Of start.
};

/// Why a race was lost; each is a different remedy.
enum class RaceFault : std::uint8_t {
  no_address,   ///< There was nothing to try.
  refused,      ///< Every address refused: nobody listens.
  timed_out,    ///< Every address kept silent.
  unreachable,  ///< Anything else, and mixtures.
};

/// Not thread safe. Poll poll_action() after every other call until it returns nothing.
class AddressRace {
 public:
  explicit AddressRace(const RaceOptions& options);

  /// The addresses of one family, or why there are none; each family once. AF_INET waits its turn
  /// behind any other: for a race over one unix socket, tell AF_UNIX and an empty AF_INET.
  void resolved(int family, std::vector<io::SocketAddress> addresses, std::string error,
                Instant now);
  /// An attempt that was started failed. One that is over already is ignored.
  void failed(std::size_t attempt, const Error& why, Instant now);
  /// This one is connected: all others are abandoned. Ignored, with false, where it was abandoned
  /// or has failed before: its socket is to be closed.
  [[nodiscard]] bool won(std::size_t attempt);
  [[nodiscard]] std::optional<RaceAction> poll_action();

  /// When to call on_deadline(); nothing where only the driver's news count.
  [[nodiscard]] std::optional<Instant> next_deadline() const noexcept;
  void on_deadline(Instant now);

  /// Every address failed and none will come.
  [[nodiscard]] bool lost() const noexcept;
  /// Of a lost race.
  [[nodiscard]] RaceFault fault() const noexcept;
  /// Why, for people, in one line: the first addresses that were tried with their reasons
  /// ("192.0.2.1:443: connection refused; [2001:db8::1]:443: timed out after 10 s"), or why there
  /// were none.
  [[nodiscard]] std::string reason() const;

 private:
  struct Family {
    bool known = false;
    std::deque<io::SocketAddress> untried;
    std::string error;
  };
  struct Attempt {
    enum class State : std::uint8_t { running, failed, abandoned, won } state = State::running;
    io::SocketAddress address;
    Instant deadline = kNever;
    std::string reason;
    bool refused = false;
    bool timed_out = false;
  };

  [[nodiscard]] bool has_untried() const noexcept;
  [[nodiscard]] Instant next_start() const noexcept;
  void start_due(Instant now);
  void start_one(Instant now);
  void expire(Instant now);

  const RaceOptions options_;
  Family first_;   ///< IPv6, in general (§4).
  Family second_;  ///< IPv4.
  bool second_next_ = false;
  Instant pace_until_{};   ///< No start before, but for a failure.
  Instant delay_until_{};  ///< The same, while the first family is unknown.
  std::vector<Attempt> attempts_;
  std::size_t running_ = 0;
  bool won_ = false;
  std::deque<RaceAction> actions_;
};

}  // namespace walkie::client
