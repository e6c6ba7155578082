// SPDX-License-Identifier: MIT
// Bodies of HTTP/1.1 messages, with a length or chunked (RFC 9112 §6 and §7).
#pragma once

#include <cstddef>
#include <cstdint>

#include <http/head.hpp>
#include <walkie/bytes.hpp>

namespace walkie::http {

/// Takes a body apart. Feed bytes; it says how many it took and which of them are content.
class BodyReader {
 public:
  BodyReader(BodyFraming framing, std::uint64_t body_bytes_max) noexcept;

  struct Step {
    std::size_t used = 0;  ///< Bytes taken from the front of the input.
    BytesView content;     ///< Part of the input; may be empty.
    bool done = false;     ///< The body has ended; the rest of the input is the next message.
    HeadError error = HeadError::none;  ///< bad_chunk, body_too_large.
  };
  /// Call while there is input and the body has not ended. Chunk extensions and trailers are
  /// bounded (4 kB) and discarded.
  [[nodiscard]] Step step(BytesView in) noexcept;
  [[nodiscard]] bool done() const noexcept;
  // private state: implementer's
};

}  // namespace walkie::http
