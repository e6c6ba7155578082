// SPDX-License-Identifier: MIT
// A filter between the loop, or another filter, and the handler. It encrypts only a little more
// than the socket takes, so that queues, their limits and what may be dropped stay with the machine
// that fills them.
#include <link/transport.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace walkie::link {
namespace {

constexpr std::size_t kChunksPerSend = 64;
/// Encrypted at a time; the last record may go beyond.
constexpr std::size_t kAheadBytes = std::size_t{64} << 10;

/// Takes `bytes` off the front of `chunks`.
void advance(std::span<BytesView>& chunks, std::size_t bytes) {
  while (!chunks.empty() && bytes >= chunks.front().size()) {
    bytes -= chunks.front().size();
    chunks = chunks.subspan(1);
  }
  if (bytes > 0) chunks.front() = chunks.front().subspan(bytes);
}

}  // namespace

/// One layer of TLS.
class Transport::Secured final : public TransportHandler {
 public:
  Secured(Transport& transport, std::unique_ptr<tls::Filter> filter, std::unique_ptr<Secured> below)
      : transport_(transport), filter_(std::move(filter)), below_(std::move(below)) {
    if (below_) below_->above_ = this;
  }
  Secured(const Secured&) = delete;
  Secured& operator=(const Secured&) = delete;

  [[nodiscard]] tls::Filter& filter() noexcept { return *filter_; }
  [[nodiscard]] std::size_t backlog() const noexcept {
    return filter_->output().size() + (below_ ? below_->backlog() : 0);
  }

  /// Since on_sent() was last told above, the socket was full and took more all the same.
  [[nodiscard]] bool made_room() const noexcept {
    return below_ ? below_->made_room() : made_room_;
  }

  // -- from above --

  std::size_t send(std::span<const BytesView> chunks) {
    std::size_t sent = 0;
    bool all = true;
    while (!chunks.empty() && all) {
      const auto batch = chunks.first(std::min(chunks.size(), kChunksPerSend));
      chunks = chunks.subspan(batch.size());
      std::size_t offered = 0;
      for (const BytesView chunk : batch) offered += chunk.size();
      const std::size_t taken = send_batch(batch, offered);
      sent += taken;
      all = taken == offered;
    }
    owes_sent_ = !all || backlog() > 0;
    return sent;
  }

  void set_receiving(bool on) {
    wants_receiving_ = on;
    apply_receiving();
  }

  void shutdown_send() {
    filter_->shutdown();
    fin_wanted_ = true;
    flush();
  }

  /// The last words, as far as they go at once.
  void release(bool reset) {
    released_ = true;
    if (reset) return;
    filter_->shutdown();
    flush();
    if (below_) below_->release(reset);
  }

  /// What the socket may still be writing.
  [[nodiscard]] base::OutputQueue take_in_flight() noexcept {
    return below_ ? below_->take_in_flight() : std::move(filter_->output());
  }

  bool flush() {
    base::OutputQueue& output = filter_->output();
    while (!blocked_ && !output.empty()) {
      std::array<BytesView, kChunksPerSend> chunks;
      const std::size_t count = output.gather(chunks);
      std::size_t offered = 0;
      for (std::size_t i = 0; i < count; ++i) offered += chunks[i].size();
      const std::size_t sent = send_below(std::span(chunks).first(count));
      offered_ = offered;
      output.consume(sent);
      blocked_ = sent < offered;
    }
    if (blocked_) return false;
    if (std::exchange(fin_wanted_, false)) shut_below();
    return true;
  }

  // -- from below --

  void on_received(MutableBytes bytes) override {
    filter_->receive(bytes);
    deliver();
  }

  void on_sent(std::size_t bytes) override {
    filter_->output().consume(bytes);
    blocked_ = false;
    made_room_ = made_room_ || (full_ && bytes > 0);
    full_ = bytes < offered_;
    if (!flush()) return;
    apply_receiving();
    if (backlog() > 0 || !std::exchange(owes_sent_, false)) return;
    above().on_sent(0);
    made_room_ = false;
  }

  /// Of a failed one it is the end that a lingering handler waits for.
  void on_end() override {
    if (failed_) return above().on_end();
    filter_->receive_end();
    deliver();
  }

  void on_error(std::error_code error) override { above().on_error(error); }
  void on_secured() override { flush(); }  // the layer below is open: out with our hello
  void on_insecure(std::string_view reason) override { above().on_insecure(reason); }

 private:
  TransportHandler& above() noexcept { return above_ ? *above_ : *transport_.handler_; }

  std::size_t send_batch(std::span<const BytesView> batch, std::size_t offered) {
    std::array<BytesView, kChunksPerSend> copy;
    std::ranges::copy(batch, copy.begin());
    std::span<BytesView> rest = std::span(copy).first(batch.size());
    std::size_t sent = 0;
    while (sent < offered && flush()) {
      const std::size_t taken = filter_->send(rest, kAheadBytes);
      if (taken == 0) break;
      advance(rest, taken);
      sent += taken;
    }
    flush();
    return sent;
  }

  std::size_t send_below(std::span<const BytesView> chunks) {
    return below_ ? below_->send(chunks) : transport_.loop_.send(transport_.socket_, chunks);
  }

  void shut_below() {
    if (below_) return below_->shutdown_send();
    transport_.loop_.shutdown_send(transport_.socket_);
  }

  /// Tells what the filter has. Whoever is told may release the transport.
  void deliver() {
    while (!released_) {
      const auto event = filter_->poll_event();
      if (!event) break;
      tell(*event);
    }
    if (released_) return;
    flush();
    apply_receiving();
  }

  void tell(const tls::Event& event) {
    using Kind = tls::Event::Kind;
    if (event.kind == Kind::opened) return above().on_secured();
    if (event.kind == Kind::plain) return above().on_received(event.bytes);
    if (event.kind == Kind::ended) return above().on_end();
    if (event.failure == tls::Failure::cut && filter_->open()) return above().on_end();
    failed_ = true;
    flush();  // the alert
    above().on_insecure(event.reason);
  }

  /// A peer that makes us answer without reading the answers is not read from.
  void apply_receiving() {
    const bool throttled = blocked_ && filter_->output().size() > tls::Filter::kOutputBytesMax;
    const bool on = wants_receiving_ && !throttled;
    if (on == receiving_) return;
    receiving_ = on;
    if (below_) return below_->set_receiving(on);
    transport_.loop_.set_receiving(transport_.socket_, on);
  }

  Transport& transport_;
  std::unique_ptr<tls::Filter> filter_;
  std::unique_ptr<Secured> below_;  ///< Null: the loop.
  Secured* above_ = nullptr;        ///< Null: the handler.
  std::size_t offered_ = 0;         ///< By the last send below.
  bool blocked_ = false;            ///< Below took less than all: on_sent() will come.
  bool full_ = false;               ///< The last of what was offered found no room at once.
  bool made_room_ = false;
  bool owes_sent_ = false;  ///< The same for above.
  bool fin_wanted_ = false;
  bool failed_ = false;
  bool released_ = false;
  bool wants_receiving_ = true;
  bool receiving_ = true;
};

Transport::Transport(io::Loop& loop, TransportHandler& handler) noexcept
    : loop_(loop), handler_(&handler) {}

Transport::~Transport() = default;

void Transport::set_handler(TransportHandler& handler) {
  handler_ = &handler;
  if (!secured_) loop_.set_handler(socket_, handler);
}

Result<void> Transport::adopt(io::Fd fd, std::unique_ptr<tls::Filter> filter) {
  if (filter) secured_ = std::make_unique<Secured>(*this, std::move(filter), nullptr);
  io::SocketHandler& handler = secured_ ? static_cast<io::SocketHandler&>(*secured_) : *handler_;
  auto socket = loop_.adopt(std::move(fd), handler);
  if (!socket) return std::unexpected(std::move(socket.error()));
  socket_ = *socket;
  if (secured_) secured_->flush();
  return {};
}

Result<void> Transport::connect(const io::SocketAddress& to, const io::SocketAddress* local) {
  auto socket = loop_.connect(to, *handler_, local);
  if (!socket) return std::unexpected(std::move(socket.error()));
  socket_ = *socket;
  return {};
}

void Transport::secure(std::unique_ptr<tls::Filter> filter) {
  const bool plain = secured_ == nullptr;
  secured_ = std::make_unique<Secured>(*this, std::move(filter), std::move(secured_));
  if (plain) loop_.set_handler(socket_, *secured_);
  secured_->flush();
}

std::size_t Transport::send_secured(std::span<const BytesView> chunks) {
  return secured_->send(chunks);
}

std::size_t Transport::secured_backlog() const noexcept { return secured_->backlog(); }

bool Transport::secured_made_room() const noexcept { return secured_->made_room(); }

void Transport::set_receiving(bool on) {
  if (secured_) return secured_->set_receiving(on);
  loop_.set_receiving(socket_, on);
}

void Transport::shutdown_send() {
  if (secured_) return secured_->shutdown_send();
  loop_.shutdown_send(socket_);
}

void Transport::release(base::OutputQueue in_flight, bool reset) {
  if (secured_) {
    secured_->release(reset);
    in_flight = secured_->take_in_flight();
  }
  loop_.release(socket_, std::move(in_flight), reset);
}

const tls::Filter* Transport::tls() const noexcept {
  return secured_ ? &secured_->filter() : nullptr;
}

}  // namespace walkie::link
