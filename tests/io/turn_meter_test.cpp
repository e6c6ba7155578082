// SPDX-License-Identifier: MIT
// Which bucket a turn falls into.
#include <io/turn_meter.hpp>

#include <chrono>

#include <doctest/doctest.h>

namespace walkie::io {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST_CASE("a turn counts under the smallest bound that is not below it") {
  TurnMeter meter;
  meter.add(nanoseconds(-5));
  meter.add(microseconds(10));
  meter.add(nanoseconds(10'001));
  meter.add(seconds(1));
  meter.add(seconds(1) + nanoseconds(1));
  meter.add(seconds(10'000));
  const LoopStats stats = meter.read();
  CHECK(stats.turns == 6);
  CHECK(stats.turn_us[0] == 2);
  CHECK(stats.turn_us[1] == 1);
  CHECK(stats.turn_us[11] == 1);
  CHECK(stats.turn_us[12] == 2);
  CHECK(stats.busy_ns == 10'002'000'020'002);
}

}  // namespace
}  // namespace walkie::io
