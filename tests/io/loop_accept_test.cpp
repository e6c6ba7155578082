// SPDX-License-Identifier: MIT
// Listeners on the loop: bounded turns, want of descriptors, shards that share a port.
#include <io/loop.hpp>

#include <cerrno>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <io/loop_fixture.hpp>

namespace walkie::io {
namespace {

TEST_CASE("loop accepts no more per turn than it was told to, where it asks for each") {
  const auto loop = make({.accepts_per_turn_max = 2});
  if (loop->backend() != "epoll") return;  // io_uring accepts by itself
  Listening listener = listening();
  Acceptor acceptor;
  REQUIRE(loop->listen(std::move(listener.fd), acceptor));
  std::vector<Fd> clients;
  for (int i = 0; i < 5; ++i) clients.push_back(dial(listener.address));
  for (const std::size_t accepted : {2U, 4U, 5U, 5U}) {
    REQUIRE(loop->run_turn(milliseconds(1)));
    CHECK(acceptor.fds.size() == accepted);
  }
}

TEST_CASE("a listener may be stopped while it tells, and frees its port") {
  const auto loop = make();
  Listening listener = listening();
  Acceptor acceptor;
  const auto id = loop->listen(std::move(listener.fd), acceptor);
  REQUIRE(id);
  acceptor.act = [&] { loop->stop_listening(*id); };
  const Fd first = dial(listener.address);
  const Fd second = dial(listener.address);
  run_turns(*loop, 3);
  CHECK(acceptor.fds.size() == 1);
  loop->stop_listening(*id);
  CHECK(listen_on(listener.address, {}));
}

/// Has a listener fail for another reason: a socket that never listened.
void fail_to_accept_once() {
  const auto loop = make();
  Acceptor acceptor;
  REQUIRE(loop->listen(Fd(::socket(AF_INET, SOCK_STREAM, 0)), acceptor));
  REQUIRE(run_until(*loop, [&] { return !acceptor.failures.empty(); }, 20));
  CHECK(acceptor.failures[0] == std::errc::invalid_argument);
  CHECK(idle(*loop));
}

TEST_CASE("a socket that does not listen is told as failing and does not make the loop spin") {
  fail_to_accept_once();
}

/// Lets the process open no further descriptor while it lives.
class NoMoreDescriptors {
 public:
  NoMoreDescriptors() {
    // UBSan opens a pipe when it meets a dynamic type first: let it meet those of this path now.
    fail_to_accept_once();
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int lowest_free = ::dup(0);
    REQUIRE(lowest_free >= 0);
    ::close(lowest_free);
    rlimit none = before_;
    none.rlim_cur = static_cast<rlim_t>(lowest_free);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &none) == 0);
  }
  ~NoMoreDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }
  NoMoreDescriptors(const NoMoreDescriptors&) = delete;
  NoMoreDescriptors& operator=(const NoMoreDescriptors&) = delete;

 private:
  rlimit before_{};
};

TEST_CASE(
    "without descriptors the listener says so, pauses, does not spin, and goes on by itself") {
  const auto loop = make();
  Listening listener = listening();
  Acceptor acceptor;
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  {
    const NoMoreDescriptors limit;
    REQUIRE(loop->listen(std::move(listener.fd), acceptor));
    run_turns(*loop, 2);
    CHECK(acceptor.failures.empty());  // nobody was turned away yet
    connect_to(client, listener.address);
    REQUIRE(run_until(*loop, [&] { return acceptor.failures.size() == 3; }, 20));
    CHECK(acceptor.failures[0] == std::errc::too_many_files_open);
    CHECK(acceptor.fds.empty());
    CHECK(idle(*loop));
  }
  REQUIRE(run_until(*loop, [&] { return acceptor.fds.size() == 1; }, 20));
}

TEST_CASE("a paused listener may be stopped") {
  const auto loop = make();
  Listening listener = listening();
  Acceptor acceptor;
  SocketId id;
  const Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  {
    const NoMoreDescriptors limit;
    const auto listens = loop->listen(std::move(listener.fd), acceptor);
    REQUIRE(listens);
    id = *listens;
    connect_to(client, listener.address);
    REQUIRE(run_until(*loop, [&] { return !acceptor.failures.empty(); }, 20));
  }
  loop->stop_listening(id);
  CHECK(loop->timers().size() == 0);
}

TEST_CASE("two shards on one port both get connections") {
  const auto first_fd = [] { return listening("127.0.0.1:0"); };
  Listening first = first_fd();
  auto second_fd = listen_on(first.address, {.exclusive = false});
  REQUIRE(second_fd);
  const auto loop = make();
  Acceptor acceptors[2];
  REQUIRE(loop->listen(std::move(first.fd), acceptors[0]));
  REQUIRE(loop->listen(std::move(*second_fd), acceptors[1]));
  std::vector<Fd> clients;
  for (int i = 0; i < 100; ++i) clients.push_back(dial(first.address));
  REQUIRE(
      run_until(*loop, [&] { return acceptors[0].fds.size() + acceptors[1].fds.size() == 100; }));
  CHECK(acceptors[0].fds.size() > 10);
  CHECK(acceptors[1].fds.size() > 10);
}

TEST_CASE("two loops share a duplicated unix listener") {
  Listening listener = listening("unix:@walkie-accept-test-shared");
  Fd duplicate(::dup(listener.fd.get()));
  const auto first = make();
  const auto second = make();
  Acceptor acceptors[2];
  const auto id = first->listen(std::move(listener.fd), acceptors[0]);
  REQUIRE(id);
  REQUIRE(second->listen(std::move(duplicate), acceptors[1]));
  const Fd one = dial(listener.address);
  REQUIRE(run_until(*first, [&] { return acceptors[0].fds.size() == 1; }));
  CHECK(acceptors[0].peers[0].host() == "unix");
  first->stop_listening(*id);
  const Fd two = dial(listener.address);
  CHECK(idle(*first));
  REQUIRE(run_until(*second, [&] { return acceptors[1].fds.size() == 1; }));
}

}  // namespace
}  // namespace walkie::io
