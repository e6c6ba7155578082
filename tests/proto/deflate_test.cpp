// SPDX-License-Identifier: MIT
// Compressing and inflating messages: the RFC's examples, every window and level, every cut, and
// what a hostile peer may send.
#include <proto/deflate.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::proto {
namespace {

using namespace std::literals;

/// Text that compresses, different for each seed.
std::string words(std::size_t bytes, std::uint32_t seed) {
  constexpr std::array kWords{"frame "sv, "mask "sv, "close "sv, "ping "sv, "{\"id\":"sv, "},"sv};
  std::string text;
  while (text.size() < bytes) {
    seed = seed * 1'664'525 + 1'013'904'223;
    text += kWords[(seed >> 24) % kWords.size()];
    text += static_cast<char>('a' + (seed >> 16) % 26);
  }
  text.resize(bytes);
  return text;
}

/// Bytes that do not compress.
std::string noise(std::size_t bytes, std::uint32_t seed) {
  std::string text(bytes, '\0');
  for (char& c : text) {
    seed = seed * 1'664'525 + 1'013'904'223;
    c = static_cast<char>(seed >> 24);
  }
  return text;
}

std::string compressed(Deflater& deflater, std::string_view message) {
  std::vector<std::byte> out;
  deflater.compress(bytes_of(message), true, out);
  return std::string(text_of(out));
}

struct Inflated {
  std::string text;
  bool corrupt = false;
  friend bool operator==(const Inflated&, const Inflated&) = default;
};

/// Calls `step(room, produced)` until it asks for input.
template <typename Step>
void drain(std::size_t room_bytes, Inflated& inflated, Step step) {
  std::vector<std::byte> room(room_bytes);
  InflateStatus status = InflateStatus::output;
  while (status == InflateStatus::output && !inflated.corrupt) {
    std::size_t produced = 0;
    status = step(room, produced);
    REQUIRE(produced <= room_bytes);
    inflated.text += text_of(room).substr(0, produced);
    inflated.corrupt = status == InflateStatus::corrupt;
  }
}

void inflate_some(Inflater& inflater, std::string_view payload, std::size_t room_bytes,
                  Inflated& inflated) {
  BytesView in = bytes_of(payload);
  drain(room_bytes, inflated, [&](MutableBytes room, std::size_t& produced) {
    return inflater.inflate(in, room, produced);
  });
  if (!inflated.corrupt) CHECK(in.empty());
}

void finish(Inflater& inflater, std::size_t room_bytes, Inflated& inflated) {
  drain(room_bytes, inflated,
        [&](MutableBytes room, std::size_t& produced) { return inflater.finish(room, produced); });
}

/// One message, in pieces of `piece_bytes` into a buffer of `room_bytes`.
Inflated inflated(Inflater& inflater, std::string_view payload, std::size_t piece_bytes = 1 << 20,
                  std::size_t room_bytes = 4096) {
  Inflated result;
  while (!payload.empty() && !result.corrupt) {
    inflate_some(inflater, payload.substr(0, piece_bytes), room_bytes, result);
    payload.remove_prefix(std::min(piece_bytes, payload.size()));
  }
  if (!result.corrupt) finish(inflater, room_bytes, result);
  return result;
}

Inflated inflated_fresh(std::string_view payload) {
  Inflater inflater(15);
  return inflated(inflater, payload);
}

const Inflated kHello{"Hello"};

TEST_CASE("inflater reads the RFC's example of one block [RFC 7692 7.2.3.1]") {
  CHECK(inflated_fresh("\xf2\x48\xcd\xc9\xc9\x07\x00"sv) == kHello);
}

TEST_CASE("inflater reads the RFC's example that shares the window [RFC 7692 7.2.3.2]") {
  Inflater inflater(15);
  CHECK(inflated(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv) == kHello);
  CHECK(inflated(inflater, "\xf2\x00\x11\x00\x00"sv) == kHello);
}

TEST_CASE("inflater refuses a reference into a window that was reset [RFC 7692 7.1.1]") {
  Inflater inflater(15);
  CHECK(inflated(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv) == kHello);
  inflater.reset();
  CHECK(inflated(inflater, "\xf2\x00\x11\x00\x00"sv).corrupt);
}

TEST_CASE("inflater reads the RFC's example of a block without compression [RFC 7692 7.2.3.3]") {
  CHECK(inflated_fresh("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"sv) == kHello);
}

TEST_CASE("inflater reads the RFC's example of a final block [RFC 7692 7.2.3.4]") {
  CHECK(inflated_fresh("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"sv) == kHello);
}

TEST_CASE("inflater reads the RFC's example of two blocks [RFC 7692 7.2.3.5]") {
  CHECK(inflated_fresh("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"sv) == kHello);
}

TEST_CASE("inflater reads an empty message in each of its forms [RFC 7692 7.2.3.6]") {
  CHECK(inflated_fresh("\x00"sv) == Inflated{});
  CHECK(inflated_fresh("\x02\x00"sv) == Inflated{});  // an empty block of fixed codes before it
  CHECK(inflated_fresh(""sv) == Inflated{});          // not even the header of the empty block
}

TEST_CASE("empty messages leave the window as it is") {
  Inflater inflater(15);
  CHECK(inflated(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv) == kHello);
  CHECK(inflated(inflater, "\x00"sv) == Inflated{});
  CHECK(inflated(inflater, ""sv) == Inflated{});
  CHECK(inflated(inflater, "\xf2\x00\x11\x00\x00"sv) == kHello);
}

TEST_CASE("the window outlives final blocks, within a message and behind it [RFC 7692 7.2.3.4]") {
  const auto final_hello = "\xf3\x48\xcd\xc9\xc9\x07\x00"s;
  const auto hello_by_reference = "\xf2\x00\x11\x00\x00"s;
  Inflater inflater(15);
  CHECK(inflated(inflater, final_hello + "\x00"s) == kHello);
  CHECK(inflated(inflater, hello_by_reference) == kHello);
  CHECK(inflated(inflater, final_hello + hello_by_reference) == Inflated{"HelloHello"});
  const auto twice = final_hello + "\xf3\x00\x11\x00"s + hello_by_reference;
  for (std::size_t piece = 1; piece <= twice.size(); ++piece) {
    for (std::size_t room = 1; room <= 16; ++room) {
      Inflater fresh(15);
      CHECK(inflated(fresh, twice, piece, room) == Inflated{"HelloHelloHello"});
    }
  }
}

TEST_CASE("a message may end right behind a final block, without the empty one") {
  Inflater inflater(15);
  CHECK(inflated(inflater, "\xf3\x48\xcd\xc9\xc9\x07\x00"sv) == kHello);
  CHECK(inflated(inflater, "\xf2\x00\x11\x00\x00"sv) == kHello);
}

TEST_CASE("many final blocks cost no more than their bytes") {
  // Each is an empty stream; copying the window at each would take half a minute here.
  std::string payload;
  for (int i = 0; i < 2'000'000; ++i) payload += "\x03\x00"sv;
  payload += '\x00';
  Inflater inflater(15);
  CHECK_FALSE(
      inflated(inflater, compressed(*std::make_unique<Deflater>(15, 1), words(40'000, 1))).corrupt);
  CHECK(inflated(inflater, payload) == Inflated{});
}

TEST_CASE("inflater refuses what is not DEFLATE [RFC 1951 3.2.3]") {
  CHECK(inflated_fresh("\x07"sv).corrupt);                       // block type 11
  CHECK(inflated_fresh("\xFF\xFF\xFF"sv).corrupt);               // the same
  CHECK(inflated_fresh("\x00\x05\x00\x05\x00Hello"sv).corrupt);  // length and complement differ
  CHECK(inflated_fresh("\xf2\x00\x11\x00\x00"sv).corrupt);       // refers before the first byte
  CHECK(inflated_fresh("\xf2\x48\xcd\xc9\xc9\x07\x00\xFF"sv).corrupt);  // garbage behind the blocks
}

TEST_CASE(
    "inflater refuses a message that is cut short or goes on behind its end [RFC 7692 7.2.2]") {
  const auto whole = "\xf2\x48\xcd\xc9\xc9\x07\x00"sv;
  for (std::size_t bytes = 1; bytes < whole.size(); ++bytes) {
    CAPTURE(bytes);
    CHECK(inflated_fresh(whole.substr(0, bytes)).corrupt);
  }
  CHECK(inflated_fresh("\x00\x06\x00\xf9\xffHello"sv).corrupt);  // a stored block lacks bytes
  // The dropped 00 00 ff ff was sent after all: a second one does not follow from it.
  CHECK(inflated_fresh("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff"sv).corrupt);
}

TEST_CASE("inflater works again after corrupt data once it is reset") {
  Inflater inflater(15);
  CHECK(inflated(inflater, "\xf2\x48"sv).corrupt);
  inflater.reset();
  CHECK(inflated(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv) == kHello);
  CHECK(inflated(inflater, "\xFF"sv).corrupt);
  inflater.reset();
  CHECK(inflated(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv) == kHello);
}

TEST_CASE("an inflater that is reset inside a message starts a new one") {
  Inflater inflater(15);
  Inflated part;
  inflate_some(inflater, "\xf2\x48\xcd"sv, 100, part);
  inflater.reset();
  CHECK(inflated(inflater, "\xf2\x48\xcd\xc9\xc9\x07\x00"sv) == kHello);
}

TEST_CASE("output comes in rooms of any size, input in pieces of any size") {
  Deflater deflater(15, 6);
  const std::string message = words(300, 3) + noise(50, 4);
  const std::string payload = compressed(deflater, message);
  for (std::size_t piece = 1; piece <= payload.size(); piece += piece < 8 ? 1 : 7) {
    for (std::size_t room = 1; room <= message.size() + 2; room += room < 8 ? 1 : 11) {
      Inflater inflater(15);
      CHECK(inflated(inflater, payload, piece, room) == Inflated{message});
    }
  }
}

TEST_CASE("output that fills the room exactly is followed by nothing") {
  Deflater deflater(15, 6);
  const std::string payload = compressed(deflater, "Hello");
  Inflater inflater(15);
  std::array<std::byte, 5> room{};
  std::size_t produced = 0;
  BytesView in = bytes_of(payload);
  CHECK(inflater.inflate(in, room, produced) == InflateStatus::output);
  CHECK(produced == 5);
  Inflated rest;
  inflate_some(inflater, text_of(in), 1, rest);
  finish(inflater, 1, rest);
  CHECK(rest == Inflated{});
}

TEST_CASE("a bomb comes out at the caller's pace") {
  Deflater deflater(15, 9);
  const std::size_t bomb_bytes = 64 << 20;
  const std::string payload = compressed(deflater, std::string(bomb_bytes, '\0'));
  REQUIRE(payload.size() < bomb_bytes / 1000);
  Inflater inflater(15);
  std::array<std::byte, 1000> room{};
  BytesView in = bytes_of(payload);
  for (int i = 0; i < 100; ++i) {
    std::size_t produced = 0;
    REQUIRE(inflater.inflate(in, room, produced) == InflateStatus::output);
    REQUIRE(produced == room.size());
  }
  CHECK(in.size() > payload.size() - 1000);  // it did not read ahead
}

TEST_CASE("deflater makes the RFC's example [RFC 7692 7.2.3.1]") {
  Deflater deflater(15, 6);
  CHECK(compressed(deflater, "Hello") == "\xf2\x48\xcd\xc9\xc9\x07\x00"sv);
}

TEST_CASE("deflater shares its window with the next message and forgets it when reset") {
  Deflater deflater(15, 6);
  const auto first = compressed(deflater, "Hello");
  CHECK(compressed(deflater, "Hello") == "\xf2\x00\x11\x00\x00"sv);
  deflater.reset();
  CHECK(compressed(deflater, "Hello") == first);
}

TEST_CASE("deflater sends an empty message as one zero, wherever it comes [RFC 7692 7.2.3.6]") {
  Deflater deflater(15, 6);
  Inflater inflater(15);
  CHECK(compressed(deflater, "") == "\0"sv);
  CHECK(compressed(deflater, "") == "\0"sv);
  CHECK(inflated(inflater, compressed(deflater, "Hello")) == kHello);
  CHECK(compressed(deflater, "") == "\0"sv);
  CHECK(inflated(inflater, "\0"sv) == Inflated{});
  CHECK(inflated(inflater, compressed(deflater, "Hello")) == kHello);
  std::vector<std::byte> out;
  deflater.compress({}, false, out);
  deflater.compress({}, false, out);
  CHECK(out.empty());
  deflater.compress({}, true, out);
  CHECK(text_of(out) == "\0"sv);
}

TEST_CASE("deflater appends and leaves what stands before") {
  Deflater deflater(15, 6);
  std::vector<std::byte> out(3, std::byte{0xEE});
  deflater.compress(bytes_of("Hello"sv), true, out);
  CHECK(text_of(out) == "\xEE\xEE\xEE\xf2\x48\xcd\xc9\xc9\x07\x00"sv);
}

TEST_CASE("each piece of a message can be inflated before the next one is sent") {
  Deflater deflater(15, 1);
  Inflater inflater(15);
  for (const std::string_view piece : {"the first piece ", "x", "and the third"}) {
    std::vector<std::byte> wire;
    deflater.compress(bytes_of(piece), false, wire);
    BytesView in(wire);
    std::array<std::byte, 100> room;
    std::size_t produced = 0;
    CHECK(inflater.inflate(in, room, produced) != InflateStatus::corrupt);
    CHECK(text_of(BytesView(room).first(produced)) == piece);
  }
}

TEST_CASE("deflater takes a message in pieces, the last of which may be empty") {
  const std::string message = words(5000, 9);
  for (const std::size_t piece : {1U, 7U, 500U, 4999U, 5000U}) {
    for (const bool empty_last : {false, true}) {
      Deflater deflater(15, 6);
      Inflater inflater(15);
      for (int round = 0; round < 3; ++round) {
        std::vector<std::byte> out;
        for (std::size_t at = 0; at < message.size(); at += piece) {
          const auto part = std::string_view(message).substr(at, piece);
          const bool last = at + part.size() == message.size() && !empty_last;
          deflater.compress(bytes_of(part), last, out);
        }
        if (empty_last) deflater.compress({}, true, out);
        CHECK(inflated(inflater, text_of(out)) == Inflated{message});
      }
    }
  }
}

TEST_CASE("a deflater that is reset inside a message starts a new one") {
  Deflater deflater(15, 6);
  std::vector<std::byte> dropped;
  deflater.compress(bytes_of(words(3000, 5)), false, dropped);
  deflater.reset();
  CHECK(compressed(deflater, "Hello") == "\xf2\x48\xcd\xc9\xc9\x07\x00"sv);
}

TEST_CASE("messages come back whole at every window and level, with and without context") {
  for (int window_bits = 9; window_bits <= 15; ++window_bits) {
    for (int level = 1; level <= 9; ++level) {
      for (const bool takeover : {true, false}) {
        Deflater deflater(window_bits, level);
        Inflater inflater(window_bits);
        CHECK(deflater.window_bits() == window_bits);
        CHECK(deflater.level() == level);
        CHECK(inflater.window_bits() == window_bits);
        for (const std::size_t bytes : {1U, 2U, 100U, 300U, 5000U, 40'000U}) {
          const std::string message = words(bytes, static_cast<std::uint32_t>(bytes + 1));
          CHECK(inflated(inflater, compressed(deflater, message), 1000) == Inflated{message});
          const std::string hard = noise(bytes, static_cast<std::uint32_t>(bytes + 2));
          CHECK(inflated(inflater, compressed(deflater, hard)) == Inflated{hard});
          if (takeover) continue;
          deflater.reset();
          inflater.reset();
        }
      }
    }
  }
}

/// Inflates `payload` byte by byte into one byte of room: then only the window is there to refer
/// to.
Inflated inflated_in_window(int window_bits, std::string_view payload) {
  Inflater inflater(window_bits);
  return inflated(inflater, payload, 1, 1);
}

TEST_CASE("a deflater's references stay within its window [RFC 7692 7.1.2]") {
  for (int window_bits = 9; window_bits <= 15; ++window_bits) {
    // A period one byte longer than the window: the last one is what a wider search would find.
    const std::string period = noise((std::size_t{1} << window_bits) + 1, 77);
    const std::string message = period + period + words(2000, 5);
    Deflater deflater(window_bits, 9);
    CHECK(inflated_in_window(window_bits, compressed(deflater, message)) == Inflated{message});
  }
}

TEST_CASE("an inflater of 8 bits reads what refers back 256 bytes, and no further") {
  // A match of length 3 at distance 193 + 63 = 256, in fixed codes, behind 256 stored bytes.
  const std::string stored = "\x00\x00\x01\xff\xfe"s + noise(256, 5);
  const auto at_256 = stored + "\x02\xfa\x1f\x00"s;
  const auto at_257 = stored + "\x00\x01\x00\xfe\xff!"s + "\x02\x06\x00\x00"s;
  const Inflated near = inflated_in_window(8, at_256);
  CHECK_FALSE(near.corrupt);
  CHECK(near.text.size() == 259);
  CHECK(near.text.substr(256) == near.text.substr(0, 3));
  // 257 is distance code 16, seven extra bits of zero.
  const Inflated wide = inflated_in_window(9, at_257);
  CHECK_FALSE(wide.corrupt);
  CHECK(inflated_in_window(8, at_257).corrupt);
}

TEST_CASE("output that ends anywhere in the growth steps inflates all the same") {
  // Around 16 kB the output just fills the room it is given, with and without what was held back.
  for (std::size_t bytes = 16'340; bytes < 16'400; ++bytes) {
    Deflater deflater(15, 1);
    Inflater inflater(15);
    const std::string message = noise(bytes, 3);
    std::vector<std::byte> out;
    deflater.compress(bytes_of(message), false, out);
    deflater.compress({}, true, out);
    CHECK(inflated(inflater, text_of(out)) == Inflated{message});
    CHECK(inflated(inflater, compressed(deflater, message)) == Inflated{message});
  }
}

TEST_CASE("compressing into a buffer with capacity does not move it") {
  Deflater deflater(15, 1);
  const std::string message = words(2000, 8);
  std::vector<std::byte> out;
  out.reserve(8192);
  const std::byte* const place = out.data();
  for (int i = 0; i < 100; ++i) {
    out.clear();
    deflater.compress(bytes_of(message), true, out);
    CHECK(out.data() == place);
  }
}

TEST_CASE("a pool lends an idle codec of the kind asked for, without its history") {
  DeflatePool pool(2);
  auto deflater = pool.acquire_deflater(15, 6);
  Deflater* const address = deflater.get();
  const auto first = compressed(*deflater, "Hello");
  pool.release(std::move(deflater));
  CHECK(pool.idle_deflaters() == 1);
  CHECK(pool.acquire_deflater(15, 5).get() != address);
  CHECK(pool.acquire_deflater(12, 6).get() != address);
  deflater = pool.acquire_deflater(15, 6);
  CHECK(deflater.get() == address);
  CHECK(compressed(*deflater, "Hello") == first);

  auto inflater = pool.acquire_inflater(15);
  Inflater* const inflater_address = inflater.get();
  CHECK(inflated(*inflater, first) == kHello);
  pool.release(std::move(inflater));
  CHECK(pool.acquire_inflater(9).get() != inflater_address);
  inflater = pool.acquire_inflater(15);
  CHECK(inflater.get() == inflater_address);
  CHECK(inflated(*inflater, "\xf2\x00\x11\x00\x00"sv).corrupt);
}

TEST_CASE("a pool keeps as many as it was told to, the newest") {
  DeflatePool pool(2);
  for (const int window_bits : {9, 10, 11}) {
    pool.release(std::make_unique<Deflater>(window_bits, 1));
    pool.release(std::make_unique<Inflater>(window_bits));
  }
  CHECK(pool.idle_deflaters() == 2);
  CHECK(pool.idle_inflaters() == 2);
  CHECK(pool.acquire_deflater(9, 1)->window_bits() == 9);  // a new one: the oldest had to go
  CHECK(pool.idle_deflaters() == 2);
  CHECK(pool.acquire_deflater(10, 1)->window_bits() == 10);
  CHECK(pool.idle_deflaters() == 1);
  pool.release(std::unique_ptr<Deflater>());
  CHECK(pool.idle_deflaters() == 1);

  DeflatePool none(0);
  none.release(std::make_unique<Deflater>(9, 1));
  CHECK(none.idle_deflaters() == 0);
}

}  // namespace
}  // namespace walkie::proto
