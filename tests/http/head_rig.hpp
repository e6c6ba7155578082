// SPDX-License-Identifier: MIT
// Parses a head as a network may deliver it, from bytes that move each time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <http/head.hpp>

namespace walkie::test {

/// Text in memory of exactly its size, so that a sanitizer sees a read past its end.
struct ExactText {
  explicit ExactText(std::string_view from)
      : memory(std::make_unique<char[]>(from.size())), view(memory.get(), from.size()) {
    from.copy(memory.get(), from.size());
  }
  std::unique_ptr<char[]> memory;
  std::string_view view;
};

/// How a parse ended. The views in `head` point into `text`.
template <class Head>
struct Parsed {
  http::HeadStatus status = http::HeadStatus::incomplete;
  http::HeadProgress progress;
  Head head;
  ExactText text{""};
  std::size_t bytes_needed = 0;  ///< So many bytes had to be there for the result.

  [[nodiscard]] http::HeadError error() const { return progress.error; }
};

inline http::HeadStatus parse_one(std::string_view in, const http::HeadLimits& limits,
                                  http::HeadProgress& progress, http::RequestHead& head) {
  return http::parse_request(in, limits, progress, head);
}
inline http::HeadStatus parse_one(std::string_view in, const http::HeadLimits& limits,
                                  http::HeadProgress& progress, http::ResponseHead& head) {
  return http::parse_response(in, limits, progress, head);
}

/// Gives the parser the first `first` bytes of `input`, then `step` more each time, until it is
/// done.
template <class Head>
Parsed<Head> parse_cut(std::string_view input, std::size_t first, std::size_t step,
                       const http::HeadLimits& limits = {}) {
  Parsed<Head> parsed;
  for (std::size_t end = std::min(first, input.size());; end = std::min(end + step, input.size())) {
    parsed.text = ExactText(input.substr(0, end));
    parsed.status = parse_one(parsed.text.view, limits, parsed.progress, parsed.head);
    parsed.bytes_needed = end;
    if (parsed.status != http::HeadStatus::incomplete || end == input.size()) return parsed;
  }
}

}  // namespace walkie::test
