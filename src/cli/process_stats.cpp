// SPDX-License-Identifier: MIT
// What another process used.
#include <cli/process_stats.hpp>

#include <algorithm>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include <fmt/core.h>
#include <sys/resource.h>

#include <cli/units.hpp>

namespace walkie::cli {
namespace {

/// "Rss:    1234 kB" as bytes.
std::int64_t line_bytes(std::string_view text, std::string_view name) {
  const std::size_t line = text.find(name);
  if (line == std::string_view::npos) return 0;
  text.remove_prefix(line + name.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t"), text.size()));
  constexpr std::int64_t kKibi = 1024;
  return parse_number(text.substr(0, text.find(' '))).value_or(0) * kKibi;
}

}  // namespace

Result<std::chrono::nanoseconds> process_cpu_time(pid_t pid) {
  clockid_t clock{};
  timespec time{};
  if (const int error = clock_getcpuclockid(pid, &clock); error != 0)
    return std::unexpected(
        system_error(fmt::format("reading the processor time of process {}", pid),
                     {error, std::generic_category()}));
  if (clock_gettime(clock, &time) != 0)
    return std::unexpected(
        errno_error(fmt::format("reading the processor time of process {}", pid)));
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

ProcessMemory parse_smaps_rollup(std::string_view text) {
  return {line_bytes(text, "\nRss:"), line_bytes(text, "\nPss:"),
          line_bytes(text, "\nPrivate_Dirty:")};
}

Result<ProcessMemory> process_memory(pid_t pid) {
  const std::string path = fmt::format("/proc/{}/smaps_rollup", pid);
  const std::ifstream file(path);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file || text.str().empty()) return std::unexpected(errno_error("reading " + path));
  return parse_smaps_rollup(text.str());
}

Result<void> allow_descriptors(std::size_t count) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return std::unexpected(errno_error("reading the limit of open files"));
  if (limit.rlim_max < count)
    return std::unexpected(Error{
        fmt::format("{} open files are needed, but the limit of this process is {} (RLIMIT_NOFILE; "
                    "see `ulimit -Hn`): use fewer connections or several processes",
                    count, limit.rlim_max),
        {}});
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
    return std::unexpected(errno_error("raising the limit of open files"));
  return {};
}

}  // namespace walkie::cli
