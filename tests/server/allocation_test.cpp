// SPDX-License-Identifier: MIT
// The steady state of a running server takes nothing from the heap, from the socket to the socket.
#include <atomic>

#include <doctest/doctest.h>

#include <server/raw_client.hpp>
#include <server/running_server.hpp>
#include <support/heap_calls.hpp>

using namespace walkie::test;
using walkie::MessageView;
using walkie::Peer;

namespace {

constexpr int kWarmUp = 300;  // past the end of the first receive buffer
constexpr int kCounted = 1000;

/// Heap calls of the server's thread while it handled kCounted messages, from the handler of the
/// last one of the warm-up to that of the last one.
std::size_t heap_calls_of(std::size_t payload_bytes,
                          const std::function<void(Peer&, MessageView)>& handle) {
  RunningServer running;
  int messages = 0;
  std::size_t at_warm = 0;
  std::atomic<std::size_t> during = SIZE_MAX;
  running.server.websocket("/", {.on_open = [](Peer& peer) { peer.subscribe("all"); },
                                 .on_message =
                                     [&](Peer& peer, MessageView message) {
                                       handle(peer, message);
                                       ++messages;
                                       if (messages == kWarmUp) at_warm = heap_calls();
                                       if (messages == kWarmUp + kCounted)
                                         during = heap_calls() - at_warm;
                                     }});
  running.start();
  auto client = RawClient::websocket(running.port, "/");
  const std::string payload(payload_bytes, 'x');
  for (int i = 0; i < kWarmUp + kCounted; ++i) {
    client.send_frame(2, payload);
    REQUIRE(client.read_message().payload.size() == payload_bytes);
  }
  return during;
}

}  // namespace

TEST_CASE("an echo allocates nothing in the steady state") {
  for (const std::size_t payload_bytes : {32U, 1024U, 100'000U}) {
    CAPTURE(payload_bytes);
    CHECK(heap_calls_of(payload_bytes,
                        [](Peer& peer, MessageView message) { peer.send(message); }) == 0);
  }
}

TEST_CASE("the counter sees a handler that allocates") {
  CHECK(heap_calls_of(32, [](Peer& peer, MessageView message) { peer.send(message.to_owned()); }) >=
        static_cast<std::size_t>(kCounted));
}
