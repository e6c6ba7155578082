// SPDX-License-Identifier: MIT
// A link over the fake loop, with a small application: "/" says hello, "/later" waits, "/ws"
// echoes, and "/ws-later" does once upgrade() was called.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <link/fake_loop.hpp>
#include <link/h1_link.hpp>
#include <proto/handshake.hpp>

namespace walkie::test {

inline std::string upgrade_request(std::string_view path) {
  return "GET " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
}
inline const std::string kUpgradeRequest = upgrade_request("/ws");

/// A masked client frame whose key is zero: its payload reads as is.
inline std::string client_frame(unsigned opcode, std::string_view payload, bool fin = true) {
  std::string frame;
  frame += static_cast<char>((fin ? 0x80U : 0U) | opcode);
  if (payload.size() < 126) {
    frame += static_cast<char>(0x80U | payload.size());
  } else {
    frame += static_cast<char>(0x80U | 126U);
    frame += static_cast<char>(payload.size() >> 8);
    frame += static_cast<char>(payload.size() & 0xFF);
  }
  frame.append(4, '\0');
  return frame.append(payload);
}

class LinkRig final : private link::LinkHandler, private io::TurnHandler {
 public:
  LinkRig() { start(nullptr); }
  /// Under TLS, by the filter that `make` makes.
  explicit LinkRig(const std::function<std::unique_ptr<tls::Filter>(base::BufferPool&)>& make) {
    start(make(buffers));
  }

  /// Upgrades and forgets the 101.
  void open_websocket() {
    loop.arrive(kUpgradeRequest);
    loop.written.clear();
    loop.sends = 0;
  }
  void upgrade() {
    link.upgrade(proto::accept_of_key("dGhlIHNhbXBsZSBub25jZQ=="), {}, {}, {},
                 {ws_options, keepalive, {}});
  }
  void answer_later(std::string_view body) {
    link.http()->respond({.body = std::string(body)}, {});
    link.answered();
    loop.end_turn();
  }

  http::ServerConnectionOptions http_options{};
  proto::ConnectionOptions ws_options{};
  link::KeepaliveOptions keepalive{};
  base::BufferPool buffers;
  proto::DeflatePool deflate;
  link::LinkCounters counters;
  std::vector<link::H1Link*> dirty;
  FakeLoop loop;
  link::LinkContext context{.loop = loop,
                            .resources = {.buffers = buffers, .deflate = deflate},
                            .http = http_options,
                            .counters = counters,
                            .dirty = dirty};
  static constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
  bool started = false;
  bool echo = true;
  std::vector<std::string> log;  ///< What the link told, in order.
  int drains = 0;
  link::H1Link link{context, *this};

 private:
  void start(std::unique_ptr<tls::Filter> filter) {
    loop.set_turn_handler(this);
    started = link.start(io::Fd(), std::move(filter)).has_value();
  }
  void on_secured() override { log.emplace_back("secured"); }
  void on_insecure(std::string_view kind, std::string_view reason) override {
    log.push_back("insecure " + std::string(kind) + ": " + std::string(reason));
  }
  void on_request(const http::Request& request) override {
    log.push_back("request " + std::string(request.head->path));
    if (request.head->path.ends_with("later")) {
      link.defer_answer();
    } else if (request.asks_for_websocket) {
      upgrade();
    } else {
      link.http()->respond({.body = "hello"}, {});
    }
  }
  void on_bad_request(http::HeadError error) override {
    log.push_back("bad request " + std::to_string(http::facts_of(error).status));
  }
  std::string_view date() override { return kDate; }
  void on_answer_timeout() override {
    log.push_back("answer timeout");
    link.http()->respond({.status = 503, .body = "late"}, {});
  }
  void on_event(const proto::Event& event) override {
    using proto::EventKind;
    const std::string payload(text_of(event.payload));
    if (event.kind == EventKind::message) {
      log.push_back("message " + payload);
      if (echo) link.websocket()->send(event.message_kind, event.payload);
    }
    if (event.kind == EventKind::pong) log.push_back("pong");
    if (event.kind == EventKind::closed)
      log.push_back("closed " + std::to_string(static_cast<unsigned>(event.code)));
  }
  void on_drain() override { ++drains; }
  void on_released() override { log.push_back("released"); }
  void on_wake() override {}
  void on_turn_end() override {
    std::vector<link::H1Link*> round;
    round.swap(dirty);
    for (link::H1Link* one : round) one->service();
  }
};

}  // namespace walkie::test
