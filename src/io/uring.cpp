// SPDX-License-Identifier: MIT
// Set-up, entering, and the ring of buffers that the kernel fills. What Debian's headers do not
// have yet stands here as constants.
#include <io/uring.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <utility>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <base/assert.hpp>

namespace walkie::io {
namespace {

// <linux/io_uring.h> of 6.12.
constexpr unsigned kBufferRingIncremental = 2;       // IOU_PBUF_RING_INC
constexpr unsigned kCompletionBufferMore = 1U << 4;  // IORING_CQE_F_BUF_MORE

/// One large buffer serves many small messages, and a large message has room.
constexpr std::size_t kIncrementalBufferBytes = std::size_t{256} << 10;
constexpr std::size_t kPlainBufferBytes = std::size_t{16} << 10;
constexpr int kEntryTries = 1000;

Error uring_error(std::string doing, int negative_errno) {
  return system_error(std::move(doing), std::error_code(-negative_errno, std::system_category()));
}

unsigned buffer_of(unsigned flags) noexcept { return flags >> IORING_CQE_BUFFER_SHIFT; }

/// Calls `make_rings` on a thread of its own. When a ring ends, the kernel signals the thread that
/// made it, and a call that waits there may return with EINTR: that must be no thread of the
/// application's.
void on_own_thread(const std::function<void()>& make_rings) { std::thread(make_rings).join(); }

/// Whether a multishot receive into provided buffers works, by one on a socket pair.
bool receives_multishot(const UringFeatures& found) {
  UringOptions options;
  options.entries = 8;
  options.buffer_bytes = kPlainBufferBytes * 2;
  auto ring = Uring::make(options, found);
  if (!ring) return false;
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return false;
  io_uring_sqe& entry = (*ring)->entry();
  io_uring_prep_recv_multishot(&entry, pair[0], nullptr, 0, 0);
  entry.flags |= IOSQE_BUFFER_SELECT;
  entry.buf_group = Uring::kBufferGroup;
  bool works = ::send(pair[1], "x", 1, 0) == 1;
  static_cast<void>((*ring)->enter(std::chrono::milliseconds(200)));
  bool received = false;
  (*ring)->for_each_completion([&](const UringCompletion& completion) {
    const bool more = (completion.flags & IORING_CQE_F_MORE) != 0;
    received = received || (completion.result == 1 && more);
  });
  works = works && received;
  ring->reset();
  ::close(pair[0]);
  ::close(pair[1]);
  return works;
}

/// liburing 2.3 declares io_uring_enable_rings() and does not have it.
int enable(int ring_fd) {
  const auto called =
      ::syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  return called == 0 ? 0 : -errno;
}

bool sets_up(unsigned flags) {
  io_uring ring{};
  io_uring_params params{};
  params.flags = flags;
  if (io_uring_queue_init_params(8, &ring, &params) != 0) return false;
  io_uring_queue_exit(&ring);
  return true;
}

bool has_incremental_buffers() {
  io_uring ring{};
  if (io_uring_queue_init(8, &ring, 0) != 0) return false;
  const std::size_t bytes = 2 * sizeof(io_uring_buf);
  void* memory = nullptr;
  bool works = false;
  if (::posix_memalign(&memory, 4096, std::max<std::size_t>(bytes, 4096)) == 0) {
    std::memset(memory, 0, 4096);
    io_uring_buf_reg registration{};
    registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
    registration.ring_entries = 2;
    registration.pad = kBufferRingIncremental;  // `flags` in newer headers
    works = io_uring_register_buf_ring(&ring, &registration, 0) == 0;
  }
  io_uring_queue_exit(&ring);
  std::free(memory);
  return works;
}

UringFeatures probe() {
  UringFeatures features;
  io_uring ring{};
  if (const int failed = io_uring_queue_init(8, &ring, 0); failed != 0) {
    features.why = uring_error("creating a ring", failed).message;
    return features;
  }
  io_uring_queue_exit(&ring);
  features.deferred_work = sets_up(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
  features.incremental_buffers = has_incremental_buffers();
  return features;
}

}  // namespace

const UringFeatures& uring_features() {
  static const UringFeatures features = [] {
    UringFeatures found;
    on_own_thread([&found] {
      found = probe();
      if (!found.why.empty()) return;
      found.usable = receives_multishot(found);
      if (!found.usable) found.why = "no multishot receive (it needs Linux 6.0)";
    });
    return found;
  }();
  return features;
}

// -- set-up --

Result<std::unique_ptr<Uring>> Uring::make(const UringOptions& options) {
  const UringFeatures& has = uring_features();
  if (!has.usable) return std::unexpected(Error{"io_uring cannot be used: " + has.why, {}});
  return make(options, has);
}

Result<std::unique_ptr<Uring>> Uring::make(const UringOptions& options, const UringFeatures& has) {
  auto ring = std::make_unique<Uring>();
  int failed = 0;
  const auto set_up = [&] { failed = ring->set_up(options, has); };
  // Of a ring without a single issuer the thread that makes it is a user like others.
  if (options.one_thread)
    on_own_thread(set_up);
  else
    set_up();
  if (failed != 0) return std::unexpected(uring_error("creating an io_uring", failed));
  return ring;
}

int Uring::set_up(const UringOptions& options, const UringFeatures& has) {
  io_uring_params params{};
  params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_SUBMIT_ALL;
  params.cq_entries = options.completions > 0 ? options.completions : options.entries * 8;
  if (options.one_thread && options.deferred_work && has.deferred_work) {
    // Disabled until the thread that will run it enters: that one becomes the single issuer.
    params.flags |=
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED;
    disabled_at_start_ = true;
  } else if (options.one_thread) {
    params.flags |= IORING_SETUP_COOP_TASKRUN;  // else a thread that computes would hold work up
  }
  if (const int failed = io_uring_queue_init_params(options.entries, &ring_, &params); failed != 0)
    return failed;
  set_up_ = true;
  incremental_ = options.incremental_buffers && has.incremental_buffers;
  return options.buffer_bytes > 0 ? provide_buffers(options.buffer_bytes) : 0;
}

int Uring::provide_buffers(std::size_t bytes) {
  buffer_bytes_ = std::min(incremental_ ? kIncrementalBufferBytes : kPlainBufferBytes, bytes);
  buffer_count_ = 1;
  while (buffer_count_ * 2 * buffer_bytes_ <= bytes) buffer_count_ *= 2;
  if (buffer_count_ < 2) {
    buffer_count_ = 2;
    buffer_bytes_ = bytes / 2;
  }
  memory_ = std::make_unique_for_overwrite<std::byte[]>(buffer_count_ * buffer_bytes_);
  used_.assign(buffer_count_, 0);
  void* ring_memory = nullptr;
  const std::size_t ring_bytes = (buffer_count_ * sizeof(io_uring_buf) + 4095) / 4096 * 4096;
  if (::posix_memalign(&ring_memory, 4096, ring_bytes) != 0) return -ENOMEM;
  std::memset(ring_memory, 0, ring_bytes);
  buffers_ = static_cast<io_uring_buf_ring*>(ring_memory);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(ring_memory);
  registration.ring_entries = buffer_count_;
  registration.bgid = kBufferGroup;
  registration.pad = static_cast<std::uint16_t>(incremental_ ? kBufferRingIncremental : 0U);
  if (const int failed = io_uring_register_buf_ring(&ring_, &registration, 0); failed != 0)
    return failed;
  io_uring_buf_ring_init(buffers_);
  for (unsigned i = 0; i < buffer_count_; ++i) offer(i);
  return 0;
}

Uring::~Uring() {
  if (set_up_) io_uring_queue_exit(&ring_);
  std::free(buffers_);
}

// -- entering --

io_uring_sqe& Uring::entry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  for (int tries = 0; !entry && tries < kEntryTries; ++tries) {
    WALKIE_ASSERT(enabled_ || !disabled_at_start_);  // nobody queues so much before the first turn
    // A kernel whose completions have no room takes no more work: make room.
    if (submit() < 0)
      while (const auto completion = pop_completion()) held_.push_back(*completion);
    entry = io_uring_get_sqe(&ring_);
  }
  WALKIE_ASSERT(entry != nullptr);
  return *entry;
}

int Uring::submit() noexcept {
  enabled_ = enabled_ || !disabled_at_start_;
  return io_uring_submit(&ring_);
}

std::optional<UringCompletion> Uring::next_completion() {
  if (held_taken_ == held_.size()) return pop_completion();
  const UringCompletion completion = held_[held_taken_++];
  if (held_taken_ == held_.size()) {
    held_.clear();
    held_taken_ = 0;
  }
  return completion;
}

std::optional<UringCompletion> Uring::pop_completion() noexcept {
  io_uring_cqe* entry = nullptr;
  if (io_uring_peek_cqe(&ring_, &entry) != 0 || !entry) return std::nullopt;
  const UringCompletion completion{entry->user_data, entry->res, entry->flags};
  io_uring_cqe_seen(&ring_, entry);
  return completion;
}

bool Uring::may_enter() const noexcept { return issuer_ == 0 || issuer_ == ::gettid(); }

bool Uring::anything_queued() const noexcept { return io_uring_sq_ready(&ring_) > 0; }

int Uring::enter(Duration wait) {
  if (!enabled_ && disabled_at_start_)
    if (const int failed = enable(ring_.ring_fd); failed != 0) return failed;
  if (!std::exchange(enabled_, true) && disabled_at_start_) {
    issuer_ = ::gettid();
    static_cast<void>(io_uring_register_ring_fd(&ring_));  // an optimisation
  }
  if (wait <= Duration::zero() || !held_.empty() || io_uring_cq_ready(&ring_) > 0)
    return io_uring_submit_and_get_events(&ring_);
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(wait);
  __kernel_timespec timeout{.tv_sec = seconds.count(), .tv_nsec = (wait - seconds).count()};
  io_uring_cqe* first = nullptr;
  return io_uring_submit_and_wait_timeout(&ring_, &first, 1, &timeout, nullptr);
}

// -- provided buffers --

void Uring::offer(unsigned buffer) noexcept {
  used_[buffer] = 0;
  io_uring_buf_ring_add(buffers_, memory_.get() + buffer * buffer_bytes_,
                        static_cast<unsigned>(buffer_bytes_), static_cast<std::uint16_t>(buffer),
                        static_cast<int>(buffer_count_ - 1), 0);
  io_uring_buf_ring_advance(buffers_, 1);
}

MutableBytes Uring::received(unsigned flags, std::size_t bytes) noexcept {
  const unsigned buffer = buffer_of(flags);
  return {memory_.get() + buffer * buffer_bytes_ + used_[buffer], bytes};
}

/// An incremental buffer goes back once the kernel has filled it and the last of it was read.
void Uring::give_back(unsigned flags, std::size_t bytes) noexcept {
  const unsigned buffer = buffer_of(flags);
  used_[buffer] += bytes;
  if ((flags & kCompletionBufferMore) == 0) offer(buffer);
}

}  // namespace walkie::io
