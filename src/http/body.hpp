// SPDX-License-Identifier: MIT
// Bodies of HTTP/1.1 messages, with a length or chunked (RFC 9112 §6 and §7).
//
//   chunked: *( size [";" extension] CRLF  size bytes  CRLF )  "0" [";" extension] CRLF
//            *( trailer field CRLF )  CRLF
#pragma once

#include <cstddef>
#include <cstdint>

#include <http/framing.hpp>
#include <http/head_error.hpp>
#include <walkie/bytes.hpp>

namespace walkie::http {

/// Takes a body apart. Feed bytes; it says how many it took and which of them are content.
class BodyReader {
 public:
  /// Chunk extensions of one body together, and its trailers together, are at most so long.
  static constexpr std::size_t kExtensionBytesMax = 4096;
  static constexpr std::size_t kTrailerBytesMax = 4096;

  BodyReader() noexcept = default;  ///< Of a message without a body.
  BodyReader(BodyFraming framing, std::uint64_t body_bytes_max) noexcept;

  struct Step {
    std::size_t used = 0;  ///< Bytes taken from the front of the input.
    BytesView content;     ///< Part of the input; may be empty.
    bool done = false;     ///< The body has ended; the rest of the input is the next message.
    HeadError error = HeadError::none;  ///< bad_chunk, body_too_large.
  };
  /// Call while there is input and the body has not ended: takes at least one byte. Chunk
  /// extensions and trailers are checked, bounded (4 kB) and discarded.
  [[nodiscard]] Step step(BytesView in) noexcept;
  [[nodiscard]] bool done() const noexcept { return stage_ == Stage::done; }

 private:
  enum class Stage : std::uint8_t {
    size,
    extension,
    size_line_feed,
    content,
    content_end,
    content_line_feed,
    trailer_start,
    trailer_name,
    trailer_value,
    trailer_line_feed,
    last_line_feed,
    until_close,
    done,
  };
  HeadError frame(char c) noexcept;
  HeadError size_digit(char c) noexcept;
  HeadError trailer_start(char c) noexcept;
  HeadError expect(char c, char wanted, Stage next) noexcept;
  HeadError bounded(HeadError error) noexcept;
  void take_content(Step& step, BytesView rest) noexcept;

  std::uint64_t left_ = 0;       ///< Content bytes of the chunk, or of the body with a length.
  std::uint64_t allowance_ = 0;  ///< Content bytes that further chunks may have.
  std::uint16_t extension_bytes_ = 0;
  std::uint16_t trailer_bytes_ = 0;
  std::uint8_t size_digits_ = 0;
  bool chunked_ = false;
  bool too_large_ = false;
  Stage stage_ = Stage::done;
};

}  // namespace walkie::http
