// SPDX-License-Identifier: MIT
// One shard's counters: written by the shard, read by whoever asks for metrics.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

#include <link/counter.hpp>
#include <link/h1_link.hpp>
#include <walkie/close_code.hpp>
#include <walkie/metrics.hpp>

namespace walkie::server {

/// Ends and handshakes by kind: counted once per connection, so a lock is cheap enough.
class Tallies {
 public:
  void handshake(std::string_view outcome) {
    const std::lock_guard lock(mutex_);
    ++handshakes_[std::string(outcome)];
  }
  void tls_handshake(std::string_view outcome) {
    const std::lock_guard lock(mutex_);
    ++tls_handshakes_[std::string(outcome)];
  }
  void end(CloseCode code, std::string_view reason) {
    const std::lock_guard lock(mutex_);
    ++closes_[static_cast<std::uint16_t>(code)];
    ++ends_[std::string(reason)];
  }
  void add_to(ServerMetrics& metrics) const {
    const std::lock_guard lock(mutex_);
    for (const auto& [outcome, count] : handshakes_) metrics.handshakes[outcome] += count;
    for (const auto& [outcome, count] : tls_handshakes_) metrics.tls_handshakes[outcome] += count;
    for (const auto& [code, count] : closes_) metrics.closes[code] += count;
    for (const auto& [reason, count] : ends_) metrics.ends[reason] += count;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::uint64_t> handshakes_;
  std::map<std::string, std::uint64_t> tls_handshakes_;
  std::map<std::uint16_t, std::uint64_t> closes_;
  std::map<std::string, std::uint64_t> ends_;
};

struct Counters {
  link::LinkCounters link;
  link::Counter connections_open;
  link::Counter connections_total;
  link::Counter websockets_open;
  link::Counter messages_in;
  link::Counter messages_out;
  link::Counter payload_bytes_in;
  link::Counter payload_bytes_out;
  link::Counter dropped_messages;
  link::Counter http_requests;
  link::Counter subscriptions;
  Tallies tallies;

  void add_to(ServerMetrics& metrics) const {
    metrics.connections_open += connections_open.get();
    metrics.connections_total += connections_total.get();
    metrics.websockets_open += websockets_open.get();
    metrics.messages_in += messages_in.get();
    metrics.messages_out += messages_out.get();
    metrics.payload_bytes_in += payload_bytes_in.get();
    metrics.payload_bytes_out += payload_bytes_out.get();
    metrics.wire_bytes_in += link.bytes_in.get();
    metrics.wire_bytes_out += link.bytes_out.get();
    metrics.queued_bytes += link.queued_bytes.get();
    metrics.dropped_messages += dropped_messages.get();
    metrics.http_requests += http_requests.get();
    metrics.subscriptions += subscriptions.get();
    tallies.add_to(metrics);
  }
};

}  // namespace walkie::server
