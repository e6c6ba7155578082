// SPDX-License-Identifier: MIT
// Hexadecimal, Base64 and dumps.
#include <cli/byte_text.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

TEST_CASE("hexadecimal goes both ways") {
  const std::string bytes("\0\x7F\xFF\xA5", 4);
  CHECK(hex_of(bytes_of(bytes)) == "007fffa5");
  CHECK(parse_hex("007fffa5") == bytes);
  CHECK(parse_hex(" 0x00 7F:ff A5\n") == bytes);
  CHECK(parse_hex("") == "");
}

TEST_CASE("halves of bytes and other letters are no hexadecimal") {
  for (const char* text : {"a", "0x1", "a b", "zz", "aabbc", "12,34"}) CHECK_FALSE(parse_hex(text));
}

TEST_CASE("Base64 goes both ways [RFC 4648 10]") {
  const std::pair<std::string_view, std::string_view> pairs[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"},
                                                                 {"\xFB\xFF", "+/8="}};
  for (const auto& [bytes, text] : pairs) {
    CHECK(base64_of(bytes_of(bytes)) == text);
    CHECK(parse_base64(text) == bytes);
  }
}

TEST_CASE("the URL alphabet, missing padding and blanks around are accepted") {
  CHECK(parse_base64("-_8") == "\xFB\xFF");
  CHECK(parse_base64(" Zg\r\n") == "f");
}

TEST_CASE("other letters and lengths are no Base64") {
  for (const char* text : {"Z", "Zm9vY", "Zg=", "Z===", "====", "Zm 9v", "Zm9*"})
    CHECK_FALSE(parse_base64(text));
}

TEST_CASE("a dump shows offset, bytes and letters") {
  CHECK(hex_dump(bytes_of("hi\n"), 64) ==
        "00000000  68 69 0a                                          |hi.|");
  CHECK(hex_dump(bytes_of("0123456789abcdefX"), 64) ==
        "00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n"
        "00000010  58                                                |X|");
  CHECK(hex_dump({}, 64).empty());
}

TEST_CASE("a dump of much says how much more there is") {
  CHECK(hex_dump(bytes_of(std::string(100, 'x')), 16).ends_with("|\n... and 84 bytes more"));
}

}  // namespace
}  // namespace walkie::cli
