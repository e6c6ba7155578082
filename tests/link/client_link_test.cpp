// SPDX-License-Identifier: MIT
// A client's link over a loop without sockets: scripts of what arrives, with failures at each step.
#include <link/client_link.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <link/fake_loop.hpp>

namespace walkie::test {
namespace {

using namespace std::chrono_literals;

/// Zero, so that payloads read as they are.
class ZeroKeys final : public proto::MaskKeySource {
 public:
  proto::MaskKey next() noexcept override { return {}; }
};

std::string server_frame(unsigned opcode, std::string_view payload, bool fin = true) {
  std::string frame;
  frame += static_cast<char>((fin ? 0x80U : 0U) | opcode);
  if (payload.size() < 126) {
    frame += static_cast<char>(payload.size());
  } else {
    frame += static_cast<char>(126);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 0xFF);
  }
  return frame.append(payload);
}

std::string client_frame_of(unsigned opcode, std::string_view payload) {
  std::string frame{static_cast<char>(0x80U | opcode), static_cast<char>(0x80U | payload.size())};
  return frame.append(4, '\0').append(payload);
}

std::string close_payload(unsigned code) {
  return {static_cast<char>(code >> 8), static_cast<char>(code & 0xFF)};
}

class ClientLinkRig final : private link::ClientLinkHandler,
                            private link::TransportHandler,
                            private io::TurnHandler {
 public:
  explicit ClientLinkRig(link::KeepaliveOptions heartbeat = {0ns, 0ns, 0ns}, bool trace = false)
      : keepalive(heartbeat) {
    loop.set_turn_handler(this);
    auto transport =
        std::make_unique<link::Transport>(loop, static_cast<link::TransportHandler&>(*this));
    REQUIRE(transport->adopt(io::Fd()).has_value());
    link = std::make_unique<link::ClientLink>(context, static_cast<link::ClientLinkHandler&>(*this),
                                              std::move(transport),
                                              link::ClientLinkSetup{options, keepalive, {}, trace});
    link->start({});
  }
  ~ClientLinkRig() {
    if (!link->released()) link->abort();
  }

  proto::ConnectionOptions options{};
  link::KeepaliveOptions keepalive;
  base::BufferPool buffers;
  proto::DeflatePool deflate;
  ZeroKeys keys;
  std::vector<link::ClientLink*> dirty;
  FakeLoop loop;
  link::ClientLinkContext context{
      .loop = loop,
      .resources = {.buffers = buffers, .deflate = deflate, .mask_keys = &keys},
      .dirty = dirty};
  std::unique_ptr<link::ClientLink> link;
  std::vector<std::string> log;
  int drains = 0;

  void send(std::string_view text) {
    link->websocket().send(MessageKind::text, bytes_of(text));
    link->mark_dirty();
    loop.end_turn();
  }
  void close(CloseCode code) {
    link->websocket().close(code, {}, loop.now());
    link->mark_dirty();
    loop.end_turn();
  }

 private:
  void on_event(const proto::Event& event) override {
    const std::string payload(text_of(event.payload));
    if (event.kind == proto::EventKind::message) log.push_back("message " + payload);
    if (event.kind == proto::EventKind::pong) log.push_back("pong");
    if (event.kind == proto::EventKind::closed)
      log.push_back("closed " + std::to_string(static_cast<unsigned>(event.code)) +
                    (event.clean ? " clean" : ""));
  }
  void on_drain() override { ++drains; }
  void on_frame(const link::SeenFrame& frame, bool sent) override {
    log.push_back((sent ? "sent " : "got ") +
                  std::to_string(static_cast<unsigned>(frame.header.opcode)));
  }
  void on_released() override { log.push_back("released"); }
  void on_insecure(std::string_view) override {}
  void on_received(MutableBytes) override {}
  void on_sent(std::size_t) override {}
  void on_end() override {}
  void on_error(std::error_code) override {}
  void on_wake() override {}
  void on_turn_end() override {
    std::vector<link::ClientLink*> round;
    round.swap(dirty);
    for (link::ClientLink* one : round) one->service();
  }
};

using Lines = std::vector<std::string>;

TEST_CASE("client link masks what it sends and hands on what arrives [RFC 6455 5.1]") {
  ClientLinkRig rig;
  rig.send("hi");
  CHECK(rig.loop.written == client_frame_of(1, "hi"));
  rig.loop.arrive(server_frame(1, "yo"));
  CHECK(rig.log == Lines{"message yo"});
}

TEST_CASE("client link leaves the FIN to the server after a clean close [RFC 6455 7.1.1]") {
  ClientLinkRig rig;
  rig.close(CloseCode::normal);
  CHECK(rig.loop.written == client_frame_of(8, close_payload(1000)));
  rig.loop.arrive(server_frame(8, close_payload(1000)));
  CHECK(rig.log == Lines{"closed 1000 clean"});
  CHECK_FALSE(rig.loop.fin_sent);
  rig.loop.end_of_stream();
  CHECK(rig.log == Lines{"closed 1000 clean", "released"});
  CHECK_FALSE(rig.loop.reset);
}

TEST_CASE("client link waits for a server that keeps the transport open, but not for ever") {
  ClientLinkRig rig;
  rig.close(CloseCode::normal);
  rig.loop.arrive(server_frame(8, close_payload(1000)));
  rig.loop.pass(1900ms);
  CHECK_FALSE(rig.loop.released);
  rig.loop.pass(200ms);
  CHECK(rig.loop.released);
}

TEST_CASE("client link answers the server's Close and ends with its code [RFC 6455 5.5.1]") {
  ClientLinkRig rig;
  rig.loop.arrive(server_frame(8, close_payload(1012)));
  CHECK(rig.loop.written == client_frame_of(8, close_payload(1012)));
  CHECK(rig.log == Lines{"closed 1012 clean"});
}

TEST_CASE("client link fails a masked frame with 1002 and sends its FIN [RFC 6455 5.1]") {
  ClientLinkRig rig;
  rig.loop.arrive(client_frame_of(1, "hi"));
  CHECK(rig.log == Lines{"closed 1002"});
  CHECK(rig.loop.fin_sent);
  CHECK(rig.loop.written.substr(6, 2) == close_payload(1002));
}

TEST_CASE("client link whose server vanishes ends with 1006") {
  for (const bool reset : {false, true}) {
    ClientLinkRig rig;
    reset ? rig.loop.break_socket() : rig.loop.end_of_stream();
    CHECK(rig.log == Lines{"closed 1006", "released"});
    CHECK(rig.link->transport_fault().empty() == !reset);
  }
}

TEST_CASE("client link goes on with a send that the socket took in part") {
  ClientLinkRig rig;
  rig.loop.room_ = 3;
  rig.send("hello");
  CHECK(rig.loop.written.size() == 3);
  CHECK(rig.drains == 0);
  rig.loop.make_writable(SIZE_MAX);
  CHECK(rig.loop.written == client_frame_of(1, "hello"));
  CHECK(rig.drains == 1);
}

TEST_CASE("client link resets a server that takes no bytes of its Close") {
  ClientLinkRig rig;
  rig.loop.room_ = 0;
  rig.loop.arrive(client_frame_of(1, "hi"));  // a violation
  CHECK(rig.log == Lines{"closed 1002"});
  rig.loop.pass(11s);
  CHECK(rig.loop.released);
  CHECK(rig.loop.reset);
}

TEST_CASE("client link pings when all is silent, and ends with 1006 where no answer comes") {
  ClientLinkRig rig({1s, 500ms, 0ns});
  rig.loop.pass(1001ms);
  CHECK(rig.loop.written.size() == 14);  // a masked Ping of 8 bytes
  SUBCASE("answered") {
    rig.loop.arrive(server_frame(10, std::string_view(rig.loop.written).substr(6)));
    rig.loop.pass(600ms);
    CHECK(rig.log == Lines{"pong"});
    CHECK(rig.link->keepalive().round_trip().has_value());
  }
  SUBCASE("silent") {
    rig.loop.pass(501ms);
    CHECK(rig.log == Lines{"closed 1006", "released"});
  }
  SUBCASE("not reading: silence proves nothing") {
    rig.link->set_receiving(false);
    rig.loop.pass(600ms);
    rig.loop.pass(600ms);
    CHECK(rig.log.empty());
    CHECK_FALSE(rig.loop.receiving());
  }
}

TEST_CASE("client link that must prove to be alive ends unless something arrives") {
  for (const bool alive : {true, false}) {
    ClientLinkRig rig;
    rig.link->prove_alive(2s);
    rig.loop.end_turn();
    CHECK(rig.loop.written.size() == 14);
    if (alive) rig.loop.arrive(server_frame(1, "x"));
    rig.loop.pass(2001ms);
    CHECK(rig.loop.released == !alive);
  }
}

TEST_CASE("client link that must make progress ends where the server takes nothing for so long") {
  ClientLinkRig rig;
  rig.loop.room_ = 3;
  rig.send("hello");
  rig.link->require_progress(1s);
  SUBCASE("nothing") {
    rig.loop.pass(999ms);
    CHECK(rig.log.empty());
    rig.loop.pass(2ms);
    CHECK(rig.log == Lines{"closed 1006", "released"});
    CHECK(rig.loop.reset);
  }
  SUBCASE("a little") {
    rig.loop.pass(900ms);
    rig.loop.make_writable(1);
    rig.loop.pass(900ms);
    CHECK(rig.log.empty());
    rig.loop.pass(101ms);
    CHECK(rig.log == Lines{"closed 1006", "released"});
  }
  SUBCASE("all") {
    rig.loop.make_writable(SIZE_MAX);
    rig.loop.pass(5s);
    CHECK(rig.log.empty());
  }
}

TEST_CASE("client link shows its frames where tracing was asked for") {
  ClientLinkRig rig({0ns, 0ns, 0ns}, true);
  rig.send("hi");
  rig.loop.arrive(server_frame(1, "yo") + server_frame(9, "p"));
  CHECK(rig.log == Lines{"sent 1", "got 1", "got 9", "message yo", "sent 10"});
}

TEST_CASE("client link holds together whatever fails at each step of a conversation") {
  const std::vector<std::function<void(ClientLinkRig&)>> steps{
      [](ClientLinkRig& rig) { rig.send("one"); },
      [](ClientLinkRig& rig) { rig.loop.arrive(server_frame(1, "two", false)); },
      [](ClientLinkRig& rig) { rig.loop.arrive(server_frame(9, "ping")); },
      [](ClientLinkRig& rig) { rig.loop.arrive(server_frame(0, "three")); },
      [](ClientLinkRig& rig) { rig.close(CloseCode::normal); },
      [](ClientLinkRig& rig) { rig.loop.arrive(server_frame(8, close_payload(1000))); },
      [](ClientLinkRig& rig) { rig.loop.pass(3s); }};
  const std::vector<std::function<void(ClientLinkRig&)>> failures{
      [](ClientLinkRig& rig) { rig.loop.break_socket(); },
      [](ClientLinkRig& rig) { rig.loop.end_of_stream(); },
      [](ClientLinkRig& rig) { rig.loop.room_ = 0; },
      [](ClientLinkRig& rig) { rig.loop.arrive("\xff\xff\xff"); },
      [](ClientLinkRig& rig) { rig.link->abort(); }};
  for (std::size_t failure = 0; failure < failures.size(); ++failure)
    for (std::size_t at = 0; at <= steps.size(); ++at) {
      CAPTURE(failure);
      CAPTURE(at);
      ClientLinkRig rig;
      for (std::size_t i = 0; i < steps.size(); ++i) {
        if (i == at) failures[failure](rig);
        if (!rig.link->released()) steps[i](rig);
      }
      if (at == steps.size()) failures[failure](rig);
      rig.loop.pass(30s);
      rig.loop.pass(30s);
      if (!rig.link->released()) rig.link->abort();
      CHECK(std::ranges::count(rig.log, "released") == 1);
      const auto closed = std::ranges::count_if(
          rig.log, [](const std::string& line) { return line.starts_with("closed"); });
      CHECK(closed == 1);
      CHECK(rig.buffers.lent_bytes() == 0);
    }
}

}  // namespace
}  // namespace walkie::test
