// SPDX-License-Identifier: MIT
// Which route a path takes: literal segments, ":name" for one segment, "*name" for the rest.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <walkie/error.hpp>

namespace walkie::server {

/// A parsed pattern such as "/chat/:room".
class Pattern {
 public:
  /// Errors: no leading '/', an empty or repeated name, "*rest" before the end.
  [[nodiscard]] static Result<Pattern> parse(std::string_view text);

  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  friend class Router;
  enum class Kind : std::uint8_t { literal, parameter, rest };  // in order of precedence
  struct Segment {
    Kind kind;
    std::string text;  ///< The literal, or the parameter's name.
  };
  std::string text_;
  std::vector<Segment> segments_;
};

/// Names and decoded values of a match.
using Parameters = std::vector<std::pair<std::string_view, std::string>>;

/// Patterns with a number each; immutable once served.
class Router {
 public:
  /// Adds a pattern that stands for `id`; ids may repeat.
  void add(Pattern pattern, std::size_t id);

  struct Match {
    std::size_t id = 0;
    Parameters parameters;  ///< Names live as long as the router.
  };
  /// All routes that match `raw_path` (still percent-encoded), the most specific first: literal
  /// before parameter before rest, from left to right. Nothing where an escape is malformed.
  [[nodiscard]] std::optional<std::vector<Match>> find(std::string_view raw_path) const;

 private:
  struct Route {
    Pattern pattern;
    std::size_t id;
  };
  std::vector<Route> routes_;  ///< Sorted by precedence.
};

}  // namespace walkie::server
