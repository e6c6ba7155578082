// SPDX-License-Identifier: MIT
// Lines of a stream, and the messages they stand for.
#include <cli/message_input.hpp>

#include <vector>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

using Lines = std::vector<std::string>;

Lines lines_of(LineSplitter& splitter) {
  Lines lines;
  while (auto line = splitter.next()) lines.push_back(std::move(*line));
  return lines;
}

TEST_CASE("a stream is cut at its separators wherever its pieces end") {
  const std::string stream = "one\n\ntwo\nthree";
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    LineSplitter splitter('\n', 100);
    Lines lines;
    for (const auto& piece : {stream.substr(0, cut), stream.substr(cut)}) {
      splitter.feed(piece);
      const Lines more = lines_of(splitter);
      lines.insert(lines.end(), more.begin(), more.end());
    }
    CHECK(lines == Lines{"one", "", "two"});
    CHECK(splitter.rest() == "three");
    CHECK_FALSE(splitter.rest());
  }
}

TEST_CASE("another separator leaves line feeds alone") {
  LineSplitter splitter('\0', 100);
  splitter.feed(std::string_view("a\nb\0", 4));
  CHECK(lines_of(splitter) == Lines{"a\nb"});
  CHECK_FALSE(splitter.rest());
}

TEST_CASE("a line that is too long is found, complete or not") {
  LineSplitter splitter('\n', 3);
  splitter.feed("abc\nab");
  CHECK(lines_of(splitter) == Lines{"abc"});
  CHECK_FALSE(splitter.too_long());
  splitter.feed("cd");
  CHECK_FALSE(splitter.next());
  CHECK(splitter.too_long());
  LineSplitter whole('\n', 3);
  whole.feed("abcd\n");
  CHECK_FALSE(whole.next());
  CHECK(whole.too_long());
}

TEST_CASE("a line is a text message, or bytes as they are or encoded") {
  CHECK(message_of_line("a", InputForm::text)->kind == MessageKind::text);
  CHECK(message_of_line("a\xFF", InputForm::binary)->payload == "a\xFF");
  CHECK(message_of_line("a", InputForm::raw)->kind == MessageKind::binary);
  CHECK(message_of_line("aGk=", InputForm::base64)->payload == "hi");
  CHECK(message_of_line("68 69", InputForm::hex)->payload == "hi");
}

TEST_CASE("a line that is not what it should be is refused with what it is not") {
  CHECK(message_of_line("\xFF", InputForm::text).error().message.starts_with("is not UTF-8"));
  CHECK(message_of_line("*", InputForm::base64).error().message == "is not Base64");
  CHECK(message_of_line("6", InputForm::hex).error().message.starts_with("is not hexadecimal"));
}

}  // namespace
}  // namespace walkie::cli
