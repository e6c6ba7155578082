// SPDX-License-Identifier: MIT
// A queue with an eventfd(2).
#include <cli/listen_events.hpp>

#include <utility>

#include <sys/eventfd.h>
#include <unistd.h>

namespace walkie::cli {

ListenEvents::ListenEvents(std::size_t bytes_max)
    : bytes_max_(bytes_max), wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void ListenEvents::push(ListenEvent event) {
  std::unique_lock lock(mutex_);
  room_.wait(lock, [this] { return stopped_ || bytes_ < bytes_max_; });
  if (stopped_) return;
  bytes_ += sizeof(ListenEvent) + event.message.payload.size();
  waiting_.push_back(std::move(event));
  if (waiting_.size() > 1) return;
  const std::uint64_t one = 1;
  // It fails only where the count is full, and then it is readable.
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

std::vector<ListenEvent> ListenEvents::take() {
  const std::lock_guard lock(mutex_);
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t taken = ::read(wake_.get(), &count, sizeof count);
  bytes_ = 0;
  room_.notify_all();
  return std::exchange(waiting_, {});
}

void ListenEvents::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  room_.notify_all();
}

}  // namespace walkie::cli
