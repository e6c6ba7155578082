// SPDX-License-Identifier: MIT
// Bodies with a length or chunked: content in runs, what frames it byte by byte.
#include <http/body.hpp>

#include <algorithm>

#include <http/characters.hpp>

namespace walkie::http {
namespace {

/// A size has at most so many digits: all that fit into 64 bits. Leading zeros count.
constexpr std::uint8_t kSizeDigitsMax = 16;

}  // namespace

BodyReader::BodyReader(BodyFraming framing, std::uint64_t body_bytes_max) noexcept
    : allowance_(body_bytes_max) {
  switch (framing.kind) {
    case BodyFraming::Kind::none:
      break;
    case BodyFraming::Kind::length:
      left_ = framing.length;
      too_large_ = framing.length > body_bytes_max;
      stage_ = framing.length ? Stage::content : Stage::done;
      break;
    case BodyFraming::Kind::chunked:
      chunked_ = true;
      stage_ = Stage::size;
      break;
    case BodyFraming::Kind::until_close:
      left_ = body_bytes_max;
      stage_ = Stage::until_close;
      break;
  }
}

BodyReader::Step BodyReader::step(BytesView in) noexcept {
  Step step;
  if (too_large_) step.error = HeadError::body_too_large;
  while (step.used < in.size() && !done() && step.error == HeadError::none) {
    if (stage_ == Stage::content || stage_ == Stage::until_close) {
      take_content(step, in.subspan(step.used));
      break;  // one run of content per step
    }
    step.error = frame(static_cast<char>(in[step.used++]));
  }
  step.done = done();
  return step;
}

void BodyReader::take_content(Step& step, BytesView rest) noexcept {
  const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, rest.size()));
  if (stage_ == Stage::until_close && n < rest.size()) {
    step.error = HeadError::body_too_large;
    return;
  }
  step.content = rest.first(n);
  step.used += n;
  left_ -= n;
  if (left_ || stage_ == Stage::until_close) return;
  stage_ = chunked_ ? Stage::content_end : Stage::done;
}

/// One byte of what is around the content.
HeadError BodyReader::frame(char c) noexcept {
  switch (stage_) {
    case Stage::size:
      return size_digit(c);
    case Stage::extension:
      if (c == '\r') return expect(c, '\r', Stage::size_line_feed);
      return bounded(is_a(kValueChar, c) ? HeadError::none : HeadError::bad_chunk);
    case Stage::size_line_feed: {
      size_digits_ = 0;
      return expect(c, '\n', left_ ? Stage::content : Stage::trailer_start);
    }
    case Stage::content_end:
      return expect(c, '\r', Stage::content_line_feed);
    case Stage::content_line_feed:
      return expect(c, '\n', Stage::size);
    case Stage::trailer_start:
      return trailer_start(c);
    case Stage::trailer_name:
      if (c == ':') return expect(c, ':', Stage::trailer_value);
      return bounded(is_a(kTokenChar, c) ? HeadError::none : HeadError::bad_chunk);
    case Stage::trailer_value:
      if (c == '\r') return expect(c, '\r', Stage::trailer_line_feed);
      return bounded(is_a(kValueChar, c) ? HeadError::none : HeadError::bad_chunk);
    case Stage::trailer_line_feed:
      return expect(c, '\n', Stage::trailer_start);
    case Stage::last_line_feed:
      return expect(c, '\n', Stage::done);
    case Stage::content:
    case Stage::until_close:
    case Stage::done:
      break;
  }
  return HeadError::bad_chunk;
}

HeadError BodyReader::size_digit(char c) noexcept {
  const int digit = hex_value(c);
  if (digit < 0) {
    if (size_digits_ == 0) return HeadError::bad_chunk;
    allowance_ -= left_;
    if (c != ';') return expect(c, '\r', Stage::size_line_feed);
    stage_ = Stage::extension;
    return bounded(HeadError::none);
  }
  if (size_digits_++ == kSizeDigitsMax) return HeadError::bad_chunk;
  // Refused at the digit that makes it too large; with 16 digits at most it cannot overflow.
  left_ = left_ * 16 + static_cast<unsigned>(digit);
  return left_ > allowance_ ? HeadError::body_too_large : HeadError::none;
}

HeadError BodyReader::trailer_start(char c) noexcept {
  if (c == '\r') return expect(c, '\r', Stage::last_line_feed);
  stage_ = Stage::trailer_name;
  return bounded(is_a(kTokenChar, c) ? HeadError::none : HeadError::bad_chunk);
}

HeadError BodyReader::expect(char c, char wanted, Stage next) noexcept {
  if (c != wanted) return HeadError::bad_chunk;
  stage_ = next;
  return HeadError::none;
}

/// Counts a byte that is discarded against its limit.
HeadError BodyReader::bounded(HeadError error) noexcept {
  const bool extension = stage_ == Stage::extension;
  if (extension && ++extension_bytes_ > kExtensionBytesMax) return HeadError::bad_chunk;
  if (!extension && ++trailer_bytes_ > kTrailerBytesMax) return HeadError::bad_chunk;
  return error;
}

}  // namespace walkie::http
