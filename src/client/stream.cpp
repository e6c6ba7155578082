// SPDX-License-Identifier: MIT
// A client whose handlers wake coroutines. Everything here runs on the loop's thread but stop
// requests, which post to it. Coroutines are resumed by tasks of the loop, never from inside a
// handler, so that they may destroy the stream.
//
//   co_await -> in a list -> (served, stopped, closed) -> woken -> resumed by a task
#include <walkie/stream.hpp>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

namespace walkie {
namespace {

constexpr std::size_t kReadAheadMessages = 64;
constexpr std::size_t kReadAheadBytes = std::size_t{1} << 20;

}  // namespace

struct Stream::State : std::enable_shared_from_this<State> {
  using Kind = Waiting::Kind;

  explicit State(ClientLoop& on) noexcept : loop(on) {}

  // -- what the client tells --

  void on_message(MessageView message);
  void on_closed(const StateChange& change);
  /// For good: whoever waits goes on.
  void end();
  void serve_receivers();
  void serve_senders();
  void serve_openers();

  // -- what was received --

  [[nodiscard]] bool full(std::size_t divisor) const noexcept {
    return received.size() >= kReadAheadMessages / divisor ||
           received_bytes >= kReadAheadBytes / divisor;
  }
  /// They were given messages and come first, so that messages are seen in their order.
  [[nodiscard]] bool receivers_woken() const noexcept {
    return std::ranges::find(woken, Kind::receive, &Waiting::kind_) != woken.end();
  }
  void give_first_to(Receiving& receiver);
  void take_back_from(Receiving& receiver);

  // -- who waits --

  [[nodiscard]] std::deque<Waiting*>& list(Kind kind) noexcept {
    return waiting[static_cast<std::size_t>(kind)];
  }
  void wake_first(Kind kind) { wake(kind, list(kind).begin()); }
  void wake(Kind kind, const std::deque<Waiting*>::const_iterator& place);
  void resume_woken();
  void stop(std::uint64_t ticket);
  void forget(const Waiting& gone);

  ClientLoop& loop;
  std::array<std::deque<Waiting*>, 4> waiting;
  std::deque<Waiting*> woken;
  std::deque<std::pair<std::uint64_t, Message>> received;  ///< Numbered.
  std::uint64_t received_ever = 0;
  std::size_t received_bytes = 0;
  std::optional<ConnectError> error;
  std::string reason;
  std::string subprotocol;
  CloseCode code = CloseCode::no_status;
  std::uint64_t tickets = 0;
  bool opened = false;
  bool closing = false;
  bool closed = false;
  bool paused = false;
  bool resume_posted = false;
  std::optional<Client> client;  ///< Last: its handlers use all the rest.
};

// -- what the client tells --

void Stream::State::on_message(MessageView message) {
  if (closing && full(1)) return;
  received.emplace_back(++received_ever, message.to_owned());
  received_bytes += message.size();
  serve_receivers();
  if (full(1) && !closing && !std::exchange(paused, true)) client->set_receiving(false);
}

void Stream::State::on_closed(const StateChange& change) {
  code = CloseCode::abnormal;
  if (change.error) error = *change.error;
  if (change.close) {
    code = change.close->code;
    reason = change.close->reason;
  }
  end();
}

void Stream::State::end() {
  closed = true;
  for (Waiting* sender : list(Kind::send))
    static_cast<Sending*>(sender)->status_ = SendStatus::gone;
  for (const Kind kind : {Kind::open, Kind::receive, Kind::send, Kind::close})
    while (!list(kind).empty()) wake_first(kind);
}

void Stream::State::serve_receivers() {
  auto& receivers = list(Kind::receive);
  while (!receivers.empty() && !received.empty()) {
    give_first_to(static_cast<Receiving&>(*receivers.front()));
    wake_first(Kind::receive);
  }
  while (closed && !receivers.empty()) wake_first(Kind::receive);
}

void Stream::State::serve_senders() {
  auto& senders = list(Kind::send);
  while (!senders.empty() && client) {
    auto& sending = static_cast<Sending&>(*senders.front());
    const SendStatus status = client->send(sending.message_);
    if (status == SendStatus::overflow) return;
    sending.status_ = status;
    wake_first(Kind::send);
  }
}

void Stream::State::serve_openers() {
  opened = true;
  while (!list(Kind::open).empty()) wake_first(Kind::open);
}

// -- what was received --

void Stream::State::give_first_to(Receiving& receiver) {
  receiver.number_ = received.front().first;
  received_bytes -= received.front().second.payload.size();
  receiver.message_ = std::move(received.front().second);
  received.pop_front();
  if (client && !full(2) && std::exchange(paused, false)) client->set_receiving(true);
}

/// To its place: perhaps others were given messages as well.
void Stream::State::take_back_from(Receiving& receiver) {
  received_bytes += receiver.message_->payload.size();
  const auto later = std::ranges::find_if(
      received, [&](const auto& numbered) { return numbered.first > receiver.number_; });
  received.emplace(later, receiver.number_, *std::move(receiver.message_));
  serve_receivers();
}

// -- who waits --

void Stream::State::wake(Kind kind, const std::deque<Waiting*>::const_iterator& place) {
  woken.push_back(*place);
  list(kind).erase(place);
  if (std::exchange(resume_posted, true)) return;
  loop.post([self = shared_from_this()] { self->resume_woken(); });
}

/// Those that are woken meanwhile come in the next turn. One that is destroyed has left the list.
void Stream::State::resume_woken() {
  resume_posted = false;
  for (std::size_t left = woken.size(); left > 0 && !woken.empty(); --left) {
    Waiting* first = woken.front();
    woken.pop_front();
    first->ticket_ = 0;
    first->coroutine_.resume();
  }
}

void Stream::State::stop(std::uint64_t ticket) {
  for (auto& one : waiting)
    for (auto place = one.begin(); place != one.end(); ++place) {
      if ((*place)->ticket_ != ticket) continue;
      (*place)->stopped_ = true;
      const Kind kind = (*place)->kind_;
      wake(kind, place);
      if (kind == Kind::send) serve_senders();  // a smaller one perhaps waited behind it
      return;
    }
}

void Stream::State::forget(const Waiting& gone) {
  std::erase(woken, &gone);
  if (std::erase(list(gone.kind_), &gone) > 0) serve_senders();
}

// -- the stream --

Stream::Stream(ClientLoop& loop, std::string_view url, ClientOptions options)
    : state_(std::make_shared<State>(loop)) {
  State& state = *state_;  // outlives the client, which is its last member
  options.on_open = [&state, user = std::move(options.on_open)](Client& client,
                                                                const Opened& opened) {
    state.subprotocol = opened.subprotocol;
    state.serve_openers();
    if (user) user(client, opened);
  };
  options.on_message = [&state](Client&, MessageView message) { state.on_message(message); };
  options.on_piece = nullptr;
  options.on_drain = [&state](Client&) { state.serve_senders(); };
  options.on_state = [&state, user = std::move(options.on_state)](Client& client,
                                                                  const StateChange& change) {
    if (change.state == ClientState::closed) state.on_closed(change);
    if (user) user(client, change);
  };
  state.client.emplace(loop, url, std::move(options));
}

Stream::Stream(Stream&& other) noexcept = default;

Stream& Stream::operator=(Stream&& other) noexcept {
  const Stream old(std::move(*this));
  state_ = std::move(other.state_);
  return *this;
}

Stream::~Stream() {
  if (!state_) return;
  state_->client.reset();
  state_->end();
}

Stream::Opening Stream::open(std::stop_token stop) { return {state_, std::move(stop)}; }
Stream::Receiving Stream::receive(std::stop_token stop) { return {state_, std::move(stop)}; }
Stream::Sending Stream::send(MessageView message, std::stop_token stop) {
  return {state_, message, std::move(stop)};
}
Stream::Closing Stream::close(CloseCode code, std::string_view reason) {
  state_->closing = true;
  state_->client->close(code, reason);
  return Closing(state_);
}
CloseCode Stream::close_code() const noexcept { return state_->code; }
const std::string& Stream::close_reason() const noexcept { return state_->reason; }
const std::string& Stream::subprotocol() const noexcept { return state_->subprotocol; }
Client& Stream::client() noexcept { return *state_->client; }

// -- waiting --

Stream::Waiting::Waiting(std::shared_ptr<State> state, Kind kind, std::stop_token stop) noexcept
    : state_(std::move(state)), stop_(std::move(stop)), kind_(kind) {}

/// The stopper first: it is perhaps running on another thread.
Stream::Waiting::~Waiting() {
  stopper_.reset();
  if (ticket_ != 0) state_->forget(*this);
}

bool Stream::Waiting::over() {
  stopped_ = stop_.stop_requested();
  return stopped_ || state_->closed;
}

void Stream::Waiting::await_suspend(std::coroutine_handle<> coroutine) {
  coroutine_ = coroutine;
  ticket_ = ++state_->tickets;
  state_->list(kind_).push_back(this);
  if (kind_ == Kind::receive) state_->serve_receivers();
  if (stop_.stop_possible()) stopper_.emplace(stop_, Stopper{state_, ticket_});
}

/// On any thread, perhaps inside await_suspend(): so it only posts.
void Stream::Waiting::Stopper::operator()() const {
  if (const auto owner = state.lock())
    owner->loop.post([owner, number = ticket] { owner->stop(number); });
}

Stream::Opening::Opening(std::shared_ptr<State> state, std::stop_token stop) noexcept
    : Waiting(std::move(state), Kind::open, std::move(stop)) {}

bool Stream::Opening::await_ready() { return state_->opened || over(); }

std::expected<void, ConnectError> Stream::Opening::await_resume() {
  if (state_->opened) return {};
  if (state_->error) return std::unexpected(*state_->error);
  return std::unexpected(
      ConnectError{.fault = ConnectFault::cancelled,
                   .message = stopped_ ? "stopped while connecting" : "closed while connecting"});
}

Stream::Receiving::Receiving(std::shared_ptr<State> state, std::stop_token stop) noexcept
    : Waiting(std::move(state), Kind::receive, std::move(stop)) {}

Stream::Receiving::~Receiving() {
  if (message_) state_->take_back_from(*this);
}

bool Stream::Receiving::await_ready() {
  const bool is_over = over();
  if (state_->receivers_woken()) return stopped_;
  if (!stopped_ && !state_->received.empty()) state_->give_first_to(*this);
  return is_over || message_;
}

std::optional<Message> Stream::Receiving::await_resume() {
  return std::exchange(message_, std::nullopt);
}

Stream::Sending::Sending(std::shared_ptr<State> state, MessageView message,
                         std::stop_token stop) noexcept
    : Waiting(std::move(state), Kind::send, std::move(stop)), message_(message) {}

bool Stream::Sending::await_ready() {
  if (over()) {
    if (!stopped_) status_ = SendStatus::gone;
    return true;
  }
  if (!state_->list(Kind::send).empty()) return false;
  status_ = state_->client->send(message_);
  return status_ != SendStatus::overflow;
}

SendStatus Stream::Sending::await_resume() { return status_; }

Stream::Closing::Closing(std::shared_ptr<State> state) noexcept
    : Waiting(std::move(state), Kind::close, {}) {}

CloseCode Stream::Closing::await_resume() { return state_->code; }

}  // namespace walkie
