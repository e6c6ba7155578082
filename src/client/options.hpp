// SPDX-License-Identifier: MIT
// From a client's public options to those of its machines, and what is wrong with them.
#pragma once

#include <memory>
#include <string>

#include <client/outbox.hpp>
#include <link/keepalive.hpp>
#include <proto/connection.hpp>
#include <walkie/client.hpp>

namespace walkie::client {

class Session;

[[nodiscard]] proto::ConnectionOptions connection_options(const ClientOptions& options);
[[nodiscard]] OutboxOptions outbox_options(const ClientOptions& options);

/// In words, in one line; empty where nothing is wrong.
[[nodiscard]] std::string fault_of(const ClientOptions& options);

}  // namespace walkie::client

namespace walkie {

/// Where the answer to a hook goes: that client's attempt, if both still are.
struct AttemptReply::Target {
  Target(std::weak_ptr<client::Session> to, std::uint64_t number) noexcept
      : session(std::move(to)), serial(number) {}
  std::weak_ptr<client::Session> session;
  std::uint64_t serial;
};

}  // namespace walkie
