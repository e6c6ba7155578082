// SPDX-License-Identifier: MIT
// The options of `walkie listen` and what they mean to the server library.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <cli/arguments.hpp>
#include <cli/stream_options.hpp>
#include <walkie/server.hpp>

namespace walkie::cli {

[[nodiscard]] OptionTable listen_options() noexcept;

struct ListenPlan {
  std::string endpoint{};
  bool echo = false;
  WebSocketOptions websocket{};
  std::optional<ServerTls> tls{};
  bool self_signed = false;  ///< `tls` is to be the development certificate.
  std::vector<std::pair<std::string, std::string>> headers{};  ///< Of each 101.
  StreamPlan stream{};
};

/// "9000" is "127.0.0.1:9000".
/// Errors are one line for the user (exit code 2).
[[nodiscard]] Result<ListenPlan> listen_plan(const Arguments& arguments,
                                             const Surroundings& around);

}  // namespace walkie::cli
