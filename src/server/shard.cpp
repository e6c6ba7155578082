// SPDX-License-Identifier: MIT
// A shard's turn: accept, run posted tasks, flush what was written to, bury the dead, drain.
#include <server/shard.hpp>

#include <algorithm>
#include <ctime>

#include <http/response.hpp>
#include <server/core.hpp>

namespace walkie::server {
namespace {

thread_local Shard* current_shard = nullptr;

/// Refused connections that may still read an HTTP answer; more are closed without one.
constexpr std::uint32_t kRefusedSessionsMax = 256;
/// After drain_time, for close handshakes and last answers.
constexpr Duration kDrainGrace = std::chrono::seconds(10);
constexpr Duration kDrainTick = std::chrono::milliseconds(10);

}  // namespace

Shard::Shard(Core& core, std::uint32_t index, std::unique_ptr<io::Loop> loop)
    : core_(core),
      index_(index),
      loop_(std::move(loop)),
      link_context_{.loop = *loop_,
                    .resources = {.buffers = buffers_, .deflate = deflate_},
                    .http = core.http_options(),
                    .counters = counters_.link,
                    .dirty = dirty_,
                    .answer_timeout = core.options().handshake_timeout},
      mailbox_(core.options().mailbox_entries) {
  loop_->set_turn_handler(this);
}

Shard::~Shard() {
  join();
  // A shard that never ran, or ended at once, still owns sockets.
  current_shard = this;
  abort_all();
  bury_dead();
  current_shard = nullptr;
}

Shard* Shard::current() noexcept { return current_shard; }

Result<void> Shard::listen(io::Fd fd, bool secure) {
  auto listener = loop_->listen(std::move(fd), secure ? secure_door_ : plain_door_);
  if (!listener) return std::unexpected(std::move(listener.error()));
  listeners_.push_back(*listener);
  return {};
}

void Shard::start_thread() {
  thread_ = std::thread([this] { run(); });
}

void Shard::join() {
  if (thread_.joinable()) thread_.join();
}

void Shard::run() {
  current_shard = this;
  while (!ended()) {
    if (auto turn = loop_->run_turn(wait_max()); !turn) {
      core_.log(LogLevel::error, "event loop failed", {{"error", turn.error().message}});
      break;
    }
  }
  abort_all();
  bury_dead();
  loop_->finish();
  current_shard = nullptr;
}

bool Shard::ended() const noexcept {
  switch (core_.stop_level()) {
    case StopLevel::running:
      return false;
    case StopLevel::draining:
      return draining_ && sessions_.size() == 0;
    case StopLevel::now:
      return true;
  }
  return true;
}

Duration Shard::wait_max() const noexcept {
  if (!dirty_.empty()) return Duration::zero();
  return draining_ ? kDrainTick : Duration(std::chrono::seconds(60));
}

// -- tasks from other threads --

bool Shard::post(Task task) {
  if (!mailbox_.post(std::move(task))) return false;
  loop_->nudge();
  return true;
}

void Shard::post_surely(Task task) {
  {
    const std::lock_guard lock(surely_mutex_);
    surely_.push_back(std::move(task));
  }
  loop_->nudge();
}

void Shard::on_wake() { run_posted(); }

void Shard::run_posted() {
  // Bounded by what can have been there: posters cannot keep this shard from its sockets. Whatever
  // is posted from now on wakes it again.
  for (std::size_t left = mailbox_.capacity(); left > 0; --left) {
    auto task = mailbox_.take();
    if (!task) break;
    (*task)();
  }
  std::vector<Task> surely;
  {
    const std::lock_guard lock(surely_mutex_);
    surely.swap(surely_);
  }
  for (Task& task : surely) task();
}

// -- connections --

void Shard::accept(io::Fd fd, const io::SocketAddress& peer, bool secure) {
  std::string remote = peer.family() == AF_UNIX ? "unix" : peer.text();
  const std::string host = peer.family() == AF_UNIX ? std::string() : peer.host();
  int refusal = 0;
  switch (core_.admission().enter(host)) {
    case Admission::Verdict::admitted:
      break;
    case Admission::Verdict::server_full:
      refusal = 503;
      break;
    case Admission::Verdict::address_full:
      refusal = 429;
      break;
  }
  if (refusal != 0) log_refusal(remote, refusal);
  if (refusal != 0 && refused_sessions_ >= kRefusedSessionsMax) return;  // fd closes here
  const base::SlabKey key = sessions_.emplace(*this, std::move(remote), refusal);
  Session& session = *sessions_.find(key);
  auto started = session.start(std::move(fd), secure ? core_.make_filter(buffers_) : nullptr);
  if (!started) {
    if (refusal == 0) core_.admission().leave(host);
    sessions_.erase(key);
    core_.log(LogLevel::warning, "connection not served", {{"why", started.error().message}});
    return;
  }
  if (refusal != 0) ++refused_sessions_;
  counters_.connections_open.add();
  counters_.connections_total.add();
}

void Shard::log_refusal(std::string_view remote, int status) {
  core_.log(LogLevel::info, "connection refused",
            {{"remote", remote},
             {"status", status == 429 ? "429" : "503"},
             {"why", status == 429 ? "too many connections from this address"
                                   : "the server is at its connection limit"}});
}

void Shard::warn_of_accept(std::error_code error) {
  core_.log(LogLevel::warning, "accept failed",
            {{"why", error.message()},
             {"remedy", "raise the limit of open files (ulimit -n, LimitNOFILE=)"}});
}

void Shard::bury_dead() {
  for (std::size_t i = 0; i < buried_.size(); ++i) {
    Session* session = sessions_.find(buried_[i]);
    if (!session) continue;
    if (session->refused())
      --refused_sessions_;
    else
      core_.admission().leave(session->remote_host());
    if (session->link().dirty()) std::erase(dirty_, &session->link());
    counters_.connections_open.subtract();
    sessions_.erase(buried_[i]);
  }
  buried_.clear();
}

void Shard::publish(std::string_view topic_name, MessageView message, base::SlabKey except) {
  const Topic* topic = topics_.find(topic_name);
  if (!topic) return;
  proto::SharedFrame frame(message, deflate_, core_.options().publish_compression_level);
  const Session* skipped = find(except);
  for (const Topic::Member& member : topic->members)
    if (member.session != skipped) member.session->send_shared(frame);
}

// -- the turn's end --

void Shard::on_turn_end() {
  if (core_.stop_level() != StopLevel::running) {
    if (!draining_) begin_drain();
    drain_some();
  }
  service_dirty();
  bury_dead();
}

/// One round: what this round makes dirty is served in the next turn, so that sockets get their
/// share.
void Shard::service_dirty() {
  servicing_.swap(dirty_);
  for (link::H1Link* link : servicing_) link->service();
  servicing_.clear();
}

std::string_view Shard::date() {
  if (loop_->now() >= date_expires_) {
    date_ = http::imf_date(std::time(nullptr));
    date_expires_ = loop_->now() + std::chrono::seconds(1);
  }
  return date_;
}

// -- stopping --

void Shard::begin_drain() {
  draining_ = true;
  drain_started_ = loop_->now();
  for (const io::SocketId listener : listeners_) loop_->stop_listening(listener);
  listeners_.clear();
  sessions_.for_each([this](base::SlabKey key, Session& session) {
    if (session.is_websocket())
      to_close_.push_back(key);
    else
      session.finish_http();
  });
}

/// Closes the share of WebSockets that is due by now; at the very end, whatever is left.
void Shard::drain_some() {
  const Duration drain_time = core_.options().drain_time;
  const Duration elapsed = loop_->now() - drain_started_;
  if (elapsed >= drain_time + kDrainGrace) return abort_all();
  std::size_t due = to_close_.size();
  if (elapsed < drain_time)
    due = std::min(due, 1 + static_cast<std::size_t>(static_cast<double>(to_close_.size()) *
                                                     (static_cast<double>(elapsed.count()) /
                                                      static_cast<double>(drain_time.count()))));
  for (; closed_ < due; ++closed_)
    if (Session* session = find(to_close_[closed_]))
      session->close(CloseCode::going_away, "server is stopping");
}

void Shard::abort_all() {
  sessions_.for_each([](base::SlabKey, Session& session) { session.abort(); });
}

}  // namespace walkie::server
