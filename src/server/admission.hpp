// SPDX-License-Identifier: MIT
// How many connections may be open, in all and from one address. Shared by all shards; touched once
// when a connection opens and once when it ends.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace walkie::server {

/// Thread safe.
class Admission {
 public:
  /// 0: no limit.
  Admission(std::uint32_t connections_max, std::uint32_t per_address_max) noexcept
      : connections_max_(connections_max), per_address_max_(per_address_max) {}

  enum class Verdict : std::uint8_t { admitted, server_full, address_full };

  /// Counts a connection in where it is admitted. `address` is a host without port; empty ones
  /// (unix sockets) have no limit of their own.
  [[nodiscard]] Verdict enter(const std::string& address);
  void leave(const std::string& address) noexcept;

 private:
  const std::uint32_t connections_max_;
  const std::uint32_t per_address_max_;
  std::atomic<std::uint32_t> connections_{0};
  std::mutex mutex_;
  std::unordered_map<std::string, std::uint32_t> by_address_;
};

}  // namespace walkie::server
