// SPDX-License-Identifier: MIT
// An io_uring with its provided buffers: the kernel's rules, and none of ours about sockets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <liburing.h>

#include <base/time.hpp>
#include <walkie/bytes.hpp>
#include <walkie/error.hpp>

namespace walkie::io {

/// What this kernel's io_uring can do, found by trying.
struct UringFeatures {
  bool usable = false;               ///< All that the loop needs: multishot accept and receive.
  std::string why;                   ///< What is missing, where it is not usable.
  bool incremental_buffers = false;  ///< IOU_PBUF_RING_INC (6.12).
  bool deferred_work = false;        ///< SINGLE_ISSUER and DEFER_TASKRUN (6.1).
};
/// Probed once per process.
[[nodiscard]] const UringFeatures& uring_features();

struct UringOptions {
  unsigned entries = 1024;       ///< Of the submission queue.
  unsigned completions = 0;      ///< Of the completion queue; 0: 8 times as many.
  std::size_t buffer_bytes = 0;  ///< In all, for receiving.
  bool one_thread = true;        ///< Every call comes from the thread that first enters.
  // What the kernel has is used, unless it is switched off here.
  bool incremental_buffers = true;
  bool deferred_work = true;
};

struct UringCompletion {
  std::uint64_t user_data;
  int result;
  unsigned flags;
};

/// A resource; never moves. One thread at a time.
class Uring {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Uring>> make(const UringOptions& options);
  /// For the probe itself.
  [[nodiscard]] static Result<std::unique_ptr<Uring>> make(const UringOptions& options,
                                                           const UringFeatures& has);
  Uring() = default;
  ~Uring();
  Uring(const Uring&) = delete;
  Uring& operator=(const Uring&) = delete;

  /// A cleared entry of the submission queue; submits what is there where it is full.
  [[nodiscard]] io_uring_sqe& entry();
  [[nodiscard]] bool anything_queued() const noexcept;
  /// Submits, and waits for a completion at most so long; zero does not wait. Negative errno.
  int enter(Duration wait);
  /// Submits what is queued and looks for nothing. Negative errno.
  int submit() noexcept;

  /// Calls `take(completion)` for each that is there now, but for no more than a turn should take.
  template <class Take>
  void for_each_completion(Take&& take) {
    // One by one: what is taken may submit, and so see the queue.
    for (unsigned left = kCompletionsMax; left > 0; --left) {
      const auto completion = next_completion();
      if (!completion) return;
      take(*completion);
    }
  }

  // -- provided buffers --

  static constexpr unsigned kBufferGroup = 0;
  /// Where a completed receive put its bytes. give_back() with the same arguments when done.
  [[nodiscard]] MutableBytes received(unsigned flags, std::size_t bytes) noexcept;
  void give_back(unsigned flags, std::size_t bytes) noexcept;

  [[nodiscard]] int fd() const noexcept { return ring_.ring_fd; }
  /// Whether anything can be under way: false until the first enter().
  [[nodiscard]] bool enabled() const noexcept { return enabled_; }
  /// Whether this thread may enter: any may, or it is the one that first did.
  [[nodiscard]] bool may_enter() const noexcept;
  [[nodiscard]] bool incremental_buffers() const noexcept { return incremental_; }
  [[nodiscard]] bool deferred_work() const noexcept { return disabled_at_start_; }

 private:
  static constexpr unsigned kCompletionsMax = 4096;
  [[nodiscard]] int set_up(const UringOptions& options, const UringFeatures& has);
  [[nodiscard]] int provide_buffers(std::size_t bytes);
  void offer(unsigned buffer) noexcept;
  [[nodiscard]] std::optional<UringCompletion> next_completion();
  [[nodiscard]] std::optional<UringCompletion> pop_completion() noexcept;

  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  std::unique_ptr<std::byte[]> memory_;
  std::size_t buffer_bytes_ = 0;
  unsigned buffer_count_ = 0;
  std::vector<std::size_t> used_;      ///< Of each buffer, where they are filled step by step.
  std::vector<UringCompletion> held_;  ///< Taken off the queue before their time; come first.
  std::size_t held_taken_ = 0;
  int issuer_ = 0;  ///< The thread that first entered, where no other may.
  bool set_up_ = false;
  bool enabled_ = false;
  bool disabled_at_start_ = false;
  bool incremental_ = false;
};

}  // namespace walkie::io
