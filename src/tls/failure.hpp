// SPDX-License-Identifier: MIT
// Why TLS failed: a kind for programs and metrics, and one line for people.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace walkie::tls {

enum class Failure : std::uint8_t {
  plain_http,   ///< The peer speaks HTTP without TLS.
  not_tls,      ///< Nor is it anything else known.
  version,      ///< No version that both sides speak.
  cipher,       ///< No cipher, group or signature that both sides know.
  protocol,     ///< No common ALPN protocol.
  certificate,  ///< The peer's certificate was refused, or it showed none where it must.
  alert,        ///< The peer refused, by an alert.
  cut,          ///< The transport ended without a close_notify (RFC 8446 §6.1).
  corrupted,    ///< A record was changed on the way, or encrypted for someone else.
  flood,        ///< More bytes of handshake than any honest one has.
  violation,    ///< Anything else that breaks TLS.
};

/// "plain_http", ...: for metrics.
[[nodiscard]] std::string_view name_of(Failure failure) noexcept;

struct Fault {
  Failure failure = Failure::violation;
  std::string reason;  ///< Ends without a period: "no common TLS version".
};

/// The peer's alert with that number.
[[nodiscard]] Fault fault_of_alert(int alert);

/// What the error queue says, and empties it. `refusal` is what our own verification said of the
/// peer's certificate, in words; empty: nothing.
[[nodiscard]] Fault take_fault(std::string_view refusal);

}  // namespace walkie::tls
