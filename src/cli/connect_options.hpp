// SPDX-License-Identifier: MIT
// The options of `walkie connect` and what they mean to the client library.
#pragma once

#include <string>

#include <cli/arguments.hpp>
#include <cli/stream_options.hpp>
#include <walkie/client.hpp>

namespace walkie::cli {

[[nodiscard]] OptionTable connect_options() noexcept;

struct ConnectPlan {
  std::string url{};
  ClientOptions client{};  ///< Without its handlers.
  StreamPlan stream{};
};

/// Errors are one line for the user (exit code 2).
[[nodiscard]] Result<ConnectPlan> connect_plan(const Arguments& arguments,
                                               const Surroundings& around);

}  // namespace walkie::cli
