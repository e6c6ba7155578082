// SPDX-License-Identifier: MIT
// A client inside an Asio program, on Asio's thread: asio_client [URL]
#include <asio.hpp>
#include <chrono>
#include <functional>
#include <iostream>
#include <utility>

#include <walkie/client.hpp>

namespace {

// Runs the client's loop when its descriptor is readable, and when its time has come.
class LoopInAsio {
 public:
  explicit LoopInAsio(asio::io_context& io) : descriptor_(io, loop_.descriptor()), timer_(io) {
    turn();
  }
  ~LoopInAsio() { descriptor_.release(); }  // it is the loop's
  walkie::ClientLoop& loop() { return loop_; }

 private:
  void turn() {
    loop_.run_once(std::chrono::milliseconds(0));
    if (!std::exchange(waiting_, true))
      descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                             [this](std::error_code error) {
                               waiting_ = false;
                               if (!error) turn();
                             });
    timer_.expires_after(loop_.timeout().value_or(std::chrono::hours(1)));
    timer_.async_wait([this](std::error_code error) {
      if (!error) turn();
    });
  }

  walkie::ClientLoop loop_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer timer_;
  bool waiting_ = false;
};

}  // namespace

int main(int argc, char** argv) {
  asio::io_context io;
  LoopInAsio walkie_loop(io);
  walkie::ClientOptions options;
  options.on_message = [&io](walkie::Client&, walkie::MessageView message) {
    std::cout << message.text() << std::endl;
    if (message.text() == "3") io.stop();
  };
  const char* url = argc > 1 ? argv[1] : "ws://127.0.0.1:9001/echo";
  walkie::Client client(walkie_loop.loop(), url, std::move(options));
  for (int number = 1; number <= 3; ++number)
    asio::post(io, [&client, number] { client.send(std::to_string(number)); });
  io.run();
}
