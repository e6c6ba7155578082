// SPDX-License-Identifier: MIT
// Size classes, reuse, and the bound on kept bytes.
#include <base/buffer_pool.hpp>

#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::base {
namespace {

TEST_CASE("pool hands out the smallest class that holds a request") {
  BufferPool pool;
  for (const auto& [asked, given] : {std::pair<std::size_t, std::size_t>{0, 128},
                                     {1, 128},
                                     {128, 128},
                                     {129, 512},
                                     {512, 512},
                                     {513, 4096},
                                     {4097, 16384},
                                     {16385, 65536},
                                     {65536, 65536},
                                     {65537, 262'144},
                                     {262'145, 1'048'576},
                                     {1'048'577, 1'048'577},
                                     {2'000'000, 2'000'000}}) {
    CAPTURE(asked);
    const Block block = pool.acquire(asked);
    CHECK(block.capacity == given);
    CHECK(reinterpret_cast<std::uintptr_t>(block.data) % 16 == 0);
    CHECK(pool.lent_bytes() == given);
    block.data[given - 1] = std::byte{1};
    pool.release(block);
    CHECK(pool.lent_bytes() == 0);
  }
}

TEST_CASE("pool gives a released block out again, last in first out") {
  BufferPool pool;
  const Block first = pool.acquire(100);
  const Block second = pool.acquire(100);
  CHECK(first.data != second.data);
  pool.release(first);
  pool.release(second);
  const Block again = pool.acquire(1);
  CHECK(again.data == second.data);
  pool.release(again);
}

TEST_CASE("pool does not give a block of one class to another") {
  BufferPool pool;
  const Block small = pool.acquire(128);
  pool.release(small);
  const Block larger = pool.acquire(129);
  CHECK(larger.capacity == 512);
  pool.release(larger);
}

TEST_CASE("pool keeps no more free bytes than it was told to") {
  BufferPool pool(4096 + 128);
  std::vector<Block> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(pool.acquire(4096));
  for (const Block& block : blocks) pool.release(block);
  CHECK(pool.kept_bytes() == 4096);
  pool.release(pool.acquire(128));
  CHECK(pool.kept_bytes() == 4096 + 128);
  pool.release(pool.acquire(2'000'000));
  CHECK(pool.kept_bytes() == 4096 + 128);
}

TEST_CASE("pool that keeps nothing still lends") {
  BufferPool pool(0);
  const Block block = pool.acquire(1);
  pool.release(block);
  CHECK(pool.kept_bytes() == 0);
}

}  // namespace
}  // namespace walkie::base
