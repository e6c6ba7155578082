// SPDX-License-Identifier: MIT
// OpenSSL's reason codes in words.
#include <tls/failure.hpp>

#include <tls/openssl.hpp>

namespace walkie::tls {
namespace {

/// Reasons from here on are alerts of the peer (ssl.h: SSL_AD_REASON_OFFSET).
constexpr int kAlertReason = SSL_AD_REASON_OFFSET;

Fault fault_of_reason(int reason) {
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_WRONG_SSL_VERSION:
      return {Failure::version, "no common TLS version: the peer is too old"};
    case SSL_R_NO_SHARED_CIPHER:
      return {Failure::cipher, "no common cipher"};
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SHARED_GROUPS:
      return {Failure::cipher, "no common key exchange group"};
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
      return {Failure::cipher, "no common signature algorithm"};
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return {Failure::protocol, "no common ALPN protocol"};
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
      return {Failure::not_tls, "the peer does not speak TLS"};
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return {Failure::certificate, "the peer showed no certificate, which is required here"};
    case SSL_R_DECRYPTION_FAILED_OR_BAD_RECORD_MAC:
    case SSL_R_DECRYPTION_FAILED:
      return {Failure::corrupted, "a record was changed on its way"};
    default:
      return {Failure::violation, {}};
  }
}

}  // namespace

std::string_view name_of(Failure failure) noexcept {
  switch (failure) {
    case Failure::plain_http:
      return "plain_http";
    case Failure::not_tls:
      return "not_tls";
    case Failure::version:
      return "version";
    case Failure::cipher:
      return "cipher";
    case Failure::protocol:
      return "protocol";
    case Failure::certificate:
      return "certificate";
    case Failure::alert:
      return "alert";
    case Failure::cut:
      return "cut";
    case Failure::corrupted:
      return "corrupted";
    case Failure::flood:
      return "flood";
    case Failure::violation:
      return "violation";
  }
  return "violation";
}

Fault fault_of_alert(int alert) {
  std::string reason = "the peer refused with alert " + std::to_string(alert) + " (" +
                       SSL_alert_desc_string_long(alert) + ")";
  switch (alert) {
    case SSL_AD_UNKNOWN_CA:
      reason += ": it does not trust the authority of the certificate that it was shown";
      break;
    case TLS13_AD_CERTIFICATE_REQUIRED:
      reason += ": it demands a client certificate";
      break;
    case SSL_AD_PROTOCOL_VERSION:
      return {Failure::version, std::move(reason)};
    default:
      break;
  }
  return {Failure::alert, std::move(reason)};
}

Fault take_fault(std::string_view refusal) {
  const unsigned long code = ERR_peek_error();
  const int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  const std::string text = take_error();
  if (!refusal.empty()) return {Failure::certificate, std::string(refusal)};
  if (reason > kAlertReason) return fault_of_alert(reason - kAlertReason);
  Fault fault = fault_of_reason(reason);
  if (fault.reason.empty()) fault.reason = "the peer breaks TLS: " + text;
  return fault;
}

}  // namespace walkie::tls
