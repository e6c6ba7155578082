// SPDX-License-Identifier: MIT
// Files are read outside the lock: connections never wait for a disk.
#include <server/secure_state.hpp>

#include <array>
#include <string_view>

#include <string.h>
#include <sys/random.h>

#include <link/key_log.hpp>

namespace walkie::server {
namespace {

constexpr std::array<std::string_view, 1> kProtocols{"http/1.1"};

}  // namespace

Result<void> SecureState::load() {
  auto key_log = link::open_key_log(options_.key_log_file);
  if (!key_log) return std::unexpected(std::move(key_log.error()));
  auto context = tls::ServerContext::make(options_, kProtocols, *std::move(key_log));
  if (!context) return std::unexpected(std::move(context.error()));
  const std::lock_guard lock(mutex_);
  now_.context = *std::move(context);
  return {};
}

Result<void> SecureState::rotate_tickets() {
  if (ticket_key_lifetime().count() <= 0) return {};
  tls::TicketKeys::Secret secret;
  if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size()))
    return std::unexpected(errno_error("drawing a key for TLS tickets"));
  const std::lock_guard lock(mutex_);
  now_.tickets = std::make_shared<const tls::TicketKeys>(secret, now_.tickets.get());
  ::explicit_bzero(secret.data(), secret.size());
  return {};
}

SecureSnapshot SecureState::snapshot() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

}  // namespace walkie::server
