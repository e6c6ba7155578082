// SPDX-License-Identifier: MIT
// Verification stops at the first error, so the context still points to the certificate at fault.
#include <tls/refusal.hpp>

#include <algorithm>

namespace walkie::tls {
namespace {

constexpr std::size_t kNamesShown = 8;

std::string quoted(const X509_NAME* name) { return '"' + text_of_name(name) + '"'; }

std::string list_of(const std::vector<std::string>& names) {
  if (names.empty()) return "nobody";
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i)
    list.append(list.empty() ? "" : ", ").append(names[i]);
  if (names.size() > kNamesShown)
    list += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return list;
}

/// Nobody trusted, or sent along, is the issuer of the last certificate of the chain.
std::string no_issuer(X509* last, int depth) {
  const std::string issuer = quoted(X509_get_issuer_name(last));
  const std::string subject = quoted(X509_get_subject_name(last));
  // Public authorities say where their intermediate certificates can be fetched; a root needs none.
  if (depth == 0 && names_issuers_address(last))
    return "incomplete chain: the server did not send the certificate of " + issuer +
           ", which issued " + subject;
  return "unknown authority " + issuer + ", which issued " + subject +
         ": it is neither trusted nor sent along";
}

}  // namespace

std::string refusal_of(X509_STORE_CTX* verification, std::string_view host) {
  X509* certificate = X509_STORE_CTX_get_current_cert(verification);
  const int error = X509_STORE_CTX_get_error(verification);
  const int depth = X509_STORE_CTX_get_error_depth(verification);
  const std::string why = X509_verify_cert_error_string(error);
  if (!certificate) return "the certificate was refused: " + why;
  const std::string subject = quoted(X509_get_subject_name(certificate));
  const std::string what = depth == 0 ? "the certificate " : "its issuer's certificate ";
  switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return what + subject + " expired on " + text_of_time(X509_get0_notAfter(certificate));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return what + subject + " is not valid before " +
             text_of_time(X509_get0_notBefore(certificate));
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "the certificate " + subject + " is self-signed, and not among those trusted";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return "unknown authority " + subject + ": it is not among those trusted";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return no_issuer(certificate, depth);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate is for " + list_of(names_of(certificate)) + ", not for " +
             std::string(host);
    default:
      return what + subject + " was refused: " + why;
  }
}

std::string pin_refusal(X509_STORE_CTX* verification, std::span<const KeyHash> pins) {
  const auto pinned = [pins](X509* certificate) {
    return std::ranges::find(pins, key_hash(certificate)) != pins.end();
  };
  X509* certificate = X509_STORE_CTX_get0_cert(verification);
  bool found = certificate && pinned(certificate);
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(verification);
  for (int i = 0; i < sk_X509_num(chain); ++i) found = found || pinned(sk_X509_value(chain, i));
  return found ? std::string() : "none of the pinned keys is the server's or in its chain";
}

}  // namespace walkie::tls
