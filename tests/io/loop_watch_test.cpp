// SPDX-License-Identifier: MIT
// Watching descriptors of others, handing sockets from owner to owner, and a loop inside a foreign
// one.
#include <io/loop.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <io/loop_fixture.hpp>

namespace walkie::io {
namespace {

struct Watcher : ReadinessHandler {
  void on_ready(int fd, bool readable, bool writable) override {
    ++calls;
    last_fd = fd;
    last_readable = readable;
    last_writable = writable;
    if (act) act();
  }
  int calls = 0;
  int last_fd = -1;
  bool last_readable = false;
  bool last_writable = false;
  std::function<void()> act;
};

/// Two ends of a unix socket; `ours` is the one that is watched.
struct Ends {
  Ends() {
    int fds[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    ours = Fd(fds[0]);
    theirs = Fd(fds[1]);
  }
  Fd ours;
  Fd theirs;
};

TEST_CASE("loop tells a watched descriptor's readiness in each turn while it lasts") {
  const auto loop = make();
  Ends ends;
  Watcher watcher;
  REQUIRE(loop->watch(ends.ours.get(), true, false, watcher));
  CHECK(idle(*loop));
  CHECK(watcher.calls == 0);
  put(ends.theirs, "x");
  run_turns(*loop, 3);
  CHECK(watcher.calls == 3);
  CHECK(watcher.last_fd == ends.ours.get());
  CHECK(watcher.last_readable);
  CHECK_FALSE(watcher.last_writable);
  CHECK(get(ends.ours) == "x");
  run_turns(*loop, 3);
  CHECK(watcher.calls == 3);
  REQUIRE(loop->watch(ends.ours.get(), false, false, watcher));
}

TEST_CASE("a change of what is watched replaces what was asked before, handler included") {
  const auto loop = make();
  Ends ends;
  Watcher first;
  Watcher second;
  REQUIRE(loop->watch(ends.ours.get(), true, false, first));
  put(ends.theirs, "x");
  REQUIRE(loop->watch(ends.ours.get(), false, true, second));
  run_turns(*loop, 1);
  CHECK(first.calls == 0);
  CHECK(second.calls == 1);
  CHECK_FALSE(second.last_readable);
  CHECK(second.last_writable);
  REQUIRE(loop->watch(ends.ours.get(), true, true, second));
  run_turns(*loop, 1);
  CHECK(second.last_readable);
  CHECK(second.last_writable);
  REQUIRE(loop->watch(ends.ours.get(), false, false, second));
  CHECK(idle(*loop));
  CHECK(second.calls == 2);
}

TEST_CASE("a hang-up is told as both readable and writable") {
  const auto loop = make();
  Ends ends;
  Watcher watcher;
  REQUIRE(loop->watch(ends.ours.get(), true, false, watcher));
  ends.theirs = Fd();
  run_turns(*loop, 1);
  CHECK(watcher.last_readable);
  CHECK(watcher.last_writable);
  REQUIRE(loop->watch(ends.ours.get(), false, false, watcher));
}

TEST_CASE("a watch may end, and its descriptor be closed, inside its own callback") {
  const auto loop = make();
  Ends ends;
  Watcher watcher;
  watcher.act = [&] {
    REQUIRE(loop->watch(ends.ours.get(), false, false, watcher));
    ends.ours = Fd();
  };
  REQUIRE(loop->watch(ends.ours.get(), true, false, watcher));
  put(ends.theirs, "x");
  run_turns(*loop, 3);
  CHECK(watcher.calls == 1);
}

TEST_CASE("a watch that ends in another's callback is not told in the same turn") {
  const auto loop = make();
  Ends one;
  Ends other;
  Watcher first;
  Watcher second;
  first.act = [&] { REQUIRE(loop->watch(other.ours.get(), false, false, second)); };
  second.act = [&] { REQUIRE(loop->watch(one.ours.get(), false, false, first)); };
  REQUIRE(loop->watch(one.ours.get(), true, false, first));
  REQUIRE(loop->watch(other.ours.get(), true, false, second));
  put(one.theirs, "x");
  put(other.theirs, "x");
  run_turns(*loop, 1);
  CHECK(first.calls + second.calls == 1);
}

/// A new descriptor under the number of `old`, which it closes: what its owner may get next.
void reuse_number(Fd& old, Fd fresh) {
  const int number = old.get();
  REQUIRE(::dup2(fresh.get(), number) == number);
}

TEST_CASE("a descriptor's number may be closed and watched again in one turn, for someone else") {
  const auto loop = make();
  Ends before;
  Ends other;
  Ends after;
  Watcher old_owner;
  Watcher new_owner;
  Watcher trigger;
  // Whichever of the two is told first: the old owner, or the one who closes under it.
  const auto close_and_reuse = [&] {
    REQUIRE(loop->watch(before.ours.get(), false, false, old_owner));
    reuse_number(before.ours, Fd(::dup(after.ours.get())));
    REQUIRE(loop->watch(before.ours.get(), true, false, new_owner));
    REQUIRE(loop->watch(other.ours.get(), false, false, trigger));
  };
  trigger.act = close_and_reuse;
  old_owner.act = close_and_reuse;
  REQUIRE(loop->watch(other.ours.get(), true, false, trigger));
  REQUIRE(loop->watch(before.ours.get(), true, false, old_owner));
  put(other.theirs, "x");
  put(before.theirs, "x");
  run_turns(*loop, 2);
  CHECK(old_owner.calls + trigger.calls == 1);
  CHECK(new_owner.calls == 0);
  put(after.theirs, "x");
  run_turns(*loop, 1);
  CHECK(new_owner.calls == 1);
  REQUIRE(loop->watch(before.ours.get(), false, false, new_owner));
}

TEST_CASE("watching what cannot be watched is an error that leaves no trace") {
  const auto loop = make();
  Watcher watcher;
  const auto closed = loop->watch(9999, true, false, watcher);
  REQUIRE_FALSE(closed);
  CHECK(closed.error().code.value() == EBADF);
  CHECK(closed.error().message.starts_with("watching a descriptor: "));
  CHECK(loop->watch(9999, false, false, watcher));
}

// -- from owner to owner --

TEST_CASE("what arrives after set_handler is told to the new owner only") {
  Pair pair;
  Recorder next;
  put(pair.peer, "one");
  REQUIRE(run_until(*pair.loop, [&] { return pair.recorder.receives == 1; }));
  pair.loop->set_handler(pair.id, next);
  put(pair.peer, "two");
  ::shutdown(pair.peer.get(), SHUT_WR);
  REQUIRE(run_until(*pair.loop, [&] { return next.ends == 1; }));
  CHECK(pair.recorder.received == "one");
  CHECK(next.received == "two");
  pair.loop->set_handler({}, next);
}

TEST_CASE("a failure that waits to be told goes to the new owner") {
  const auto loop = make();
  base::BufferPool pool;
  Recorder first;
  Recorder second;
  const auto id = loop->connect(endpoint("unix:@walkie-nobody-listens-here"), first);
  REQUIRE(id);
  loop->set_handler(*id, second);
  REQUIRE(run_until(*loop, [&] { return !second.errors.empty(); }));
  CHECK(second.errors[0].value() == ECONNREFUSED);
  CHECK(first.errors.empty());
  loop->release(*id, nothing(pool));
}

TEST_CASE("a socket may be detached inside on_connected and adopted by another owner") {
  struct Handover final : Recorder {
    void on_connected() override { fd = loop->detach(id); }
    Loop* loop = nullptr;
    SocketId id;
    Fd fd;
  };
  const auto loop = make();
  base::BufferPool pool;
  const Listening listener = listening();
  Handover dialler;
  dialler.loop = loop.get();
  const auto id = loop->connect(listener.address, dialler);
  REQUIRE(id);
  dialler.id = *id;
  const Fd peer(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  put(peer, "welcome");
  REQUIRE(run_until(*loop, [&] { return static_cast<bool>(dialler.fd); }));
  CHECK_FALSE(loop->detach(*id));
  put(peer, " to you");
  run_turns(*loop, 3);  // what arrives meanwhile waits in the kernel
  Recorder owner;
  const auto adopted = loop->adopt(std::move(dialler.fd), owner);
  REQUIRE(adopted);
  REQUIRE(run_until(*loop, [&] { return owner.received == "welcome to you"; }));
  CHECK(dialler.receives == 0);
  loop->release(*adopted, nothing(pool));
}

TEST_CASE("a socket that is detached while it connects is closed with its descriptor") {
  const auto loop = make();
  const Listening listener = listening();
  Recorder recorder;
  const auto id = loop->connect(listener.address, recorder);
  REQUIRE(id);
  {
    const Fd dropped = loop->detach(*id);
  }
  run_turns(*loop, 3);
  CHECK(recorder.connects == 0);
  CHECK(recorder.errors.empty());
  CHECK(idle(*loop));
}

// -- inside a foreign loop --

/// What an application's own poll() loop does with ours; false where `done` never comes.
template <class Done>
bool run_foreign(Loop& loop, Done done) {
  for (int round = 0; round < 1000 && !done(); ++round) {
    int wait_ms = 2000;
    if (const auto deadline = loop.timers().next_deadline()) {
      const auto left = *deadline - std::chrono::steady_clock::now();
      const auto ms = std::chrono::ceil<milliseconds>(left).count();
      wait_ms = static_cast<int>(std::clamp<long long>(ms, 0, wait_ms));
    }
    pollfd ours{.fd = loop.descriptor(), .events = POLLIN, .revents = 0};
    const Instant before = std::chrono::steady_clock::now();
    if (::poll(&ours, 1, wait_ms) < 0) return false;
    // Two seconds of silence while we wait for something: the descriptor did not tell.
    if (std::chrono::steady_clock::now() - before >= seconds(2)) return false;
    if (!loop.run_turn(Duration::zero())) return false;
  }
  return done();
}

bool readable_now(int fd) {
  pollfd item{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&item, 1, 0) == 1;
}

TEST_CASE("a foreign poll() loop drives sockets, timers, watches and wake-ups by the descriptor") {
  struct Alarm final : base::Timer {
    void on_timer(Instant) override { ++fired; }
    int fired = 0;
  };
  struct Woken final : TurnHandler {
    void on_wake() override { ++wakes; }
    void on_turn_end() override {}
    int wakes = 0;
  };
  Pair pair;
  Loop& loop = *pair.loop;
  Ends ends;
  Watcher watcher;
  Alarm alarm;
  Woken woken;
  loop.set_turn_handler(&woken);
  watcher.act = [&] { static_cast<void>(get(ends.ours)); };
  REQUIRE(loop.watch(ends.ours.get(), true, false, watcher));
  run_turns(loop, 2);
  CHECK_FALSE(readable_now(loop.descriptor()));

  put(pair.peer, "hello");
  CHECK(readable_now(loop.descriptor()));
  REQUIRE(run_foreign(loop, [&] { return pair.recorder.received == "hello"; }));
  CHECK_FALSE(readable_now(loop.descriptor()));

  loop.timers().arm(alarm, std::chrono::steady_clock::now() + milliseconds(20));
  REQUIRE(run_foreign(loop, [&] { return alarm.fired == 1; }));

  put(ends.theirs, "x");
  REQUIRE(run_foreign(loop, [&] { return watcher.calls == 1; }));

  loop.wake();
  REQUIRE(run_foreign(loop, [&] { return woken.wakes == 1; }));
  CHECK_FALSE(readable_now(loop.descriptor()));
  REQUIRE(loop.watch(ends.ours.get(), false, false, watcher));
  loop.set_turn_handler(nullptr);
}

TEST_CASE("a connect that fails at once, between turns, makes the descriptor readable") {
  const auto loop = make();
  base::BufferPool pool;
  Recorder recorder;
  run_turns(*loop, 1);
  const auto id = loop->connect(endpoint("unix:@walkie-nobody-listens-here"), recorder);
  REQUIRE(id);
  CHECK(recorder.errors.empty());
  CHECK(readable_now(loop->descriptor()));
  REQUIRE(run_foreign(*loop, [&] { return recorder.errors.size() == 1; }));
  CHECK_FALSE(readable_now(loop->descriptor()));
  loop->release(*id, nothing(pool));
}

TEST_CASE("a failure at a turn's end makes the descriptor readable for the next") {
  struct Connector final : TurnHandler {
    void on_wake() override {}
    void on_turn_end() override {
      if (!std::exchange(done, true)) id = *loop->connect(to, *recorder);
    }
    Loop* loop = nullptr;
    Recorder* recorder = nullptr;
    SocketAddress to;
    SocketId id;
    bool done = false;
  };
  const auto loop = make();
  base::BufferPool pool;
  Recorder recorder;
  Connector connector;
  connector.loop = loop.get();
  connector.recorder = &recorder;
  connector.to = endpoint("unix:@walkie-nobody-listens-here");
  loop->set_turn_handler(&connector);
  run_turns(*loop, 1);
  CHECK(recorder.errors.empty());
  REQUIRE(run_foreign(*loop, [&] { return recorder.errors.size() == 1; }));
  loop->release(connector.id, nothing(pool));
}

}  // namespace
}  // namespace walkie::io
