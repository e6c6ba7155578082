// SPDX-License-Identifier: MIT
// UTF-8: all characters, all sequences that decide, all cuts, and a second opinion.
#include <proto/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::proto {
namespace {

using namespace std::literals;

std::string encoded(std::uint32_t point) {
  const auto tail = [point](int shift) {
    return static_cast<char>(0x80 | ((point >> shift) & 0x3F));
  };
  if (point < 0x80) return {static_cast<char>(point)};
  if (point < 0x800) return {static_cast<char>(0xC0 | point >> 6), tail(0)};
  if (point < 0x10000) return {static_cast<char>(0xE0 | point >> 12), tail(6), tail(0)};
  return {static_cast<char>(0xF0 | point >> 18), tail(12), tail(6), tail(0)};
}

/// The reference: the length of the first character of `text`, by arithmetic on what its bytes
/// amount to. 0 where it is none and never will be; `open` where bytes of it are missing.
std::size_t character_bytes(std::string_view text, bool& open) {
  const auto at = [text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t need = lead >= 0xF8 ? 0U : lead >= 0xF0 ? 4U : lead >= 0xE0 ? 3U : 2U;
  if (need == 0 || lead < 0xC0) return 0;
  const std::array<std::uint32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  std::uint32_t low = static_cast<std::uint32_t>(lead) & (0x7FU >> need);
  std::uint32_t high = low;
  for (std::size_t i = 1; i < need; ++i) {
    const bool there = i < text.size();
    if (there && (at(i) & 0xC0) != 0x80) return 0;
    low = low << 6 | (there ? at(i) & 0x3FU : 0U);
    high = high << 6 | (there ? at(i) & 0x3FU : 0x3FU);
  }
  // [low, high] are the characters that the missing bytes still allow.
  const bool any_valid =
      high >= least[need] && low <= 0x10FFFF && !(low >= 0xD800 && high <= 0xDFFF);
  if (!any_valid) return 0;
  open = text.size() < need;
  return open ? text.size() : need;
}

/// Whether some continuation makes `text` well-formed; `complete`: it is already.
bool reference_allows(std::string_view text, bool& complete) {
  complete = true;
  while (!text.empty()) {
    bool open = false;
    const std::size_t bytes = character_bytes(text, open);
    if (bytes == 0) return false;
    complete = !open;
    text.remove_prefix(bytes);
  }
  return true;
}

/// Feeds `text` byte by byte; the number of bytes that were taken before the first refusal.
std::size_t bytes_taken(std::string_view text) {
  Utf8Stream stream;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!stream.feed(bytes_of(text.substr(i, 1)))) return i;
  }
  return text.size();
}

/// Whole, byte by byte and cut in two anywhere: all must agree with the reference.
void check_everywhere(std::string_view text) {
  bool complete = false;
  const bool allowed = reference_allows(text, complete);
  CHECK(is_utf8(bytes_of(text)) == (allowed && complete));
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    Utf8Stream stream;
    const bool taken =
        stream.feed(bytes_of(text.substr(0, cut))) && stream.feed(bytes_of(text.substr(cut)));
    bool right = taken == allowed;
    if (allowed) right = right && stream.complete() == complete;
    CAPTURE(cut);
    if (!right) FAIL("differs from the reference");
  }
  const std::size_t taken = bytes_taken(text);
  CHECK((taken == text.size()) == allowed);
  if (!allowed) {
    bool ignored = false;
    CHECK(reference_allows(text.substr(0, taken), ignored));
    CHECK_FALSE(reference_allows(text.substr(0, taken + 1), ignored));
  }
}

TEST_CASE("every character is well-formed and every surrogate is not [RFC 3629 3]") {
  for (std::uint32_t point = 0; point <= 0x10FFFF; ++point) {
    const bool surrogate = point >= 0xD800 && point <= 0xDFFF;
    if (is_utf8(bytes_of(encoded(point))) == surrogate) {
      CAPTURE(point);
      FAIL("judged wrongly");
    }
  }
  CHECK_FALSE(is_utf8(bytes_of(encoded(0x110000))));
  CHECK_FALSE(is_utf8(bytes_of(encoded(0x1FFFFF))));
}

TEST_CASE("every sequence of up to two bytes is judged as by arithmetic") {
  std::string text(1, '\0');
  for (int first = 0; first < 256; ++first) {
    text.resize(1);
    text[0] = static_cast<char>(first);
    check_everywhere(text);
    text.resize(2);
    for (int second = 0; second < 256; ++second) {
      text[1] = static_cast<char>(second);
      check_everywhere(text);
    }
  }
}

TEST_CASE("every class of three and four bytes is judged as by arithmetic [RFC 3629 4]") {
  // The bytes at which some rule changes, and one beside each.
  const std::vector<int> bounds{0x00, 0x41, 0x7F, 0x80, 0x81, 0x8F, 0x90, 0x91, 0x9F, 0xA0, 0xA1,
                                0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF,
                                0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF7, 0xF8, 0xFB, 0xFC, 0xFE, 0xFF};
  for (const int a : bounds) {
    for (const int b : bounds) {
      for (const int c : bounds) {
        const std::string three{static_cast<char>(a), static_cast<char>(b), static_cast<char>(c)};
        check_everywhere(three);
        if (a < 0xE0) continue;
        for (const int d : bounds) {
          bool complete = false;
          const std::string four = three + static_cast<char>(d);
          const bool allowed = reference_allows(four, complete);
          if (is_utf8(bytes_of(four)) != (allowed && complete)) FAIL("differs from the reference");
          if ((bytes_taken(four) == 4) != allowed) FAIL("differs from the reference");
        }
      }
    }
  }
}

TEST_CASE("a stream refuses text at the byte that decides it [RFC 6455 8.1]") {
  CHECK(bytes_taken("\x80"sv) == 0);              // a continuation without a lead
  CHECK(bytes_taken("a\xC0\x80"sv) == 1);         // overlong: the lead alone shows it
  CHECK(bytes_taken("\xE0\x9F\xBF"sv) == 1);      // overlong: the second byte shows it
  CHECK(bytes_taken("\xED\xA0\x80"sv) == 1);      // a surrogate
  CHECK(bytes_taken("\xF0\x8F\xBF\xBF"sv) == 1);  // overlong
  CHECK(bytes_taken("\xF4\x90\x80\x80"sv) == 1);  // U+110000
  CHECK(bytes_taken("\xF5\x80\x80\x80"sv) == 0);
  CHECK(bytes_taken("\xE2\x82z"sv) == 2);
  CHECK(bytes_taken("\xF0\x9F\x98\xC3"sv) == 3);
}

TEST_CASE("a stream knows whether it stands inside a character") {
  Utf8Stream stream;
  CHECK(stream.complete());
  REQUIRE(stream.feed(bytes_of("abc\xF0\x9F"sv)));
  CHECK_FALSE(stream.complete());
  REQUIRE(stream.feed({}));
  CHECK_FALSE(stream.complete());
  REQUIRE(stream.feed(bytes_of("\x98\x80"sv)));
  CHECK(stream.complete());
  REQUIRE(stream.feed(bytes_of("\xC3"sv)));
  stream.reset();
  CHECK(stream.complete());
  CHECK(stream.feed(bytes_of("x"sv)));
}

TEST_CASE("text cut inside each kind of character goes on, at any cut") {
  const std::string text =
      "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xE2\x82\xAC\xED\x9F\xBF\xEE\x80\x80"
      "\xF0\x90\x80\x80\xF4\x8F\xBF\xBF-end"s;
  check_everywhere(text);
  for (std::size_t bytes = 0; bytes < text.size(); ++bytes) check_everywhere(text.substr(0, bytes));
}

/// The standard engine, in 32 bits (its own result type has 64).
class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

/// Long text with each kind of character in it, `bytes` long or up to three shorter.
std::string long_text(std::size_t bytes, std::uint32_t seed) {
  Random random(seed);
  const std::array<std::uint32_t, 4> last{0x7F, 0x7FF, 0xD7FF, 0x10FFFF};
  const std::array<std::uint32_t, 4> first{0x20, 0x80, 0x800, 0x10000};
  std::string text;
  while (true) {
    const std::size_t kind = random() % 4;
    const std::uint32_t point = first[kind] + random() % (last[kind] - first[kind] + 1);
    const std::string more = encoded(point);
    if (text.size() + more.size() > bytes) return text;
    text += more;
  }
}

TEST_CASE("long text is judged alike in one piece and in two, at any cut") {
  for (const std::size_t bytes : {14U,  15U,  16U,  17U,  18U,  19U,  20U,  23U,  40U,  120U,
                                  127U, 128U, 129U, 149U, 150U, 151U, 153U, 200U, 400U, 700U}) {
    check_everywhere(long_text(bytes, static_cast<std::uint32_t>(bytes)));
    check_everywhere(std::string(bytes, 'a'));
    check_everywhere(std::string(bytes, 'a') + "\xF0\x9F\x98");
  }
}

TEST_CASE("one wrong byte in long text is found wherever it stands") {
  const std::string text = long_text(400, 7);
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const char wrong : {'\xFF', '\x80', '\xC0', '\xED'}) {
      std::string bad = text;
      bad[i] = wrong;
      bool complete = false;
      const bool allowed = reference_allows(bad, complete);
      CAPTURE(i);
      CHECK(is_utf8(bytes_of(bad)) == (allowed && complete));
      if (allowed) continue;
      Utf8Stream stream;
      CHECK_FALSE(stream.feed(bytes_of(bad)));
    }
  }
}

TEST_CASE("a stream judges random bytes as the reference does, in pieces of any size") {
  Random random(20240229);
  for (int round = 0; round < 3000; ++round) {
    std::string text = long_text(random() % 500, random());
    for (std::uint32_t changes = random() % 3; changes > 0 && !text.empty(); --changes) {
      text[random() % text.size()] = static_cast<char>(random());
    }
    bool complete = false;
    const bool allowed = reference_allows(text, complete);
    Utf8Stream stream;
    bool taken = true;
    for (std::size_t at = 0; taken && at < text.size();) {
      const std::size_t piece = std::min<std::size_t>(1 + random() % 300, text.size() - at);
      taken = stream.feed(bytes_of(std::string_view(text).substr(at, piece)));
      at += piece;
    }
    if (taken != allowed || (allowed && stream.complete() != complete)) {
      CAPTURE(round);
      FAIL("differs from the reference");
    }
  }
}

TEST_CASE("ASCII is recognized at any length and a high byte anywhere in it") {
  for (std::size_t bytes = 0; bytes < 80; ++bytes) {
    std::string text(bytes, 'z');
    CHECK(is_ascii(bytes_of(text)));
    for (std::size_t i = 0; i < bytes; ++i) {
      text[i] = '\x80';
      CHECK_FALSE(is_ascii(bytes_of(text)));
      text[i] = '\x7F';
    }
  }
}

}  // namespace
}  // namespace walkie::proto
