// SPDX-License-Identifier: MIT
// One append for each line, so that processes may share the file as well.
#include <link/key_log.hpp>

#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <unistd.h>

#include <io/endpoint.hpp>

namespace walkie::link {

Result<tls::KeyLog> open_key_log(const std::string& path) {
  // Not for a program that runs with more rights than who started it.
  const char* variable = ::secure_getenv("SSLKEYLOGFILE");
  const std::string file = !path.empty() ? path : variable ? variable : "";
  if (file.empty()) return tls::KeyLog{};
  const auto log = std::make_shared<io::Fd>(
      ::open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!*log) return std::unexpected(errno_error("opening the TLS key log " + file));
  return tls::KeyLog{[log](std::string_view line) {
    const std::string text = std::string(line) + '\n';
    // A log that cannot be written must not end connections.
    static_cast<void>(!::write(log->get(), text.data(), text.size()));
  }};
}

}  // namespace walkie::link
