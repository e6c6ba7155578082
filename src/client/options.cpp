// SPDX-License-Identifier: MIT
// Each option means one thing to one machine.
#include <client/options.hpp>

#include <cstddef>
#include <limits>

#include <client/reconnect.hpp>
#include <link/websocket_options.hpp>

namespace walkie::client {
namespace {

/// A server that pings without end and reads nothing must not fill our memory with Pongs.
constexpr std::size_t kPongsBehindBytes = std::size_t{256} << 10;

}  // namespace

proto::ConnectionOptions connection_options(const ClientOptions& options) {
  proto::ConnectionOptions result = link::connection_options_of(options);
  result.deliver_pieces = static_cast<bool>(options.on_piece);
  // The outbox is the bound: it hands messages over only as fast as the socket takes them.
  result.send_queue_bytes_max = std::numeric_limits<std::size_t>::max();
  result.pongs_behind_bytes_max = kPongsBehindBytes;
  return result;
}

OutboxOptions outbox_options(const ClientOptions& options) {
  return {.bytes_max = options.queue_bytes_max,
          .messages_max = options.queue_messages_max,
          .when_full = options.when_full,
          .unconfirmed = options.unconfirmed};
}

std::string fault_of(const ClientOptions& options) {
  if (std::string fault = link::fault_of_common(options); !fault.empty()) return fault;
  if (options.queue_messages_max == 0) return "queue_messages_max must not be 0";
  const DialOptions& dial = options.dial;
  for (const auto time :
       {options.message_ttl, dial.resolve_timeout, dial.connect_timeout, dial.tls_timeout,
        dial.handshake_timeout, dial.overall_timeout, dial.address_pace})
    if (time.count() < 0) return "times must not be negative";
  return options.reconnect ? fault_of(*options.reconnect).value_or("") : std::string();
}

}  // namespace walkie::client
