// SPDX-License-Identifier: MIT
// Masking: every body against the byte-wise one, at all sizes, offsets and alignments.
#include <proto/mask.hpp>

#include <cstring>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::proto {
namespace {

using namespace std::literals;

constexpr MaskKey kKey{std::byte{0x37}, std::byte{0xFA}, std::byte{0x21}, std::byte{0x3D}};
constexpr std::size_t kSizesMax = 300;
constexpr std::size_t kAlignments = 64;
constexpr std::byte kGuard{0xA5};

std::vector<std::byte> pattern(std::size_t bytes) {
  std::vector<std::byte> made(bytes);
  for (std::size_t i = 0; i < bytes; ++i) made[i] = static_cast<std::byte>((i * 131 + 7) & 0xFF);
  return made;
}

/// A run of bytes at a chosen alignment to 64, with guards on both sides.
class Placed {
 public:
  Placed(std::size_t alignment, BytesView content)
      : memory_(content.size() + 4 * kAlignments, kGuard), bytes_(content.size()) {
    const auto address = reinterpret_cast<std::uintptr_t>(memory_.data());
    start_ = kAlignments - address % kAlignments + alignment + kAlignments;
    if (bytes_ > 0) std::memcpy(data(), content.data(), bytes_);
  }
  std::byte* data() { return memory_.data() + start_; }
  MutableBytes bytes() { return {data(), bytes_}; }
  bool holds(BytesView expected) {
    return bytes_ == 0 || std::memcmp(data(), expected.data(), bytes_) == 0;
  }
  bool guards_hold() const {
    for (std::size_t i = 0; i < memory_.size(); ++i) {
      if ((i < start_ || i >= start_ + bytes_) && memory_[i] != kGuard) return false;
    }
    return true;
  }

 private:
  std::vector<std::byte> memory_;
  std::size_t bytes_;
  std::size_t start_;
};

std::size_t bytes_max_of(const mask_bodies::Body& body) {
  return body.name == "inline" ? mask_bodies::kInlineBytesMax : kSizesMax;
}

std::vector<std::byte> masked_by_the_rule(BytesView plain, MaskKey key, std::size_t offset) {
  std::vector<std::byte> masked(plain.begin(), plain.end());
  for (std::size_t i = 0; i < masked.size(); ++i) masked[i] ^= key[(offset + i) % 4];
  return masked;
}

TEST_CASE("the masked text frame of the RFC unmasks to Hello [RFC 6455 5.7]") {
  std::vector<std::byte> payload = {std::byte{0x7F}, std::byte{0x9F}, std::byte{0x4D},
                                    std::byte{0x51}, std::byte{0x58}};
  apply_mask(payload, kKey);
  CHECK(text_of(payload) == "Hello");
}

TEST_CASE("the scalar body follows the rule octet by octet [RFC 6455 5.3]") {
  const auto& scalar = mask_bodies::all().front();
  REQUIRE(scalar.name == "scalar"sv);
  const auto plain = pattern(kSizesMax);
  for (std::size_t offset = 0; offset < 4; ++offset) {
    const auto key = mask_bodies::rotated(std::bit_cast<std::uint32_t>(kKey), offset);
    std::vector<std::byte> masked(plain.size());
    scalar.apply(plain.data(), masked.data(), plain.size(), key);
    CHECK(masked == masked_by_the_rule(plain, kKey, offset));
  }
}

TEST_CASE("every body does in place what the scalar body does, at any size and alignment") {
  for (const auto& body : mask_bodies::all()) {
    if (!body.supported) continue;
    CAPTURE(body.name);
    for (std::size_t bytes = 0; bytes <= bytes_max_of(body); ++bytes) {
      const auto plain = pattern(bytes);
      for (std::size_t offset = 0; offset < 4; ++offset) {
        const auto expected = masked_by_the_rule(plain, kKey, offset);
        const auto key = mask_bodies::rotated(std::bit_cast<std::uint32_t>(kKey), offset);
        for (std::size_t alignment = 0; alignment < kAlignments; ++alignment) {
          Placed placed(alignment, plain);
          body.apply(placed.data(), placed.data(), bytes, key);
          const bool right = placed.holds(expected) && placed.guards_hold();
          CAPTURE(bytes);
          CAPTURE(alignment);
          if (!right) FAIL("differs from the rule");
        }
      }
    }
    CHECK(body.supported);
  }
}

TEST_CASE("every body copies without touching its source, whatever the two alignments") {
  for (const auto& body : mask_bodies::all()) {
    if (!body.supported) continue;
    CAPTURE(body.name);
    for (std::size_t bytes = 0; bytes <= bytes_max_of(body); bytes += bytes < 70 ? 1 : 13) {
      const auto plain = pattern(bytes);
      const auto expected = masked_by_the_rule(plain, kKey, 0);
      for (std::size_t alignment = 0; alignment < kAlignments; ++alignment) {
        Placed from(alignment, plain);
        Placed to((alignment * 37 + bytes) % kAlignments, pattern(bytes));
        body.apply(from.data(), to.data(), bytes, std::bit_cast<std::uint32_t>(kKey));
        const bool right = to.holds(expected) && from.holds(plain) && to.guards_hold();
        CAPTURE(bytes);
        CAPTURE(alignment);
        if (!right) FAIL("differs from the rule");
      }
    }
    CHECK(body.supported);
  }
}

TEST_CASE("masking at an offset continues where the bytes before stopped, cut anywhere") {
  const auto plain = pattern(200);
  const auto expected = masked_by_the_rule(plain, kKey, 0);
  for (std::size_t cut = 0; cut <= plain.size(); ++cut) {
    auto bytes = plain;
    apply_mask(MutableBytes(bytes).first(cut), kKey, 0);
    apply_mask(MutableBytes(bytes).subspan(cut), kKey, cut);
    CHECK(bytes == expected);
    std::vector<std::byte> copy(plain.size());
    copy_masked(BytesView(plain).first(cut), copy.data(), kKey, 0);
    copy_masked(BytesView(plain).subspan(cut), copy.data() + cut, kKey, cut);
    CHECK(copy == expected);
  }
}

TEST_CASE("only the low two bits of an offset matter") {
  auto near = pattern(100);
  auto far = near;
  apply_mask(near, kKey, 3);
  apply_mask(far, kKey, (std::size_t{1} << 40) + 3);
  CHECK(near == far);
}

TEST_CASE("masking twice gives the bytes back [RFC 6455 5.3]") {
  for (const std::size_t bytes : {0U, 1U, 5U, 32U, 64U, 65U, 1000U, 100'000U}) {
    const auto plain = pattern(bytes);
    auto twice = plain;
    apply_mask(twice, kKey, 1);
    if (bytes > 0) CHECK(twice != plain);
    apply_mask(twice, kKey, 1);
    CHECK(twice == plain);
  }
}

TEST_CASE("a key of zeros changes nothing") {
  const auto plain = pattern(300);
  auto bytes = plain;
  apply_mask(bytes, MaskKey{});
  CHECK(bytes == plain);
}

// Runs while statics are initialized, perhaps before the choice of a body was made.
const std::vector<std::byte> masked_early = [] {
  auto bytes = pattern(1000);
  apply_mask(bytes, kKey);
  return bytes;
}();

TEST_CASE("masking works before main()") {
  CHECK(masked_early == masked_by_the_rule(pattern(1000), kKey, 0));
}

}  // namespace
}  // namespace walkie::proto
