// SPDX-License-Identifier: MIT
// Happy eyeballs (RFC 8305): which address to try when.
#include <client/address_race.hpp>

#include <algorithm>
#include <system_error>
#include <utility>

#include <sys/socket.h>

namespace walkie::client {
namespace {

constexpr std::size_t kReasonsMax = 8;

std::string text_of(Duration time) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

}  // namespace

AddressRace::AddressRace(const RaceOptions& options) : options_(options) {}

// -- news --

void AddressRace::resolved(int family, std::vector<io::SocketAddress> addresses, std::string error,
                           Instant now) {
  Family& told = family == AF_INET ? second_ : first_;
  if (told.known) return;
  told.known = true;
  told.error = std::move(error);
  addresses.resize(std::min(addresses.size(), options_.addresses_max));
  told.untried.assign(addresses.begin(), addresses.end());
  if (family == AF_INET) delay_until_ = now + options_.resolution_delay;
  start_due(now);
}

// §5: the next address does not wait for the pace where one has failed.
void AddressRace::failed(std::size_t attempt, const Error& why, Instant now) {
  if (attempt >= attempts_.size()) return;
  Attempt& over = attempts_[attempt];
  if (over.state != Attempt::State::running) return;
  over.state = Attempt::State::failed;
  over.reason = why.message;
  over.refused = why.code == std::errc::connection_refused;
  over.timed_out = why.code == std::errc::timed_out;
  --running_;
  pace_until_ = now;
  start_due(now);
}

bool AddressRace::won(std::size_t attempt) {
  if (attempt >= attempts_.size()) return false;
  if (attempts_[attempt].state != Attempt::State::running) return false;
  won_ = true;
  running_ = 0;
  for (const RaceAction& action : actions_)  // those that the driver has not seen need no end
    if (action.kind == RaceAction::Kind::start)
      attempts_[action.attempt].state = Attempt::State::abandoned;
  std::erase_if(actions_,
                [](const RaceAction& action) { return action.kind == RaceAction::Kind::start; });
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    if (attempts_[i].state != Attempt::State::running) continue;
    attempts_[i].state = i == attempt ? Attempt::State::won : Attempt::State::abandoned;
    if (i != attempt) actions_.push_back({.kind = RaceAction::Kind::abandon, .attempt = i});
  }
  first_.untried.clear();
  second_.untried.clear();
  return true;
}

std::optional<RaceAction> AddressRace::poll_action() {
  if (actions_.empty()) return std::nullopt;
  const RaceAction action = actions_.front();
  actions_.pop_front();
  return action;
}

// -- time --

std::optional<Instant> AddressRace::next_deadline() const noexcept {
  if (won_) return std::nullopt;
  Instant next = has_untried() ? next_start() : kNever;
  for (const Attempt& attempt : attempts_)
    if (attempt.state == Attempt::State::running) next = std::min(next, attempt.deadline);
  return next == kNever ? std::nullopt : std::optional(next);
}

void AddressRace::on_deadline(Instant now) {
  if (won_) return;
  expire(now);
  start_due(now);
}

void AddressRace::expire(Instant now) {
  for (std::size_t i = 0; i < attempts_.size(); ++i) {
    if (attempts_[i].state != Attempt::State::running || attempts_[i].deadline > now) continue;
    actions_.push_back({.kind = RaceAction::Kind::abandon, .attempt = i});
    failed(i,
           {"timed out after " + text_of(options_.attempt_timeout),
            std::make_error_code(std::errc::timed_out)},
           now);
  }
}

// -- starting --

bool AddressRace::has_untried() const noexcept {
  return !first_.untried.empty() || !second_.untried.empty();
}

// §3: IPv4 that came first waits a moment for IPv6; but not where IPv6 is known to have nothing,
// nor once anything was started.
Instant AddressRace::next_start() const noexcept {
  const bool waits = !first_.known && attempts_.empty();
  return waits ? std::max(pace_until_, delay_until_) : pace_until_;
}

void AddressRace::start_due(Instant now) {
  while (!won_ && has_untried() && next_start() <= now) start_one(now);
}

// §4: the families take turns; where one has nothing (yet), the other goes on.
void AddressRace::start_one(Instant now) {
  const bool second = first_.untried.empty() || (second_next_ && !second_.untried.empty());
  Family& family = second ? second_ : first_;
  second_next_ = !second;
  Attempt attempt;
  attempt.address = family.untried.front();
  family.untried.pop_front();
  if (options_.attempt_timeout > Duration::zero())
    attempt.deadline = now + options_.attempt_timeout;
  actions_.push_back(
      {.kind = RaceAction::Kind::start, .attempt = attempts_.size(), .address = attempt.address});
  attempts_.push_back(std::move(attempt));
  ++running_;
  pace_until_ = now + options_.pace;
}

// -- the end --

bool AddressRace::lost() const noexcept {
  return !won_ && first_.known && second_.known && !has_untried() && running_ == 0;
}

RaceFault AddressRace::fault() const noexcept {
  if (attempts_.empty()) return RaceFault::no_address;
  const auto all = [&](auto member) {
    return std::all_of(attempts_.begin(), attempts_.end(),
                       [&](const Attempt& attempt) { return attempt.*member; });
  };
  if (all(&Attempt::refused)) return RaceFault::refused;
  if (all(&Attempt::timed_out)) return RaceFault::timed_out;
  return RaceFault::unreachable;
}

std::string AddressRace::reason() const {
  if (attempts_.empty()) {
    if (first_.error == second_.error || second_.error.empty()) return first_.error;
    if (first_.error.empty()) return second_.error;
    return "IPv6: " + first_.error + "; IPv4: " + second_.error;
  }
  std::string line;
  std::size_t failures = 0;
  for (const Attempt& attempt : attempts_) {
    if (attempt.state != Attempt::State::failed || ++failures > kReasonsMax) continue;
    line += (line.empty() ? "" : "; ") + attempt.address.text() + ": " + attempt.reason;
  }
  if (failures > kReasonsMax) line += "; and " + std::to_string(failures - kReasonsMax) + " more";
  return line;
}

}  // namespace walkie::client
