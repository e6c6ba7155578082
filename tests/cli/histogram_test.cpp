// SPDX-License-Identifier: MIT
// Latencies in log-linear buckets.
#include <cli/histogram.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

TEST_CASE("an empty histogram has no latencies") {
  const Histogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.quantile(0.99) == 0);
  CHECK(histogram.mean() == 0);
}

TEST_CASE("quantiles of small values are exact") {
  Histogram histogram;
  for (std::uint64_t value = 1; value <= 1000; ++value) histogram.record(value);
  CHECK(histogram.quantile(0) == 1);
  CHECK(histogram.quantile(0.5) == 500);
  CHECK(histogram.quantile(0.99) == 990);
  CHECK(histogram.quantile(0.999) == 999);
  CHECK(histogram.quantile(1) == 1000);
  CHECK(histogram.mean() == 500.5);
}

TEST_CASE("a value of any size is known to a thousandth") {
  for (std::uint64_t value = 1; value < Histogram::kValueMax / 3; value = value * 3 + 1) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(Histogram::kValueMax);
    const std::uint64_t found = histogram.quantile(0.5);
    CHECK(found >= value);
    CHECK(static_cast<double>(found - value) <= static_cast<double>(value) / 1000);
  }
}

TEST_CASE("neighbouring buckets meet at powers of two") {
  for (int bit = 1; bit < 40; ++bit)
    for (const std::uint64_t value : {(std::uint64_t{1} << bit) - 1, std::uint64_t{1} << bit}) {
      Histogram histogram;
      histogram.record(value);
      CHECK(histogram.quantile(1) == value);  // never above the maximum
      histogram.record(value + (value >> 9) + 1);
      CHECK(histogram.quantile(0.5) < value + (value >> 9) + 1);
    }
}

TEST_CASE("a value past the range counts, and the maximum stays exact") {
  Histogram histogram;
  histogram.record(UINT64_MAX);
  CHECK(histogram.count() == 1);
  CHECK(histogram.max() == UINT64_MAX);
}

TEST_CASE("clearing forgets everything") {
  Histogram histogram;
  histogram.record(7);
  histogram.clear();
  CHECK(histogram.count() == 0);
  CHECK(histogram.max() == 0);
}

}  // namespace
}  // namespace walkie::cli
