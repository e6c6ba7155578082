// SPDX-License-Identifier: MIT
// A server's TLS: the certificates that it shows now and the keys of its tickets, and how both
// change while it runs. Each new connection takes an immutable snapshot.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include <tls/context.hpp>
#include <tls/filter.hpp>
#include <tls/ticket_keys.hpp>
#include <walkie/tls.hpp>

namespace walkie::server {

/// What a new connection's filter is made from.
struct SecureSnapshot {
  std::shared_ptr<const tls::ServerContext> context{};
  std::shared_ptr<const tls::TicketKeys> tickets{};  ///< Null: no resumption.

  [[nodiscard]] std::unique_ptr<tls::Filter> make_filter(base::BufferPool& pool) const {
    return std::make_unique<tls::Filter>(context, tickets, pool);
  }
};

/// Thread safe.
class SecureState {
 public:
  explicit SecureState(ServerTls options) : options_(std::move(options)) {}

  /// Reads all files anew. Where one is faulty, everything stays as it was, and the error says why.
  [[nodiscard]] Result<void> load();
  /// Draws a new ticket key; the current one becomes the one before.
  [[nodiscard]] Result<void> rotate_tickets();
  [[nodiscard]] SecureSnapshot snapshot() const;
  [[nodiscard]] std::chrono::seconds ticket_key_lifetime() const noexcept {
    return options_.ticket_key_lifetime;
  }

 private:
  const ServerTls options_;
  mutable std::mutex mutex_;
  SecureSnapshot now_;
};

}  // namespace walkie::server
