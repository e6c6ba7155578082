// SPDX-License-Identifier: MIT
// Order, merging, borrowed memory and what may be dropped.
#include <base/output_queue.hpp>

#include <cstring>
#include <deque>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::base {
namespace {

std::string contents(const OutputQueue& queue) {
  std::vector<BytesView> views(4096);
  views.resize(queue.gather(views));
  std::string all;
  for (const BytesView view : views) all += text_of(view);
  return all;
}

std::size_t chunks(const OutputQueue& queue) {
  std::vector<BytesView> views(4096);
  return queue.gather(views);
}

void append_droppable(OutputQueue& queue, std::string_view text) {
  queue.begin_droppable();
  queue.append(bytes_of(text));
  queue.end_droppable();
}

TEST_CASE("an empty queue owns nothing") {
  BufferPool pool;
  OutputQueue queue(pool);
  CHECK(queue.empty());
  queue.append({});
  queue.append_shared({});
  CHECK(pool.lent_bytes() == 0);
  queue.append(bytes_of("hello"));
  CHECK(pool.lent_bytes() > 0);
  queue.consume(5);
  CHECK(queue.empty());
  CHECK(pool.lent_bytes() == 0);
}

TEST_CASE("queue merges small appends into one chunk and takes a small block") {
  BufferPool pool;
  OutputQueue queue(pool);
  for (int i = 0; i < 8; ++i) queue.append(bytes_of("12345678"));
  CHECK(queue.size() == 64);
  CHECK(chunks(queue) == 1);
  CHECK(pool.lent_bytes() == 128);
}

TEST_CASE("queue borrows the same block for each reply that was sent before the next") {
  BufferPool pool;
  OutputQueue queue(pool);
  const std::byte* place = nullptr;
  for (int i = 0; i < 100; ++i) {
    queue.append(bytes_of("as long as the echo of a small one"));
    BytesView view;
    REQUIRE(queue.gather({&view, 1}) == 1);
    if (place) REQUIRE(view.data() == place);
    place = view.data();
    queue.consume(queue.size());
    REQUIRE(pool.kept_bytes() == 128);
  }
}

TEST_CASE("queue takes larger blocks as it grows") {
  BufferPool pool;
  OutputQueue queue(pool);
  for (int i = 0; i < 10'000; ++i) queue.append(bytes_of("0123456789"));
  CHECK(queue.size() == 100'000);
  CHECK(chunks(queue) <= 8);
  CHECK(pool.lent_bytes() < 300'000);
}

TEST_CASE("queue splits a large append into the pool's largest blocks") {
  BufferPool pool;
  OutputQueue queue(pool);
  std::string large(1'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>('a' + i % 23);
  queue.append(bytes_of("head"));
  queue.append(bytes_of(large));
  CHECK(contents(queue) == "head" + large);
  CHECK(pool.lent_bytes() < 1'200'000);
}

TEST_CASE("prepare gives contiguous room of any size and commit keeps a part of it") {
  BufferPool pool;
  OutputQueue queue(pool);
  for (const std::size_t bytes :
       {std::size_t{1}, std::size_t{100}, std::size_t{65'536}, std::size_t{300'000}}) {
    MutableBytes room = queue.prepare(bytes);
    REQUIRE(room.size() == bytes);
    std::memset(room.data(), 'p', room.size());
    queue.commit(1);
  }
  CHECK(contents(queue) == "pppp");
}

TEST_CASE("commit of nothing leaves the queue as it was") {
  BufferPool pool;
  OutputQueue queue(pool);
  CHECK(queue.prepare(1000).size() == 1000);
  queue.commit(0);
  CHECK(pool.lent_bytes() == 0);
  queue.append(bytes_of("a"));
  CHECK(queue.prepare(10).size() == 10);
  queue.commit(0);
  CHECK(contents(queue) == "a");
}

TEST_CASE("queue refers to shared bytes and lets them go when they were sent") {
  BufferPool pool;
  OutputQueue queue(pool);
  SharedBytes shared = SharedBytes::copy_of(bytes_of("shared"));
  queue.append(bytes_of("a"));
  queue.append_shared(shared);
  queue.append(bytes_of("b"));
  CHECK(contents(queue) == "asharedb");
  std::vector<BytesView> views(3);
  REQUIRE(queue.gather(views) == 3);
  CHECK(views[1].data() == shared.view().data());
  queue.consume(7);
  CHECK(contents(queue) == "b");
  CHECK(shared.writable().size() == 6);  // asserts that this is the only reference
}

TEST_CASE("appending leaves gathered views valid") {
  BufferPool pool;
  OutputQueue queue(pool);
  queue.append(bytes_of("first"));
  BytesView view;
  REQUIRE(queue.gather({&view, 1}) == 1);
  for (int i = 0; i < 1000; ++i) queue.append(bytes_of("more"));
  CHECK(text_of(view) == "first");
}

TEST_CASE("splice moves everything behind what waits") {
  BufferPool pool;
  OutputQueue queue(pool);
  OutputQueue other(pool);
  queue.append(bytes_of("a"));
  queue.splice(std::move(other));
  other.append(bytes_of("b"));
  append_droppable(other, "c");
  queue.splice(std::move(other));
  CHECK(other.empty());
  queue.append(bytes_of("d"));
  CHECK(contents(queue) == "abcd");
  CHECK(queue.drop_oldest(SIZE_MAX, 0) == 1);
  CHECK(contents(queue) == "abd");
  other.append(bytes_of("again"));
  CHECK(contents(other) == "again");
}

TEST_CASE("a moved queue takes its chunks along") {
  BufferPool pool;
  OutputQueue queue(pool);
  queue.append(bytes_of("abc"));
  OutputQueue moved(std::move(queue));
  CHECK(queue.empty());
  CHECK(contents(moved) == "abc");
  OutputQueue assigned(pool);
  assigned.append(bytes_of("old"));
  assigned = std::move(moved);
  CHECK(contents(assigned) == "abc");
  assigned.clear();
  CHECK(pool.lent_bytes() == 0);
}

TEST_CASE("drop_oldest removes whole droppable messages, oldest first, and nothing else") {
  BufferPool pool;
  OutputQueue queue(pool);
  queue.append(bytes_of("control "));
  append_droppable(queue, "one ");
  append_droppable(queue, "two ");
  queue.append(bytes_of("ping "));
  append_droppable(queue, "three ");
  CHECK(queue.drop_oldest(1, 0) == 1);
  CHECK(contents(queue) == "control two ping three ");
  CHECK(queue.drop_oldest(5, 0) == 2);
  CHECK(contents(queue) == "control ping ");
  CHECK(queue.drop_oldest(SIZE_MAX, 0) == 0);
  queue.append(bytes_of("end"));
  CHECK(contents(queue) == "control ping end");
}

TEST_CASE("drop_oldest spares a message of which a byte was sent or is in flight") {
  BufferPool pool;
  OutputQueue queue(pool);
  append_droppable(queue, "one ");
  append_droppable(queue, "two ");
  append_droppable(queue, "three ");
  append_droppable(queue, "four ");
  queue.consume(1);
  CHECK(queue.drop_oldest(SIZE_MAX, 4) == 2);  // "ne " and the "t" of "two " are in flight
  CHECK(contents(queue) == "ne two ");
  queue.consume(3);
  CHECK(queue.drop_oldest(SIZE_MAX, 0) == 1);
  CHECK(queue.empty());
  CHECK(pool.lent_bytes() == 0);
}

TEST_CASE("drop_oldest removes a message of many chunks, but not its rest once it was begun") {
  BufferPool pool;
  const std::string large(200'000, 'x');
  OutputQueue queue(pool);
  append_droppable(queue, large);
  queue.append(bytes_of("tail"));
  SUBCASE("whole") {
    CHECK(queue.drop_oldest(1, 0) == 1);
    CHECK(contents(queue) == "tail");
  }
  SUBCASE("first chunk sent") {
    BytesView front;
    REQUIRE(queue.gather({&front, 1}) == 1);
    queue.consume(front.size());
    CHECK(queue.drop_oldest(SIZE_MAX, 0) == 0);
  }
  SUBCASE("one byte sent") {
    queue.consume(1);
    CHECK(queue.drop_oldest(SIZE_MAX, 0) == 0);
  }
}

TEST_CASE("an open droppable message is not dropped, nor its rest after its start was sent") {
  BufferPool pool;
  OutputQueue queue(pool);
  queue.begin_droppable();
  queue.append(bytes_of("start "));
  CHECK(queue.drop_oldest(SIZE_MAX, 0) == 0);
  queue.consume(6);
  queue.append(bytes_of("rest "));
  queue.end_droppable();
  CHECK(queue.drop_oldest(SIZE_MAX, 0) == 0);
  append_droppable(queue, "next ");
  CHECK(queue.drop_oldest(SIZE_MAX, 0) == 1);
  CHECK(contents(queue) == "rest ");
}

TEST_CASE("a droppable message may be shared bytes or prepared in place") {
  BufferPool pool;
  OutputQueue queue(pool);
  queue.append(bytes_of("keep "));
  queue.begin_droppable();
  queue.append_shared(SharedBytes::copy_of(bytes_of("shared ")));
  queue.end_droppable();
  queue.begin_droppable();
  std::memcpy(queue.prepare(10).data(), "made ", 5);
  queue.commit(5);
  queue.end_droppable();
  queue.begin_droppable();
  queue.end_droppable();
  CHECK(contents(queue) == "keep shared made ");
  CHECK(queue.drop_oldest(SIZE_MAX, 0) == 2);
  CHECK(contents(queue) == "keep ");
}

/// What the queue should hold, as a list of messages.
struct Model {
  struct Message {
    std::string text;
    bool droppable = false;
    bool touched = false;
  };
  std::deque<Message> messages;

  [[nodiscard]] std::string text() const {
    std::string all;
    for (const Message& message : messages) all += message.text;
    return all;
  }
  void consume(std::size_t bytes) {
    while (bytes > 0) {
      Message& front = messages.front();
      const std::size_t taken = std::min(bytes, front.text.size());
      front.text.erase(0, taken);
      front.touched = true;
      bytes -= taken;
      if (front.text.empty()) messages.pop_front();
    }
  }
  std::size_t drop_oldest(std::size_t wanted, std::size_t in_flight) {
    std::size_t dropped = 0;
    std::size_t bytes = 0;
    std::size_t offset = 0;
    for (std::size_t i = 0; i < messages.size() && bytes < wanted;) {
      const Message& message = messages[i];
      if (message.droppable && !message.touched && offset >= in_flight) {
        bytes += message.text.size();
        messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(i));
        ++dropped;
      } else {
        offset += messages[i++].text.size();
      }
    }
    return dropped;
  }
};

TEST_CASE("queue agrees with a model under random operations") {
  std::mt19937 random(20'240'607);
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  for (int round = 0; round < 50; ++round) {
    BufferPool pool(std::size_t{1} << 20);
    OutputQueue queue(pool);
    Model model;
    for (int step = 0; step < 300; ++step) {
      const std::size_t bytes = 1 + below(below(10) == 0 ? 150'000 : 300);
      const std::string text(bytes, static_cast<char>('a' + below(26)));
      switch (below(6)) {
        case 0:
          queue.append(bytes_of(text));
          model.messages.push_back({text});
          break;
        case 1:
          append_droppable(queue, text);
          model.messages.push_back({text, true});
          break;
        case 2:
          queue.append_shared(SharedBytes::copy_of(bytes_of(text)));
          model.messages.push_back({text});
          break;
        case 3: {
          const std::size_t used = 1 + below(bytes);
          std::memcpy(queue.prepare(bytes).data(), text.data(), used);
          queue.commit(used);
          model.messages.push_back({text.substr(0, used)});
          break;
        }
        case 4: {
          const std::size_t sent = below(queue.size() + 1);
          queue.consume(sent);
          model.consume(sent);
          break;
        }
        default: {
          const std::size_t wanted = below(2000);
          const std::size_t in_flight = below(queue.size() + 1) / 4;
          CHECK(queue.drop_oldest(wanted, in_flight) == model.drop_oldest(wanted, in_flight));
        }
      }
      REQUIRE(queue.size() == model.text().size());
      if (step % 16 == 0) REQUIRE(contents(queue) == model.text());
    }
    REQUIRE(contents(queue) == model.text());
    queue.clear();
    CHECK(pool.lent_bytes() == 0);
  }
}

}  // namespace
}  // namespace walkie::base
