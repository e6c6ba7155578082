// SPDX-License-Identifier: MIT
// Where clients run: one loop with what its connections share.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <base/buffer_pool.hpp>
#include <base/timer_wheel.hpp>
#include <client/random.hpp>
#include <io/loop.hpp>
#include <io/resolver.hpp>
#include <link/client_link.hpp>
#include <proto/deflate.hpp>

namespace walkie::client {

class Session;

/// A resource with one loop. What says "any thread" is; all else is for the loop's.
class Runtime final : private io::TurnHandler,
                      private link::ClientLinkHandler,
                      private base::Timer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Runtime>> make();
  Runtime(std::unique_ptr<io::Loop> loop, std::unique_ptr<io::Resolver> resolver);
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  // -- driving it --

  void start_thread();
  void run();                        ///< Until stop().
  void stop() noexcept;              ///< Any thread.
  void end_tasks();                  ///< The end of the thread, and of tasks that wait.
  void run_once(Duration wait_max);  ///< One turn.
  [[nodiscard]] int descriptor() const noexcept { return loop_->descriptor(); }
  /// Until run_once() has work even if nothing arrives.
  [[nodiscard]] std::optional<Duration> timeout() const;

  // -- for sessions --

  /// Calls session.attend() on the loop's thread, soon. Any thread.
  void attend(std::shared_ptr<Session> session);
  /// Calls `task` on the loop's thread, soon. Any thread.
  void post(std::move_only_function<void()> task);
  void post_after(Duration delay, std::move_only_function<void()> task);
  /// Whether this thread is inside run() or run_once() of this runtime. Any thread.
  [[nodiscard]] bool here() const noexcept;
  [[nodiscard]] io::Loop& loop() noexcept { return *loop_; }
  [[nodiscard]] io::Resolver& resolver() noexcept { return *resolver_; }
  [[nodiscard]] base::BufferPool& buffers() noexcept { return buffers_; }
  [[nodiscard]] RandomSource& random() noexcept { return random_; }
  [[nodiscard]] link::ClientLinkContext& links() noexcept { return links_; }
  /// Lets a link come to its end by itself and destroys it then, and `session`, whose options and
  /// TLS contexts it uses, not before. Callable from its own callbacks.
  void retire(std::unique_ptr<link::ClientLink> link, std::shared_ptr<const Session> session);
  /// Destroys `object` at the end of the turn: callable from its own callbacks.
  void bury(std::shared_ptr<void> object) { graveyard_.push_back(std::move(object)); }
  /// Keeps a session alive until forget().
  void remember(std::shared_ptr<Session> session);
  void forget(const Session& session);

 private:
  /// Members go from the last to the first.
  struct Retired {
    std::shared_ptr<const Session> session;
    std::unique_ptr<link::ClientLink> link;
  };

  void on_wake() override {}
  void on_turn_end() override;
  void on_event(const proto::Event&) override {}
  void on_drain() override {}
  void on_frame(const link::SeenFrame&, bool) override {}
  void on_released() override {}
  void on_timer(Instant now) override;

  void run_tasks() noexcept;
  void attend_all();
  void service_dirty();
  void bury_released();
  [[nodiscard]] bool has_work() const;

  base::BufferPool buffers_;
  proto::DeflatePool deflate_;
  RandomSource random_;
  std::unique_ptr<io::Loop> loop_;
  std::unique_ptr<io::Resolver> resolver_;
  std::vector<link::ClientLink*> dirty_;
  std::vector<link::ClientLink*> servicing_;
  link::ClientLinkContext links_;
  std::vector<std::unique_ptr<Retired>> retired_;
  std::vector<std::shared_ptr<void>> graveyard_;
  std::multimap<Instant, std::move_only_function<void()>> later_;  ///< By when they are due.
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Session>> attention_;     ///< Under mutex_; each session once.
  std::vector<std::move_only_function<void()>> tasks_;  ///< Under mutex_.
  std::vector<std::shared_ptr<Session>> sessions_;      ///< Under mutex_.
  std::atomic<std::thread::id> runner_{};
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace walkie::client
