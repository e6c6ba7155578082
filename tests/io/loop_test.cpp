// SPDX-License-Identifier: MIT
// Sockets on the loop: what owners are told when peers send, stall, end and break.
#include <io/loop.hpp>

#include <array>
#include <cerrno>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <doctest/doctest.h>
#include <io/loop_fixture.hpp>

namespace walkie::io {
namespace {

TEST_CASE("loop accepts, receives, echoes and is told of the peer's end") {
  const auto loop = make();
  if (test::backend() == Backend::epoll) CHECK(loop->backend() == "epoll");
  if (test::backend() == Backend::uring) CHECK(loop->backend() == "io_uring");
  base::BufferPool pool;
  Listening listener = listening();
  Acceptor acceptor;
  const auto listener_id = loop->listen(std::move(listener.fd), acceptor);
  REQUIRE(listener_id);
  Fd client = dial(listener.address);
  REQUIRE(run_until(*loop, [&] { return !acceptor.fds.empty(); }));
  CHECK(acceptor.peers[0].host() == "127.0.0.1");
  CHECK(acceptor.peers[0].port() != 0);

  Recorder recorder;
  const auto id = loop->adopt(std::move(acceptor.fds[0]), recorder);
  REQUIRE(id);
  std::string echo;
  recorder.act_on_received = [&](MutableBytes bytes) {
    echo = text_of(bytes);  // a loop may keep what is sent
    CHECK(send_text(*loop, *id, echo) == (loop->keeps_chunks() ? 0 : echo.size()));
  };
  put(client, "hello");
  REQUIRE(run_until(*loop, [&] { return recorder.receives == 1; }));
  run_turns(*loop, 1);
  CHECK(get(client) == "hello");

  ::shutdown(client.get(), SHUT_WR);
  REQUIRE(run_until(*loop, [&] { return recorder.ends == 1; }));
  send_whole(*loop, *id, recorder, "after the end");
  CHECK(get(client) == "after the end");
  loop->release(*id, nothing(pool));
  run_turns(*loop, 1);
  CHECK(get(client).empty());
  CHECK(recorder.errors.empty());
}

TEST_CASE("adopting a TCP socket turns its delay off, and sets its mode to what the loop needs") {
  const auto loop = make();
  base::BufferPool pool;
  const Listening listener = listening();
  const Fd client = dial(listener.address);
  Fd accepted(::accept(listener.fd.get(), nullptr, nullptr));
  const int number = accepted.get();
  Recorder recorder;
  const auto id = loop->adopt(std::move(accepted), recorder);
  REQUIRE(id);
  int no_delay = 0;
  socklen_t length = sizeof no_delay;
  REQUIRE(::getsockopt(number, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length) == 0);
  CHECK(no_delay != 0);
  CHECK(((::fcntl(number, F_GETFL) & O_NONBLOCK) == 0) == loop->keeps_chunks());
}

TEST_CASE("loop receives into its own buffer, however small, and nothing is lost") {
  Pair pair({.receive_buffer_bytes = 4});
  put(pair.peer, "hello world");
  int turns = 0;
  while (pair.recorder.received.size() < 11 && ++turns < 10) {
    REQUIRE(pair.loop->run_turn(seconds(1)));
    if (!pair.loop->keeps_chunks()) CHECK(pair.recorder.receives == turns);
  }
  CHECK(pair.recorder.received == "hello world");
  if (!pair.loop->keeps_chunks()) CHECK(turns == 3);
  CHECK(pair.recorder.receives > 1);
}

TEST_CASE("loop writes many chunks in order") {
  Pair pair;
  std::string expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 1000; ++i) texts.push_back(std::to_string(i) + ",");
  std::vector<BytesView> chunks;
  for (const std::string& text : texts) {
    expected += text;
    chunks.push_back(bytes_of(text));
  }
  std::size_t written = 0;
  const auto go_on = [&](std::size_t bytes) {
    written += bytes;
    std::size_t skipped = 0;
    std::size_t first = 0;
    while (first < chunks.size() && skipped + chunks[first].size() <= written)
      skipped += chunks[first++].size();
    CHECK(skipped == written);  // a socket with room takes whole chunks here
    written += pair.loop->send(pair.id, std::span(chunks).subspan(first));
  };
  pair.recorder.act_on_sent = go_on;
  go_on(0);
  REQUIRE(run_until(*pair.loop, [&] { return written == expected.size(); }, 100));
  std::string received;
  while (received.size() < expected.size()) received += get(pair.peer);
  CHECK(received == expected);
}

/// Keeps a queue flowing as a link does.
struct Sender {
  explicit Sender(Pair& on) : pair(on), queue(on.pool) {
    pair.recorder.act_on_sent = [this](std::size_t bytes) {
      queue.consume(bytes);
      flush();
    };
  }
  void flush() {
    while (!queue.empty()) {
      std::array<BytesView, 16> views;
      const std::size_t count = queue.gather(views);
      std::size_t offered = 0;
      for (std::size_t i = 0; i < count; ++i) offered += views[i].size();
      const std::size_t written = pair.loop->send(pair.id, std::span(views).first(count));
      queue.consume(written);
      if (written < offered) return;
    }
  }
  Pair& pair;
  base::OutputQueue queue;
};

std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>('a' + i * 7 % 26);
  return text;
}

/// Reads what there is without blocking, so that the loop can go on writing.
bool drain(const Fd& peer, std::string& received) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::recv(peer.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count > 0) received.append(buffer.data(), static_cast<std::size_t>(count));
  return count == 0;
}

TEST_CASE(
    "a full socket takes a part; the rest goes on when it is writable, and then it is quiet") {
  for (const std::string_view where : {"127.0.0.1:0", "unix:@walkie-loop-test-full"}) {
    CAPTURE(where);
    Pair pair({}, where);
    Sender sender(pair);
    const std::string all = pattern(20'000'000);
    sender.queue.append(bytes_of(all));
    sender.flush();
    REQUIRE_FALSE(sender.queue.empty());
    CHECK(send_text(*pair.loop, pair.id, "too early") == 0);
    run_turns(*pair.loop, 20);
    CHECK(idle(*pair.loop));
    if (!pair.loop->keeps_chunks()) CHECK(pair.recorder.sent_calls == 0);
    REQUIRE_FALSE(sender.queue.empty());
    std::string received;
    REQUIRE(run_until(*pair.loop, [&] {
      while (received.size() < all.size()) {
        const std::size_t before = received.size();
        drain(pair.peer, received);
        if (received.size() == before) break;
      }
      return received.size() == all.size();
    }));
    CHECK(received == all);
    CHECK(pair.recorder.sent_calls > 0);
    CHECK(idle(*pair.loop));
    CHECK(pair.recorder.errors.empty());
  }
}

TEST_CASE("after the peer's FIN what is queued still goes out") {
  Pair pair;
  Sender sender(pair);
  const std::string all = pattern(10'000'000);
  sender.queue.append(bytes_of(all));
  sender.flush();
  put(pair.peer, "bye");
  ::shutdown(pair.peer.get(), SHUT_WR);
  REQUIRE(run_until(*pair.loop, [&] { return pair.recorder.ends == 1; }));
  CHECK(pair.recorder.received == "bye");
  run_turns(*pair.loop, 20);
  CHECK(idle(*pair.loop));  // a FIN that was told does not make the loop spin
  std::string received;
  bool ended = false;
  REQUIRE(run_until(*pair.loop, [&] {
    if (sender.queue.empty()) pair.loop->shutdown_send(pair.id);
    for (int i = 0; i < 1000 && !ended; ++i) ended = drain(pair.peer, received);
    return ended || received.size() == all.size();
  }));
  CHECK(received == all);
  CHECK(pair.recorder.ends == 1);
  CHECK(pair.recorder.errors.empty());
}

TEST_CASE("a connection that both sides have ended is quiet until it is released") {
  Pair pair;
  pair.loop->shutdown_send(pair.id);
  ::shutdown(pair.peer.get(), SHUT_WR);
  REQUIRE(run_until(*pair.loop, [&] { return pair.recorder.ends == 1; }));
  CHECK(idle(*pair.loop));
  pair.loop->set_receiving(pair.id, false);
  pair.loop->set_receiving(pair.id, true);
  CHECK(idle(*pair.loop));
  CHECK(pair.recorder.ends == 1);
  CHECK(pair.recorder.errors.empty());
}

TEST_CASE("a reset is told once, whether receiving or not, and does not spin") {
  for (const bool receiving : {true, false}) {
    CAPTURE(receiving);
    Pair pair;
    pair.loop->set_receiving(pair.id, receiving);
    reset_and_close(std::move(pair.peer));
    REQUIRE(run_until(*pair.loop, [&] { return !pair.recorder.errors.empty(); }));
    CHECK(pair.recorder.errors[0] == std::errc::connection_reset);
    CHECK(idle(*pair.loop));
    CHECK(pair.recorder.errors.size() == 1);
    CHECK(pair.recorder.ends == 0);
    CHECK(send_text(*pair.loop, pair.id, "dead") == 0);
    pair.loop->shutdown_send(pair.id);
    pair.loop->set_receiving(pair.id, !receiving);
    CHECK(idle(*pair.loop));
    CHECK(pair.recorder.errors.size() == 1);
  }
}

TEST_CASE("a send to a broken socket returns 0 and the error is told later, without waiting") {
  Pair pair;
  reset_and_close(std::move(pair.peer));
  CHECK(send_text(*pair.loop, pair.id, "to nobody") == 0);
  CHECK(pair.recorder.errors.empty());
  REQUIRE(pair.loop->run_turn(seconds(60)));
  REQUIRE(pair.recorder.errors.size() == 1);
  CHECK(pair.recorder.errors[0] == std::errc::connection_reset);
}

TEST_CASE("a send after shutdown_send is a broken pipe, told later, and no signal") {
  Pair pair;
  pair.loop->shutdown_send(pair.id);
  CHECK(send_text(*pair.loop, pair.id, "more") == 0);
  REQUIRE(pair.loop->run_turn(seconds(60)));
  REQUIRE(pair.recorder.errors.size() == 1);
  CHECK(pair.recorder.errors[0] == std::errc::broken_pipe);
}

TEST_CASE("a unix peer that goes away while output waits ends in an error, not in silence") {
  Pair pair({}, "unix:@walkie-loop-test-gone");
  Sender sender(pair);
  sender.queue.append(bytes_of(pattern(10'000'000)));
  pair.loop->set_receiving(pair.id, false);
  sender.flush();
  pair.peer = Fd();
  REQUIRE(run_until(*pair.loop, [&] { return !pair.recorder.errors.empty(); }));
  CHECK(idle(*pair.loop));
  CHECK(pair.recorder.errors.size() == 1);
}

TEST_CASE("while receiving is stopped nothing comes; resumed, everything does, the end included") {
  for (const std::string_view where : {"127.0.0.1:0", "unix:@walkie-loop-test-pause"}) {
    CAPTURE(where);
    Pair pair({}, where);
    pair.loop->set_receiving(pair.id, false);
    put(pair.peer, "held back");
    pair.peer = Fd();
    CHECK(idle(*pair.loop));
    CHECK(pair.recorder.receives == 0);
    CHECK(pair.recorder.ends == 0);
    pair.loop->set_receiving(pair.id, true);
    REQUIRE(run_until(*pair.loop, [&] { return pair.recorder.ends == 1; }));
    CHECK(pair.recorder.received == "held back");
    CHECK(pair.recorder.errors.empty());
  }
}

TEST_CASE("an owner may stop receiving while it is being told of bytes") {
  Pair pair({.receive_buffer_bytes = 2});
  pair.recorder.act_on_received = [&](MutableBytes) { pair.loop->set_receiving(pair.id, false); };
  put(pair.peer, "abcdef");
  REQUIRE(run_until(*pair.loop, [&] { return pair.recorder.receives == 1; }));
  CHECK(idle(*pair.loop));
  // io_uring has two buffers of 4 bytes; what else it read is held.
  CHECK(pair.recorder.received == (pair.loop->keeps_chunks() ? "abcd" : "ab"));
  pair.recorder.act_on_received = nullptr;
  pair.loop->set_receiving(pair.id, true);
  REQUIRE(run_until(*pair.loop, [&] { return pair.recorder.received.size() == 6; }, 10));
  CHECK(pair.recorder.received == "abcdef");
}

TEST_CASE("release ends with FIN, or with RST where asked") {
  Pair gentle;
  gentle.release();
  run_turns(*gentle.loop, 1);
  CHECK(get(gentle.peer).empty());

  Pair harsh;
  harsh.release(true);
  run_turns(*harsh.loop, 1);
  char byte = 0;
  CHECK(::recv(harsh.peer.get(), &byte, 1, 0) == -1);
  CHECK(errno == ECONNRESET);
}

TEST_CASE("release frees the output it was handed") {
  Pair pair;
  base::OutputQueue queue(pair.pool);
  queue.append(bytes_of("in flight"));
  pair.loop->release(pair.id, std::move(queue));
  run_turns(*pair.loop, 1);
  CHECK(pair.pool.lent_bytes() == 0);
}

TEST_CASE("every call with a stale id is ignored") {
  Pair pair;
  const SocketId stale = pair.id;
  pair.release();
  CHECK(send_text(*pair.loop, stale, "x") == 0);
  pair.loop->set_receiving(stale, false);
  pair.loop->shutdown_send(stale);
  pair.loop->release(stale, nothing(pair.pool));
  pair.loop->stop_listening(stale);
  CHECK(idle(*pair.loop));
}

TEST_CASE("an owner may release itself while it is being told") {
  Pair pair;
  pair.recorder.act_on_received = [&](MutableBytes) { pair.release(); };
  put(pair.peer, "x");
  ::shutdown(pair.peer.get(), SHUT_WR);
  REQUIRE(run_until(*pair.loop, [&] { return pair.recorder.receives == 1; }));
  CHECK(idle(*pair.loop));
  CHECK(pair.recorder.ends == 0);
}

TEST_CASE("a socket released by another's owner in the same turn is told nothing any more") {
  base::BufferPool pool;
  const auto loop = make();
  const Listening listener = listening();
  Recorder recorders[2];
  Recorder late;
  Fd peers[2];
  SocketId ids[2];
  for (int i = 0; i < 2; ++i) {
    peers[i] = dial(listener.address);
    auto id = loop->adopt(Fd(::accept(listener.fd.get(), nullptr, nullptr)), recorders[i]);
    REQUIRE(id);
    ids[i] = *id;
  }
  const Fd late_peer = dial(listener.address);
  // The newcomer gets the released socket's slot, and may get its descriptor.
  for (int i = 0; i < 2; ++i) {
    recorders[i].act_on_received = [&, other = 1 - i](MutableBytes) {
      loop->release(ids[other], nothing(pool));
      REQUIRE(loop->adopt(Fd(::accept(listener.fd.get(), nullptr, nullptr)), late));
    };
  }
  put(peers[0], "x");
  put(peers[1], "x");
  run_turns(*loop, 3);
  CHECK(recorders[0].receives + recorders[1].receives == 1);
  CHECK(late.receives == 0);
  CHECK(late.errors.empty());
}

TEST_CASE("a socket found broken by a send earlier in the turn is told of the error only, once") {
  base::BufferPool pool;
  const auto loop = make();
  const Listening listener = listening();
  Recorder recorders[2];
  Fd peers[2];
  SocketId ids[2];
  for (std::size_t i = 0; i < 2; ++i) {
    peers[i] = dial(listener.address);
    const auto id = loop->adopt(Fd(::accept(listener.fd.get(), nullptr, nullptr)), recorders[i]);
    REQUIRE(id);
    ids[i] = *id;
  }
  recorders[0].act_on_received = [&](MutableBytes) {
    CHECK(send_text(*loop, ids[1], "x") == 0);
    CHECK(recorders[1].errors.empty());
  };
  put(peers[0], "x");
  reset_and_close(std::move(peers[1]));
  run_turns(*loop, 3);
  CHECK(recorders[1].errors.size() == 1);
  CHECK(recorders[1].ends == 0);
}

// -- connecting --

TEST_CASE("connect is told of its success and then carries bytes both ways") {
  for (const std::string_view where :
       {"127.0.0.1:0", "[::1]:0", "unix:@walkie-loop-test-connect"}) {
    CAPTURE(where);
    if (parse_endpoint("localhost:0")->size() == 1 && where.starts_with('[')) continue;
    const auto loop = make();
    base::BufferPool pool;
    const Listening listener = listening(where);
    Recorder recorder;
    const auto id = loop->connect(listener.address, recorder, nullptr);
    REQUIRE(id);
    CHECK(recorder.connects == 0);
    REQUIRE(run_until(*loop, [&] { return recorder.connects == 1; }));
    const Fd peer(::accept(listener.fd.get(), nullptr, nullptr));
    REQUIRE(peer);
    send_whole(*loop, *id, recorder, "ping");
    CHECK(get(peer) == "ping");
    put(peer, "pong");
    REQUIRE(run_until(*loop, [&] { return recorder.received == "pong"; }));
    CHECK(idle(*loop));
    CHECK(recorder.connects == 1);
    CHECK(recorder.errors.empty());
  }
}

TEST_CASE("a refused connection is told as an error, not from inside connect") {
  SocketAddress nobody;
  SUBCASE("TCP") {
    nobody = listening().address;  // the listener is gone at once
  }
  SUBCASE("unix") { nobody = endpoint("unix:@walkie-loop-test-nobody"); }
  const auto loop = make();
  Recorder recorder;
  const auto id = loop->connect(nobody, recorder, nullptr);
  REQUIRE(id);
  CHECK(recorder.errors.empty());
  REQUIRE(run_until(*loop, [&] { return !recorder.errors.empty(); }));
  CHECK(recorder.errors[0] == std::errc::connection_refused);
  CHECK(recorder.connects == 0);
  CHECK(idle(*loop));
}

TEST_CASE("connect binds the local address where one is given") {
  const auto loop = make();
  const Listening listener = listening();
  Recorder recorder;
  const SocketAddress local = endpoint("127.0.0.2:0");
  REQUIRE(loop->connect(listener.address, recorder, &local));
  REQUIRE(run_until(*loop, [&] { return recorder.connects == 1; }));
  SocketAddress peer;
  peer.length = sizeof peer.storage;
  const Fd accepted(
      ::accept(listener.fd.get(), reinterpret_cast<sockaddr*>(&peer.storage), &peer.length));
  CHECK(peer.host() == "127.0.0.2");
}

TEST_CASE("connect from an address that is not ours fails at once and names it") {
  const auto loop = make();
  Recorder recorder;
  const SocketAddress local = endpoint("192.0.2.1:0");
  const auto id = loop->connect(endpoint("127.0.0.1:1"), recorder, &local);
  REQUIRE_FALSE(id);
  CHECK(id.error().message == "binding 192.0.2.1:0: Cannot assign requested address");
}

TEST_CASE("a send before the connection stands is taken up by on_sent") {
  const auto loop = make();
  const Listening listener = listening();
  Recorder recorder;
  const auto id = loop->connect(listener.address, recorder, nullptr);
  REQUIRE(id);
  CHECK(send_text(*loop, *id, "early") == 0);
  REQUIRE(run_until(*loop, [&] { return recorder.sent_calls == 1; }));
  CHECK(recorder.connects == 1);
  send_whole(*loop, *id, recorder, "early");
}

TEST_CASE("a socket released while it connects is told nothing") {
  const auto loop = make();
  base::BufferPool pool;
  const Listening listener = listening();
  Recorder recorder;
  const auto id = loop->connect(listener.address, recorder, nullptr);
  REQUIRE(id);
  loop->release(*id, nothing(pool));
  run_turns(*loop, 3);
  CHECK(recorder.connects == 0);
  CHECK(recorder.errors.empty());
}

}  // namespace
}  // namespace walkie::io
