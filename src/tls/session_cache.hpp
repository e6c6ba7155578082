// SPDX-License-Identifier: MIT
// Sessions that servers offered a client for resumption, by "host:port".
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>

#include <tls/openssl.hpp>

namespace walkie::tls {

/// One session for each server, the least recently stored one dropped where there are too many. Not
/// thread safe.
class SessionCache {
 public:
  explicit SessionCache(std::size_t sessions_max) noexcept : sessions_max_(sessions_max) {}

  /// Takes over `session`, in place of an older one of that server.
  void store(std::string_view server, SessionPtr session);
  /// A session to resume, or null. One of TLS 1.3 leaves the cache: it is for one use, so that
  /// nobody on the way can link two connections by it (RFC 8446 §C.4).
  [[nodiscard]] SessionPtr take(std::string_view server);
  /// The server refused it, or is not what it was.
  void forget(std::string_view server);

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }

 private:
  struct Entry {
    std::string server;
    SessionPtr session;
  };
  std::size_t sessions_max_;
  std::list<Entry> entries_;  ///< The newest first.
  std::unordered_map<std::string, std::list<Entry>::iterator> by_server_;
};

}  // namespace walkie::tls
