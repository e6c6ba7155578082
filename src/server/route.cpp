// SPDX-License-Identifier: MIT
// From a route's public options to those of its machines.
#include <server/route.hpp>

#include <link/websocket_options.hpp>

namespace walkie::server {
namespace {

proto::ConnectionOptions connection_options(const WebSocketRoute& route) {
  proto::ConnectionOptions result = link::connection_options_of(route.options);
  result.deliver_pieces = static_cast<bool>(route.on_piece);
  result.send_queue_bytes_max = route.options.send_queue_bytes_max;
  result.slow_consumer = route.options.slow_consumer;
  // A queue that drops messages must not keep a history that refers to dropped ones.
  if (route.options.slow_consumer != SlowConsumer::close)
    result.deflate.server_no_context_takeover = true;
  return result;
}

}  // namespace

Route::Route(std::string pattern_text, WebSocketRoute user_route,
             std::function<std::shared_ptr<void>()> state_maker)
    : pattern(std::move(pattern_text)),
      handlers(std::move(user_route)),
      make_state(std::move(state_maker)),
      connection(connection_options(handlers)),
      keepalive(link::keepalive_options_of(handlers.options)) {}

std::string fault_of(const WebSocketOptions& options) { return link::fault_of_common(options); }

}  // namespace walkie::server
