// SPDX-License-Identifier: MIT
// A P-256 key and its certificate.
#include <tls/self_signed.hpp>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <tls/certificate.hpp>
#include <tls/openssl.hpp>
#include <tls/pem.hpp>

namespace walkie::tls {
namespace {

constexpr long kClockSkewSeconds = 3600;
constexpr int kSerialBits = 127;

using NumberPtr = std::unique_ptr<BIGNUM, FreedBy<BN_free>>;
using ExtensionPtr = std::unique_ptr<X509_EXTENSION, FreedBy<X509_EXTENSION_free>>;

bool set_serial(X509* certificate) {
  const NumberPtr number(BN_new());
  return number && BN_rand(number.get(), kSerialBits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_name(X509* certificate, std::string_view common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1;
}

bool add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionPtr extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

std::string alternatives(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names)
    text.append(text.empty() ? "" : ",").append(is_ip_address(name) ? "IP:" : "DNS:").append(name);
  return text;
}

bool fill(X509* certificate, EVP_PKEY* key, std::span<const std::string_view> names,
          std::chrono::hours lifetime) {
  return X509_set_version(certificate, X509_VERSION_3) == 1 && set_serial(certificate) &&
         X509_gmtime_adj(X509_getm_notBefore(certificate), -kClockSkewSeconds) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(certificate), std::chrono::seconds(lifetime).count()) !=
             nullptr &&
         set_name(certificate, "walkie development") && X509_set_pubkey(certificate, key) == 1 &&
         add_extension(certificate, NID_basic_constraints, "critical,CA:FALSE") &&
         add_extension(certificate, NID_key_usage, "critical,digitalSignature") &&
         add_extension(certificate, NID_ext_key_usage, "serverAuth") &&
         add_extension(certificate, NID_subject_key_identifier, "hash") &&
         add_extension(certificate, NID_subject_alt_name, alternatives(names)) &&
         X509_sign(certificate, key, EVP_sha256()) > 0;
}

std::string text_in(BIO* memory) {
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  return {text, static_cast<std::size_t>(length)};
}

}  // namespace

Result<SelfSigned> make_self_signed(std::span<const std::string_view> names,
                                    std::chrono::hours lifetime) {
  clear_errors();
  const KeyPtr key(EVP_EC_gen("P-256"));
  const CertificatePtr certificate(X509_new());
  const BioPtr certificate_text(BIO_new(BIO_s_mem()));
  const BioPtr key_text(BIO_new(BIO_s_mem()));
  const bool made = key && certificate && certificate_text && key_text && !names.empty() &&
                    fill(certificate.get(), key.get(), names, lifetime) &&
                    PEM_write_bio_X509(certificate_text.get(), certificate.get()) == 1 &&
                    PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0,
                                             nullptr, nullptr) == 1;
  if (!made) return std::unexpected(Error{"making a certificate: " + take_error(), {}});
  return SelfSigned{text_in(certificate_text.get()), text_in(key_text.get())};
}

bool lasts(const std::string& certificate_file, std::chrono::hours left) {
  const auto certificates = read_certificates(certificate_file);
  if (!certificates) return false;
  const std::unique_ptr<ASN1_TIME, FreedBy<ASN1_TIME_free>> then(
      X509_gmtime_adj(nullptr, std::chrono::seconds(left).count()));
  return ASN1_TIME_compare(X509_get0_notAfter(certificates->front().get()), then.get()) > 0;
}

}  // namespace walkie::tls
