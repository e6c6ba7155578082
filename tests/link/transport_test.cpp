// SPDX-License-Identifier: MIT
// Sockets with and without TLS under the same handler, and every fault in between.
#include <link/transport.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <link/fake_loop.hpp>
#include <link/link_rig.hpp>
#include <tls/tls_rig.hpp>

using namespace walkie;
using namespace walkie::test;
using Log = std::vector<std::string>;

namespace {

/// A transport over the fake loop, whose peer is a filter in memory (or nobody).
class TransportRig final : private link::TransportHandler {
 public:
  TransportRig() { loop.room_ = SIZE_MAX; }

  /// The transport is a server's.
  void adopt_secured() {
    tls.begin();
    peer = std::move(tls.client);
    REQUIRE(transport.adopt(io::Fd(), std::move(tls.server.filter)).has_value());
  }
  /// What the transport wrote goes to the peer, and the peer's answers come back.
  void carry() {
    for (;;) {
      const std::string to_peer = std::exchange(loop.written, {});
      peer.receive(to_peer, SIZE_MAX);
      const std::string to_us = peer.take_output();
      if (to_peer.empty() && to_us.empty()) return;
      if (!to_us.empty()) loop.arrive(to_us);
    }
  }
  void open_secured() {
    adopt_secured();
    carry();
    REQUIRE(log == Log{"secured"});
    log.clear();
  }
  std::size_t send(std::string_view text) {
    const std::array chunks{bytes_of(text)};
    return transport.send(chunks);
  }
  void release(bool reset = false) { transport.release(base::OutputQueue(tls.pool), reset); }

  TlsRig tls;
  FakeLoop loop;
  Side peer;
  Log log;
  std::string plain;
  std::function<void()> on_plain;
  link::Transport transport{loop, *this};

 private:
  void on_received(MutableBytes bytes) override {
    plain += text_of(bytes);
    if (on_plain) on_plain();
  }
  void on_sent(std::size_t bytes) override { log.push_back("sent " + std::to_string(bytes)); }
  void on_end() override { log.emplace_back("end"); }
  void on_error(std::error_code error) override { log.push_back("error " + error.message()); }
  void on_connected() override { log.emplace_back("connected"); }
  void on_secured() override { log.emplace_back("secured"); }
  void on_insecure(std::string_view reason) override {
    log.push_back("insecure: " + std::string(reason));
  }
};

std::function<std::unique_ptr<tls::Filter>(base::BufferPool&)> server_filter(TlsRig& rig) {
  return [&rig](base::BufferPool& pool) {
    rig.begin();
    return std::make_unique<tls::Filter>(rig.server_context, rig.tickets, pool);
  };
}

/// A link under TLS and the peer that talks to it.
struct SecureLink {
  void carry() {
    for (;;) {
      const std::string to_peer = std::exchange(rig.loop.written, {});
      tls.client.receive(to_peer, SIZE_MAX);
      const std::string to_us = tls.client.take_output();
      if (to_peer.empty() && to_us.empty()) return;
      if (!to_us.empty()) rig.loop.arrive(to_us);
    }
  }
  void say(std::string_view text) {
    REQUIRE(tls.client.send(text) == text.size());
    carry();
  }

  TlsRig tls;
  LinkRig rig{server_filter(tls)};
};

}  // namespace

TEST_CASE("a plain transport is told by the loop itself") {
  TransportRig rig;
  REQUIRE(rig.transport.adopt(io::Fd()).has_value());
  CHECK(rig.transport.tls() == nullptr);
  rig.loop.arrive("hello");
  CHECK(rig.plain == "hello");
  rig.loop.room_ = 2;
  CHECK(rig.send("world") == 2);
  CHECK(rig.transport.backlog() == 0);
  rig.loop.make_writable(100);
  rig.loop.end_of_stream();
  rig.transport.shutdown_send();
  CHECK(rig.loop.fin_sent);
  CHECK(rig.log == Log{"sent 0", "end"});
  rig.release();
  CHECK(rig.loop.released);
}

TEST_CASE("a transport under TLS carries plain bytes both ways") {
  TransportRig rig;
  rig.open_secured();
  CHECK(rig.transport.tls()->session().version == "TLSv1.3");
  CHECK(rig.send("hello") == 5);
  CHECK_FALSE(rig.loop.written.contains("hello"));
  rig.carry();
  CHECK(rig.peer.plain == "hello");
  rig.peer.send("world");
  rig.carry();
  CHECK(rig.plain == "world");
  CHECK(rig.log.empty());
}

TEST_CASE("a connection is secured behind a plain conversation, as through a proxy") {
  TransportRig rig;
  rig.tls.begin();
  REQUIRE(rig.transport.connect(io::SocketAddress{}).has_value());
  rig.loop.connected();
  CHECK(rig.send("CONNECT") == 7);
  rig.loop.arrive("200");
  rig.loop.written.clear();
  rig.peer = std::move(rig.tls.server);
  rig.transport.secure(std::move(rig.tls.client.filter));
  CHECK_FALSE(rig.loop.written.empty());
  rig.carry();
  CHECK(rig.log == Log{"connected", "secured"});
  CHECK(rig.send("inside") == 6);
  rig.carry();
  CHECK(rig.peer.plain == "inside");
  CHECK(rig.plain == "200");
}

TEST_CASE("TLS goes inside TLS, as through a proxy that speaks it") {
  TransportRig rig;
  rig.tls.begin();
  Side proxy = std::move(rig.tls.server);
  REQUIRE(rig.transport.adopt(io::Fd(), std::move(rig.tls.client.filter)).has_value());
  rig.tls.begin("127.0.0.1");
  Side server = std::move(rig.tls.server);
  bool inside = false;
  const auto carry = [&] {
    for (;;) {
      const std::string to_proxy = std::exchange(rig.loop.written, {});
      proxy.receive(to_proxy, SIZE_MAX);
      if (inside) {
        server.receive(std::exchange(proxy.plain, {}), SIZE_MAX);
        proxy.send(server.take_output());
      }
      const std::string to_us = proxy.take_output();
      if (to_proxy.empty() && to_us.empty()) return;
      if (!to_us.empty()) rig.loop.arrive(to_us);
    }
  };
  carry();
  CHECK(rig.log == Log{"secured"});
  inside = true;
  rig.transport.secure(std::move(rig.tls.client.filter));
  carry();
  CHECK(rig.log == Log{"secured", "secured"});
  CHECK(rig.send("deep") == 4);
  carry();
  CHECK(server.plain == "deep");
  server.send("answer");
  carry();
  CHECK(rig.plain == "answer");
  rig.transport.shutdown_send();
  carry();
  CHECK(server.log == Log{"opened", "ended"});
  CHECK(proxy.log == Log{"opened", "ended"});
  CHECK(rig.loop.fin_sent);
  rig.release();
}

TEST_CASE("little is encrypted beyond what the socket takes, and on_sent tells when it is gone") {
  TransportRig rig;
  rig.open_secured();
  const std::string large(1 << 20, 'x');
  rig.loop.room_ = 100'000;
  const std::size_t taken = rig.send(large);
  CHECK(taken < large.size());
  CHECK(rig.transport.backlog() > 0);
  CHECK(rig.transport.backlog() <= 81'920);
  CHECK(rig.send("more") == 0);
  rig.loop.make_writable(10);
  CHECK(rig.log.empty());
  rig.loop.make_writable(SIZE_MAX);
  CHECK(rig.log == Log{"sent 0"});
  CHECK(rig.transport.backlog() == 0);
  CHECK(rig.send(std::string_view(large).substr(taken)) == large.size() - taken);
  rig.carry();
  CHECK(rig.peer.plain == large);
}

TEST_CASE("what went in whole but not out is owed an on_sent as well") {
  TransportRig rig;
  rig.open_secured();
  rig.loop.room_ = 3;
  CHECK(rig.send("hello") == 5);
  CHECK(rig.transport.backlog() > 0);
  rig.loop.make_writable(SIZE_MAX);
  CHECK(rig.log == Log{"sent 0"});
  rig.carry();
  CHECK(rig.peer.plain == "hello");
}

TEST_CASE("the end of sending is close_notify and then FIN, behind what waits [RFC 8446 6.1]") {
  TransportRig rig;
  rig.open_secured();
  rig.loop.room_ = 3;
  CHECK(rig.send("hello") == 5);
  rig.transport.shutdown_send();
  CHECK_FALSE(rig.loop.fin_sent);
  rig.loop.make_writable(SIZE_MAX);
  CHECK(rig.loop.fin_sent);
  rig.carry();
  CHECK(rig.peer.plain == "hello");
  CHECK(rig.peer.log == Log{"opened", "ended"});
}

TEST_CASE("after the peer's close_notify what is sent still goes out") {
  TransportRig rig;
  rig.open_secured();
  rig.peer.filter->shutdown();
  rig.carry();
  CHECK(rig.log == Log{"end"});
  CHECK(rig.send("farewell") == 8);
  rig.carry();
  CHECK(rig.peer.plain == "farewell");
  rig.loop.end_of_stream();
  CHECK(rig.log == Log{"end"});
}

TEST_CASE("an end without close_notify is an end, and known to who asks") {
  TransportRig rig;
  rig.open_secured();
  rig.peer.send("half");
  rig.carry();
  rig.loop.end_of_stream();
  CHECK(rig.plain == "half");
  CHECK(rig.log == Log{"end"});
  CHECK(rig.transport.tls()->failure() == tls::Failure::cut);
}

TEST_CASE("an end in the handshake is a failure of TLS") {
  TransportRig rig;
  rig.adopt_secured();
  rig.loop.end_of_stream();
  CHECK(rig.log == Log{"insecure: the peer ended the connection in the TLS handshake"});
}

TEST_CASE("a broken socket is an error, in the handshake and after") {
  for (const bool open : {false, true}) {
    TransportRig rig;
    if (open)
      rig.open_secured();
    else
      rig.adopt_secured();
    rig.loop.break_socket();
    CHECK(rig.log == Log{"error Connection reset by peer"});
    rig.release();
    CHECK(rig.loop.released);
  }
}

TEST_CASE("a corrupted record is told once, with the alert written before") {
  TransportRig rig;
  rig.open_secured();
  rig.peer.send("hello");
  std::string wire = rig.peer.take_output();
  wire.back() = static_cast<char>(wire.back() ^ 1);
  rig.loop.arrive(wire);
  CHECK(rig.log == Log{"insecure: a record was changed on its way"});
  CHECK_FALSE(rig.loop.written.empty());
  CHECK(rig.send("more") == 0);
  rig.loop.arrive(wire);
  rig.transport.shutdown_send();
  CHECK(rig.loop.fin_sent);
  rig.carry();
  CHECK(rig.peer.failure == tls::Failure::alert);
  rig.loop.end_of_stream();
  CHECK(rig.log.size() == 2);
  CHECK(rig.log.back() == "end");
}

TEST_CASE("a handler may release the transport while it is told") {
  TransportRig rig;
  rig.open_secured();
  rig.on_plain = [&rig] { rig.release(); };
  rig.peer.send("one");
  rig.peer.filter->shutdown();
  rig.carry();
  CHECK(rig.plain == "one");
  CHECK(rig.log.empty());
  CHECK(rig.loop.released);
  CHECK(rig.peer.log == Log{"opened", "ended"});
}

TEST_CASE("a release with RST says no farewell") {
  TransportRig rig;
  rig.open_secured();
  rig.release(true);
  CHECK(rig.loop.written.empty());
  CHECK(rig.loop.reset);
}

TEST_CASE("a handler's wish to receive reaches the loop") {
  TransportRig rig;
  rig.open_secured();
  rig.transport.set_receiving(false);
  CHECK_FALSE(rig.loop.receiving());
  rig.transport.set_receiving(true);
  CHECK(rig.loop.receiving());
}

TEST_CASE("a socket that takes one byte at a time shakes hands and carries data") {
  TransportRig rig;
  rig.loop.room_ = 1;
  rig.adopt_secured();
  const auto trickle = [&rig] {
    for (int i = 0; i < 20'000; ++i) {
      rig.peer.receive(std::exchange(rig.loop.written, {}), SIZE_MAX);
      if (const std::string bytes = rig.peer.take_output(); !bytes.empty()) rig.loop.arrive(bytes);
      rig.loop.make_writable(1);
      if (rig.loop.written.empty() && rig.transport.backlog() == 0) break;
    }
  };
  trickle();
  REQUIRE(rig.log == Log{"secured"});
  CHECK(rig.send("hello") == 5);
  trickle();
  CHECK(rig.peer.plain == "hello");
  CHECK(rig.log == Log{"secured", "sent 0"});
}

// -- the server's link over it --

TEST_CASE("a WebSocket lives under TLS, from the upgrade to the lingering close") {
  SecureLink secure;
  secure.carry();
  CHECK(secure.rig.log == Log{"secured"});
  secure.say(kUpgradeRequest);
  CHECK(secure.tls.client.plain.starts_with("HTTP/1.1 101 "));
  secure.tls.client.plain.clear();
  secure.say(client_frame(1, "hi"));
  CHECK(secure.tls.client.plain == "\x81\x02hi");
  CHECK(secure.rig.counters.queued_bytes.get() == 0);
  secure.say(client_frame(8, "\x03\xe8"));
  CHECK(secure.tls.client.plain == "\x81\x02hi\x88\x02\x03\xe8");
  CHECK(secure.tls.client.log == Log{"opened", "ended"});
  CHECK(secure.rig.loop.fin_sent);
  secure.tls.client.filter->shutdown();
  secure.carry();
  CHECK(secure.rig.log == Log{"secured", "request /ws", "message hi", "closed 1000", "released"});
}

TEST_CASE("a slow reader's queue counts what is encrypted, and drains once") {
  SecureLink secure;
  secure.carry();
  secure.say(kUpgradeRequest);
  secure.rig.drains = 0;
  secure.rig.loop.room_ = 10;
  secure.rig.echo = false;
  const std::string large(30'000, 'x');
  secure.rig.link.websocket()->send(MessageKind::binary, bytes_of(large));
  secure.rig.link.mark_dirty();
  secure.rig.loop.end_turn();
  CHECK(secure.rig.link.queued_bytes() > 20'000);
  CHECK(secure.rig.counters.queued_bytes.get() == secure.rig.link.queued_bytes());
  CHECK(secure.rig.drains == 0);
  secure.rig.loop.make_writable(SIZE_MAX);
  CHECK(secure.rig.drains == 1);
  CHECK(secure.rig.counters.queued_bytes.get() == 0);
}

TEST_CASE("a TLS handshake that takes too long ends with a reset") {
  SecureLink secure;
  secure.rig.loop.pass(secure.rig.http_options.head_timeout + std::chrono::milliseconds(20));
  CHECK(secure.rig.log == Log{"insecure timeout: the TLS handshake took too long", "released"});
  CHECK(secure.rig.loop.reset);
}

TEST_CASE("the head has its own time after the TLS handshake") {
  SecureLink secure;
  const Duration most = secure.rig.http_options.head_timeout - std::chrono::milliseconds(100);
  secure.rig.loop.pass(most);
  secure.carry();
  secure.rig.loop.pass(most);
  secure.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(secure.tls.client.plain.starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("plain HTTP on a TLS link gets its 400 before the connection ends") {
  SecureLink secure;
  secure.rig.loop.arrive("GET / HTTP/1.1\r\n\r\n");
  CHECK(secure.rig.log == Log{"insecure plain_http: the client speaks plain HTTP to a TLS port"});
  CHECK(secure.rig.loop.written.starts_with("HTTP/1.1 400 Bad Request\r\n"));
  CHECK(secure.rig.loop.fin_sent);
  secure.rig.loop.end_of_stream();
  CHECK(secure.rig.log.back() == "released");
}

TEST_CASE("a WebSocket whose TLS fails ends with 1006") {
  SecureLink secure;
  secure.carry();
  secure.say(kUpgradeRequest);
  secure.rig.log.clear();
  secure.rig.loop.arrive(std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x'));
  CHECK(secure.rig.log ==
        Log{"insecure corrupted: a record was changed on its way", "closed 1006"});
  secure.rig.loop.pass(std::chrono::seconds(3));
  CHECK(secure.rig.log.back() == "released");
}

TEST_CASE("a socket that breaks in the handshake is a failure of TLS") {
  SecureLink secure;
  secure.rig.loop.break_socket();
  CHECK(secure.rig.log == Log{"insecure reset: Connection reset by peer", "released"});
}

TEST_CASE("a stop ends a link in its TLS handshake") {
  SecureLink secure;
  secure.rig.link.finish_http();
  CHECK(secure.rig.log == Log{"released"});
}
