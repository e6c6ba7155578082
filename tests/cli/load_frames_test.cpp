// SPDX-License-Identifier: MIT
// Frames of the load generator.
#include <cli/load_frames.hpp>

#include <string>

#include <doctest/doctest.h>

#include <proto/mask.hpp>

namespace walkie::cli {
namespace {

using proto::Opcode;

/// All pieces of `bytes`, handed over in parts of `step` bytes, in words.
std::string read_in_steps(std::string_view bytes, std::size_t step) {
  FrameReader reader;
  std::string seen;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    BytesView in = bytes_of(bytes.substr(at, step));
    while (const auto piece = reader.next(in)) {
      seen += text_of(piece->bytes);
      if (piece->frame_ends) seen += piece->fin ? "|" : "+";
    }
    if (reader.failed()) return seen + "!";
  }
  return seen;
}

TEST_CASE("the reader finds the same frames at every split [RFC 6455 5.2]") {
  using namespace std::string_literals;
  const std::string frames = "\x81\x02hi\x82\x00\x89\x01p\x01\x03one\x80\x03two"s +
                             "\x82\x7e\x00\x80"s + std::string(128, 'x') +
                             "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s + std::string(65'536, 'y');
  const std::string expected =
      "hi||p|one+two|" + std::string(128, 'x') + "|" + std::string(65'536, 'y') + "|";
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5},
                                 std::size_t{7}, std::size_t{1000}, frames.size()})
    CHECK(read_in_steps(frames, step) == expected);
}

TEST_CASE("the reader refuses masked, compressed and broken frames [RFC 6455 5.1]") {
  CHECK(read_in_steps(std::string_view("\x81\x81\0\0\0\0x", 7), 7) == "!");
  CHECK(read_in_steps("\xc1\x01x", 3) == "!");
  CHECK(read_in_steps("\x83\x01x", 3) == "!");
}

TEST_CASE("a message's frame unmasks to its number and text [RFC 6455 5.3]") {
  const proto::MaskKey key{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};
  NumberedMessage message({.payload_bytes = 12, .mask_key = key});
  const BytesView frame = message.frame(0x1234ABCD);
  REQUIRE(frame.size() == 18);
  CHECK(frame[0] == std::byte{0x81});
  CHECK(frame[1] == std::byte{0x8C});
  std::string payload(text_of(frame.subspan(6)));
  proto::apply_mask({reinterpret_cast<std::byte*>(payload.data()), payload.size()}, key);
  CHECK(payload.starts_with("1234abcd"));
  CHECK(message.matches(0x1234ABCD, 0, bytes_of(payload)));
  CHECK(message.matches(0x1234ABCD, 5, bytes_of(std::string_view(payload).substr(5, 4))));
  CHECK_FALSE(message.matches(0x1234ABCE, 0, bytes_of(payload)));
  CHECK_FALSE(message.matches(0x1234ABCD, 1, bytes_of(payload)));
}

TEST_CASE("a raw answer is the frame as it was sent") {
  const proto::MaskKey key{std::byte{9}, std::byte{8}, std::byte{7}, std::byte{6}};
  NumberedMessage message({.payload_bytes = 32, .raw = true, .mask_key = key});
  const std::string frame(text_of(message.frame(7)));
  CHECK(message.answer_bytes() == frame.size());
  CHECK(message.matches(7, 0, bytes_of(frame)));
  CHECK_FALSE(message.matches(8, 0, bytes_of(frame)));
}

TEST_CASE("messages too short for a number have none") {
  NumberedMessage message({.payload_bytes = 7});
  const std::string first(text_of(message.frame(1)));
  CHECK(first == text_of(message.frame(2)));
  NumberedMessage empty({.payload_bytes = 0});
  CHECK(empty.frame(1).size() == 6);
  CHECK(empty.matches(1, 0, {}));
}

}  // namespace
}  // namespace walkie::cli
