// SPDX-License-Identifier: MIT
// Three people meet in a room of the chat example, all on one thread: coroutine_chat [URL]
#include <array>
#include <chrono>
#include <iostream>
#include <stop_token>
#include <string>
#include <string_view>

#include <walkie/stream.hpp>

namespace {

constexpr std::array<std::string_view, 3> kNames{"ann", "bob", "cid"};

// Prints what is said, until everyone was heard or it takes too long.
walkie::Task<bool> listen(walkie::Stream& stream, std::string_view name, std::stop_token deadline) {
  std::size_t heard = 0;
  while (heard < kNames.size()) {
    const auto message = co_await stream.receive(deadline);
    if (!message) co_return false;
    std::cout << name << " hears " << message->text() << std::endl;
    if (message->text().contains(": hello")) ++heard;
  }
  co_return true;
}

walkie::Task<> member(walkie::ClientLoop& loop, std::string_view url, std::string_view name,
                      int& left) {
  walkie::Stream stream(loop, std::string(url) + "?name=" + std::string(name));
  const auto opened = co_await stream.open();
  if (!opened) std::cerr << opened.error().message << '\n';

  std::stop_source deadline;
  loop.post_after(std::chrono::seconds(5), [deadline]() mutable { deadline.request_stop(); });
  co_await sleep(loop, std::chrono::milliseconds(100));  // the others are coming in
  co_await stream.send("hello");
  const bool all = co_await listen(stream, name, deadline.get_token());
  co_await stream.close();
  if (all) --left;
}

walkie::Task<int> meeting(walkie::ClientLoop& loop, std::string_view url) {
  int left = kNames.size();
  for (const std::string_view name : kNames) spawn(loop, member(loop, url, name, left));
  for (int tenths = 0; left > 0 && tenths < 100; ++tenths)
    co_await sleep(loop, std::chrono::milliseconds(100));
  co_return left;
}

}  // namespace

int main(int argc, char** argv) {
  walkie::ClientLoop loop;
  return block_on(loop, meeting(loop, argc > 1 ? argv[1] : "ws://127.0.0.1:9001/chat/tea"));
}
