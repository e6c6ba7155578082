// SPDX-License-Identifier: MIT
// JSON laid out for people, and what is no JSON.
#include <cli/json_layout.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

std::string laid_out(std::string_view text, JsonLayout layout = {}) {
  return lay_out_json(text, layout).value_or("none");
}

TEST_CASE("objects and arrays are indented by two, empty ones stay closed") {
  CHECK(laid_out(R"({"a":1,"b":[true,{}],"c":[]})") ==
        "{\n  \"a\": 1,\n  \"b\": [\n    true,\n    {}\n  ],\n  \"c\": []\n}");
  CHECK(laid_out(" [ 1 , 2 ] ") == "[\n  1,\n  2\n]");
}

TEST_CASE("in one line there is a blank after commas and colons") {
  CHECK(laid_out(R"({"a":[1,2],"b":null})", {.indented = false}) == R"({"a": [1, 2], "b": null})");
}

TEST_CASE("numbers keep their digits and keys their order and duplicates") {
  CHECK(laid_out("[123456789012345678901234567890,-0.10e+5]", {.indented = false}) ==
        "[123456789012345678901234567890, -0.10e+5]");
  CHECK(laid_out(R"({"b":1,"a":2,"b":3})", {.indented = false}) == R"({"b": 1, "a": 2, "b": 3})");
}

TEST_CASE("strings keep their escapes, and what a terminal would obey is shown") {
  CHECK(laid_out(R"(["\u001b[2J\n\"\\"])", {.indented = false}) == R"(["\u001b[2J\n\"\\"])");
  CHECK(laid_out("[\"\x7F\xC2\x9B\"]", {.indented = false}) == "[\"\\x7f\\u009b\"]");
}

TEST_CASE("keys and values have colours of their own") {
  CHECK(laid_out(R"({"a":"b"})", {.coloured = true, .indented = false}) ==
        "{\033[34m\"a\"\033[0m: \033[32m\"b\"\033[0m}");
}

TEST_CASE("what is no JSON object or array is left alone [RFC 8259]") {
  for (const char* text : {"",           "hello",         "12",       "\"text\"",   "{",
                           "[1,]",       "{\"a\"}",       "{\"a\":}", "{a:1}",      "[01]",
                           "[1.]",       "[.5]",          "[1e]",     "[+1]",       "[tru]",
                           "[\"\\x\"]",  "[\"\\u12g4\"]", "[\"open]", "[\"a\nb\"]", "[1] 2",
                           "{\"a\":1,}", "[\"\\",         "[-]",      "{1:2}"})
    CHECK_MESSAGE(laid_out(text) == "none", text);
}

TEST_CASE("nesting is bounded") {
  const auto nested = [](std::size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  CHECK(lay_out_json(nested(100), {}));
  CHECK_FALSE(lay_out_json(nested(100'000), {}));
}

}  // namespace
}  // namespace walkie::cli
