// SPDX-License-Identifier: MIT
// Sizes and times as people write them.
#include <cli/units.hpp>

#include <string>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

using std::chrono::milliseconds;

TEST_CASE("a size counts K, KiB, M, MiB, G and GiB in 1024s") {
  CHECK(parse_size("64KiB") == 65'536);
  CHECK(parse_size("64k") == 65'536);
  CHECK(parse_size("16M") == 16'777'216);
  CHECK(parse_size("16mib") == 16'777'216);
  CHECK(parse_size("2G") == 2'147'483'648);
  CHECK(parse_size("2 GiB") == 2'147'483'648);
}

TEST_CASE("a size counts kB, MB and GB in 1000s") {
  CHECK(parse_size("1kB") == 1'000);
  CHECK(parse_size("3MB") == 3'000'000);
  CHECK(parse_size("1GB") == 1'000'000'000);
}

TEST_CASE("a size without a unit, or with B, is bytes") {
  CHECK(parse_size("0") == 0);
  CHECK(parse_size("17") == 17);
  CHECK(parse_size("17B") == 17);
}

TEST_CASE("a size that is none is refused") {
  for (const char* text : {"", "K", "-1", "+1", "1.5M", "1TB", "1 ", "1  M", "M1", "0x10", "1KK"})
    CHECK_MESSAGE(!parse_size(text), std::string(text));
}

TEST_CASE("a size that does not fit is refused") {
  CHECK(parse_size("8589934591G") == 9'223'372'035'781'033'984);
  CHECK(!parse_size("8589934592G"));
  CHECK(!parse_size("9999999999999999999"));
}

TEST_CASE("a time has its unit") {
  CHECK(parse_duration("500ms") == milliseconds(500));
  CHECK(parse_duration("30s") == milliseconds(30'000));
  CHECK(parse_duration("2m") == milliseconds(120'000));
  CHECK(parse_duration("1h") == milliseconds(3'600'000));
  CHECK(parse_duration("0s") == milliseconds(0));
}

TEST_CASE("a time without its unit is refused, but for 0") {
  CHECK(parse_duration("0") == milliseconds(0));
  for (const char* text : {"", "30", "s", "-1s", "1.5s", "1 day", "1m30s"})
    CHECK_MESSAGE(!parse_duration(text), std::string(text));
}

TEST_CASE("a formatted size reads back to itself") {
  CHECK(format_size(0) == "0B");
  CHECK(format_size(1000) == "1000B");
  CHECK(format_size(65'536) == "64KiB");
  CHECK(format_size(65'537) == "65537B");
  CHECK(format_size(std::int64_t{3} << 30) == "3GiB");
  for (const std::int64_t bytes : {1, 1023, 1024, 1025, 1 << 20, 16'777'216, 999'999'999})
    CHECK(parse_size(format_size(bytes)) == bytes);
}

TEST_CASE("a formatted time reads back to itself") {
  CHECK(format_duration(milliseconds(0)) == "0s");
  CHECK(format_duration(milliseconds(1500)) == "1500ms");
  CHECK(format_duration(milliseconds(90'000)) == "90s");
  CHECK(format_duration(milliseconds(120'000)) == "2m");
  for (const int time_ms : {1, 999, 1000, 60'000, 61'000, 3'600'000})
    CHECK(parse_duration(format_duration(milliseconds(time_ms))) == milliseconds(time_ms));
}

}  // namespace
}  // namespace walkie::cli
