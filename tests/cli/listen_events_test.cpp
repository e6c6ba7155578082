// SPDX-License-Identifier: MIT
// The queue between the server and the console.
#include <cli/listen_events.hpp>

#include <thread>

#include <doctest/doctest.h>
#include <poll.h>

namespace walkie::cli {
namespace {

ListenEvent log_event(std::string text, std::size_t payload_bytes = 0) {
  ListenEvent event;
  event.text = std::move(text);
  event.message.payload.assign(payload_bytes, 'x');
  return event;
}

bool readable(const ListenEvents& events) {
  pollfd wanted{.fd = events.descriptor(), .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 0) == 1;
}

TEST_CASE("events come out in order, and the descriptor says when there are any") {
  ListenEvents events(1 << 20);
  CHECK_FALSE(readable(events));
  events.push(log_event("a"));
  events.push(log_event("b"));
  CHECK(readable(events));
  const auto taken = events.take();
  REQUIRE(taken.size() == 2);
  CHECK(taken[0].text == "a");
  CHECK(taken[1].text == "b");
  CHECK_FALSE(readable(events));
  CHECK(events.take().empty());
}

TEST_CASE("a full queue makes the pusher wait until it is taken") {
  ListenEvents events(1000);
  events.push(log_event("a", 2000));
  std::thread pusher([&events] { events.push(log_event("b")); });
  std::vector<ListenEvent> taken = events.take();
  pusher.join();
  for (ListenEvent& event : events.take()) taken.push_back(std::move(event));
  REQUIRE(taken.size() == 2);
  CHECK(taken[1].text == "b");
}

TEST_CASE("after the stop nobody waits and nothing is kept") {
  ListenEvents events(1000);
  events.push(log_event("a", 2000));
  std::thread pusher([&events] { events.push(log_event("b")); });
  events.stop();
  pusher.join();
  events.push(log_event("c"));
  CHECK(events.take().size() == 1);
}

}  // namespace
}  // namespace walkie::cli
