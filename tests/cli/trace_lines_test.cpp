// SPDX-License-Identifier: MIT
// The lines of -v.
#include <cli/trace_lines.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

using enum TraceDirection;

TEST_CASE("each line of a head has its arrow, and nothing in it is obeyed") {
  CHECK(head_lines(sent, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") ==
        "> GET / HTTP/1.1\n> Host: a\n> \n");
  CHECK(head_lines(received, "HTTP/1.1 101 \033[2J\r\n") == "< HTTP/1.1 101 \\x1b[2J\n");
}

TEST_CASE("a data frame is told by kind, length, compression and whether more follow") {
  CHECK(frame_line(sent, {.opcode = 1, .payload_bytes = 5}) == "> text frame, 5 bytes\n");
  CHECK(frame_line(received, {.opcode = 2, .fin = false, .compressed = true, .payload_bytes = 1}) ==
        "< binary frame, 1 byte, compressed, more follow\n");
  CHECK(frame_line(received, {.opcode = 0}) == "< continuation frame, 0 bytes\n");
  CHECK(frame_line(received, {.opcode = 11}) == "< opcode 0xb frame, 0 bytes\n");
}

TEST_CASE("a control frame shows its payload [RFC 6455 5.5]") {
  CHECK(frame_line(sent, {.opcode = 9, .payload_bytes = 1, .payload = bytes_of("\a")}) ==
        "> ping frame, 1 byte \"\\x07\"\n");
  CHECK(frame_line(received, {.opcode = 8,
                              .payload_bytes = 5,
                              .payload = bytes_of("\x03\xE8"
                                                  "bye")}) == "< close frame, 1000 \"bye\"\n");
  CHECK(frame_line(received, {.opcode = 8, .payload = bytes_of("\x03\xE9")}) ==
        "< close frame, 1001\n");
  CHECK(frame_line(received, {.opcode = 8}) == "< close frame, no code\n");
}

}  // namespace
}  // namespace walkie::cli
