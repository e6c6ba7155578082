// SPDX-License-Identifier: MIT
// From a route's public options to those of its machines.
#include <server/route.hpp>

#include <algorithm>

namespace walkie::server {
namespace {

proto::ConnectionOptions connection_options(const WebSocketRoute& route) {
  const WebSocketOptions& options = route.options;
  proto::ConnectionOptions result;
  result.message_bytes_max = options.message_bytes_max;
  result.fragments_max = options.fragments_max;
  result.deliver_pieces = static_cast<bool>(route.on_piece);
  result.message_timeout = options.message_timeout;
  result.close_timeout = options.close_timeout;
  result.send_queue_bytes_max = options.send_queue_bytes_max;
  result.slow_consumer = options.slow_consumer;
  result.deflate.enabled = options.compression;
  // A queue that drops messages must not keep a history that refers to dropped ones.
  result.deflate.server_no_context_takeover =
      !options.context_takeover || options.slow_consumer != SlowConsumer::close;
  result.deflate.client_no_context_takeover = !options.context_takeover;
  result.deflate.server_max_window_bits = static_cast<std::uint8_t>(options.window_bits);
  result.deflate.client_max_window_bits = static_cast<std::uint8_t>(options.window_bits);
  result.deflate.level = options.compression_level;
  result.deflate.threshold_bytes = options.compression_threshold_bytes;
  return result;
}

}  // namespace

Route::Route(std::string pattern_text, WebSocketRoute user_route,
             std::function<std::shared_ptr<void>()> state_maker)
    : pattern(std::move(pattern_text)),
      handlers(std::move(user_route)),
      make_state(std::move(state_maker)),
      connection(connection_options(handlers)),
      keepalive{handlers.options.ping_interval, handlers.options.pong_timeout,
                handlers.options.idle_timeout} {}

std::string fault_of(const WebSocketOptions& options) {
  if (options.window_bits < 9 || options.window_bits > 15) return "window_bits must be 9 to 15";
  if (options.compression_level < 1 || options.compression_level > 9)
    return "compression_level must be 1 to 9";
  if (options.message_bytes_max == 0) return "message_bytes_max must not be 0";
  if (options.fragments_max == 0) return "fragments_max must not be 0";
  const auto negative = [](std::chrono::milliseconds time) { return time.count() < 0; };
  if (negative(options.ping_interval) || negative(options.pong_timeout) ||
      negative(options.idle_timeout) || negative(options.close_timeout) ||
      negative(options.message_timeout))
    return "times must not be negative";
  return {};
}

}  // namespace walkie::server
