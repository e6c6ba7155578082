// SPDX-License-Identifier: MIT
// One thread, one loop, and the sessions that live on it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <base/buffer_pool.hpp>
#include <base/slab.hpp>
#include <io/loop.hpp>
#include <io/mailbox.hpp>
#include <link/h1_link.hpp>
#include <proto/deflate.hpp>
#include <server/counters.hpp>
#include <server/session.hpp>
#include <server/topics.hpp>

namespace walkie::server {

class Core;

/// Work that another thread hands to a shard; runs on the shard's thread.
using Task = std::move_only_function<void()>;

/// Not thread safe but for post(), post_surely(), stop calls by way of the core, and counters().
class Shard final : private io::TurnHandler {
 public:
  Shard(Core& core, std::uint32_t index, std::unique_ptr<io::Loop> loop);
  ~Shard();
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  [[nodiscard]] Result<void> listen(io::Fd fd, bool secure);
  void start_thread();
  void join();

  /// Any thread. False where the mailbox is full.
  [[nodiscard]] bool post(Task task);
  /// Any thread. For what must not be lost and is bounded elsewhere (one answer per request).
  void post_surely(Task task);
  void wake() noexcept { loop_->wake(); }

  /// The shard that runs on this thread, or null.
  [[nodiscard]] static Shard* current() noexcept;

  [[nodiscard]] Session* find(base::SlabKey key) noexcept { return sessions_.find(key); }
  /// Sends to this shard's subscribers, but not to `except`.
  void publish(std::string_view topic, MessageView message, base::SlabKey except);
  /// The session's link is released: it is destroyed at the end of this turn.
  void bury(base::SlabKey key) { buried_.push_back(key); }

  [[nodiscard]] Core& core() noexcept { return core_; }
  [[nodiscard]] std::uint32_t index() const noexcept { return index_; }
  [[nodiscard]] io::Loop& loop() noexcept { return *loop_; }
  [[nodiscard]] const io::Loop& loop() const noexcept { return *loop_; }
  [[nodiscard]] link::LinkContext& link_context() noexcept { return link_context_; }
  [[nodiscard]] Topics& topics() noexcept { return topics_; }
  [[nodiscard]] Counters& counters() noexcept { return counters_; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  /// The Date header of now, renewed once a second.
  [[nodiscard]] std::string_view date();

 private:
  /// Of listeners of one kind.
  class Door final : public io::AcceptHandler {
   public:
    Door(Shard& shard, bool secure) noexcept : shard_(shard), secure_(secure) {}
    void on_accepted(io::Fd fd, const io::SocketAddress& peer) override {
      shard_.accept(std::move(fd), peer, secure_);
    }
    void on_accept_failed(std::error_code error) override { shard_.warn_of_accept(error); }

   private:
    Shard& shard_;
    bool secure_;
  };

  void accept(io::Fd fd, const io::SocketAddress& peer, bool secure);
  void warn_of_accept(std::error_code error);
  void log_refusal(std::string_view remote, int status);
  void on_wake() override;
  void on_turn_end() override;

  void run();
  void run_posted();
  void service_dirty();
  void bury_dead();
  void begin_drain();
  void drain_some();
  void abort_all();
  [[nodiscard]] bool ended() const noexcept;
  [[nodiscard]] Duration wait_max() const noexcept;

  Core& core_;
  const std::uint32_t index_;
  std::unique_ptr<io::Loop> loop_;
  base::BufferPool buffers_;
  proto::DeflatePool deflate_;
  Counters counters_;
  std::vector<link::H1Link*> dirty_;
  std::vector<link::H1Link*> servicing_;
  link::LinkContext link_context_;
  io::Mailbox<Task> mailbox_;
  std::mutex surely_mutex_;
  std::vector<Task> surely_;
  Door plain_door_{*this, false};
  Door secure_door_{*this, true};
  std::vector<io::SocketId> listeners_;
  Topics topics_;
  base::Slab<Session> sessions_;
  std::vector<base::SlabKey> buried_;
  std::uint32_t refused_sessions_ = 0;
  std::string date_;
  Instant date_expires_{};
  // drain
  bool draining_ = false;
  Instant drain_started_{};
  std::vector<base::SlabKey> to_close_;  ///< WebSockets in the order of their 1001.
  std::size_t closed_ = 0;
  std::thread thread_;
};

}  // namespace walkie::server
