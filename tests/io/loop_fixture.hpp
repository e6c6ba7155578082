// SPDX-License-Identifier: MIT
// Real sockets for the loop's tests: owners that write down what they are told, and the blocking
// other ends. Turns run until a condition holds, at most so many.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <io/loop.hpp>
#include <support/backend.hpp>

namespace walkie::io {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// Of the backend that WALKIE_TEST_IO names.
inline std::unique_ptr<Loop> make(LoopOptions options = {}) {
  options.one_thread = false;  // tests also call between turns
  auto loop = make_loop(test::backend(), options);
  REQUIRE_MESSAGE(loop, (loop ? "" : loop.error().message));
  return std::move(*loop);
}

/// Runs turns until `done`; false where it never is. A turn waits a second at most.
template <class Done>
bool run_until(Loop& loop, Done done, int turns_max = 5000) {
  for (int turn = 0; turn < turns_max && !done(); ++turn)
    if (!loop.run_turn(seconds(1))) return false;
  return done();
}

/// Whether a turn waits its time out and tells nothing: that the loop does not spin. Of a few turns
/// one: a timer that is far off may end a wait early to be sorted anew.
inline bool idle(Loop& loop) {
  for (int i = 0; i < 3; ++i) REQUIRE(loop.run_turn(Duration::zero()));
  for (int i = 0; i < 3; ++i) {
    const Instant before = std::chrono::steady_clock::now();
    REQUIRE(loop.run_turn(milliseconds(5)));
    if (std::chrono::steady_clock::now() - before >= milliseconds(5)) return true;
  }
  return false;
}

/// Runs `turns` turns that do not wait.
inline void run_turns(Loop& loop, int turns) {
  for (int i = 0; i < turns; ++i) REQUIRE(loop.run_turn(Duration::zero()));
}

/// Writes down what it is told; `act` may do more.
struct Recorder : SocketHandler {
  std::string received;
  int receives = 0;
  int sent_calls = 0;
  std::size_t sent_bytes = 0;
  int ends = 0;
  int connects = 0;
  std::vector<std::error_code> errors;
  std::function<void(MutableBytes)> act_on_received;
  std::function<void(std::size_t)> act_on_sent;

  void on_received(MutableBytes bytes) override {
    received += text_of(bytes);
    ++receives;
    if (act_on_received) act_on_received(bytes);
  }
  void on_sent(std::size_t bytes) override {
    ++sent_calls;
    sent_bytes += bytes;
    if (act_on_sent) act_on_sent(bytes);
  }
  void on_end() override { ++ends; }
  void on_error(std::error_code error) override { errors.push_back(error); }
  void on_connected() override { ++connects; }
};

struct Acceptor : AcceptHandler {
  std::vector<Fd> fds;
  std::vector<SocketAddress> peers;
  std::vector<std::error_code> failures;
  std::function<void()> act;

  void on_accepted(Fd fd, const SocketAddress& peer) override {
    fds.push_back(std::move(fd));
    peers.push_back(peer);
    if (act) act();
  }
  void on_accept_failed(std::error_code error) override { failures.push_back(error); }
};

inline SocketAddress endpoint(std::string_view text) {
  auto addresses = parse_endpoint(text);
  REQUIRE(addresses);
  return addresses->front();
}

struct Listening {
  Fd fd;
  SocketAddress address;
};

inline Listening listening(std::string_view text = "127.0.0.1:0") {
  auto fd = listen_on(endpoint(text), {});
  REQUIRE(fd);
  auto address = local_address(*fd);
  REQUIRE(address);
  return {std::move(*fd), *address};
}

inline void connect_to(const Fd& fd, const SocketAddress& to) {
  REQUIRE(fd);
  REQUIRE(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length) == 0);
}

/// A plain blocking client, the other end of what the loop does.
inline Fd dial(const SocketAddress& to) {
  Fd fd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  connect_to(fd, to);
  return fd;
}

inline void put(const Fd& fd, std::string_view text) {
  REQUIRE(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size()));
}

/// What one read gives; waits for it.
inline std::string get(const Fd& fd) {
  std::array<char, 65536> buffer;
  const ssize_t received = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
  return received > 0 ? std::string(buffer.data(), static_cast<std::size_t>(received)) : "";
}

inline void reset_and_close(Fd fd) {
  constexpr linger kAbort{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &kAbort, sizeof kAbort);
}

inline std::size_t send_text(Loop& loop, SocketId id, std::string_view text) {
  const BytesView chunk = bytes_of(text);
  return loop.send(id, {&chunk, 1});
}

/// Sends what fits into the socket, at once or with the turns that follow.
inline void send_whole(Loop& loop, SocketId id, Recorder& recorder, std::string_view text) {
  const std::size_t before = recorder.sent_bytes;
  const std::size_t at_once = send_text(loop, id, text);
  CHECK((loop.keeps_chunks() || at_once == text.size()));
  REQUIRE(
      run_until(loop, [&] { return at_once + recorder.sent_bytes - before == text.size(); }, 10));
}

inline base::OutputQueue nothing(base::BufferPool& pool) { return base::OutputQueue(pool); }

/// A loop with one adopted TCP socket, and the blocking end of it.
struct Pair {
  base::BufferPool pool;
  std::unique_ptr<Loop> loop;
  Recorder recorder;
  Fd peer;
  SocketId id;

  explicit Pair(const LoopOptions& options = {}, std::string_view where = "127.0.0.1:0")
      : loop(make(options)) {
    const Listening listener = listening(where);
    peer = dial(listener.address);
    Fd accepted(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(accepted);
    auto adopted = loop->adopt(std::move(accepted), recorder);
    REQUIRE(adopted);
    id = *adopted;
  }
  void release(bool abort = false) { loop->release(id, nothing(pool), abort); }
};

}  // namespace walkie::io
