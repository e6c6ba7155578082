// SPDX-License-Identifier: MIT
// Log records as lines.
#include <cli/log_lines.hpp>

#include <array>
#include <string>

#include <doctest/doctest.h>
#include <unistd.h>

namespace walkie::cli {
namespace {

constexpr WallTime kTime{std::chrono::milliseconds(1'769'860'800'042)};

TEST_CASE("a time is printed in UTC with milliseconds") {
  CHECK(timestamp(kTime) == "2026-01-31T12:00:00.042Z");
  CHECK(timestamp(WallTime{}) == "1970-01-01T00:00:00.000Z");
}

TEST_CASE("a text line has time, level, event and fields") {
  const std::array<LogField, 2> fields{{{"code", "1002"}, {"clause", "RFC 6455 5.1"}}};
  CHECK(log_line_text({LogLevel::info, "websocket closed", fields}, kTime) ==
        "2026-01-31T12:00:00.042Z info    websocket closed code=1002 clause=\"RFC 6455 5.1\"\n");
}

TEST_CASE("a peer cannot break a text line or fake a field") {
  const std::array<LogField, 2> fields{{{"reason", "a\nb=1 \"x\""}, {"empty", ""}}};
  CHECK(log_line_text({LogLevel::error, "end", fields}, kTime) ==
        "2026-01-31T12:00:00.042Z error   end reason=\"a\\nb=1 \\\"x\\\"\" empty=\"\"\n");
}

TEST_CASE("a JSON line is one object") {
  const std::array<LogField, 1> fields{{{"code", "1002"}}};
  CHECK(log_line_json({LogLevel::warning, "closed", fields}, kTime) ==
        R"({"time":"2026-01-31T12:00:00.042Z","level":"warning","event":"closed","code":"1002"})"
        "\n");
}

TEST_CASE("a JSON string escapes quotes, backslashes and control bytes [RFC 8259 7]") {
  CHECK(json_string("a\"b\\c\n\t\x01\x7f") == "\"a\\\"b\\\\c\\n\\u0009\\u0001\\u007f\"");
  CHECK(json_string(std::string_view("\0", 1)) == "\"\\u0000\"");
}

TEST_CASE("a JSON string keeps UTF-8 and replaces what is none [RFC 3629 3]") {
  CHECK(json_string("\u00e9\u20ac\U0001F600") == "\"\u00e9\u20ac\U0001F600\"");
  CHECK(json_string("\xff") == "\"\ufffd\"");
  CHECK(json_string("a\xc3") == "\"a\ufffd\"");
  CHECK(json_string("\xc0\xaf") == "\"\ufffd\ufffd\"");
  CHECK(json_string("\xed\xa0\x80") == "\"\ufffd\ufffd\ufffd\"");
  CHECK(json_string("\xf4\x90\x80\x80") == "\"\ufffd\ufffd\ufffd\ufffd\"");
}

TEST_CASE("a sink writes records at its level and above") {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const LogSink sink = make_log_sink(LogLevel::warning, LogFormat::json, ends[1]);
  CHECK_FALSE(sink.takes(LogLevel::info));
  CHECK(sink.takes(LogLevel::warning));
  sink.write({LogLevel::warning, "closed", {}});
  std::array<char, 256> read_back{};
  const ssize_t bytes = ::read(ends[0], read_back.data(), read_back.size());
  REQUIRE(bytes > 0);
  const std::string_view line(read_back.data(), static_cast<std::size_t>(bytes));
  CHECK(line.ends_with(R"("level":"warning","event":"closed"})"
                       "\n"));
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace walkie::cli
