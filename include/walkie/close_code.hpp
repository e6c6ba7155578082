// SPDX-License-Identifier: MIT
// Why a WebSocket ended: the status codes of RFC 6455 §7.4 and the IANA registry.
#pragma once

#include <cstdint>
#include <string_view>

namespace walkie {

/// Close status codes by their registered names. Applications may use 3000 to 4999.
enum class CloseCode : std::uint16_t {
  normal = 1000,
  going_away = 1001,
  protocol_error = 1002,
  unsupported_data = 1003,
  no_status = 1005,  ///< Never sent: a Close frame without a code was received.
  abnormal = 1006,   ///< Never sent: the connection ended without a Close frame.
  invalid_payload = 1007,
  policy_violation = 1008,
  message_too_big = 1009,
  mandatory_extension = 1010,
  internal_error = 1011,
  service_restart = 1012,
  try_again_later = 1013,
  bad_gateway = 1014,
  tls_handshake = 1015,  ///< Never sent: the TLS handshake failed.
  unauthorized = 3000,   ///< As HTTP's 401.
  forbidden = 3003,      ///< As HTTP's 403.
  timeout = 3008,        ///< As HTTP's 408.
};

/// Whether `code` may stand in a Close frame (RFC 6455 §7.4.1 and §7.4.2): 1000 to 1003,
/// 1007 to 1014 and 3000 to 4999.
[[nodiscard]] constexpr bool is_sendable_close_code(std::uint16_t code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

/// How one WebSocket ended. `reason` lives until the callback that got it returns.
struct CloseInfo {
  CloseCode code = CloseCode::abnormal;
  std::string_view reason{};  ///< UTF-8, at most 123 bytes; the peer's, or our own diagnosis.
  bool clean = false;         ///< Close frames went both ways.
  bool by_peer = false;       ///< The peer sent its Close first, or vanished.
  /// The RFC section that was violated, or that allows or codes the limit which was met; empty
  /// where there was neither.
  std::string_view clause{};
};

}  // namespace walkie
