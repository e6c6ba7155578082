// SPDX-License-Identifier: MIT
// Matching paths against patterns.
#include <server/router.hpp>

#include <algorithm>

#include <http/query.hpp>

namespace walkie::server {
namespace {

/// "/a//b/" -> "a", "", "b", "": segments as RFC 3986 §3.3 counts them.
std::vector<std::string_view> segments_of(std::string_view path) {
  std::vector<std::string_view> segments;
  path.remove_prefix(std::min<std::size_t>(1, path.size()));
  for (;;) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

std::unexpected<Error> bad_pattern(std::string_view text, std::string_view why) {
  return std::unexpected(Error{"route '" + std::string(text) + "': " + std::string(why), {}});
}

}  // namespace

Result<Pattern> Pattern::parse(std::string_view text) {
  if (!text.starts_with('/')) return bad_pattern(text, "must start with '/'");
  Pattern pattern;
  pattern.text_ = text;
  for (const std::string_view segment : segments_of(text)) {
    if (!pattern.segments_.empty() && pattern.segments_.back().kind == Kind::rest)
      return bad_pattern(text, "'*' takes the rest and must stand last");
    const Kind kind = segment.starts_with(':')   ? Kind::parameter
                      : segment.starts_with('*') ? Kind::rest
                                                 : Kind::literal;
    const std::string_view name = kind == Kind::literal ? segment : segment.substr(1);
    if (kind != Kind::literal) {
      if (name.empty()) return bad_pattern(text, "a parameter needs a name");
      for (const Segment& earlier : pattern.segments_)
        if (earlier.kind != Kind::literal && earlier.text == name)
          return bad_pattern(text, "two parameters have the same name");
    }
    pattern.segments_.push_back({kind, std::string(name)});
  }
  return pattern;
}

void Router::add(Pattern pattern, std::size_t id) {
  const auto before = [](const Route& a, const Route& b) {
    return std::ranges::lexicographical_compare(a.pattern.segments_, b.pattern.segments_, {},
                                                &Pattern::Segment::kind, &Pattern::Segment::kind);
  };
  Route route{std::move(pattern), id};
  const auto place = std::ranges::upper_bound(routes_, route, before);
  routes_.insert(place, std::move(route));
}

std::optional<std::vector<Router::Match>> Router::find(std::string_view raw_path) const {
  std::vector<std::string> segments;
  for (const std::string_view raw : segments_of(raw_path)) {
    auto decoded = http::percent_decoded(raw);
    if (!decoded) return std::nullopt;
    segments.push_back(*std::move(decoded));
  }
  const auto rest_from = [&](std::size_t index) {
    std::string rest;
    for (std::size_t i = index; i < segments.size(); ++i) {
      if (i > index) rest += '/';
      rest += segments[i];
    }
    return rest;
  };
  std::vector<Match> matches;
  for (const Route& route : routes_) {
    const auto& pattern = route.pattern.segments_;
    const bool open_ended = pattern.back().kind == Pattern::Kind::rest;
    if (open_ended ? segments.size() < pattern.size() : segments.size() != pattern.size()) continue;
    Match match{route.id, {}};
    bool matched = true;
    for (std::size_t i = 0; i < pattern.size() && matched; ++i) {
      const auto& [kind, text] = pattern[i];
      if (kind == Pattern::Kind::literal)
        matched = segments[i] == text;
      else if (kind == Pattern::Kind::rest)
        match.parameters.emplace_back(text, rest_from(i));
      // An empty segment is no value: "/chat/" names no room.
      else if (segments[i].empty())
        matched = false;
      else
        match.parameters.emplace_back(text, segments[i]);
    }
    if (matched) matches.push_back(std::move(match));
  }
  return matches;
}

}  // namespace walkie::server
