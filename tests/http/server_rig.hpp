// SPDX-License-Identifier: MIT
// A server connection in a test: text in, text out, virtual time.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <base/buffer_pool.hpp>
#include <http/server_connection.hpp>

namespace walkie::test {

/// All that waits in `output`, as text; stays there.
inline std::string text_in(const base::OutputQueue& output) {
  std::array<BytesView, 64> views;
  std::string text;
  const std::size_t count = output.gather(views);
  for (std::size_t i = 0; i < count; ++i) text += text_of(views[i]);
  return text;
}

struct ServerRig {
  using Kind = http::ServerEvent::Kind;

  explicit ServerRig(const http::ServerConnectionOptions& options = {})
      : connection(options, pool, now) {}

  void send(std::string_view text) { connection.receive(bytes_of(text), now); }
  void send_end() { connection.receive_end(now); }
  std::optional<http::ServerEvent> poll() { return connection.poll_event(); }

  /// What was answered since the last call; counts as written to the network.
  std::string take_output() {
    std::string text;
    while (!connection.output().empty()) {
      const std::string part = text_in(connection.output());
      connection.output_written(part.size());
      text += part;
    }
    return text;
  }

  bool answer(int status, std::string body = {}, bool close = false) {
    return connection.respond({.status = status, .body = std::move(body), .headers = {}}, kDate,
                              close);
  }

  /// Lets time pass; deadlines on the way are told in order.
  void advance(Duration duration) {
    const Instant until = now + duration;
    while (const auto due = connection.next_deadline()) {
      if (*due > until) break;
      now = *due;
      connection.on_deadline(now);
    }
    now = until;
  }

  static constexpr std::string_view kDate = "Sun, 06 Nov 1994 08:49:37 GMT";
  base::BufferPool pool;
  Instant now{std::chrono::hours(1)};
  http::ServerConnection connection;
};

}  // namespace walkie::test
