// SPDX-License-Identifier: MIT
// Names to addresses, without blocking the loop: c-ares on the loop's own readiness.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <io/endpoint.hpp>
#include <io/loop.hpp>
#include <walkie/error.hpp>

namespace walkie::io {

/// One family's answer; the families come apart, so that a slow one does not hold up the other (RFC
/// 8305 §3).
struct Resolved {
  int family = 0;                          ///< AF_INET6 or AF_INET.
  std::vector<SocketAddress> addresses{};  ///< In the order of RFC 6724 §6 within the family.
  std::string error{};  ///< Why there are none: "no such name", "no address of that kind".
  bool last = false;    ///< Both families are told.
};

struct ResolverOptions {
  std::vector<SocketAddress> servers{};        ///< Empty: those of `resolv_conf`.
  Duration timeout = std::chrono::seconds(1);  ///< Of the first round of asking; each doubles it.
  int rounds = 3;                              ///< In each, every server is asked once.
  std::size_t names_max = 1024;    ///< Looked up at once; queries for further ones fail.
  std::size_t in_flight_max = 64;  ///< Names of those that servers are asked for; the rest waits.
  std::size_t addresses_max = 64;  ///< Of each family; the rest is ignored.
  std::string hosts_file = "/etc/hosts";
  std::string resolv_conf = "/etc/resolv.conf";  ///< Read again when it changes.
};

/// One loop's look-ups. Not thread safe. The hosts file comes before DNS: a name that it knows in
/// one family has no other. "localhost" and names below it are 127.0.0.1 and ::1 without asking
/// anyone (RFC 6761 §6.3), and numeric addresses stand for themselves. Queries for a name that is
/// being looked up share the look-up.
class Resolver {
 public:
  using Query = std::uint64_t;
  [[nodiscard]] static Result<std::unique_ptr<Resolver>> make(Loop& loop,
                                                              ResolverOptions options = {});
  /// Also from inside `told`: nothing more is told.
  virtual ~Resolver() = default;

  /// Calls `told` once for each family, later, on the loop's thread; not after cancel(). What is
  /// known of both at once is told IPv6 first. A name that cannot be one is an error of both
  /// families.
  virtual Query resolve(std::string_view host, std::uint16_t port,
                        std::function<void(Resolved)> told) = 0;
  /// From anywhere on the loop's thread, also inside `told`; ignored where the query is over.
  virtual void cancel(Query query) = 0;
};

}  // namespace walkie::io
