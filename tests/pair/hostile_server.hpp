// SPDX-License-Identifier: MIT
// A server of nothing but a blocking socket, for what no honest server sends.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

namespace walkie::test {

/// One client's connection, on the server's thread. Waits at most twenty seconds for anything.
class HostilePeer {
 public:
  HostilePeer(int fd, const std::atomic<bool>& stopping) noexcept : fd_(fd), stopping_(stopping) {}

  /// The request's head, up to its empty line; less where the client leaves.
  std::string read_request();
  /// False where the client is gone. Counts what the kernel took.
  bool send(std::string_view bytes);
  /// Sends `bytes` again and again until the client is gone, or so many were sent; how many were.
  std::size_t send_endlessly(std::string_view bytes, std::size_t bytes_max = kEndless);
  /// Sends byte after byte, with pauses, until the client is gone.
  void drip(std::string_view bytes, std::chrono::milliseconds pause);
  /// Reads the request and agrees to it; `more` comes right behind, in the same segment.
  bool upgrade(std::string_view fields = {}, std::string_view more = {});
  /// Reads what comes first; empty at the end.
  std::string read_some();
  /// Reads until the client ends; what came.
  std::string read_to_end();
  /// Until the client ends, or the server is stopped.
  void wait_for_end();
  /// Closes with a reset.
  void reset();

  static constexpr std::size_t kEndless = std::size_t{256} << 20;

 private:
  bool wait(short events) const;

  int fd_;
  const std::atomic<bool>& stopping_;
};

/// Listens on 127.0.0.1 and plays `script` to one client after the other.
class HostileServer {
 public:
  explicit HostileServer(std::function<void(HostilePeer&)> script);
  ~HostileServer();
  HostileServer(const HostileServer&) = delete;
  HostileServer& operator=(const HostileServer&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
  [[nodiscard]] std::string url(std::string_view scheme = "ws") const {
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_) + "/";
  }
  /// Waits until the script has run for so many clients: what it wrote may then be read.
  [[nodiscard]] bool wait_served(unsigned clients) const;
  [[nodiscard]] unsigned accepted() const noexcept { return accepted_.load(); }

 private:
  void run();

  std::function<void(HostilePeer&)> script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stopping_{false};
  std::atomic<unsigned> accepted_{0};
  std::atomic<unsigned> served_{0};
  std::thread thread_;
};

/// A frame as a server sends it, or as none may: `first` is the first byte, masked with zeros where
/// told.
[[nodiscard]] std::string server_frame(unsigned first, std::string_view payload,
                                       bool masked = false);

}  // namespace walkie::test
