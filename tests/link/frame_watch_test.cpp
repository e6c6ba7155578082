// SPDX-License-Identifier: MIT
// What a watcher sees of a stream of frames, however it is cut.
#include <link/frame_watch.hpp>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <support/bytes.hpp>

namespace walkie::test {
namespace {

/// "opcode/fin/bytes/payload" of each frame.
std::vector<std::string> seen(link::FrameWatch& watch, BytesView bytes) {
  std::vector<std::string> frames;
  while (const auto frame = watch.next(bytes))
    frames.push_back(std::to_string(static_cast<unsigned>(frame->header.opcode)) + "/" +
                     std::to_string(frame->header.fin) + "/" +
                     std::to_string(frame->header.payload_bytes) + "/" +
                     std::string(text_of(frame->payload)));
  return frames;
}

const std::string kStream =
    std::string("\x81\x05hello", 7) +                           // text
    std::string("\x89\x02hi", 4) +                              // ping
    std::string("\x02\x7e\x00\xc8", 4) + std::string(200, 'b')  // first fragment, 16-bit length
    + std::string("\x8a\x82\x01\x02\x03\x04\x60\x60", 8) +      // masked pong "ab"
    std::string("\x80\x00", 2) +                                // empty last fragment
    std::string("\x88\x02\x03\xe8", 4);                         // close 1000

const std::vector<std::string> kFrames{"1/1/5/",    "9/1/2/hi", "2/0/200/",
                                       "10/1/2/ab", "0/1/0/",   "8/1/2/\x03\xe8"};

TEST_CASE("watcher sees every frame whole, and at every cut [RFC 6455 5.2]") {
  {
    link::FrameWatch watch;
    CHECK(seen(watch, bytes_of(kStream)) == kFrames);
  }
  for (std::size_t cut = 1; cut < kStream.size(); ++cut) {
    CAPTURE(cut);
    link::FrameWatch watch;
    auto frames = seen(watch, bytes_of(kStream).first(cut));
    for (auto& frame : seen(watch, bytes_of(kStream).subspan(cut)))
      frames.push_back(std::move(frame));
    CHECK(frames == kFrames);
  }
}

TEST_CASE("watcher looks at nothing more behind a malformed header") {
  link::FrameWatch watch;
  CHECK(seen(watch, bytes_of(std::string_view("\xf1\x00\x81\x00", 4))).empty());
  CHECK(seen(watch, bytes_of(std::string_view("\x81\x00", 2))).empty());
}

}  // namespace
}  // namespace walkie::test
