// SPDX-License-Identifier: MIT
// The grammar of Sec-WebSocket-Extensions.
#include <proto/extension_list.hpp>

#include <initializer_list>

#include <doctest/doctest.h>

namespace walkie::proto {
namespace {

/// What was parsed, written in one canonical way; "fault" where the text does not parse.
std::string parsed(std::initializer_list<std::string_view> values) {
  std::vector<HeaderField> fields{{"Other", "@@@"}};
  for (const std::string_view value : values) fields.push_back({"sec-websocket-EXTENSIONS", value});
  const auto list = parse_extensions(fields);
  if (!list) return "fault";
  std::string text;
  for (const Extension& extension : *list) {
    text.append("[").append(extension.name);
    for (const ExtensionParameter& parameter : extension.parameters) {
      text.append(" ").append(parameter.name);
      if (parameter.value) text.append("=<").append(*parameter.value).append(">");
    }
    text.append("]");
  }
  return text;
}

TEST_CASE("extensions and parameters come in their order, over several fields [RFC 6455 9.1]") {
  CHECK(parsed({}) == "");
  CHECK(parsed({"foo"}) == "[foo]");
  CHECK(parsed({"foo, bar; baz=2"}) == "[foo][bar baz=<2>]");
  CHECK(parsed({"foo; a; b=c; a=d"}) == "[foo a b=<c> a=<d>]");
  CHECK(parsed({"a", "b;c", "d"}) == "[a][b c][d]");
  CHECK(parsed({"deflate-stream", "mux; max-channels=4; flow-control, deflate-stream"}) ==
        "[deflate-stream][mux max-channels=<4> flow-control][deflate-stream]");
}

TEST_CASE("spaces and tabs may stand between the parts, and list elements may be empty") {
  CHECK(parsed({"  a\t; b = c  ,\td  "}) == "[a b=<c>][d]");
  CHECK(parsed({"a;b=c,d"}) == "[a b=<c>][d]");
  CHECK(parsed({""}) == "");
  CHECK(parsed({" , ,, "}) == "");
  CHECK(parsed({",a,,b, "}) == "[a][b]");
}

TEST_CASE("quoted values are tokens once their quotes are off [RFC 6455 9.1]") {
  CHECK(parsed({R"(a; b="c")"}) == "[a b=<c>]");
  CHECK(parsed({R"(a; b="c"; d ,e)"}) == "[a b=<c> d][e]");
  CHECK(parsed({R"(a; b="\c\1")"}) == "[a b=<c1>]");
  CHECK(parsed({R"(a; b="")"}) == "fault");
  CHECK(parsed({R"(a; b="c d")"}) == "fault");
  CHECK(parsed({R"(a; b="c,d")"}) == "fault");
  CHECK(parsed({R"(a; b="\"")"}) == "fault");
}

TEST_CASE("what the grammar does not know is a fault [RFC 6455 9.1]") {
  for (const std::string_view text :
       {";",        "; a",        "a b",        "a=b",         "a;",           "a; ;b",
        "a; b=",    "a; =b",      "a; b==c",    "a; b=c d",    "a/b",          "a; b c",
        "a; b=c=d", R"(a; b="c)", R"(a; b=")",  R"(a; b="c\)", R"(a; b="c\")", R"(a; b="c"d)",
        R"("a")",   R"(a; "b")",  "a; b=c\x01", "\x80",        "a; b\n"}) {
    CAPTURE(text);
    CHECK(parsed({text}) == "fault");
    CHECK(parsed({"good", text}) == "fault");
    CHECK(parsed({text, "good"}) == "fault");
  }
}

}  // namespace
}  // namespace walkie::proto
