// SPDX-License-Identifier: MIT
// One call for one line, so that lines of several threads do not mix.
#include <link/stderr_log.hpp>

#include <cstdio>
#include <string>

namespace walkie::link {

void log_to_stderr(const LogRecord& record) {
  std::string line(record.event);
  for (const auto& [key, value] : record.fields)
    line.append(" ").append(key).append("=").append(value);
  std::fprintf(stderr, "%s\n", line.c_str());
}

}  // namespace walkie::link
