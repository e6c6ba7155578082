// SPDX-License-Identifier: MIT
// What happens to a server's clients, on its way from the server's thread to the console's.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include <io/endpoint.hpp>
#include <walkie/message.hpp>
#include <walkie/peer.hpp>

namespace walkie::cli {

enum class ListenEventKind : std::uint8_t { opened, message, pong, drained, closed, log };

struct ListenEvent {
  ListenEventKind kind = ListenEventKind::log;
  Peer peer{};
  Message message{};          ///< Of message; of pong its payload; of closed the reason.
  std::string text{};         ///< Of log: the line; of opened: the path.
  std::string address{};      ///< Of opened.
  std::string subprotocol{};  ///< Of opened.
  CloseInfo close{};          ///< Of closed, without its views.
};

/// A bounded queue: push() on the server's threads, take() on one other.
class ListenEvents {
 public:
  explicit ListenEvents(std::size_t bytes_max);

  /// Waits while too many bytes wait already, so that a slow reader of stdout slows the clients
  /// down; after stop() it drops what comes.
  void push(ListenEvent event);
  /// All that waits, in order.
  [[nodiscard]] std::vector<ListenEvent> take();
  /// Readable while something waits.
  [[nodiscard]] int descriptor() const noexcept { return wake_.get(); }
  void stop();

 private:
  std::mutex mutex_;
  std::condition_variable room_;
  std::vector<ListenEvent> waiting_;
  std::size_t bytes_ = 0;
  std::size_t bytes_max_;
  bool stopped_ = false;
  io::Fd wake_;
};

}  // namespace walkie::cli
