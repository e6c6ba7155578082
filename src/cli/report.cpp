// SPDX-License-Identifier: MIT
// A measurement's figures as text or JSON.
#include <cli/report.hpp>

#include <algorithm>

#include <fmt/core.h>

#include <cli/log_lines.hpp>

namespace walkie::cli {

std::string report_text(const std::vector<Figure>& figures) {
  std::size_t width = 0;
  for (const Figure& figure : figures) width = std::max(width, figure.label.size());
  std::string text;
  for (const Figure& figure : figures)
    text += fmt::format("{:<{}}  {:>14.{}f}{}{}\n", figure.label, width, figure.value,
                        figure.decimals, figure.unit.empty() ? "" : " ", figure.unit);
  return text;
}

std::string report_json(std::string_view scenario, const std::vector<Figure>& figures) {
  std::string json = fmt::format("{{\"scenario\":{}", json_string(scenario));
  for (const Figure& figure : figures)
    json += fmt::format(",{}:{:.{}f}", json_string(figure.key), figure.value, figure.decimals);
  return json + "}\n";
}

}  // namespace walkie::cli
