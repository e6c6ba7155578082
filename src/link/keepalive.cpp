// SPDX-License-Identifier: MIT
// The heartbeat's few rules.
#include <link/keepalive.hpp>

#include <algorithm>
#include <cstring>

namespace walkie::link {
namespace {

bool on(Duration duration) noexcept { return duration > Duration::zero(); }

}  // namespace

Keepalive::Keepalive(const KeepaliveOptions& options, Instant now) noexcept
    : options_(&options), alive_at_(now), message_at_(now), pinged_at_(now) {}

std::array<std::byte, 8> Keepalive::ping_payload() const noexcept {
  std::array<std::byte, 8> payload{};
  for (unsigned i = 0; i < 4; ++i)
    payload[7 - i] = static_cast<std::byte>((pings_ >> (8 * i)) & 0xFFU);
  return payload;
}

void Keepalive::pong(BytesView payload, Instant now) noexcept {
  const auto expected = ping_payload();
  if (pings_ == 0 || payload.size() != expected.size()) return;
  if (std::memcmp(payload.data(), expected.data(), expected.size()) != 0) return;
  const auto trip = std::chrono::duration_cast<std::chrono::microseconds>(now - pinged_at_).count();
  round_trip_us_ = static_cast<std::uint32_t>(std::clamp<std::int64_t>(trip, 1, UINT32_MAX));
}

std::optional<Duration> Keepalive::round_trip() const noexcept {
  if (round_trip_us_ == 0) return std::nullopt;
  return std::chrono::microseconds(round_trip_us_);
}

bool Keepalive::awaits_pong() const noexcept {
  return on(options_->pong_timeout) && alive_at_ < pinged_at_;
}

Instant Keepalive::next_deadline() const noexcept {
  Instant deadline = kNever;
  if (on(options_->ping_interval))
    deadline = pinged_at_ + (awaits_pong() ? options_->pong_timeout : options_->ping_interval);
  if (on(options_->idle_timeout))
    deadline = std::min(deadline, message_at_ + options_->idle_timeout);
  return deadline;
}

KeepaliveAction Keepalive::on_deadline(Instant now) noexcept {
  if (on(options_->idle_timeout) && now >= message_at_ + options_->idle_timeout)
    return KeepaliveAction::idle;
  if (!on(options_->ping_interval)) return KeepaliveAction::none;
  // A Ping that is still unanswered is waited for, not repeated: its own timeout decides.
  if (awaits_pong())
    return now >= pinged_at_ + options_->pong_timeout ? KeepaliveAction::peer_dead
                                                      : KeepaliveAction::none;
  if (now < pinged_at_ + options_->ping_interval) return KeepaliveAction::none;
  pinged_at_ = now;
  ++pings_;
  return KeepaliveAction::ping;
}

}  // namespace walkie::link
