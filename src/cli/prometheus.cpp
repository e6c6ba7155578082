// SPDX-License-Identifier: MIT
// The server's counters in Prometheus' text format.
#include <cli/prometheus.hpp>

#include <fmt/core.h>

namespace walkie::cli {
namespace {

/// Label values escape backslash, quote and line feed.
std::string label_value(std::string_view value) {
  std::string escaped;
  for (const char letter : value) {
    if (letter == '\n') {
      escaped += "\\n";
      continue;
    }
    if (letter == '\\' || letter == '"') escaped += '\\';
    escaped += letter;
  }
  return escaped;
}

/// Appends families one after the other.
class Exposition {
 public:
  void gauge(std::string_view name, std::string_view help, std::uint64_t value) {
    open(name, help, "gauge");
    text_ += fmt::format("{} {}\n", name, value);
  }

  void counter(std::string_view name, std::string_view help, std::uint64_t value) {
    open(name, help, "counter");
    text_ += fmt::format("{} {}\n", name, value);
  }

  template <class Map>
  void counters(std::string_view name, std::string_view help, std::string_view label,
                const Map& values) {
    open(name, help, "counter");
    for (const auto& [key, value] : values)
      text_ += fmt::format("{}{{{}=\"{}\"}} {}\n", name, label, label_value(fmt::format("{}", key)),
                           value);
  }

  void histogram(std::string_view name, std::string_view help, const LatencyHistogram& histogram) {
    open(name, help, "histogram");
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < histogram.counts.size(); ++i) {
      cumulative += histogram.counts[i];
      if (i < histogram.bounds_seconds.size())
        text_ += fmt::format("{}_bucket{{le=\"{}\"}} {}\n", name, histogram.bounds_seconds[i],
                             cumulative);
    }
    text_ += fmt::format("{0}_bucket{{le=\"+Inf\"}} {1}\n{0}_sum {2}\n{0}_count {1}\n", name,
                         cumulative, histogram.sum_seconds);
  }

  void build_info(std::string_view version) {
    open("walkie_build_info", "Always 1; the version is in the label.", "gauge");
    text_ += fmt::format("walkie_build_info{{version=\"{}\"}} 1\n", label_value(version));
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void open(std::string_view name, std::string_view help, std::string_view type) {
    text_ += fmt::format("# HELP {0} {1}\n# TYPE {0} {2}\n", name, help, type);
  }
  std::string text_;
};

void append_traffic(Exposition& out, const ServerMetrics& metrics) {
  out.counter("walkie_messages_in_total", "WebSocket messages received.", metrics.messages_in);
  out.counter("walkie_messages_out_total", "WebSocket messages sent.", metrics.messages_out);
  out.counter("walkie_payload_bytes_in_total", "Message payload received, after inflating.",
              metrics.payload_bytes_in);
  out.counter("walkie_payload_bytes_out_total", "Message payload sent, before deflating.",
              metrics.payload_bytes_out);
  out.counter("walkie_wire_bytes_in_total", "Bytes received from sockets, decrypted.",
              metrics.wire_bytes_in);
  out.counter("walkie_wire_bytes_out_total", "Bytes written to sockets, before encrypting.",
              metrics.wire_bytes_out);
  out.gauge("walkie_queue_bytes", "Bytes that wait in send queues now.", metrics.queued_bytes);
  out.counter("walkie_dropped_messages_total", "Messages dropped for slow consumers.",
              metrics.dropped_messages);
}

}  // namespace

std::string prometheus_text(const ServerMetrics& metrics, std::string_view version) {
  Exposition out;
  out.build_info(version);
  out.gauge("walkie_connections", "Connections open now, WebSocket or HTTP.",
            metrics.connections_open);
  out.gauge("walkie_websockets", "WebSockets open now.", metrics.websockets_open);
  out.gauge("walkie_subscriptions", "Topic subscriptions now.", metrics.subscriptions);
  out.counter("walkie_connections_total", "Connections accepted.", metrics.connections_total);
  out.counter("walkie_http_requests_total", "Ordinary HTTP requests, upgrades not counted.",
              metrics.http_requests);
  append_traffic(out, metrics);
  out.counters("walkie_handshakes_total", "WebSocket handshakes by outcome.", "outcome",
               metrics.handshakes);
  out.counters("walkie_tls_handshakes_total", "TLS handshakes by outcome.", "outcome",
               metrics.tls_handshakes);
  out.counters("walkie_closes_total", "WebSocket ends by close code.", "code", metrics.closes);
  out.counters("walkie_ends_total", "WebSocket ends by reason.", "reason", metrics.ends);
  out.histogram("walkie_loop_turn_seconds", "Time that loop turns spent working.", metrics.turns);
  return out.take();
}

}  // namespace walkie::cli
