// SPDX-License-Identifier: MIT
// A TCP relay on a thread of its own that can cut, freeze and swallow: the network's bad days.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace walkie::test {

/// Listens on 127.0.0.1 and passes bytes on to a port there. All calls from any thread.
class Relay {
 public:
  explicit Relay(std::uint16_t to);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  /// Resets every connection.
  void cut();
  /// Takes no more connections (they are refused) until told otherwise.
  void refuse(bool on);
  /// Passes nothing on, in neither direction, and closes nothing.
  void freeze(bool on) noexcept { frozen_.store(on); }
  /// What clients send is read and forgotten.
  void swallow(bool on) noexcept { swallowing_.store(on); }
  [[nodiscard]] unsigned accepted() const noexcept { return accepted_.load(); }

 private:
  struct Pipe {
    int client = -1;
    int server = -1;
  };
  void run();
  void accept_one();
  bool pass(int from, int to, bool drop);
  void listen_on(std::uint16_t port);
  void close_all();

  std::uint16_t to_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::vector<Pipe> pipes_;
  std::mutex mutex_;
  std::atomic<bool> frozen_{false};
  std::atomic<bool> swallowing_{false};
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> accepted_{0};
  std::thread thread_;
};

}  // namespace walkie::test
