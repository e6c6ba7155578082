// SPDX-License-Identifier: MIT
// Clients and servers that mean them harm: each ends with the right fault or close code, in time,
// and with memory bounded.
#include <walkie/client.hpp>

#include <zlib.h>

#include <chrono>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>

#include <pair/hostile_server.hpp>
#include <pair/rig.hpp>

namespace walkie::test {
namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20;
constexpr std::size_t kSocketBytes =
    12 * kMiB;  ///< What kernels hold between two sockets, at most.

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kMemoryTells = false;
#elif defined(__has_feature)
constexpr bool kMemoryTells = !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer);
#else
constexpr bool kMemoryTells = true;
#endif

/// What this process holds in memory.
std::size_t resident_bytes() {
  std::size_t pages = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// A client's one attempt; the fault it ended with, or how its connection did.
struct Outcome {
  std::optional<ConnectError> error;
  bool opened = false;
  CloseCode code = CloseCode::no_status;
  std::string reason;
  std::string clause;
  std::size_t grown_bytes = 0;  ///< At the end, or at the most while open.
  std::chrono::milliseconds took{0};
};

Outcome attempt(const HostileServer& server, ClientOptions options = {},
                std::string_view scheme = "ws") {
  Outcome outcome;
  options.on_open = [&](Client&, const Opened&) { outcome.opened = true; };
  options.on_state = [&](Client&, const StateChange& change) {
    if (change.error != nullptr) outcome.error = *change.error;
  };
  options.on_close = [&](Client&, const CloseInfo& close) {
    outcome.code = close.code;
    outcome.reason = close.reason;
    outcome.clause = close.clause;
  };
  const std::size_t before = resident_bytes();
  const auto began = std::chrono::steady_clock::now();
  Client client(server.url(scheme), std::move(options));
  while (!client.wait_closed(10ms) && std::chrono::steady_clock::now() - began < 20s) {
    const std::size_t now = resident_bytes();
    outcome.grown_bytes = std::max(outcome.grown_bytes, now > before ? now - before : 0);
  }
  outcome.took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - began);
  CHECK(client.state() == ClientState::closed);
  return outcome;
}

/// Checks that an attempt never opened, and why.
void check_fault(const Outcome& outcome, ConnectFault fault, std::string_view told) {
  CHECK(!outcome.opened);
  REQUIRE(outcome.error.has_value());
  CAPTURE(outcome.error->message);
  CHECK(outcome.error->fault == fault);
  CHECK(outcome.error->message.contains(told));
  CHECK(!outcome.error->message.contains('\n'));
  if (kMemoryTells) CHECK(outcome.grown_bytes < 8 * kMiB);
}

/// Checks that a connection opened, and how it ended.
void check_end(const Outcome& outcome, CloseCode code, std::string_view clause) {
  CHECK(outcome.opened);
  CAPTURE(outcome.reason);
  CHECK(outcome.code == code);
  CHECK(outcome.clause == clause);
}

/// Of the masked Close frame at the front of `bytes`; 0 where there is none.
unsigned close_code_of(std::string_view bytes) {
  const auto octet = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  if (bytes.size() < 8 || octet(0) != 0x88) return 0;
  return (octet(6) ^ octet(2)) * 256U + (octet(7) ^ octet(3));
}

std::string deflated(std::string_view text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&stream, Z_SYNC_FLUSH) == Z_OK);
  out.resize(stream.total_out - 4);  // without 00 00 ff ff (RFC 7692 §7.2.1)
  deflateEnd(&stream);
  return out;
}

constexpr std::string_view kDeflateAgreed = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

// -- before the WebSocket is open --

TEST_CASE("client gives up on an answer whose head never ends [RFC 9112 3]") {
  std::size_t sent = 0;
  HostileServer server([&](HostilePeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 101 Switching Protocols\r\n");
    sent = peer.send_endlessly("X-Filler: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n");
  });
  check_fault(attempt(server), ConnectFault::protocol, "the head is too large");
  REQUIRE(server.wait_served(1));
  CHECK(sent < kSocketBytes);
}

TEST_CASE("client gives up on a status line that never ends [RFC 9112 4]") {
  HostileServer server([](HostilePeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 101 ");
    peer.send_endlessly("y");
  });
  check_fault(attempt(server), ConnectFault::protocol, "too large");
}

TEST_CASE("client gives up on interim answers without end [RFC 9110 15.2]") {
  HostileServer server([](HostilePeer& peer) {
    peer.read_request();
    peer.send_endlessly("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
  });
  check_fault(attempt(server), ConnectFault::protocol, "too many interim answers");
}

TEST_CASE("client keeps the start of a rejection's body, however long that is") {
  for (const std::string_view framing :
       {"Content-Length: 100000000000\r\n\r\n", "Connection: close\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nfffffffff\r\n"}) {
    CAPTURE(framing);
    HostileServer server([&](HostilePeer& peer) {
      peer.read_request();
      peer.send("HTTP/1.1 403 Forbidden\r\n");
      peer.send(framing);
      peer.send_endlessly("no ");
    });
    const Outcome outcome = attempt(server);
    check_fault(outcome, ConnectFault::rejected, "403");
    REQUIRE(outcome.error->answer.has_value());
    CHECK(outcome.error->answer->body.size() == ClientOptions{}.reject_body_bytes_max);
    CHECK(outcome.error->answer->body.starts_with("no no "));
  }
}

TEST_CASE("client leaves a loop of redirects at the limit") {
  HostileServer server([](HostilePeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
  });
  check_fault(attempt(server), ConnectFault::redirect, "5 redirects are the limit");
  CHECK(server.accepted() == 6);
}

TEST_CASE("client follows a redirect that came before its request was read to the end") {
  EchoServer target;
  target.start();
  HostileServer server([&](HostilePeer& peer) {
    peer.read_some();
    peer.send("HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target.url("/echo") +
              "\r\n\r\n");
    peer.wait_for_end();
  });
  Journal story;
  ClientOptions options = storied(story);
  options.dial.handshake_timeout = 5s;
  options.headers = {{"Authorization", std::string(2 * kSocketBytes, 'x')}};  // left behind
  const Client client(server.url(), std::move(options));
  CHECK(story.wait_for("state "));
  for (int i = 0; i < 1000 && client.state() == ClientState::connecting; ++i)
    std::this_thread::sleep_for(10ms);
  CHECK(client.state() == ClientState::open);
}

TEST_CASE("client counts redirects and slow answers together against its overall deadline") {
  HostileServer server([](HostilePeer& peer) {
    peer.read_request();
    std::this_thread::sleep_for(60ms);
    peer.send("HTTP/1.1 307 Temporary Redirect\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n");
  });
  const Outcome outcome =
      attempt(server, {.dial = {.overall_timeout = 250ms, .redirects_max = 1000}});
  check_fault(outcome, ConnectFault::timeout, "took longer than 250 ms in all");
  CHECK(outcome.took < 2s);
}

TEST_CASE("client bounds a handshake that drips, and one that never comes") {
  struct Case {
    std::string_view name;
    void (*script)(HostilePeer&);
  };
  constexpr Case kCases[] = {
      {"head drips",
       [](HostilePeer& peer) {
         peer.read_request();
         peer.drip("HTTP/1.1 101 Switching Protocols\r\nX: " + std::string(1000, 'y'), 20ms);
       }},
      {"body of a rejection drips",
       [](HostilePeer& peer) {
         peer.read_request();
         peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 1000\r\n\r\n");
         peer.drip(std::string(1000, 'n'), 20ms);
       }},
      {"silence", [](HostilePeer& peer) { peer.wait_for_end(); }},
  };
  for (const Case& each : kCases) {
    CAPTURE(each.name);
    HostileServer server(each.script);
    const Outcome outcome = attempt(server, {.dial = {.handshake_timeout = 200ms}});
    check_fault(outcome, ConnectFault::timeout, "did not answer the handshake within 200 ms");
    CHECK(outcome.took >= 200ms);
    CHECK(outcome.took < 2s);
  }
}

TEST_CASE("client that wants TLS bounds a peer that is silent, and names one that babbles") {
  HostileServer silent([](HostilePeer& peer) { peer.wait_for_end(); });
  check_fault(attempt(silent, {.dial = {.tls_timeout = 200ms}}, "wss"), ConnectFault::timeout,
              "the TLS handshake with 127.0.0.1");
  HostileServer babbling([](HostilePeer& peer) { peer.send_endlessly("SSH-2.0-OpenSSH\r\n"); });
  check_fault(attempt(babbling, {}, "wss"), ConnectFault::tls, "does not speak TLS");
  // A record that says it is 16 kB of handshake, again and again, with a message of 16 MB in them.
  HostileServer endless([](HostilePeer& peer) {
    std::string record("\x16\x03\x03\x40\x00", 5);
    record.append("\x02\xff\xff\xff", 4).append(16380, 'x');
    peer.send_endlessly(record);
  });
  check_fault(attempt(endless, {}, "wss"), ConnectFault::tls, "TLS");
}

TEST_CASE("client refuses each answer that is no handshake, and quotes the clause [RFC 6455 4.1]") {
  struct Case {
    std::string_view answer;
    std::string_view clause;
  };
  constexpr Case kCases[] = {
      {"\x15\x03\x01\x02\x02\x46 a TLS alert", "RFC 9112"},
      {"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "RFC 6455 §4.1"},
      {"HTTP/1.1 101 \r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
       "RFC 6455 §4.1"},
      {"HTTP/1.1 101 \r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "RFC 6455 §4.1"},
      {"HTTP/1.1 101 \r\nA: b\r\n folded\r\n\r\n", "RFC 9112"},
      {"HTTP/1.1 101 \r\nA: b\x01\r\n\r\n", "RFC 9110"},
  };
  for (const Case& each : kCases) {
    CAPTURE(each.answer);
    HostileServer server([&](HostilePeer& peer) {
      peer.read_request();
      peer.send(each.answer);
      peer.wait_for_end();
    });
    const Outcome outcome = attempt(server);
    check_fault(outcome, ConnectFault::protocol, "127.0.0.1");
    CHECK(outcome.error->clause.starts_with(each.clause));
  }
}

TEST_CASE("client refuses an extension or a subprotocol that it did not offer [RFC 6455 4.1]") {
  for (const std::string_view field :
       {"Sec-WebSocket-Protocol: chat\r\n", "Sec-WebSocket-Extensions: permessage-bzip2\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99\r\n"}) {
    CAPTURE(field);
    HostileServer server([&](HostilePeer& peer) {
      peer.upgrade(field);
      peer.wait_for_end();
    });
    check_fault(attempt(server), ConnectFault::protocol, "the server's handshake is broken");
  }
}

TEST_CASE("client tells an end, and a reset, in the middle of the handshake") {
  HostileServer ending([](HostilePeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgr");
  });
  check_fault(attempt(ending), ConnectFault::ended, "the connection ended before the answer");
  HostileServer resetting([](HostilePeer& peer) {
    peer.read_request();
    peer.reset();
  });
  check_fault(attempt(resetting), ConnectFault::ended, "reset");
  HostileServer leaving([](HostilePeer& peer) { peer.read_some(); });
  check_fault(attempt(leaving, {}, "wss"), ConnectFault::ended, "TLS with 127.0.0.1");
}

TEST_CASE("client writes no bytes of the server's raw into its message") {
  HostileServer server([](HostilePeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 403 \x1b[31mred\x1b[0m\x9b\r\nContent-Length: 0\r\n\r\n");
  });
  const Outcome outcome = attempt(server);
  REQUIRE(outcome.error.has_value());
  for (const char c : outcome.error->message) CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("client that goes by a proxy bounds what the proxy sends") {
  HostileServer endless([](HostilePeer& peer) {
    peer.read_request();
    peer.send_endlessly("HTTP/1.1 100 Continue\r\n\r\n");
  });
  HostileServer babbling([](HostilePeer& peer) {
    peer.read_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\nbytes before the client's");
    peer.wait_for_end();
  });
  HostileServer dripping([](HostilePeer& peer) { peer.drip("\x05", 20ms), peer.wait_for_end(); });
  const auto through = [](const HostileServer& proxy, std::string_view scheme) {
    ClientOptions options;
    options.dial.proxy = proxy.url(scheme);
    options.dial.handshake_timeout = 200ms;
    return options;
  };
  check_fault(attempt(endless, through(endless, "http")), ConnectFault::proxy, "interim");
  check_fault(attempt(babbling, through(babbling, "http")), ConnectFault::proxy,
              "bytes that nobody had asked for");
  check_fault(attempt(dripping, through(dripping, "socks5")), ConnectFault::timeout,
              "did not answer within 200 ms");
}

// -- once it is open --

/// What a server sends behind its handshake, and how the client must end.
struct Bytes101 {
  std::string_view name;
  std::string bytes;
  CloseCode code;
  std::string_view clause;
  std::string_view fields = {};
};

TEST_CASE("client fails each violation of a server with its code [RFC 6455 7.1.7]") {
  const Bytes101 cases[] = {
      {"garbage", "\xff\xff\xff\xff garbage", CloseCode::protocol_error, "RFC 6455 §5.2"},
      {"HTTP again", "HTTP/1.1 200 OK\r\n\r\n", CloseCode::protocol_error, "RFC 6455 §5.2"},
      {"masked", server_frame(0x81, "hello", true), CloseCode::protocol_error, "RFC 6455 §5.1"},
      {"masked Ping", server_frame(0x89, "", true), CloseCode::protocol_error, "RFC 6455 §5.1"},
      {"RSV1 without an extension", server_frame(0xc1, "x"), CloseCode::protocol_error,
       "RFC 6455 §5.2"},
      {"opcode 3", server_frame(0x83, ""), CloseCode::protocol_error, "RFC 6455 §5.2"},
      {"continuation of nothing", server_frame(0x80, "x"), CloseCode::protocol_error,
       "RFC 6455 §5.4"},
      {"Ping of 126 bytes", server_frame(0x89, std::string(126, 'p')), CloseCode::protocol_error,
       "RFC 6455 §5.5"},
      {"fragmented Close", server_frame(0x08, ""), CloseCode::protocol_error, "RFC 6455 §5.5"},
      {"long length for a short one", std::string("\x81\x7e\x00\x05hello", 9),
       CloseCode::protocol_error, "RFC 6455 §5.2"},
      {"length of 2^63", std::string("\x82\x7f\x80\0\0\0\0\0\0\0", 10), CloseCode::protocol_error,
       "RFC 6455 §5.2"},
      {"length of 2^62", std::string("\x82\x7f\x40\0\0\0\0\0\0\0", 10), CloseCode::message_too_big,
       "RFC 6455 §10.4"},
      {"text that is not UTF-8", server_frame(0x81, "\xc3\x28"), CloseCode::invalid_payload,
       "RFC 6455 §8.1"},
      {"Close of one byte", server_frame(0x88, "x"), CloseCode::protocol_error, "RFC 6455 §5.5.1"},
      {"Close with 1006", server_frame(0x88, "\x03\xee"), CloseCode::protocol_error,
       "RFC 6455 §7.4"},
      {"not deflate", server_frame(0xc1, "\xff\xff\xff"), CloseCode::invalid_payload,
       "RFC 7692 §7.2.2", kDeflateAgreed},
  };
  for (const Bytes101& each : cases) {
    CAPTURE(each.name);
    std::string answer;
    HostileServer server([&](HostilePeer& peer) {
      peer.upgrade(each.fields, each.bytes);
      answer = peer.read_to_end();
    });
    const Outcome outcome = attempt(server);
    check_end(outcome, each.code, each.clause);
    REQUIRE(server.wait_served(1));
    CHECK(close_code_of(answer) == static_cast<unsigned>(each.code));
  }
}

TEST_CASE("client stops a compression bomb at the limit, and holds no more [RFC 7692 8]") {
  // 64 MiB of zeros are some 64 kB: 1000 times smaller.
  const std::string bomb = server_frame(0xc2, deflated(std::string(64 * kMiB, '\0')));
  REQUIRE(bomb.size() < 200'000);
  HostileServer server([&](HostilePeer& peer) {
    peer.upgrade(kDeflateAgreed, bomb);
    peer.read_to_end();
  });
  const Outcome outcome = attempt(server, {.message_bytes_max = kMiB});
  check_end(outcome, CloseCode::message_too_big, "RFC 6455 §10.4");
  if (kMemoryTells) CHECK(outcome.grown_bytes < 16 * kMiB);
}

TEST_CASE("client bounds a message of fragments without end, and of empty ones [RFC 6455 10.4]") {
  HostileServer server([](HostilePeer& peer) {
    peer.upgrade({}, server_frame(0x02, ""));
    peer.send_endlessly(server_frame(0x00, ""));
  });
  check_end(attempt(server), CloseCode::policy_violation, "RFC 6455 §10.4");
  HostileServer large([](HostilePeer& peer) {
    peer.upgrade({}, server_frame(0x02, ""));
    peer.send_endlessly(server_frame(0x00, std::string(65536, 'x')));
  });
  const Outcome outcome = attempt(large);
  check_end(outcome, CloseCode::message_too_big, "RFC 6455 §10.4");
  if (kMemoryTells) CHECK(outcome.grown_bytes < 64 * kMiB);
}

TEST_CASE("client bounds the time that one message takes") {
  HostileServer server([](HostilePeer& peer) {
    peer.upgrade({}, "\x82\x7e\x40\x00");
    peer.drip(std::string(16384, 'x'), 20ms);
  });
  const Outcome outcome =
      attempt(server, {.message_timeout = 200ms, .ping_interval = 50ms, .pong_timeout = 100ms});
  check_end(outcome, CloseCode::policy_violation, "RFC 6455 §7.4.1");
  CHECK(outcome.took < 2s);
}

TEST_CASE("client's memory is bounded where a server pings without end and never reads") {
  std::size_t sent = 0;
  HostileServer server([&](HostilePeer& peer) {
    peer.upgrade();
    sent = peer.send_endlessly(server_frame(0x89, std::string(125, 'p')), 64 * kMiB);
  });
  const Outcome outcome = attempt(server, {.ping_interval = 0ms});
  REQUIRE(server.wait_served(1));
  CHECK(sent > 32 * kMiB);
  check_end(outcome, CloseCode::abnormal, "RFC 6455 §7.1.5");
  if (kMemoryTells) CHECK(outcome.grown_bytes < 16 * kMiB);
}

TEST_CASE("client that does not read is sent a million tiny frames, and holds the server back") {
  constexpr std::size_t kFrames = 1'000'000;
  std::atomic<std::size_t> sent{0};
  HostileServer server([&](HostilePeer& peer) {
    peer.upgrade();
    std::string thousand;
    for (int i = 0; i < 1000; ++i) thousand += server_frame(0x82, "x");
    // A message's worth of padding in front makes it more than all sockets hold.
    const std::string padding = server_frame(0x82, std::string(kMiB, 'p'));
    for (std::size_t i = 0; i < 32 && peer.send(padding); ++i) sent += padding.size();
    for (std::size_t i = 0; i < kFrames / 1000 && peer.send(thousand); ++i) sent += thousand.size();
    peer.send(server_frame(0x88, "\x03\xe8"));
    peer.read_to_end();
  });
  std::atomic<std::size_t> tiny{0};
  Journal story;
  ClientOptions options = storied(story, {.ping_interval = 20ms, .pong_timeout = 20ms});
  options.on_open = [](Client& client, const Opened&) { client.set_receiving(false); };
  options.on_message = [&](Client&, MessageView message) { tiny += message.size() == 1 ? 1U : 0U; };
  const std::size_t before = resident_bytes();
  Client client(server.url(), std::move(options));
  std::size_t stalled = 0;
  for (std::size_t last = 1; stalled < 20; last = sent) {  // 200 ms without progress
    std::this_thread::sleep_for(10ms);
    stalled = sent == last ? stalled + 1 : 0;
  }
  CHECK(sent < 32 * kMiB);
  CHECK(tiny == 0);
  if (kMemoryTells) CHECK(resident_bytes() < before + 16 * kMiB);
  CHECK(client.state() == ClientState::open);
  client.set_receiving(true);
  CHECK(client.wait_closed(20s));
  CHECK(tiny == kFrames);
  CHECK(story.count("close 1000") == 1);
}

TEST_CASE("client that is never read from refuses to queue beyond its limit, and closes in time") {
  HostileServer server([](HostilePeer& peer) {
    peer.upgrade();
    peer.wait_for_end();
  });
  Journal story;
  Client client(server.url(), storied(story, {.close_timeout = 200ms,
                                              .queue_bytes_max = 4 * kMiB,
                                              .unconfirmed = Unconfirmed::report}));
  REQUIRE(story.wait_for("state open"));
  const std::string large(64 << 10, 'x');
  SendStatus status = SendStatus::queued;
  std::size_t taken = 0;
  const auto began = std::chrono::steady_clock::now();
  while (status != SendStatus::overflow && std::chrono::steady_clock::now() - began < 10s) {
    status = client.send(large);
    if (status == SendStatus::queued) ++taken;
  }
  CHECK(status == SendStatus::overflow);
  CHECK(client.queued_bytes() <= 4 * kMiB);
  client.close();
  CHECK(client.wait_closed(3s));
  CHECK(story.count("close 1006 the server takes no more bytes") == 1);
  CHECK(story.count("undelivered") == taken);  // none was confirmed: all are accounted for
}

TEST_CASE("client whose server ignores its Close gives up in time [RFC 6455 7.1.1]") {
  HostileServer server([](HostilePeer& peer) {
    peer.upgrade();
    peer.send_endlessly(server_frame(0x82, "still here"));
  });
  Journal story;
  Client client(server.url(), storied(story, {.close_timeout = 200ms}));
  REQUIRE(story.wait_for("state open"));
  client.close();
  CHECK(client.wait_closed(3s));
  CHECK(story.count("close 1006") == 1);
}

TEST_CASE("client that is destroyed leaves with 1001, whatever its server still sends") {
  std::string answer;
  HostileServer server([&](HostilePeer& peer) {
    peer.upgrade(kDeflateAgreed);
    const std::string packed = deflated("still here");
    for (int i = 0; i < 10; ++i) {
      peer.send(server_frame(0xc1, packed) + server_frame(0x89, "p"));
      std::this_thread::sleep_for(10ms);
    }
    peer.send(server_frame(0x88, "\x03\xe9"));
    answer = peer.read_to_end();
  });
  ClientLoop loop;
  loop.start_thread();
  {
    Journal story;
    const Client client(loop, server.url(), storied(story));
    REQUIRE(story.wait_for("message still here"));
  }
  REQUIRE(server.wait_served(1));
  REQUIRE(answer.size() >= 8);
  CHECK(close_code_of(answer.substr(answer.size() - 8)) == 1001);
}

TEST_CASE("client takes what comes right behind the handshake, and behind a Close nothing") {
  HostileServer server([](HostilePeer& peer) {
    peer.upgrade({}, server_frame(0x81, "first") + server_frame(0x88, "\x03\xe9") +
                         server_frame(0x81, "last"));
    peer.read_to_end();
  });
  Journal story;
  Client client(server.url(), storied(story));
  CHECK(client.wait_closed(5s));
  CHECK(story.count("message first") == 1);
  CHECK(story.count("message last") == 0);
  CHECK(story.count("close 1001") == 1);
}

}  // namespace
}  // namespace walkie::test
