// SPDX-License-Identifier: MIT
// Happy eyeballs under virtual time: what is started, when, and what becomes of the rest.
#include <client/address_race.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/socket.h>

#include <doctest/doctest.h>

namespace walkie::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

io::SocketAddress address(std::string_view host) {
  const auto parsed = io::numeric_address(host, 443);
  REQUIRE(parsed);
  return *parsed;
}

std::vector<io::SocketAddress> addresses(const std::vector<std::string_view>& hosts) {
  std::vector<io::SocketAddress> all;
  for (const std::string_view host : hosts) all.push_back(address(host));
  return all;
}

Error refused() {
  return {"connection refused", std::make_error_code(std::errc::connection_refused)};
}
Error broken() { return {"no route to host", std::make_error_code(std::errc::host_unreachable)}; }

/// A race and its clock; news() gives what it did since the last call: "start 0 192.0.2.1".
struct Rig {
  explicit Rig(const RaceOptions& options = {}) : race(options) {}
  void v6(const std::vector<std::string_view>& hosts, std::string error = {}) {
    race.resolved(AF_INET6, addresses(hosts), std::move(error), now);
  }
  void v4(const std::vector<std::string_view>& hosts, std::string error = {}) {
    race.resolved(AF_INET, addresses(hosts), std::move(error), now);
  }
  std::string news() {
    std::string text;
    while (const auto action = race.poll_action()) {
      const bool start = action->kind == RaceAction::Kind::start;
      text += text.empty() ? "" : ", ";
      text += (start ? "start " : "abandon ") + std::to_string(action->attempt);
      if (start) text += " " + action->address.host();
    }
    return text;
  }
  /// Lets time pass to the next deadline at the most; the news of it.
  std::string pass(Duration time) {
    now += time;
    if (const auto deadline = race.next_deadline(); deadline && *deadline <= now)
      race.on_deadline(now);
    return news();
  }
  /// Until the next deadline; 0 where there is none.
  milliseconds wait() const {
    const auto deadline = race.next_deadline();
    return deadline ? std::chrono::duration_cast<milliseconds>(*deadline - now) : milliseconds(0);
  }
  AddressRace race;
  Instant now{std::chrono::hours(1)};
};

// -- resolution --

TEST_CASE("race starts IPv6 as soon as it is known, without waiting for IPv4 [RFC 8305 3]") {
  Rig rig;
  CHECK_FALSE(rig.race.next_deadline());
  rig.v6({"2001:db8::1"});
  CHECK(rig.news() == "start 0 2001:db8::1");
}

TEST_CASE("race lets IPv4 that came first wait 50 ms for IPv6 [RFC 8305 3]") {
  Rig rig;
  rig.v4({"192.0.2.1"});
  CHECK(rig.news().empty());
  CHECK(rig.wait() == milliseconds(50));
  CHECK(rig.pass(milliseconds(49)).empty());
  CHECK(rig.pass(milliseconds(1)) == "start 0 192.0.2.1");
}

TEST_CASE("race starts with IPv6 where it comes within the delay [RFC 8305 3]") {
  Rig rig;
  rig.v4({"192.0.2.1"});
  CHECK(rig.pass(milliseconds(30)).empty());
  rig.v6({"2001:db8::1"});
  CHECK(rig.news() == "start 0 2001:db8::1");
  CHECK(rig.wait() == milliseconds(250));
  CHECK(rig.pass(milliseconds(250)) == "start 1 192.0.2.1");
}

TEST_CASE("race does not let IPv4 wait where IPv6 is known to have no address [RFC 8305 3]") {
  Rig early;
  early.v6({}, "no address of that kind");
  CHECK(early.news().empty());
  early.v4({"192.0.2.1"});
  CHECK(early.news() == "start 0 192.0.2.1");

  Rig late;
  late.v4({"192.0.2.1"});
  CHECK(late.pass(milliseconds(10)).empty());
  late.v6({}, "the resolver timed out");
  CHECK(late.news() == "start 0 192.0.2.1");
}

TEST_CASE("race takes IPv6 that comes after the delay in its turn [RFC 8305 3]") {
  Rig rig;
  rig.v4({"192.0.2.1", "192.0.2.2"});
  CHECK(rig.pass(milliseconds(50)) == "start 0 192.0.2.1");
  CHECK(rig.pass(milliseconds(100)).empty());
  rig.v6({"2001:db8::1"});
  CHECK(rig.news().empty());
  CHECK(rig.pass(milliseconds(150)) == "start 1 2001:db8::1");
  CHECK(rig.pass(milliseconds(250)) == "start 2 192.0.2.2");
}

TEST_CASE("race waits for a family that is not known yet where the other one failed") {
  Rig rig;
  rig.v6({"2001:db8::1"});
  CHECK(rig.news() == "start 0 2001:db8::1");
  rig.race.failed(0, refused(), rig.now);
  CHECK_FALSE(rig.race.lost());
  CHECK_FALSE(rig.race.next_deadline());
  rig.now += seconds(3);
  rig.v4({"192.0.2.1"});
  CHECK(rig.news() == "start 1 192.0.2.1");
}

TEST_CASE("race hears each family once") {
  Rig rig;
  rig.v6({"2001:db8::1"});
  rig.v6({"2001:db8::2"});
  rig.v4({});
  CHECK(rig.news() == "start 0 2001:db8::1");
  CHECK(rig.pass(seconds(1)).empty());
}

// -- order and pace --

TEST_CASE("race takes the families in turns, IPv6 first [RFC 8305 4]") {
  Rig rig;
  rig.v6({"2001:db8::1", "2001:db8::2", "2001:db8::3"});
  rig.v4({"192.0.2.1", "192.0.2.2"});
  std::string all = rig.news();
  for (int i = 0; i < 4; ++i) all += ", " + rig.pass(milliseconds(250));
  CHECK(all ==
        "start 0 2001:db8::1, start 1 192.0.2.1, start 2 2001:db8::2, start 3 192.0.2.2, "
        "start 4 2001:db8::3");
}

TEST_CASE("race starts one address each 250 ms while none answers [RFC 8305 5]") {
  Rig rig;
  rig.v6({});
  rig.v4({"192.0.2.1", "192.0.2.2", "192.0.2.3"});
  CHECK(rig.news() == "start 0 192.0.2.1");
  CHECK(rig.pass(milliseconds(249)).empty());
  CHECK(rig.pass(milliseconds(1)) == "start 1 192.0.2.2");
  CHECK(rig.pass(milliseconds(249)).empty());
  CHECK(rig.pass(milliseconds(1)) == "start 2 192.0.2.3");
}

TEST_CASE("race starts the next address at once when one fails [RFC 8305 5]") {
  Rig rig;
  rig.v6({"2001:db8::1"});
  rig.v4({"192.0.2.1", "192.0.2.2"});
  CHECK(rig.news() == "start 0 2001:db8::1");
  CHECK(rig.pass(milliseconds(20)).empty());
  rig.race.failed(0, broken(), rig.now);
  CHECK(rig.news() == "start 1 192.0.2.1");
  CHECK(rig.wait() == milliseconds(250));
  CHECK(rig.pass(milliseconds(250)) == "start 2 192.0.2.2");
}

TEST_CASE("race without a pace starts all addresses at once") {
  Rig rig({.pace = milliseconds(0)});
  rig.v6({"2001:db8::1"});
  rig.v4({"192.0.2.1"});
  CHECK(rig.news() == "start 0 2001:db8::1, start 1 192.0.2.1");
}

TEST_CASE("race tries no more addresses of a family than it may") {
  Rig rig({.pace = milliseconds(0), .addresses_max = 2});
  rig.v6({"2001:db8::1", "2001:db8::2", "2001:db8::3"});
  rig.v4({"192.0.2.1", "192.0.2.2", "192.0.2.3"});
  CHECK(rig.news() ==
        "start 0 2001:db8::1, start 1 2001:db8::2, start 2 192.0.2.1, start 3 192.0.2.2");
}

// -- the winner --

TEST_CASE("race abandons all others when one has won, and starts no more [RFC 8305 5]") {
  Rig rig;
  rig.v6({"2001:db8::1", "2001:db8::2"});
  rig.v4({"192.0.2.1", "192.0.2.2"});
  rig.news();
  rig.pass(milliseconds(250));
  rig.pass(milliseconds(250));
  CHECK(rig.race.won(1));
  CHECK(rig.news() == "abandon 0, abandon 2");
  CHECK_FALSE(rig.race.next_deadline());
  CHECK_FALSE(rig.race.lost());
  rig.race.failed(0, broken(), rig.now);
  rig.race.on_deadline(rig.now + seconds(60));
  CHECK(rig.news().empty());
}

TEST_CASE("race has one winner: one that was abandoned or failed before comes too late") {
  Rig rig({.pace = milliseconds(0)});
  rig.v6({"2001:db8::1", "2001:db8::2"});
  rig.v4({"192.0.2.1"});
  rig.news();
  rig.race.failed(0, broken(), rig.now);
  CHECK_FALSE(rig.race.won(0));
  CHECK(rig.race.won(1));
  CHECK_FALSE(rig.race.won(1));
  CHECK_FALSE(rig.race.won(2));
  CHECK_FALSE(rig.race.won(99));
  CHECK(rig.news() == "abandon 2");
}

TEST_CASE("race takes back starts that the driver has not seen when one has won") {
  Rig rig;
  rig.v6({"2001:db8::1", "2001:db8::2"});
  CHECK(rig.news() == "start 0 2001:db8::1");
  rig.now += milliseconds(250);
  rig.race.on_deadline(rig.now);
  CHECK(rig.race.won(0));
  CHECK(rig.news().empty());
  CHECK_FALSE(rig.race.won(1));
}

TEST_CASE("a family that comes after the race was won starts nothing") {
  Rig rig;
  rig.v6({"2001:db8::1"});
  rig.news();
  CHECK(rig.race.won(0));
  rig.v4({"192.0.2.1"});
  CHECK(rig.news().empty());
  CHECK_FALSE(rig.race.next_deadline());
}

// -- failing --

TEST_CASE("race abandons an address that keeps silent for its time, and starts the next at once") {
  Rig rig({.pace = seconds(60), .attempt_timeout = seconds(10)});
  rig.v6({"2001:db8::1"});
  rig.v4({"192.0.2.1"});
  CHECK(rig.news() == "start 0 2001:db8::1");
  CHECK(rig.pass(milliseconds(9'999)).empty());
  CHECK(rig.pass(milliseconds(1)) == "abandon 0, start 1 192.0.2.1");
  CHECK(rig.pass(seconds(10)) == "abandon 1");
  CHECK(rig.race.lost());
  CHECK(rig.race.fault() == RaceFault::timed_out);
  CHECK(rig.race.reason() ==
        "[2001:db8::1]:443: timed out after 10 s; 192.0.2.1:443: timed out after 10 s");
  CHECK_FALSE(rig.race.next_deadline());
}

TEST_CASE("race without a time for each address waits as long as the system does") {
  Rig rig({.attempt_timeout = seconds(0)});
  rig.v6({});
  rig.v4({"192.0.2.1"});
  rig.news();
  CHECK_FALSE(rig.race.next_deadline());
  rig.race.failed(0, {"connection timed out", std::make_error_code(std::errc::timed_out)}, rig.now);
  CHECK(rig.race.lost());
  CHECK(rig.race.fault() == RaceFault::timed_out);
}

TEST_CASE("race is lost when every address failed, and says how each did") {
  Rig rig({.attempt_timeout = milliseconds(1500)});
  rig.v6({"2001:db8::1"});
  rig.v4({"192.0.2.1"});
  rig.news();
  rig.pass(milliseconds(250));
  rig.race.failed(1, refused(), rig.now);
  CHECK_FALSE(rig.race.lost());
  CHECK(rig.pass(milliseconds(1250)) == "abandon 0");
  CHECK(rig.race.lost());
  CHECK(rig.race.fault() == RaceFault::unreachable);
  CHECK(rig.race.reason() ==
        "[2001:db8::1]:443: timed out after 1500 ms; 192.0.2.1:443: connection refused");
}

TEST_CASE("race tells a refusal by all from other failures") {
  for (const bool all : {true, false}) {
    Rig rig({.pace = milliseconds(0)});
    rig.v6({"2001:db8::1"});
    rig.v4({"192.0.2.1"});
    rig.news();
    rig.race.failed(0, refused(), rig.now);
    rig.race.failed(1, all ? refused() : broken(), rig.now);
    CHECK(rig.race.lost());
    CHECK(rig.race.fault() == (all ? RaceFault::refused : RaceFault::unreachable));
  }
}

TEST_CASE("race without addresses is lost once both families are known, and says why") {
  Rig rig;
  rig.v6({}, "no such name");
  CHECK_FALSE(rig.race.lost());
  CHECK_FALSE(rig.race.next_deadline());
  rig.v4({}, "no such name");
  CHECK(rig.race.lost());
  CHECK(rig.race.fault() == RaceFault::no_address);
  CHECK(rig.race.reason() == "no such name");

  Rig mixed;
  mixed.v4({}, "the resolver timed out");
  mixed.v6({}, "no address of that kind");
  CHECK(mixed.race.reason() == "IPv6: no address of that kind; IPv4: the resolver timed out");
}

TEST_CASE("a reason names eight addresses and counts the rest") {
  Rig rig({.pace = milliseconds(0)});
  rig.v6({});
  std::vector<io::SocketAddress> many;
  for (int i = 1; i <= 10; ++i) many.push_back(address("192.0.2." + std::to_string(i)));
  rig.race.resolved(AF_INET, many, {}, rig.now);
  rig.news();
  for (std::size_t i = 0; i < 10; ++i) rig.race.failed(i, refused(), rig.now);
  CHECK(rig.race.lost());
  CHECK(rig.race.reason().ends_with("192.0.2.8:443: connection refused; and 2 more"));
}

TEST_CASE("a unix socket is a race of one") {
  Rig rig;
  rig.race.resolved(AF_UNIX, {*io::parse_endpoint("unix:/run/x")}, {}, rig.now);
  rig.v4({});
  CHECK(rig.news() == "start 0 unix");
  rig.race.failed(0, refused(), rig.now);
  CHECK(rig.race.reason() == "unix:/run/x: connection refused");
}

// -- any order of events --

/// Plays a race with random events and checks what must hold in all of them.
class RandomRace {
 public:
  explicit RandomRace(std::uint32_t seed)
      : random_(seed), options_(random_options()), rig_(options_) {}

  void play() {
    for (int step = 0; step < 10'000; ++step) {
      take_actions();
      if (won_ || rig_.race.lost()) return finish();
      next_event();
    }
    FAIL("a race does not end");
  }

 private:
  std::size_t below(std::size_t bound) {
    return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
  }
  RaceOptions random_options() {
    return {.pace = milliseconds(below(3) * 100),
            .resolution_delay = milliseconds(below(3) * 30),
            .attempt_timeout = milliseconds(200 + below(1000)),
            .addresses_max = 1 + below(8)};
  }

  void take_actions() {
    while (const auto action = rig_.race.poll_action()) {
      if (action->kind == RaceAction::Kind::start) {
        CHECK_FALSE(won_);
        CHECK(action->attempt == started_++);
        running_[action->attempt] = rig_.now;
      } else {
        CHECK(running_.erase(action->attempt) == 1);
      }
    }
    CHECK(started_ <= 2 * options_.addresses_max);
  }

  void next_event() {
    const std::size_t kind = below(5);
    if (kind <= 1) return resolve(kind == 0 ? AF_INET6 : AF_INET);
    if (kind == 2 && !running_.empty()) return end_one();
    rig_.now += milliseconds(below(120));
    const auto deadline = rig_.race.next_deadline();
    if (deadline && *deadline <= rig_.now) {
      rig_.race.on_deadline(rig_.now);
      const auto next = rig_.race.next_deadline();
      CHECK((!next || *next > rig_.now));  // no deadline is left behind: a driver would spin
    }
    for (const auto& [attempt, since] : running_)
      if (deadline) CHECK(*deadline <= since + options_.attempt_timeout);
  }

  void resolve(int family) {
    std::vector<io::SocketAddress> all;
    for (std::size_t i = below(12); i > 0; --i)
      all.push_back(address((family == AF_INET ? "192.0.2." : "2001:db8::") + std::to_string(i)));
    rig_.race.resolved(family, all, "none", rig_.now);
  }

  void end_one() {
    const std::size_t attempt =
        std::next(running_.begin(), static_cast<std::ptrdiff_t>(below(running_.size())))->first;
    running_.erase(attempt);
    if (below(4) == 0) {
      CHECK(rig_.race.won(attempt));
      won_ = true;
    } else {
      rig_.race.failed(attempt, broken(), rig_.now);
    }
  }

  void finish() {
    take_actions();
    CHECK(running_.empty());  // nothing is left that nobody closes
    CHECK_FALSE(rig_.race.next_deadline());
    CHECK(rig_.race.lost() != won_);
    for (std::size_t i = 0; i < started_; ++i) CHECK_FALSE(rig_.race.won(i));
    if (!won_) CHECK_FALSE(rig_.race.reason().empty());
    resolve(AF_INET);
    resolve(AF_INET6);
    CHECK_FALSE(rig_.race.poll_action());
  }

  std::mt19937 random_;
  RaceOptions options_;
  Rig rig_;
  std::map<std::size_t, Instant> running_;
  std::size_t started_ = 0;
  bool won_ = false;
};

TEST_CASE("whatever happens, a race ends, has one winner at most and leaves nothing running") {
  for (std::uint32_t seed = 1; seed <= 5000; ++seed) {
    CAPTURE(seed);
    RandomRace(seed).play();
  }
}

}  // namespace
}  // namespace walkie::client
