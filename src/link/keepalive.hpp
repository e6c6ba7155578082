// SPDX-License-Identifier: MIT
// Heartbeats: when to ping, when a silent peer is dead, and the round-trip time. Pure: no I/O, time
// comes in.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include <base/time.hpp>
#include <walkie/bytes.hpp>

namespace walkie::link {

/// One route's heartbeat; zero durations switch a part off.
struct KeepaliveOptions {
  Duration ping_interval = std::chrono::seconds(30);  ///< Between our Pings.
  Duration pong_timeout = std::chrono::seconds(20);   ///< Silence after a Ping that means death.
  Duration idle_timeout{0};                           ///< No data message for so long ends it.
};

/// What on_deadline() asks for.
enum class KeepaliveAction : std::uint8_t { none, ping, peer_dead, idle };

/// One connection's heartbeat state. The options outlive it.
class Keepalive {
 public:
  Keepalive(const KeepaliveOptions& options, Instant now) noexcept;

  /// Anything arrived, or the peer's TCP took bytes of ours: it lives.
  void alive(Instant now) noexcept { alive_at_ = now; }
  /// A data message went in or out (for idle_timeout).
  void message(Instant now) noexcept { message_at_ = now; }
  /// A Pong came; one that answers our latest Ping gives the round trip (RFC 6455 §5.5.3).
  void pong(BytesView payload, Instant now) noexcept;

  /// What the next Ping carries: its number, 8 bytes, big endian.
  [[nodiscard]] std::array<std::byte, 8> ping_payload() const noexcept;
  [[nodiscard]] std::optional<Duration> round_trip() const noexcept;

  [[nodiscard]] Instant next_deadline() const noexcept;
  /// On `ping` the Ping counts as sent now.
  [[nodiscard]] KeepaliveAction on_deadline(Instant now) noexcept;

 private:
  [[nodiscard]] bool awaits_pong() const noexcept;

  const KeepaliveOptions* options_;
  Instant alive_at_;
  Instant message_at_;
  Instant pinged_at_;
  std::uint32_t pings_ = 0;
  std::uint32_t round_trip_us_ = 0;  ///< 0: none yet.
};

}  // namespace walkie::link
