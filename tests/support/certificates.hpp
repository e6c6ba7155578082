// SPDX-License-Identifier: MIT
// Certificates for tests: authorities, what they issue, and what they say of it by OCSP.
#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <tls/openssl.hpp>

namespace walkie::test {

inline void require(bool done, const char* what) {
  if (!done) throw std::runtime_error(std::string(what) + ": " + tls::take_error());
}

/// A folder of its own, removed at the end.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "walkie-test-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr, "making a folder");
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  [[nodiscard]] std::string file(std::string_view name) const { return (path_ / name).string(); }
  /// Writes a file and returns its path.
  std::string write(std::string_view name, std::string_view content) const {
    std::ofstream(file(name), std::ios::binary) << content;
    return file(name);
  }

 private:
  std::filesystem::path path_;
};

struct CertificateWish {
  std::string common_name{};
  std::string alternatives{};  ///< "DNS:a.example,IP:127.0.0.1"; empty: none.
  std::chrono::hours begins{-24};
  std::chrono::hours ends{24 * 30};
  bool authority = false;
  bool must_staple = false;
  bool names_issuers_address = false;
};

/// A certificate with its key.
struct Identity {
  tls::CertificatePtr certificate;
  tls::KeyPtr key;

  [[nodiscard]] std::string certificate_pem() const {
    return pem([this](BIO* to) { return PEM_write_bio_X509(to, certificate.get()); });
  }
  [[nodiscard]] std::string key_pem() const {
    return pem([this](BIO* to) {
      return PEM_write_bio_PrivateKey(to, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
  }

 private:
  template <class Write>
  static std::string pem(Write write) {
    const tls::BioPtr memory(BIO_new(BIO_s_mem()));
    require(write(memory.get()) == 1, "writing PEM");
    char* text = nullptr;
    const long length = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(length)};
  }
};

inline void add_extension(X509* certificate, X509* issuer, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const std::unique_ptr<X509_EXTENSION, tls::FreedBy<X509_EXTENSION_free>> extension(
      X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str()));
  require(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "adding an extension");
}

/// Issued by `issuer`, or by itself where that is null.
inline Identity issue(const CertificateWish& wish, const Identity* issuer = nullptr) {
  static long serial = 1000;
  Identity identity{tls::CertificatePtr(X509_new()), tls::KeyPtr(EVP_EC_gen("P-256"))};
  X509* certificate = identity.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), std::chrono::seconds(wish.begins).count());
  X509_gmtime_adj(X509_getm_notAfter(certificate), std::chrono::seconds(wish.ends).count());
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("Example"), -1, -1, 0);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(wish.common_name.c_str()), -1,
                             -1, 0);
  X509* parent = issuer ? issuer->certificate.get() : certificate;
  X509_set_issuer_name(certificate, X509_get_subject_name(parent));
  X509_set_pubkey(certificate, identity.key.get());
  add_extension(certificate, parent, NID_subject_key_identifier, "hash");
  add_extension(certificate, parent, NID_basic_constraints,
                wish.authority ? "critical,CA:TRUE" : "critical,CA:FALSE");
  if (!wish.alternatives.empty())
    add_extension(certificate, parent, NID_subject_alt_name, wish.alternatives);
  if (wish.must_staple) add_extension(certificate, parent, NID_tlsfeature, "status_request");
  if (wish.names_issuers_address)
    add_extension(certificate, parent, NID_info_access, "caIssuers;URI:http://ca.example/ca.der");
  const Identity& signer = issuer ? *issuer : identity;
  require(X509_sign(certificate, signer.key.get(), EVP_sha256()) > 0, "signing");
  return identity;
}

/// A DER OCSP response of `issuer` about `subject`, valid for so long from now on.
inline std::string ocsp_response(const Identity& subject, const Identity& issuer,
                                 int status = V_OCSP_CERTSTATUS_GOOD,
                                 std::chrono::hours lasts = std::chrono::hours(24)) {
  const tls::OcspBasicPtr basic(OCSP_BASICRESP_new());
  OCSP_CERTID* id = OCSP_cert_to_id(nullptr, subject.certificate.get(), issuer.certificate.get());
  ASN1_TIME* then = X509_gmtime_adj(nullptr, -48L * 3600);
  ASN1_TIME* end = X509_gmtime_adj(nullptr, std::chrono::seconds(lasts).count());
  require(OCSP_basic_add1_status(basic.get(), id, status, 0, then, then, end) != nullptr,
          "adding a status");
  OCSP_CERTID_free(id);
  ASN1_TIME_free(then);
  ASN1_TIME_free(end);
  require(OCSP_basic_sign(basic.get(), issuer.certificate.get(), issuer.key.get(), EVP_sha256(),
                          nullptr, 0) == 1,
          "signing a response");
  const tls::OcspResponsePtr response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* der = nullptr;
  const int length = i2d_OCSP_RESPONSE(response.get(), &der);
  require(length > 0, "encoding a response");
  std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(length));
  OPENSSL_free(der);
  return text;
}

}  // namespace walkie::test
