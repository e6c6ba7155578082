// SPDX-License-Identifier: MIT
// Received messages as text.
#include <cli/message_lines.hpp>

#include <array>
#include <cstdlib>
#include <ctime>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

constexpr MessageOrigin kNoon{WallTime(std::chrono::hours(12))};

std::string text_of_text(std::string_view text, const MessageStyle& style,
                         MessageOrigin origin = kNoon) {
  return message_text(text, style, origin);
}

std::string text_of_bytes(std::string_view bytes, const MessageStyle& style) {
  return message_text(binary(bytes_of(bytes)), style, kNoon);
}

/// Local times are those of UTC while it lives.
struct InUtc {
  InUtc() {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  ~InUtc() {
    unsetenv("TZ");
    tzset();
  }
};

TEST_CASE("a program gets payloads as they are, each with its separator") {
  CHECK(text_of_text("a\033b", {}) == "a\033b\n");
  CHECK(text_of_text("a", {.separator = std::string_view("\0", 1)}) == std::string("a\0", 2));
  CHECK(text_of_bytes("\xFF", {.separator = ""}) == "\xFF");
}

TEST_CASE("binary messages come in the form asked for, text stays text") {
  CHECK(text_of_bytes("hi", {.binary = BinaryForm::hex}) == "6869\n");
  CHECK(text_of_bytes("hi", {.binary = BinaryForm::base64}) == "aGk=\n");
  CHECK(text_of_text("hi", {.binary = BinaryForm::hex}) == "hi\n");
}

TEST_CASE("people get a mark, the time and the client, and nothing that a terminal would obey") {
  const InUtc utc;
  CHECK(text_of_text("a\033[2J", {.for_people = true}) == "< a\\x1b[2J\n");
  CHECK(text_of_text("a", {.for_people = true, .timestamps = true}) == "12:00:00 < a\n");
  CHECK(text_of_text("a", {.for_people = true}, {kNoon.time, 2}) == "#2 < a\n");
  CHECK(text_of_text("a", {.for_people = true, .coloured = true}) == "\033[32m<\033[0m a\n");
}

TEST_CASE("people get JSON laid out, in one line where it fits") {
  MessageStyle style{.for_people = true, .pretty = true, .columns = 12};
  CHECK(text_of_text("{\"a\":1}", style) == "< {\"a\": 1}\n");
  CHECK(text_of_text("{\"a\":123456}", style) == "< {\n  \"a\": 123456\n}\n");
  CHECK(text_of_text("12", style) == "< 12\n");
  style.pretty = false;
  CHECK(text_of_text("{\"a\":1}", style) == "< {\"a\":1}\n");
}

TEST_CASE("people get a dump of binary messages") {
  const MessageStyle style{.for_people = true, .binary = BinaryForm::dump};
  CHECK(text_of_bytes("hi", style).starts_with("< binary, 2 bytes\n00000000  68 69 "));
  CHECK(text_of_bytes("", style) == "< binary, 0 bytes\n");
  CHECK(text_of_bytes(std::string(600, 'x'), style).ends_with("\n... and 88 bytes more\n"));
}

TEST_CASE("events are one JSON object a line") {
  const MessageStyle style{.events = true};
  CHECK(text_of_text("a\"\n", style) ==
        R"({"time":"1970-01-01T12:00:00.000Z","event":"message","kind":"text","text":"a\"\n"})"
        "\n");
  CHECK(text_of_bytes("hi", style)
            .ends_with(R"("kind":"binary","base64":"aGk="})"
                       "\n"));
  CHECK(text_of_bytes("hi", {.events = true, .binary = BinaryForm::hex})
            .ends_with(R"("hex":"6869"})"
                       "\n"));
  CHECK(text_of_text("a", style, {kNoon.time, 7}).find(R"("client":7,)") != std::string::npos);
  const std::array<EventField, 1> fields{{{"code", "1000"}}};
  CHECK(event_line("close", kNoon.time, fields) ==
        R"({"time":"1970-01-01T12:00:00.000Z","event":"close","code":1000})"
        "\n");
}

TEST_CASE("a note is marked and harmless") {
  const InUtc utc;
  CHECK(note_line("connected\a", {.timestamps = true}, kNoon.time) ==
        "12:00:00 * connected\\x07\n");
}

}  // namespace
}  // namespace walkie::cli
