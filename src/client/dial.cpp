// SPDX-License-Identifier: MIT
// Drives the race: its starts become sockets, their ends its news. finish() comes last wherever it
// is called: the owner may destroy the dial in it.
#include <client/dial.hpp>

#include <algorithm>
#include <utility>

#include <sys/socket.h>

#include <base/assert.hpp>
#include <base/reason.hpp>

namespace walkie::client {
namespace {

std::string text_of(Duration time) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(time).count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

ConnectFault fault_of(RaceFault fault) noexcept {
  switch (fault) {
    case RaceFault::no_address:
      return ConnectFault::resolve;
    case RaceFault::refused:
      return ConnectFault::refused;
    case RaceFault::timed_out:
      return ConnectFault::timeout;
    case RaceFault::unreachable:
      break;
  }
  return ConnectFault::unreachable;
}

}  // namespace

// Begins at the loop's next timers: then its time is fresh, and nothing is told from in here.
Dial::Dial(io::Loop& loop, io::Resolver& resolver, DialRequest request, Told told)
    : loop_(loop),
      resolver_(resolver),
      request_(std::move(request)),
      told_(std::move(told)),
      race_(request_.race) {
  loop_.timers().arm(*this, Instant{});
}

Dial::~Dial() {
  stop_resolving();
  for (const auto& attempt : attempts_) close(*attempt);
}

void Dial::on_timer(Instant now) {
  if (!std::exchange(begun_, true)) return begin(now);
  if (query_ && now >= resolve_deadline_) give_up_resolving(now);
  race_.on_deadline(now);
  settle();
}

void Dial::begin(Instant now) {
  if (request_.unix_path.empty()) {
    if (request_.resolve_timeout > Duration::zero())
      resolve_deadline_ = now + request_.resolve_timeout;
    query_ = resolver_.resolve(request_.host, request_.port,
                               [this](io::Resolved told) { resolved(std::move(told)); });
    return arm();
  }
  auto path = io::parse_endpoint("unix:" + request_.unix_path);
  if (!path)
    return finish(std::unexpected(
        ConnectError{.fault = ConnectFault::bad_url, .message = std::move(path.error().message)}));
  race_.resolved(AF_UNIX, std::move(*path), {}, now);
  race_.resolved(AF_INET, {}, {}, now);
  settle();
}

// -- news --

void Dial::resolved(io::Resolved told) {
  if (told.last) query_.reset();
  race_.resolved(told.family, std::move(told.addresses), std::move(told.error), loop_.now());
  settle();
}

void Dial::give_up_resolving(Instant now) {
  stop_resolving();
  const std::string late =
      "the resolver did not answer within " + text_of(request_.resolve_timeout);
  for (const int family : {AF_INET6, AF_INET}) race_.resolved(family, {}, late, now);
}

void Dial::stop_resolving() {
  if (query_) resolver_.cancel(*query_);
  query_.reset();
}

void Dial::connected(Attempt& attempt) {
  const bool first = race_.won(attempt.number);
  WALKIE_ASSERT(first);  // the loop tells nothing of those that were abandoned
  take_actions();
  io::Fd fd = loop_.detach(attempt.socket);
  finish(Dialled{.fd = std::move(fd), .remote = attempt.address});
}

void Dial::failed(Attempt& attempt, std::error_code error) {
  close(attempt);
  race_.failed(attempt.number, {base::reason_of(error), error}, loop_.now());
  settle();
}

// -- what follows --

void Dial::settle() {
  take_actions();
  if (race_.lost()) return finish(std::unexpected(lost()));
  arm();
}

void Dial::take_actions() {
  while (const auto action = race_.poll_action()) {
    if (action->kind == RaceAction::Kind::start)
      start(*action);
    else
      close(*attempts_[action->attempt]);
  }
}

void Dial::start(const RaceAction& action) {
  attempts_.push_back(std::make_unique<Attempt>(*this, action.attempt, action.address));
  Attempt& attempt = *attempts_.back();
  auto socket = loop_.connect(attempt.address, attempt);
  if (socket)
    attempt.socket = *socket;
  else
    race_.failed(action.attempt, socket.error(), loop_.now());
}

// Closes the descriptor, if the socket is still the loop's.
void Dial::close(const Attempt& attempt) { const io::Fd closed = loop_.detach(attempt.socket); }

void Dial::arm() {
  Instant deadline = race_.next_deadline().value_or(kNever);
  if (query_) deadline = std::min(deadline, resolve_deadline_);
  if (deadline == kNever)
    loop_.timers().cancel(*this);
  else
    loop_.timers().arm(*this, deadline);
}

void Dial::finish(Result result) {
  loop_.timers().cancel(*this);
  stop_resolving();
  const auto told = std::make_unique<Told>(std::move(told_));  // not ours: we may be destroyed
  (*told)(std::move(result));
}

ConnectError Dial::lost() const {
  const ConnectFault fault = fault_of(race_.fault());
  const bool named = request_.unix_path.empty() && !io::numeric_address(request_.host, 0);
  std::string message = fault == ConnectFault::resolve ? "looking up " : "connecting to ";
  if (named) message += request_.host + ": ";
  return {.fault = fault, .message = message + race_.reason()};
}

}  // namespace walkie::client
