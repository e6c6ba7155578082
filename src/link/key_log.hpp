// SPDX-License-Identifier: MIT
// A file of TLS secrets in NSS format, as Wireshark reads them.
#pragma once

#include <string>

#include <tls/context.hpp>
#include <walkie/error.hpp>

namespace walkie::link {

/// Opens `path`, or, where that is empty, what the variable SSLKEYLOGFILE names, for appending;
/// a new file is readable by its owner only. An empty function where neither names one. Threads may
/// share it: each line is one write. Errors name the file.
[[nodiscard]] Result<tls::KeyLog> open_key_log(const std::string& path);

}  // namespace walkie::link
