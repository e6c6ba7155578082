// SPDX-License-Identifier: MIT
// Keys, generations, reuse, and destructors that call back.
#include <base/slab.hpp>

#include <map>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

namespace walkie::base {
namespace {

TEST_CASE("slab finds what it holds and misses what it lost") {
  Slab<std::string> slab;
  const SlabKey key = slab.emplace("one");
  REQUIRE(slab.find(key));
  CHECK(*slab.find(key) == "one");
  CHECK(slab.size() == 1);
  CHECK(slab.erase(key));
  CHECK(slab.find(key) == nullptr);
  CHECK_FALSE(slab.erase(key));
  CHECK(slab.size() == 0);
}

TEST_CASE("slab reuses a slot with another generation") {
  Slab<int> slab;
  const SlabKey first = slab.emplace(1);
  slab.erase(first);
  const SlabKey second = slab.emplace(2);
  CHECK(second.slot == first.slot);
  CHECK(second.generation != first.generation);
  CHECK(slab.find(first) == nullptr);
  CHECK(*slab.find(second) == 2);
}

TEST_CASE("a default key and a key of a slot that never was find nothing") {
  Slab<int> slab;
  CHECK(slab.find({}) == nullptr);
  slab.emplace(1);
  CHECK(slab.find({}) == nullptr);
  CHECK(slab.find({.slot = 0, .generation = 0}) == nullptr);
  CHECK(slab.find({.slot = 9'999, .generation = 1}) == nullptr);
}

TEST_CASE("objects do not move while the slab grows") {
  Slab<int> slab;
  const SlabKey first = slab.emplace(7);
  const int* place = slab.find(first);
  for (int i = 0; i < 1000; ++i) slab.emplace(i);
  CHECK(slab.find(first) == place);
  CHECK(*place == 7);
}

struct Knows {
  explicit Knows(SlabKey own, int given) : key(own), number(given) {}
  SlabKey key;
  int number;
};

TEST_CASE("an object whose constructor takes a key gets its own") {
  Slab<Knows> slab;
  slab.emplace(1);
  const SlabKey key = slab.emplace(2);
  CHECK(slab.find(key)->key == key);
}

struct Counted {
  explicit Counted(int& live_objects) : live(live_objects) { ++live; }
  ~Counted() { --live; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  int& live;
};

TEST_CASE("slab destroys what it still holds") {
  int live = 0;
  {
    Slab<Counted> slab;
    std::vector<SlabKey> keys;
    for (int i = 0; i < 200; ++i) keys.push_back(slab.emplace(live));
    for (std::size_t i = 0; i < keys.size(); i += 3) slab.erase(keys[i]);
    CHECK(live == static_cast<int>(slab.size()));
  }
  CHECK(live == 0);
}

TEST_CASE("a visitor may erase the object it is given") {
  Slab<int> slab;
  for (int i = 0; i < 200; ++i) slab.emplace(i);
  int sum = 0;
  slab.for_each([&](SlabKey key, int number) {
    sum += number;
    if (number % 2 == 0) slab.erase(key);
  });
  CHECK(sum == 199 * 200 / 2);
  CHECK(slab.size() == 100);
}

struct Suspicious {
  Suspicious(SlabKey own, Slab<Suspicious>*& in) : key(own), slab(in) {}
  ~Suspicious() {
    if (slab) found_itself = slab->find(key) != nullptr || slab->erase(key);
  }
  Suspicious(const Suspicious&) = delete;
  Suspicious& operator=(const Suspicious&) = delete;
  SlabKey key;
  Slab<Suspicious>* slab;
  static inline bool found_itself = false;
};

TEST_CASE("an object being erased is not found by its own destructor") {
  Slab<Suspicious> slab;
  auto* self = &slab;
  slab.erase(slab.emplace(self));
  CHECK_FALSE(Suspicious::found_itself);
}

struct Throws {
  explicit Throws(bool really) {
    if (really) throw std::runtime_error("no");
  }
};

TEST_CASE("a constructor that throws costs no slot") {
  Slab<Throws> slab;
  CHECK_THROWS(slab.emplace(true));
  CHECK(slab.size() == 0);
  CHECK(slab.emplace(false).slot == 0);
}

TEST_CASE("slab agrees with a map under random operations") {
  std::mt19937 random(11);
  Slab<int> slab;
  std::map<std::pair<std::uint32_t, std::uint32_t>, int> model;
  std::vector<SlabKey> ever;
  for (int step = 0; step < 20'000; ++step) {
    if (random() % 2 == 0) {
      const SlabKey key = slab.emplace(step);
      REQUIRE(model.emplace(std::pair{key.slot, key.generation}, step).second);
      ever.push_back(key);
    } else if (!ever.empty()) {
      const SlabKey key = ever[random() % ever.size()];
      REQUIRE(slab.erase(key) == (model.erase({key.slot, key.generation}) == 1));
    }
    if (ever.empty()) continue;
    const SlabKey key = ever[random() % ever.size()];
    const auto expected = model.find({key.slot, key.generation});
    const int* found = slab.find(key);
    REQUIRE((found != nullptr) == (expected != model.end()));
    if (found) REQUIRE(*found == expected->second);
  }
  CHECK(slab.size() == model.size());
}

}  // namespace
}  // namespace walkie::base
