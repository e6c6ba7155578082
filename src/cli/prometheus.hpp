// SPDX-License-Identifier: MIT
// The server's counters in Prometheus' text format 0.0.4.
#pragma once

#include <string>
#include <string_view>

#include <walkie/metrics.hpp>

namespace walkie::cli {

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

/// Every family with HELP and TYPE; histogram buckets cumulative, the last one "+Inf".
[[nodiscard]] std::string prometheus_text(const ServerMetrics& metrics, std::string_view version);

}  // namespace walkie::cli
