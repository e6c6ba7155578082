// SPDX-License-Identifier: MIT
// Bodies, with a length and chunked.
#include <http/body.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include <support/split_everywhere.hpp>

using namespace walkie;
using namespace walkie::http;
using Kind = BodyFraming::Kind;

namespace {

struct Read {
  std::string content;
  std::size_t used = 0;
  bool done = false;
  HeadError error = HeadError::none;
};

void feed(BodyReader& reader, BytesView part, Read& read) {
  while (!part.empty() && !reader.done() && read.error == HeadError::none) {
    const BodyReader::Step step = reader.step(part);
    read.content += text_of(step.content);
    read.used += step.used;
    read.error = step.error;
    CHECK(step.done == reader.done());
    REQUIRE((step.used > 0 || step.error != HeadError::none));
    part = part.subspan(step.used);
  }
  read.done = reader.done();
}

/// Reads `input` whole, byte by byte and cut everywhere: all must agree.
Read read_body(std::string_view input, BodyFraming framing, std::uint64_t bytes_max = 1000) {
  std::optional<Read> first;
  test::split_everywhere(bytes_of(input), [&](const test::Parts& parts) {
    BodyReader reader(framing, bytes_max);
    Read read;
    for (const test::Bytes& part : parts) feed(reader, part, read);
    if (!first) first = read;
    CHECK(read.content == first->content);
    CHECK(read.done == first->done);
    CHECK(read.error == first->error);
    if (read.error == HeadError::none) CHECK(read.used == first->used);
  });
  return first.value();
}

Read chunked(std::string_view input, std::uint64_t bytes_max = 1000) {
  return read_body(input, {Kind::chunked, 0}, bytes_max);
}

}  // namespace

TEST_CASE("a message without a body is done at once [RFC 9112 6.3]") {
  CHECK(BodyReader().done());
  CHECK(BodyReader({Kind::none, 0}, 10).done());
  CHECK(BodyReader({Kind::length, 0}, 10).done());
}

TEST_CASE("a body with a length ends behind it [RFC 9112 6.2]") {
  const Read read = read_body("helloGET /", {Kind::length, 5});
  CHECK(read.content == "hello");
  CHECK(read.used == 5);
  CHECK(read.done);
  CHECK_FALSE(read_body("hell", {Kind::length, 5}).done);
}

TEST_CASE("a body of exactly the limit passes, one byte more does not [RFC 9110 15.5.14]") {
  CHECK(read_body("hello", {Kind::length, 5}, 5).error == HeadError::none);
  CHECK(read_body("hello!", {Kind::length, 6}, 5).error == HeadError::body_too_large);
  CHECK(read_body("h", {Kind::length, UINT64_MAX}, 5).error == HeadError::body_too_large);
  CHECK(chunked("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 5).content == "abcde");
  CHECK(chunked("3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 5).error == HeadError::body_too_large);
}

TEST_CASE("a body until the close is bounded [RFC 9112 6.3]") {
  CHECK(read_body("hello", {Kind::until_close, 0}, 5).content == "hello");
  BodyReader reader({Kind::until_close, 0}, 5);
  CHECK(reader.step(bytes_of("hello!")).error == HeadError::body_too_large);
}

TEST_CASE("chunks are joined, extensions and trailers discarded [RFC 9112 7.1]") {
  const Read read = chunked(
      "5\r\nhello\r\n1;a=b;c=\"d;e\"\r\n \r\n00a\r\nchunked wo\r\n3\r\nrld\r\n0;x\r\n"
      "Trailer: one\r\nAnother:\r\n\r\nNEXT");
  CHECK(read.content == "hello chunked world");
  CHECK(read.done);
  CHECK(chunked("0\r\n\r\nNEXT").used == 5);
  CHECK(chunked("A\r\n0123456789\r\n0\r\n\r\n").content == "0123456789");
}

TEST_CASE("an unfinished chunked body is not done [RFC 9112 8]") {
  const std::string_view whole = "3\r\nabc\r\n0\r\nT: v\r\n\r\n";
  for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
    BodyReader reader({Kind::chunked, 0}, 10);
    Read read;
    feed(reader, bytes_of(whole.substr(0, bytes)), read);
    CHECK(read.error == HeadError::none);
    CHECK_FALSE(read.done);
  }
}

TEST_CASE("server refuses malformed chunks with 400 [RFC 9112 7.1]") {
  for (const std::string_view bad : {"\r\n",
                                     "x\r\n",
                                     "-1\r\n",
                                     "+1\r\n",
                                     "0x1\r\n",
                                     " 1\r\n",
                                     "1 \r\n",
                                     "1\t\r\n",
                                     "g\r\n",
                                     ";a\r\n",
                                     "1\nA\r\n",
                                     "1\r\r\nA",
                                     "1;a\nA",
                                     "1;\x01\r\nA",
                                     "1;\x7f\r\nA",
                                     "1\r\nAB\r\n",
                                     "1\r\nA\n",
                                     "1\r\nA\rB",
                                     "1\r\nA0\r\n",
                                     "0\r\n\n",
                                     "0\r\n\rX",
                                     "0\r\n T: v\r\n\r\n",
                                     "0\r\nT v\r\n\r\n",
                                     "0\r\nT : v\r\n\r\n",
                                     "0\r\n: v\r\n\r\n",
                                     "0\r\nT\r\n\r\n",
                                     "0\r\nT: v\n\r\n",
                                     "0\r\nT: \x01\r\n\r\n",
                                     "0\r\nT: v\rX\r\n",
                                     "0\r\nT: v\r\n w\r\n\r\n",
                                     "1,2\r\nA"}) {
    CAPTURE(bad);
    CHECK(chunked(bad).error == HeadError::bad_chunk);
  }
}

TEST_CASE("chunk sizes cannot overflow [RFC 9112 7.1]") {
  constexpr std::uint64_t kAny = UINT64_MAX;
  CHECK(chunked("ffffffffffffffff\r\nx", kAny).error == HeadError::none);
  CHECK(chunked("10000000000000000\r\nx", kAny).error == HeadError::bad_chunk);
  CHECK(chunked("00000000000000001\r\nx", kAny).error == HeadError::bad_chunk);
  CHECK(chunked("0000000000000001\r\nx\r\n0\r\n\r\n", kAny).content == "x");
  CHECK(chunked("1\r\nx\r\nffffffffffffffff\r\nx", kAny).error == HeadError::body_too_large);
}

TEST_CASE("a chunk that is too large is refused at its size [RFC 9110 15.5.14]") {
  BodyReader reader({Kind::chunked, 0}, 0xff);
  const BodyReader::Step step = reader.step(bytes_of("100"));
  CHECK(step.error == HeadError::body_too_large);
  CHECK(step.used == 3);
}

TEST_CASE("chunk extensions are bounded over the whole body [RFC 9112 7.1.1]") {
  const std::size_t most = BodyReader::kExtensionBytesMax;
  const auto with = [](std::size_t extension_bytes) {
    std::string text;
    for (const std::size_t half : {extension_bytes / 2, extension_bytes - extension_bytes / 2})
      text += "1;" + std::string(half - 1, 'e') + "\r\nA\r\n";
    return text + "0\r\n\r\n";
  };
  CHECK(chunked(with(most)).content == "AA");
  CHECK(chunked(with(most + 1)).error == HeadError::bad_chunk);
}

TEST_CASE("trailers are bounded [RFC 9112 7.1.2]") {
  const std::size_t most = BodyReader::kTrailerBytesMax;
  const auto with = [](std::size_t trailer_bytes) {  // the name and what is behind its colon
    return "0\r\nT:" + std::string(trailer_bytes - 1, 'v') + "\r\n\r\n";
  };
  CHECK(chunked(with(most)).done);
  CHECK(chunked(with(most + 1)).error == HeadError::bad_chunk);
}
