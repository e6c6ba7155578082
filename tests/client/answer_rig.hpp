// SPDX-License-Identifier: MIT
// An HTTP answer as the client's connection tells it.
#pragma once

#include <string_view>

#include <base/buffer_pool.hpp>
#include <http/client_connection.hpp>

namespace walkie::test {

/// Holds the event, and what its views point into.
class AnswerRig {
 public:
  /// `bytes` are all that the server sends before it ends the connection.
  explicit AnswerRig(std::string_view bytes, std::string_view method = "GET")
      : connection_(options_, pool_) {
    static_cast<void>(connection_.request(method, "/", {}));
    connection_.receive(bytes_of(bytes));
    connection_.receive_end();
    event_ = connection_.poll_event().value();
  }
  [[nodiscard]] const http::ClientEvent& event() const noexcept { return event_; }

 private:
  http::ClientConnectionOptions options_;
  base::BufferPool pool_;
  http::ClientConnection connection_;
  http::ClientEvent event_;
};

}  // namespace walkie::test
