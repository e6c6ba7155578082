// SPDX-License-Identifier: MIT
// What a process used.
#include <cli/process_stats.hpp>

#include <doctest/doctest.h>
#include <unistd.h>

namespace walkie::cli {
namespace {

TEST_CASE("the kernel's summary of memory is read in bytes") {
  const ProcessMemory memory = parse_smaps_rollup(
      "5581-7ffd ---p 00000000 00:00 0    [rollup]\n"
      "Rss:                2048 kB\nPss:                1000 kB\nPss_Dirty:           1 kB\n"
      "Private_Clean:        12 kB\nPrivate_Dirty:       512 kB\n");
  CHECK(memory.resident == 2048 * 1024);
  CHECK(memory.proportional == 1000 * 1024);
  CHECK(memory.private_dirty == 512 * 1024);
}

TEST_CASE("our own process has memory and a processor time that grows") {
  const auto memory = process_memory(::getpid());
  REQUIRE(memory);
  CHECK(memory->resident > 0);
  const auto before = process_cpu_time(::getpid());
  REQUIRE(before);
  for (auto now = process_cpu_time(::getpid()); now.value() == *before;)
    now = process_cpu_time(::getpid());
  CHECK(process_cpu_time(::getpid()).value() > *before);
}

TEST_CASE("a process that is not there is an error that names it") {
  constexpr pid_t kNobody = (1 << 22) + 1;  // above the kernel's PID_MAX_LIMIT
  const auto time = process_cpu_time(kNobody);
  REQUIRE(!time);
  CHECK(time.error().message.find("4194305") != std::string::npos);
  CHECK(!process_memory(kNobody));
}

TEST_CASE("more descriptors than the hard limit are refused with the remedy") {
  CHECK(allow_descriptors(1));
  const auto allowed = allow_descriptors(std::size_t{1} << 40);
  REQUIRE(!allowed);
  CHECK(allowed.error().message.find("ulimit -Hn") != std::string::npos);
}

}  // namespace
}  // namespace walkie::cli
