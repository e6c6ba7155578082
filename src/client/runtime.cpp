// SPDX-License-Identifier: MIT
// Turns of a client's loop: events, then sessions that ask for attention, then links to flush.
#include <client/runtime.hpp>

#include <algorithm>

#include <client/session.hpp>

namespace walkie::client {
namespace {

constexpr Duration kWaitMax = std::chrono::seconds(60);

}  // namespace

Result<std::unique_ptr<Runtime>> Runtime::make() {
  io::LoopOptions options;
  options.receive_buffer_bytes = std::size_t{64} << 10;  // few sockets; many loops are possible
  options.events_per_turn_max = 64;
  // Not io_uring: an operation there ends with the thread that began it, and an application may
  // drive a client from one thread after the other.
  auto loop = io::make_loop(io::Backend::epoll, options);
  if (!loop) return std::unexpected(std::move(loop.error()));
  auto resolver = io::Resolver::make(**loop);
  if (!resolver) return std::unexpected(std::move(resolver.error()));
  return std::make_unique<Runtime>(*std::move(loop), *std::move(resolver));
}

Runtime::Runtime(std::unique_ptr<io::Loop> loop, std::unique_ptr<io::Resolver> resolver)
    : loop_(std::move(loop)),
      resolver_(std::move(resolver)),
      links_{.loop = *loop_,
             .resources = {.buffers = buffers_, .deflate = deflate_, .mask_keys = &random_},
             .dirty = dirty_} {
  loop_->set_turn_handler(this);
}

Runtime::~Runtime() {
  end_tasks();
  runner_ = std::this_thread::get_id();
  attend_all();  // a Close that is still owed goes out, if the socket takes it at once
  service_dirty();
  std::vector<std::shared_ptr<Session>> sessions;
  {
    const std::lock_guard lock(mutex_);
    sessions = sessions_;
  }
  for (const auto& session : sessions) session->runtime_ends();
  sessions.clear();
  for (const auto& retired : retired_) retired->link->abort();
  loop_->timers().cancel(*this);
  dirty_.clear();
  retired_.clear();
  graveyard_.clear();
  runner_ = std::thread::id();
}

// -- driving it --

void Runtime::start_thread() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void Runtime::run() {
  while (!stopping_.load()) run_once(kWaitMax);
}

void Runtime::stop() noexcept {
  stopping_.store(true);
  loop_->wake();
}

void Runtime::end_tasks() {
  stop();
  if (thread_.joinable()) thread_.join();
  std::vector<std::move_only_function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  later_.clear();
}

void Runtime::run_once(Duration wait_max) {
  runner_.store(std::this_thread::get_id());
  // A loop that fails has lost its descriptors: nothing is left to be told, or done.
  if (!loop_->run_turn(has_work() ? Duration::zero() : wait_max)) stopping_.store(true);
  runner_.store(std::thread::id());
}

std::optional<Duration> Runtime::timeout() const {
  if (has_work()) return Duration::zero();
  const auto deadline = loop_->timers().next_deadline();
  if (!deadline) return std::nullopt;
  return std::max(Duration::zero(), Duration(*deadline - std::chrono::steady_clock::now()));
}

bool Runtime::has_work() const {
  const std::lock_guard lock(mutex_);
  return !attention_.empty() || !tasks_.empty() || !dirty_.empty() || !graveyard_.empty();
}

bool Runtime::here() const noexcept { return runner_.load() == std::this_thread::get_id(); }

// -- the turn's end --

void Runtime::on_turn_end() {
  run_tasks();
  attend_all();
  service_dirty();
  bury_released();
}

void Runtime::run_tasks() noexcept {
  std::vector<std::move_only_function<void()>> tasks;
  {
    const std::lock_guard lock(mutex_);
    tasks.swap(tasks_);
  }
  for (auto& task : tasks) task();
}

void Runtime::attend_all() {
  std::vector<std::shared_ptr<Session>> round;
  {
    const std::lock_guard lock(mutex_);
    round.swap(attention_);
  }
  for (const auto& session : round) session->attend();
}

/// One round: what it makes dirty is served in the next turn, so that sockets get their share.
void Runtime::service_dirty() {
  servicing_.swap(dirty_);
  for (link::ClientLink* link : servicing_) link->service();
  servicing_.clear();
}

void Runtime::bury_released() {
  std::erase_if(retired_, [](const auto& retired) {
    return retired->link->released() && !retired->link->dirty();
  });
  graveyard_.clear();
}

// -- for sessions --

void Runtime::attend(std::shared_ptr<Session> session) {
  {
    const std::lock_guard lock(mutex_);
    attention_.push_back(std::move(session));
  }
  if (!here()) loop_->wake();
}

void Runtime::post(std::move_only_function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  if (!here()) loop_->wake();
}

void Runtime::post_after(Duration delay, std::move_only_function<void()> task) {
  const Instant due = std::chrono::steady_clock::now() + delay;
  post([this, due, task = std::move(task)]() mutable {
    later_.emplace(due, std::move(task));
    loop_->timers().arm(*this, later_.begin()->first);
  });
}

void Runtime::on_timer(Instant now) {
  while (!later_.empty() && later_.begin()->first <= now) {
    post(std::move(later_.begin()->second));
    later_.erase(later_.begin());
  }
  if (!later_.empty()) loop_->timers().arm(*this, later_.begin()->first);
}

void Runtime::retire(std::unique_ptr<link::ClientLink> link,
                     std::shared_ptr<const Session> session) {
  link->set_handler(*this);
  retired_.push_back(std::make_unique<Retired>(std::move(session), std::move(link)));
}

void Runtime::remember(std::shared_ptr<Session> session) {
  const std::lock_guard lock(mutex_);
  sessions_.push_back(std::move(session));
}

void Runtime::forget(const Session& session) {
  const std::lock_guard lock(mutex_);
  std::erase_if(sessions_, [&](const auto& known) { return known.get() == &session; });
}

}  // namespace walkie::client
