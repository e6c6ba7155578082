// SPDX-License-Identifier: MIT
// A client whose handlers fill a queue, and calls that wait for it.
#include <walkie/blocking.hpp>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <system_error>
#include <utility>

namespace walkie::blocking {
namespace {

constexpr std::size_t kReceivedBytesMax = std::size_t{64} << 20;
/// A message costs more than its payload: empty ones must not wait without bound either.
constexpr std::size_t kMessageCostBytes = sizeof(Message) + 32;
constexpr std::chrono::hours kTimeoutMax{24 * 365};

std::size_t cost_of(std::size_t payload_bytes) noexcept {
  return payload_bytes + kMessageCostBytes;
}

std::chrono::steady_clock::time_point deadline_after(std::chrono::milliseconds timeout) {
  return std::chrono::steady_clock::now() +
         std::min<std::chrono::milliseconds>(timeout, kTimeoutMax);
}

}  // namespace

std::string_view name_of(Fault fault) noexcept {
  switch (fault) {
    case Fault::timeout:
      return "timeout";
    case Fault::closed:
      return "closed";
    case Fault::full:
      return "full";
  }
  return "unknown";
}

/// What the handlers and the callers share. The client comes last: its handlers use all the rest.
struct WebSocket::State {
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<Message> received;
  std::size_t received_bytes = 0;
  std::optional<ConnectError> error;
  std::string subprotocol;
  std::string reason;
  CloseCode code = CloseCode::no_status;
  bool opened = false;
  bool closing = false;
  bool clean = false;
  bool ended = false;
  bool paused = false;
  std::uint64_t drains = 0;
  std::optional<Client> client;

  /// `options` with handlers that fill this.
  [[nodiscard]] ClientOptions wired(ClientOptions options);
  void on_message(Client& from, MessageView message);
  void on_state(const StateChange& change);
  [[nodiscard]] Message take();
  void end();
};

ClientOptions WebSocket::State::wired(ClientOptions options) {
  options.reconnect.reset();
  options.when_full = WhenFull::refuse;  // send() waits
  options.on_piece = nullptr;
  options.on_open = [this](Client&, const Opened& open) {
    const std::lock_guard lock(mutex);
    opened = true;
    subprotocol = open.subprotocol;
    changed.notify_all();
  };
  options.on_message = [this](Client& from, MessageView message) { on_message(from, message); };
  options.on_drain = [this](Client&) {
    const std::lock_guard lock(mutex);
    ++drains;
    changed.notify_all();
  };
  options.on_close = [this](Client&, const CloseInfo& info) {
    const std::lock_guard lock(mutex);
    code = info.code;
    reason = info.reason;
    clean = info.clean;
  };
  options.on_state = [this](Client&, const StateChange& change) { on_state(change); };
  return options;
}

void WebSocket::State::on_message(Client& from, MessageView message) {
  const std::lock_guard lock(mutex);
  const bool full = received_bytes > kReceivedBytesMax;
  if (full && closing) return;
  received.push_back(message.to_owned());
  received_bytes += cost_of(message.size());
  if (received_bytes > kReceivedBytesMax && !closing && !std::exchange(paused, true))
    from.set_receiving(false);
  changed.notify_all();
}

void WebSocket::State::on_state(const StateChange& change) {
  if (change.state != ClientState::closed) return;
  const std::lock_guard lock(mutex);
  ended = true;
  if (change.error) error = *change.error;
  changed.notify_all();
}

Message WebSocket::State::take() {
  Message message = std::move(received.front());
  received.pop_front();
  received_bytes -= cost_of(message.payload.size());
  if (received_bytes <= kReceivedBytesMax / 2 && std::exchange(paused, false))
    client->set_receiving(true);
  return message;
}

/// In good order, if the peer goes along.
void WebSocket::State::end() {
  {
    const std::lock_guard lock(mutex);
    closing = true;
  }
  client->close();
  client->wait_closed(std::chrono::seconds(1));
}

std::expected<WebSocket, ConnectError> connect(std::string_view url, ClientOptions options) {
  auto state = std::make_shared<WebSocket::State>();
  try {
    state->client.emplace(url, state->wired(std::move(options)));
  } catch (const std::system_error& error) {  // no descriptors, no threads
    return std::unexpected(ConnectError{.fault = ConnectFault::unreachable,
                                        .message = std::string("starting: ") + error.what()});
  }
  std::unique_lock lock(state->mutex);
  state->changed.wait(lock, [&] { return state->opened || state->ended; });
  if (state->opened) return WebSocket(std::move(state));
  lock.unlock();
  return std::unexpected(
      std::move(state->error)
          .value_or(ConnectError{.fault = ConnectFault::cancelled, .message = "a handler threw"}));
}

WebSocket::WebSocket(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}
WebSocket::WebSocket(WebSocket&& other) noexcept = default;

WebSocket& WebSocket::operator=(WebSocket&& other) noexcept {
  const WebSocket old(std::exchange(state_, std::move(other.state_)));
  return *this;
}

WebSocket::~WebSocket() {
  if (state_) state_->end();
}

std::expected<Message, Fault> WebSocket::receive(std::chrono::milliseconds timeout) {
  std::unique_lock lock(state_->mutex);
  const bool ready = state_->changed.wait_until(
      lock, deadline_after(timeout), [this] { return !state_->received.empty() || state_->ended; });
  if (!state_->received.empty()) return state_->take();
  return std::unexpected(ready ? Fault::closed : Fault::timeout);
}

std::expected<void, Fault> WebSocket::send(MessageView message, std::chrono::milliseconds timeout) {
  const auto deadline = deadline_after(timeout);
  std::unique_lock lock(state_->mutex);
  while (true) {
    const std::uint64_t drains = state_->drains;
    lock.unlock();
    const SendStatus status = state_->client->send(message);
    if (status == SendStatus::queued) return {};
    if (status != SendStatus::overflow) return std::unexpected(Fault::closed);
    lock.lock();
    const bool drained = state_->changed.wait_until(
        lock, deadline, [&] { return state_->drains != drains || state_->ended; });
    if (state_->ended) return std::unexpected(Fault::closed);
    if (!drained) return std::unexpected(Fault::full);
  }
}

bool WebSocket::close(CloseCode code, std::string_view reason, std::chrono::milliseconds timeout) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->closing = true;
  }
  state_->client->close(code, reason);
  const bool ended = state_->client->wait_closed(timeout);
  const std::lock_guard lock(state_->mutex);
  return ended && state_->clean;
}

bool WebSocket::open() const { return state_->client->state() == ClientState::open; }

CloseCode WebSocket::close_code() const {
  const std::lock_guard lock(state_->mutex);
  return state_->code;
}

std::string WebSocket::close_reason() const {
  const std::lock_guard lock(state_->mutex);
  return state_->reason;
}

std::string WebSocket::subprotocol() const {
  const std::lock_guard lock(state_->mutex);
  return state_->subprotocol;
}

}  // namespace walkie::blocking
