// SPDX-License-Identifier: MIT
// A server on a free port for the length of a test, its log kept.
#pragma once

#include <charconv>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <support/backend.hpp>
#include <walkie/server.hpp>

namespace walkie::test {

/// Lines from any thread, and waiting for one.
class Journal {
 public:
  void add(std::string line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    changed_.notify_all();
  }
  /// Whether a line that contains `text` is there or comes within twenty seconds.
  bool wait_for(std::string_view text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return find(text); });
  }
  /// All lines that contain `text`, each with a bar behind it.
  std::string lines_with(std::string_view text) {
    const std::lock_guard lock(mutex_);
    std::string found;
    for (const std::string& line : lines_)
      if (line.contains(text)) found.append(line).append("|");
    return found;
  }
  std::size_t count(std::string_view text) {
    const std::lock_guard lock(mutex_);
    std::size_t found = 0;
    for (const std::string& line : lines_) found += line.contains(text) ? 1U : 0U;
    return found;
  }

 private:
  bool find(std::string_view text) const {
    for (const std::string& line : lines_)
      if (line.contains(text)) return true;
    return false;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;
};

/// Configure `server`, then start().
class RunningServer {
 public:
  explicit RunningServer(ServerOptions options = {}) : server(with_log(std::move(options))) {}

  void start(std::string_view endpoint = "127.0.0.1:0") {
    const auto started = server.listen(endpoint).start();
    REQUIRE_MESSAGE(started.has_value(), (started ? "" : started.error().message));
    const std::string bound = server.endpoints().front();
    const auto digits = std::string_view(bound).substr(bound.rfind(':') + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
  }

  Journal log;
  Journal journal;  ///< For handlers.
  Server server;
  std::uint16_t port = 0;

 private:
  ServerOptions with_log(ServerOptions options) {
    options.io = io_backend();
    options.log = {LogLevel::debug, [this](const LogRecord& record) {
                     std::string line(record.event);
                     for (const auto& [key, value] : record.fields)
                       line.append(" ").append(key).append("=").append(value);
                     log.add(std::move(line));
                   }};
    return options;
  }
};

}  // namespace walkie::test
