// SPDX-License-Identifier: MIT
// What all TLS connections of a server or of a client share: certificates, trust, resumption.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>

#include <walkie/error.hpp>
#include <walkie/tls.hpp>

namespace walkie::tls {

/// Takes one line with a connection's secret, without its newline. From any thread.
using KeyLog = std::function<void(std::string_view line)>;

/// Immutable once made, so shards share it; a reload makes another. Thread safe.
class ServerContext {
 public:
  /// Reads and checks all files. `protocols` are those of ALPN in order of preference. Errors name
  /// the file and the reason: missing, not PEM, the key belongs to another certificate, expired
  /// (with the date), not yet valid. Of `options`, files of key logs are the caller's to open.
  [[nodiscard]] static Result<std::shared_ptr<const ServerContext>> make(
      const ServerTls& options, std::span<const std::string_view> protocols, KeyLog key_log = {});
  ~ServerContext();
  ServerContext(const ServerContext&) = delete;
  ServerContext& operator=(const ServerContext&) = delete;

  struct State;  ///< In context_state.hpp.
  [[nodiscard]] const State& state() const noexcept { return *state_; }

 private:
  explicit ServerContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// One loop's clients. Keeps the sessions that servers offer, a bounded number, for resumption. Not
/// thread safe.
class ClientContext {
 public:
  /// Of servers, for resumption: the latest session of each.
  static constexpr std::size_t kSessionsMax = 256;

  /// Errors name the file and the reason.
  [[nodiscard]] static Result<std::unique_ptr<ClientContext>> make(
      const ClientTls& options, std::span<const std::string_view> protocols, KeyLog key_log = {});
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;

  struct State;  ///< In context_state.hpp.
  [[nodiscard]] State& state() noexcept { return *state_; }

 private:
  explicit ClientContext(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace walkie::tls
