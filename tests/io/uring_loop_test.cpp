// SPDX-License-Identifier: MIT
// What only the loop on io_uring has: memory that the kernel still uses, rings and buffers that run
// out, nudges from ring to ring, and kernels that have less.
#include <io/uring_loop.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <io/loop_fixture.hpp>

namespace walkie::io {
namespace {

constexpr UringOptions kSmall{.entries = 64, .buffer_bytes = 64 * 1024, .one_thread = false};

/// Says so and is false where this kernel has no io_uring.
bool usable() {
  if (!uring_features().usable) MESSAGE("skipped: " << uring_features().why);
  return uring_features().usable;
}

std::unique_ptr<UringLoop> make_uring(const UringOptions& ring = kSmall) {
  LoopOptions options;
  options.one_thread = ring.one_thread;
  auto loop = UringLoop::make(options, ring);
  REQUIRE_MESSAGE(loop, (loop ? "" : loop.error().message));
  return std::move(*loop);
}

/// A socket of the loop, its owner, and the blocking other end.
struct Link {
  explicit Link(Loop& loop) {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    peer = Fd(fds[1]);
    const auto adopted = loop.adopt(Fd(fds[0]), recorder);
    REQUIRE(adopted);
    id = *adopted;
  }
  Recorder recorder;
  Fd peer;
  SocketId id;
};

std::vector<std::unique_ptr<Link>> links(Loop& loop, int count) {
  std::vector<std::unique_ptr<Link>> made;
  for (int i = 0; i < count; ++i) made.push_back(std::make_unique<Link>(loop));
  return made;
}

std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

TEST_CASE("the loop works the same without each feature that a kernel may lack") {
  if (!usable()) return;
  for (int set = 0; set < 8; ++set) {
    UringOptions ring = kSmall;
    ring.one_thread = (set & 1) != 0;
    ring.incremental_buffers = (set & 2) != 0;
    ring.deferred_work = (set & 4) != 0;
    CAPTURE(set);
    const auto loop = make_uring(ring);
    CHECK(loop->description().contains("incremental") ==
          (ring.incremental_buffers && uring_features().incremental_buffers));
    CHECK(loop->description().contains("deferred") ==
          (ring.one_thread && ring.deferred_work && uring_features().deferred_work));
    Link link(*loop);
    const std::string all = pattern(300'000);
    std::string echo;
    std::jthread peer([&] {
      put(link.peer, all);
      while (echo.size() < all.size()) echo += get(link.peer);
    });
    REQUIRE(run_until(*loop, [&] { return link.recorder.received.size() == all.size(); }));
    CHECK(link.recorder.received == all);
    std::size_t at_once = 0;
    const auto sent = [&] { return at_once + link.recorder.sent_bytes; };
    const auto go_on = [&](std::size_t) {
      const auto rest = std::string_view(all).substr(sent());
      if (!rest.empty()) at_once += send_text(*loop, link.id, rest);
    };
    link.recorder.act_on_sent = go_on;
    go_on(0);
    REQUIRE(run_until(*loop, [&] { return sent() == all.size(); }));
    peer.join();
    CHECK(echo == all);
    loop->wake();
    REQUIRE(loop->run_turn(seconds(60)));
  }
}

/// Fills the socket until a send of `queue` waits in the kernel.
void fill(Loop& loop, Link& link, base::OutputQueue& queue) {
  link.recorder.act_on_sent = [&](std::size_t bytes) {
    queue.consume(bytes);
    std::array<BytesView, 16> views;
    const std::size_t count = queue.gather(views);
    queue.consume(loop.send(link.id, std::span(views).first(count)));
  };
  queue.append(bytes_of(pattern(4'000'000)));
  link.recorder.act_on_sent(0);
  run_turns(loop, 20);
  REQUIRE(queue.size() > 0);
  CHECK(idle(loop));
}

TEST_CASE("a send that waits keeps its memory when its socket is released, until it is over") {
  if (!usable()) return;
  const auto loop = make_uring();
  base::BufferPool pool;
  Link link(*loop);
  base::OutputQueue queue(pool);
  fill(*loop, link, queue);
  struct AtRelease final : TurnHandler {
    void on_wake() override {
      loop->release(link->id, std::move(*queue), false);
      lent = pool->lent_bytes();
    }
    void on_turn_end() override {}
    Loop* loop = nullptr;
    Link* link = nullptr;
    base::OutputQueue* queue = nullptr;
    base::BufferPool* pool = nullptr;
    std::size_t lent = 0;
  } at;
  at.loop = loop.get();
  at.link = &link;
  at.queue = &queue;
  at.pool = &pool;
  loop->set_turn_handler(&at);
  loop->wake();
  REQUIRE(run_until(*loop, [&] { return at.lent > 0; }, 3));
  REQUIRE(run_until(*loop, [&] { return pool.lent_bytes() == 0; }, 3));
  loop->set_turn_handler(nullptr);
  CHECK(link.recorder.errors.empty());
}

TEST_CASE("a loop may be destroyed while the kernel sends, receives, connects and accepts") {
  if (!usable()) return;
  for (const bool one_thread : {false, true}) {
    base::BufferPool pool;
    base::OutputQueue queue(pool);
    UringOptions ring = kSmall;
    ring.one_thread = one_thread;
    auto loop = make_uring(ring);
    Listening listener = listening();
    Acceptor acceptor;
    REQUIRE(loop->listen(std::move(listener.fd), acceptor));
    Link sending(*loop);
    Link orphan(*loop);
    fill(*loop, sending, queue);
    Recorder connecting;
    REQUIRE(loop->connect(listener.address, connecting, nullptr));
    loop->release(sending.id, std::move(queue), false);
    loop.reset();
    CHECK(pool.lent_bytes() == 0);
    CHECK(get(orphan.peer).empty());         // closed
    CHECK(listen_on(listener.address, {}));  // and let go of
  }
}

TEST_CASE("finish closes everything at once and tells nothing") {
  if (!usable()) return;
  const auto loop = make_uring();
  Link link(*loop);
  run_turns(*loop, 1);
  put(link.peer, "unread");
  loop->finish();
  CHECK(get(link.peer).empty());
  CHECK(link.recorder.receives == 0);
  CHECK(link.recorder.ends == 0);
  CHECK(link.recorder.errors.empty());
}

TEST_CASE("where buffers run out nothing is lost") {
  if (!usable()) return;
  for (const bool incremental : {false, true}) {
    UringOptions ring = kSmall;
    ring.buffer_bytes = 2048;
    ring.incremental_buffers = incremental;
    const auto loop = make_uring(ring);
    const auto all = links(*loop, 40);
    const std::string text = pattern(5000);
    for (const auto& link : all) put(link->peer, text);
    REQUIRE(run_until(*loop, [&] {
      return std::ranges::all_of(
          all, [](const auto& link) { return link->recorder.received.size() == 5000; });
    }));
    for (const auto& link : all) CHECK(link->recorder.received == text);
    CHECK(idle(*loop));
  }
}

TEST_CASE("more completions than their queue holds, and more entries, all come through") {
  if (!usable()) return;
  for (const bool one_thread : {false, true}) {
    UringOptions ring{.entries = 4, .completions = 8, .buffer_bytes = 64 * 1024};
    ring.one_thread = one_thread;
    const auto loop = make_uring(ring);
    run_turns(*loop, 1);  // of one thread: only a ring that runs can be submitted to in between
    const auto all = links(*loop, 200);
    run_turns(*loop, 5);
    for (const auto& link : all) put(link->peer, "ping");
    REQUIRE(run_until(*loop, [&] {
      return std::ranges::all_of(all,
                                 [](const auto& link) { return link->recorder.receives == 1; });
    }));
    for (const auto& link : all) CHECK(send_text(*loop, link->id, "pong") == 0);
    REQUIRE(run_until(*loop, [&] {
      return std::ranges::all_of(all,
                                 [](const auto& link) { return link->recorder.sent_bytes == 4; });
    }));
    for (const auto& link : all) CHECK(get(link->peer) == "pong");
    CHECK(idle(*loop));
  }
}

TEST_CASE(
    "what came after receiving was stopped is told when it is resumed, in order, then the end") {
  if (!usable()) return;
  UringOptions ring = kSmall;
  ring.buffer_bytes = 8;
  const auto loop = make_uring(ring);
  Link link(*loop);
  link.recorder.act_on_received = [&](MutableBytes) { loop->set_receiving(link.id, false); };
  put(link.peer, "0123456789");
  REQUIRE(run_until(*loop, [&] { return link.recorder.receives == 1; }));
  ::shutdown(link.peer.get(), SHUT_WR);
  run_turns(*loop, 5);
  CHECK(link.recorder.receives == 1);
  CHECK(link.recorder.ends == 0);
  link.recorder.act_on_received = nullptr;
  loop->set_receiving(link.id, true);
  REQUIRE(run_until(*loop, [&] { return link.recorder.ends == 1; }, 10));
  CHECK(link.recorder.received == "0123456789");
  CHECK(link.recorder.receives > 1);
}

/// Counts wake-ups; `act` runs at each turn's end.
struct Woken final : TurnHandler {
  void on_wake() override { ++wakes; }
  void on_turn_end() override {
    if (act) act();
  }
  std::atomic<int> wakes = 0;
  std::function<void()> act;
};

TEST_CASE("a nudge from one ring's turn wakes another's loop, though no turn follows") {
  if (!usable()) return;
  UringOptions ring = kSmall;
  ring.one_thread = true;
  const auto target = make_uring(ring);
  Woken woken;
  target->set_turn_handler(&woken);
  std::atomic<bool> running = false;
  std::jthread other([&] {
    REQUIRE(target->run_turn(Duration::zero()));
    running = true;
    running.notify_one();
    while (woken.wakes == 0)
      if (!target->run_turn(seconds(20))) break;
    target->finish();
  });
  running.wait(false);
  const auto source = make_uring(ring);
  Woken nudger;
  nudger.act = [&] { target->nudge(); };
  source->set_turn_handler(&nudger);
  const Instant before = std::chrono::steady_clock::now();
  REQUIRE(source->run_turn(Duration::zero()));
  other.join();
  CHECK(woken.wakes == 1);
  CHECK(std::chrono::steady_clock::now() - before < seconds(20));
  source->set_turn_handler(nullptr);
}

TEST_CASE("a nudge from a loop's own turn is told in that turn or the next") {
  if (!usable()) return;
  UringOptions ring = kSmall;
  ring.one_thread = true;
  const auto loop = make_uring(ring);
  Woken woken;
  woken.act = [&] {
    if (woken.wakes == 0) loop->nudge();
  };
  loop->set_turn_handler(&woken);
  REQUIRE(loop->run_turn(Duration::zero()));
  REQUIRE(loop->run_turn(seconds(60)));
  CHECK(woken.wakes == 1);
  loop->set_turn_handler(nullptr);
}

/// Has the kernel refuse io_uring_setup() from now on, as containers do.
bool refuse_io_uring() {
  sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  sock_fprog program{.len = static_cast<unsigned short>(std::size(code)), .filter = code};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

TEST_CASE("where a sandbox refuses io_uring, epoll is chosen, and asking for io_uring says why") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    if (!refuse_io_uring()) ::_exit(1);
    const auto chosen = make_loop(Backend::automatic);
    if (!chosen || (*chosen)->backend() != "epoll") ::_exit(2);
    const auto asked = make_loop(Backend::uring);
    if (asked) ::_exit(3);
    ::_exit(asked.error().message.ends_with("Operation not permitted") ? 0 : 4);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

}  // namespace
}  // namespace walkie::io
