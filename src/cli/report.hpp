// SPDX-License-Identifier: MIT
// A measurement's figures, as aligned lines for people or as one JSON object.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace walkie::cli {

struct Figure {
  std::string key;        ///< In JSON; with its unit: "latency_p99_us".
  std::string label;      ///< For people: "latency p99".
  std::string_view unit;  ///< For people: "us"; may be empty.
  double value = 0;
  int decimals = 0;
};

[[nodiscard]] std::string report_text(const std::vector<Figure>& figures);
[[nodiscard]] std::string report_json(std::string_view scenario,
                                      const std::vector<Figure>& figures);

}  // namespace walkie::cli
