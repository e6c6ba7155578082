// SPDX-License-Identifier: MIT
// Reading PEM. Files are read at start and at reloads only.
#include <tls/pem.hpp>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include <openssl/pem.h>

#include <tls/certificate.hpp>

namespace walkie::tls {
namespace {

constexpr std::size_t kPemBytesMax = std::size_t{8} << 20;

using FilePtr = std::unique_ptr<std::FILE, FreedBy<std::fclose>>;

std::unexpected<Error> fault(std::string_view what, const std::string& file, std::string_view why) {
  return std::unexpected(Error{std::string(what) + " " + file + ": " + std::string(why), {}});
}

BioPtr memory_of(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

/// Called for an encrypted key only: notes that, and gives no password.
int refuse_password(char*, int, int, void* encrypted) {
  *static_cast<bool*>(encrypted) = true;
  return -1;
}

Result<KeyPtr> read_key(const std::string& file) {
  const auto text = read_file("private key", file, kPemBytesMax);
  if (!text) return std::unexpected(text.error());
  bool encrypted = false;
  const BioPtr memory = memory_of(*text);
  KeyPtr key(PEM_read_bio_PrivateKey(memory.get(), nullptr, refuse_password, &encrypted));
  clear_errors();
  if (key) return key;
  return fault("private key", file,
               encrypted ? "is encrypted: store it decrypted, readable by this program only"
                         : "holds no PEM private key");
}

Result<void> check_validity(X509* certificate, const std::string& file) {
  const ASN1_TIME* end = X509_get0_notAfter(certificate);
  const ASN1_TIME* begin = X509_get0_notBefore(certificate);
  if (X509_cmp_current_time(end) < 0)
    return fault("certificate", file, "expired on " + text_of_time(end));
  if (X509_cmp_current_time(begin) > 0)
    return fault("certificate", file, "is not valid before " + text_of_time(begin));
  return {};
}

}  // namespace

Result<std::string> read_file(std::string_view what, const std::string& file,
                              std::size_t bytes_max) {
  const FilePtr stream(std::fopen(file.c_str(), "re"));
  if (!stream) return fault(what, file, std::generic_category().message(errno));
  std::string text(4096, '\0');
  std::size_t length = 0;
  while (const std::size_t read =
             std::fread(text.data() + length, 1, text.size() - length, stream.get())) {
    length += read;
    if (length > bytes_max) return fault(what, file, "is too large");
    if (length == text.size()) text.resize(2 * length);
  }
  if (std::ferror(stream.get()) != 0)
    return fault(what, file, std::generic_category().message(errno));
  text.resize(length);
  return text;
}

Result<std::vector<CertificatePtr>> read_certificates(const std::string& file) {
  const auto text = read_file("certificate", file, kPemBytesMax);
  if (!text) return std::unexpected(text.error());
  const BioPtr memory = memory_of(*text);
  std::vector<CertificatePtr> certificates;
  clear_errors();
  while (X509* next = PEM_read_bio_X509(memory.get(), nullptr, nullptr, nullptr))
    certificates.emplace_back(next);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string why = take_error();
  if (!at_end) return fault("certificate", file, "is damaged: " + why);
  if (certificates.empty()) return fault("certificate", file, "holds no PEM certificate");
  return certificates;
}

Result<KeyedCertificate> read_keyed_certificate(const std::string& certificate_file,
                                                const std::string& key_file) {
  auto chain = read_certificates(certificate_file);
  if (!chain) return std::unexpected(std::move(chain.error()));
  auto key = read_key(key_file);
  if (!key) return std::unexpected(std::move(key.error()));
  CertificatePtr certificate = std::move(chain->front());
  chain->erase(chain->begin());
  const bool match = X509_check_private_key(certificate.get(), key->get()) == 1;
  clear_errors();
  if (!match)
    return fault("private key", key_file,
                 "belongs to another certificate than " + certificate_file);
  if (auto valid = check_validity(certificate.get(), certificate_file); !valid)
    return std::unexpected(std::move(valid.error()));
  return KeyedCertificate{std::move(certificate), *std::move(chain), *std::move(key)};
}

Result<void> use_certificate(SSL_CTX* context, const KeyedCertificate& keyed) {
  bool used = SSL_CTX_use_certificate(context, keyed.certificate.get()) == 1 &&
              SSL_CTX_use_PrivateKey(context, keyed.key.get()) == 1;
  for (const CertificatePtr& issuer : keyed.chain)
    used = used && SSL_CTX_add1_chain_cert(context, issuer.get()) == 1;
  if (used) return {};
  return std::unexpected(Error{"certificate " +
                                   text_of_name(X509_get_subject_name(keyed.certificate.get())) +
                                   ": " + take_error(),
                               {}});
}

}  // namespace walkie::tls
