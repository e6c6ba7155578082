// SPDX-License-Identifier: MIT
// A server's counters, as a snapshot.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace walkie {

/// Time spent working in loop turns, as a cumulative-free histogram.
struct LatencyHistogram {
  std::vector<double>
      bounds_seconds;  ///< Upper bounds; one more count than bounds, the last is the rest.
  std::vector<std::uint64_t> counts;
  double sum_seconds = 0;
};

/// All since start unless said otherwise. Taken shard by shard, so sums of live figures may be off
/// by what happened meanwhile.
struct ServerMetrics {
  std::uint64_t connections_open = 0;  ///< Now: transports, WebSocket or HTTP.
  std::uint64_t websockets_open = 0;   ///< Now.
  std::uint64_t connections_total = 0;
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t payload_bytes_in = 0;
  std::uint64_t payload_bytes_out = 0;
  std::uint64_t wire_bytes_in = 0;
  std::uint64_t wire_bytes_out = 0;
  std::uint64_t queued_bytes = 0;      ///< Now: waiting in send queues.
  std::uint64_t dropped_messages = 0;  ///< By slow-consumer policies.
  std::uint64_t http_requests = 0;
  std::uint64_t subscriptions = 0;                  ///< Now.
  std::map<std::string, std::uint64_t> handshakes;  ///< By outcome: "accepted", or the HTTP status.
  /// TLS handshakes by outcome: "full", "resumed", or in a word why they failed.
  std::map<std::string, std::uint64_t> tls_handshakes;
  std::map<std::uint16_t, std::uint64_t> closes;  ///< WebSocket ends by code.
  std::map<std::string, std::uint64_t>
      ends;  ///< WebSocket ends by reason: "peer closed", "protocol error", ...
  LatencyHistogram turns;
};

}  // namespace walkie
