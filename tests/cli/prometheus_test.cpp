// SPDX-License-Identifier: MIT
// The counters in Prometheus' text format.
#include <cli/prometheus.hpp>

#include <set>
#include <sstream>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

ServerMetrics sample() {
  ServerMetrics metrics;
  metrics.websockets_open = 3;
  metrics.messages_in = 18'446'744'073'709'551'615U;
  metrics.handshakes = {{"accepted", 7}, {"403", 1}};
  metrics.closes = {{1000, 4}, {1002, 1}};
  metrics.ends = {{"a \"quoted\\\nreason", 2}};
  metrics.turns = {{0.00001, 0.001}, {5, 2, 1}, 0.25};
  return metrics;
}

bool has_line(const std::string& text, std::string_view line) {
  return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

TEST_CASE("a gauge and a counter come with help and type") {
  const std::string text = prometheus_text(sample(), "1.2.3");
  CHECK(has_line(text, "# HELP walkie_websockets WebSockets open now."));
  CHECK(has_line(text, "# TYPE walkie_websockets gauge"));
  CHECK(has_line(text, "walkie_websockets 3"));
  CHECK(has_line(text, "# TYPE walkie_messages_in_total counter"));
  CHECK(has_line(text, "walkie_messages_in_total 18446744073709551615"));
  CHECK(has_line(text, "walkie_build_info{version=\"1.2.3\"} 1"));
}

TEST_CASE("labelled counters have one line for each value") {
  const std::string text = prometheus_text(sample(), "1.2.3");
  CHECK(has_line(text, "walkie_handshakes_total{outcome=\"accepted\"} 7"));
  CHECK(has_line(text, "walkie_handshakes_total{outcome=\"403\"} 1"));
  CHECK(has_line(text, "walkie_closes_total{code=\"1002\"} 1"));
}

TEST_CASE("label values escape quotes, backslashes and line feeds") {
  CHECK(has_line(prometheus_text(sample(), "1"),
                 "walkie_ends_total{reason=\"a \\\"quoted\\\\\\nreason\"} 2"));
}

TEST_CASE("histogram buckets are cumulative and end in +Inf") {
  const std::string text = prometheus_text(sample(), "1");
  CHECK(has_line(text, "walkie_loop_turn_seconds_bucket{le=\"1e-05\"} 5"));
  CHECK(has_line(text, "walkie_loop_turn_seconds_bucket{le=\"0.001\"} 7"));
  CHECK(has_line(text, "walkie_loop_turn_seconds_bucket{le=\"+Inf\"} 8"));
  CHECK(has_line(text, "walkie_loop_turn_seconds_sum 0.25"));
  CHECK(has_line(text, "walkie_loop_turn_seconds_count 8"));
}

TEST_CASE("every family is declared once, and every sample belongs to the one before it") {
  std::istringstream lines(prometheus_text(sample(), "1"));
  std::set<std::string> declared;
  std::string family;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string first;
    std::string second;
    std::string name;
    words >> first >> second >> name;
    if (first == "#" && second == "TYPE") {
      CHECK(declared.insert(name).second);
      family = name;
    } else if (first != "#") {
      CHECK(first.starts_with(family));
    }
  }
  CHECK(declared.size() >= 15);
}

}  // namespace
}  // namespace walkie::cli
