// SPDX-License-Identifier: MIT
// Reading OCSP responses.
#include <tls/staple.hpp>

#include <span>

#include <tls/certificate.hpp>
#include <tls/pem.hpp>

namespace walkie::tls {
namespace {

constexpr std::size_t kStapleBytesMax = 64 * 1024;
constexpr long kClockSkewSeconds = 300;

using CertIdPtr = std::unique_ptr<OCSP_CERTID, FreedBy<OCSP_CERTID_free>>;

/// Null where `der` is no successful response.
OcspBasicPtr parse(std::span<const unsigned char> der) {
  const unsigned char* at = der.data();
  const OcspResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size())));
  if (!response || OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return nullptr;
  return OcspBasicPtr(OCSP_response_get1_basic(response.get()));
}

struct Status {
  int status = V_OCSP_CERTSTATUS_UNKNOWN;
  ASN1_GENERALIZEDTIME* revoked_at = nullptr;
  ASN1_GENERALIZEDTIME* this_update = nullptr;
  ASN1_GENERALIZEDTIME* next_update = nullptr;
};

Status status_of(OCSP_SINGLERESP* single) {
  Status status;
  status.status = OCSP_single_get0_status(single, nullptr, &status.revoked_at, &status.this_update,
                                          &status.next_update);
  return status;
}

/// The part that is about `certificate` of `issuer`, by the responder's choice of hash; by the
/// serial number alone where the issuer is unknown.
OCSP_SINGLERESP* find_part(OCSP_BASICRESP* basic, X509* certificate, X509* issuer) {
  for (int i = 0; i < OCSP_resp_count(basic); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic, i);
    auto* id = const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single));
    ASN1_OBJECT* hash = nullptr;
    ASN1_INTEGER* serial = nullptr;
    OCSP_id_get0_info(nullptr, &hash, nullptr, &serial, id);
    if (ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) != 0) continue;
    if (!issuer) return single;
    const CertIdPtr ours(OCSP_cert_to_id(EVP_get_digestbyobj(hash), certificate, issuer));
    if (ours && OCSP_id_cmp(ours.get(), id) == 0) return single;
  }
  return nullptr;
}

/// What a verified response in date says of the server's certificate.
struct Verdict {
  int status = V_OCSP_CERTSTATUS_UNKNOWN;
  std::string revoked_at;
};

Verdict verdict_of(SSL* ssl) {
  unsigned char* der = nullptr;
  const long length = SSL_get_tlsext_status_ocsp_resp(ssl, static_cast<void*>(&der));
  if (length <= 0 || !der) return {};
  const OcspBasicPtr basic = parse({der, static_cast<std::size_t>(length)});
  STACK_OF(X509)* chain = SSL_get0_verified_chain(ssl);
  if (!basic || !chain || sk_X509_num(chain) == 0) return {};
  X509_STORE* store = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl));
  if (OCSP_basic_verify(basic.get(), chain, store, 0) != 1) return {};
  X509* issuer = sk_X509_value(chain, sk_X509_num(chain) > 1 ? 1 : 0);
  OCSP_SINGLERESP* single = find_part(basic.get(), sk_X509_value(chain, 0), issuer);
  if (!single) return {};
  const Status status = status_of(single);
  // Revocation does not expire.
  if (status.status != V_OCSP_CERTSTATUS_REVOKED &&
      OCSP_check_validity(status.this_update, status.next_update, kClockSkewSeconds, -1) != 1)
    return {};
  return {status.status, status.revoked_at ? text_of_time(status.revoked_at) : std::string()};
}

}  // namespace

bool Staple::current() const {
  return !next_update || X509_cmp_current_time(next_update.get()) >= 0;
}

Result<Staple> read_staple(const std::string& file, X509* certificate) {
  auto der = read_file("OCSP response", file, kStapleBytesMax);
  if (!der) return std::unexpected(std::move(der.error()));
  const auto fault = [&file](std::string_view why) {
    clear_errors();
    return std::unexpected(Error{"OCSP response " + file + ": " + std::string(why), {}});
  };
  const OcspBasicPtr basic =
      parse({reinterpret_cast<const unsigned char*>(der->data()), der->size()});
  if (!basic) return fault("is no successful OCSP response in DER");
  OCSP_SINGLERESP* single = find_part(basic.get(), certificate, nullptr);
  if (!single) return fault("is about another certificate");
  const Status status = status_of(single);
  Staple staple{*std::move(der), nullptr};
  if (status.next_update) staple.next_update.reset(ASN1_STRING_dup(status.next_update));
  if (!staple.current()) return fault("is out of date since " + text_of_time(status.next_update));
  clear_errors();
  return staple;
}

std::string staple_refusal(SSL* ssl) {
  const Verdict verdict = verdict_of(ssl);
  clear_errors();
  if (verdict.status == V_OCSP_CERTSTATUS_REVOKED)
    return "the certificate was revoked on " + verdict.revoked_at +
           ", says the OCSP response that the server stapled";
  if (verdict.status == V_OCSP_CERTSTATUS_GOOD) return {};
  X509* certificate = SSL_get0_peer_certificate(ssl);
  if (certificate && must_staple(certificate))
    return "the certificate demands a stapled OCSP response, and the server sent none that counts";
  return {};
}

}  // namespace walkie::tls
