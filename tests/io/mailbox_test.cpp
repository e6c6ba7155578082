// SPDX-License-Identifier: MIT
// Order, bounds and several producers at once.
#include <io/mailbox.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::io {
namespace {

TEST_CASE("mailbox hands items out in the order they were posted") {
  Mailbox<int> mailbox(4);
  CHECK(mailbox.take() == std::nullopt);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < 3; ++i) CHECK(mailbox.post(int{i}));
    for (int i = 0; i < 3; ++i) CHECK(mailbox.take() == i);
    CHECK(mailbox.take() == std::nullopt);
  }
}

TEST_CASE("a full mailbox refuses and leaves the item untouched") {
  Mailbox<std::unique_ptr<int>> mailbox(3);
  CHECK(mailbox.capacity() == 4);
  for (int i = 0; i < 4; ++i) CHECK(mailbox.post(std::make_unique<int>(i)));
  auto item = std::make_unique<int>(9);
  CHECK_FALSE(mailbox.post(std::move(item)));
  REQUIRE(item);
  CHECK(**mailbox.take() == 0);
  CHECK(mailbox.post(std::move(item)));
  CHECK_FALSE(item);
}

TEST_CASE("mailbox of the smallest capacity holds two") {
  Mailbox<int> mailbox(0);
  CHECK(mailbox.capacity() == 2);
  CHECK(mailbox.post(1));
  CHECK(mailbox.post(2));
  CHECK_FALSE(mailbox.post(3));
}

TEST_CASE("mailbox destroys what nobody took") {
  const auto item = std::make_shared<int>(1);
  {
    Mailbox<std::shared_ptr<int>> mailbox(8);
    CHECK(mailbox.post(std::shared_ptr<int>(item)));
    CHECK(item.use_count() == 2);
  }
  CHECK(item.use_count() == 1);
}

struct Letter {
  std::size_t producer;
  std::uint64_t number;
  std::unique_ptr<std::uint64_t> weight;  // finds a cell that was taken twice or too early
};

TEST_CASE("mailbox keeps each producer's order and loses nothing, with four at once") {
  constexpr std::size_t kProducers = 4;
  constexpr std::uint64_t kLetters = 20'000;
  Mailbox<Letter> mailbox(64);
  std::vector<std::jthread> producers;
  for (std::size_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&mailbox, producer] {
      for (std::uint64_t number = 0; number < kLetters; ++number) {
        Letter letter{producer, number, std::make_unique<std::uint64_t>(number)};
        while (!mailbox.post(std::move(letter))) std::this_thread::yield();
      }
    });
  }
  std::array<std::uint64_t, kProducers> next{};
  for (std::uint64_t taken = 0; taken < kProducers * kLetters;) {
    const auto letter = mailbox.take();
    if (!letter) {
      std::this_thread::yield();
      continue;
    }
    REQUIRE(letter->number == next[letter->producer]);
    REQUIRE(*letter->weight == letter->number);
    ++next[letter->producer];
    ++taken;
  }
  CHECK(mailbox.take() == std::nullopt);
}

}  // namespace
}  // namespace walkie::io
