// SPDX-License-Identifier: MIT
// Received bytes that wait.
#include <http/input_buffer.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace walkie;
using http::InputBuffer;

TEST_CASE("a buffer keeps what is appended, in order, and owns nothing when empty") {
  base::BufferPool pool;
  InputBuffer buffer(pool);
  CHECK(pool.lent_bytes() == 0);
  std::string all;
  for (int i = 0; i < 2000; ++i) {
    const std::string part(static_cast<std::size_t>(i % 37), static_cast<char>('a' + i % 26));
    buffer.append(bytes_of(part));
    all += part;
  }
  CHECK(text_of(buffer.unread()) == all);
  buffer.take(buffer.size());
  CHECK(buffer.empty());
  CHECK(pool.lent_bytes() > 0);
  buffer.release();
  CHECK(pool.lent_bytes() == 0);
}

TEST_CASE("taken bytes stay where they are while more is appended") {
  base::BufferPool pool;
  InputBuffer buffer(pool);
  buffer.append(bytes_of("request one|behind"));
  const auto request = text_of(buffer.unread()).substr(0, 12);
  buffer.take(12);
  std::string behind = "behind";
  for (int i = 0; i < 3000; ++i) {
    buffer.append(bytes_of("more"));
    behind += "more";
  }
  CHECK(request == "request one|");
  CHECK(text_of(buffer.unread()) == behind);
  buffer.release();
  CHECK(text_of(buffer.unread()) == behind);
  buffer.truncate(6);
  CHECK(text_of(buffer.unread()) == "behind");
  buffer.clear();
  CHECK(pool.lent_bytes() == 0);
}

TEST_CASE("a buffer that is emptied and filled in turn does not grow") {
  base::BufferPool pool;
  InputBuffer buffer(pool);
  buffer.append(bytes_of("0123456789"));
  for (int i = 0; i < 10'000; ++i) {
    buffer.append(bytes_of("0123456789"));
    buffer.take(10);
    buffer.release();
    CHECK(text_of(buffer.unread()) == "0123456789");
  }
  CHECK(pool.lent_bytes() <= 512);
}

TEST_CASE("taken bytes are not overwritten to make room in their block") {
  base::BufferPool pool;
  InputBuffer buffer(pool);
  const std::string request(3000, 'r');
  buffer.append(bytes_of(request + "behind"));
  const auto taken = text_of(buffer.unread()).substr(0, request.size());
  buffer.take(request.size());
  buffer.append(bytes_of(std::string(2000, 'b')));  // would fit where the request lies
  CHECK(taken == request);
  CHECK(buffer.size() == 2006);
}
