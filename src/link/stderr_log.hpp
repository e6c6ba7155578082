// SPDX-License-Identifier: MIT
// Where log lines go when the user named no sink.
#pragma once

#include <walkie/log.hpp>

namespace walkie::link {

/// One line on stderr: the event, then its fields as key=value. Any thread.
void log_to_stderr(const LogRecord& record);

}  // namespace walkie::link
