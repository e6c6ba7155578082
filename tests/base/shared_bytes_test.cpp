// SPDX-License-Identifier: MIT
// References, in-place filling and truncation.
#include <base/shared_bytes.hpp>

#include <cstring>
#include <utility>

#include <doctest/doctest.h>

namespace walkie::base {
namespace {

TEST_CASE("shared bytes copy what they are given") {
  const SharedBytes bytes = SharedBytes::copy_of(bytes_of("abc"));
  CHECK(bytes);
  CHECK(text_of(bytes.view()) == "abc");
  CHECK(bytes.size() == 3);
}

TEST_CASE("copies refer to the same bytes and the last one frees them") {
  SharedBytes first = SharedBytes::copy_of(bytes_of("abc"));
  SharedBytes second = first;
  CHECK(second.view().data() == first.view().data());
  first.reset();
  CHECK_FALSE(first);
  CHECK(text_of(second.view()) == "abc");
  SharedBytes third = std::move(second);
  CHECK_FALSE(second);
  third = SharedBytes();
  CHECK(third.view().empty());
}

TEST_CASE("assigning shared bytes to themselves keeps them") {
  SharedBytes bytes = SharedBytes::copy_of(bytes_of("abc"));
  const SharedBytes& same = bytes;
  bytes = same;
  CHECK(text_of(bytes.view()) == "abc");
}

TEST_CASE("the only reference may be filled and cut") {
  SharedBytes bytes = SharedBytes::allocate(10);
  std::memcpy(bytes.writable().data(), "0123456789", 10);
  bytes.truncate(4);
  CHECK(text_of(bytes.view()) == "0123");
}

TEST_CASE("no bytes are a value too") {
  SharedBytes none;
  CHECK_FALSE(none);
  CHECK(none.size() == 0);
  CHECK(none.writable().empty());
  const SharedBytes empty = SharedBytes::allocate(0);
  CHECK(empty);
  CHECK(empty.view().empty());
}

}  // namespace
}  // namespace walkie::base
