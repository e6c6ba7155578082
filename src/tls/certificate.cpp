// SPDX-License-Identifier: MIT
// Reading certificates. Their text comes from strangers: nothing of it goes out unescaped.
#include <tls/certificate.hpp>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <span>

#include <openssl/x509v3.h>

namespace walkie::tls {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, FreedBy<GENERAL_NAMES_free>>;
using OctetsPtr = std::unique_ptr<ASN1_OCTET_STRING, FreedBy<ASN1_OCTET_STRING_free>>;
using AccessPtr = std::unique_ptr<AUTHORITY_INFO_ACCESS, FreedBy<AUTHORITY_INFO_ACCESS_free>>;
using FeaturePtr = std::unique_ptr<TLS_FEATURE, FreedBy<TLS_FEATURE_free>>;

std::span<const unsigned char> octets_of(const ASN1_STRING* string) {
  return {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))};
}

std::string printable(std::span<const unsigned char> octets) {
  std::string text;
  for (const unsigned char octet : octets)
    text += octet > 0x20 && octet < 0x7F ? static_cast<char>(octet) : '?';
  return text;
}

std::string address_text(std::span<const unsigned char> octets) {
  char text[48] = "?";
  if (octets.size() == 4) {
    std::snprintf(text, sizeof text, "%u.%u.%u.%u", octets[0], octets[1], octets[2], octets[3]);
    return text;
  }
  if (octets.size() != 16) return text;
  std::string groups;
  for (std::size_t i = 0; i < octets.size(); i += 2) {
    std::snprintf(text, sizeof text, "%x", unsigned{octets[i]} << 8 | octets[i + 1]);
    groups.append(groups.empty() ? "" : ":").append(text);
  }
  return groups == "0:0:0:0:0:0:0:1" ? "::1" : groups;
}

std::string memory_text(BIO* memory) {
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory, &text);
  return {text, static_cast<std::size_t>(length)};
}

void add_common_names(const X509_NAME* subject, std::vector<std::string>& names) {
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;)
    names.push_back(
        printable(octets_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)))));
}

}  // namespace

std::vector<std::string> names_of(X509* certificate) {
  std::vector<std::string> names;
  const NamesPtr alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) names.push_back(printable(octets_of(name->d.dNSName)));
    if (name->type == GEN_IPADD) names.push_back(address_text(octets_of(name->d.iPAddress)));
  }
  if (names.empty()) add_common_names(X509_get_subject_name(certificate), names);
  clear_errors();
  return names;
}

std::string text_of_name(const X509_NAME* name) {
  const BioPtr memory(BIO_new(BIO_s_mem()));
  constexpr unsigned long kFlags =
      XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (!memory || X509_NAME_print_ex(memory.get(), name, 0, kFlags) < 0) return {};
  return memory_text(memory.get());
}

std::string text_of_time(const ASN1_TIME* time) {
  ::tm utc{};
  if (ASN1_TIME_to_tm(time, &utc) != 1) return "an unreadable time";
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d %02d:%02d UTC", utc.tm_year + 1900,
                utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min);
  return text;
}

KeyHash key_hash(X509* certificate) {
  KeyHash hash{};
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (length > 0)
    EVP_Digest(der, static_cast<std::size_t>(length), reinterpret_cast<unsigned char*>(hash.data()),
               nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  return hash;
}

bool must_staple(X509* certificate) {
  const FeaturePtr features(
      static_cast<TLS_FEATURE*>(X509_get_ext_d2i(certificate, NID_tlsfeature, nullptr, nullptr)));
  constexpr long kStatusRequest = TLSEXT_TYPE_status_request;
  for (int i = 0; i < sk_ASN1_INTEGER_num(features.get()); ++i)
    if (ASN1_INTEGER_get(sk_ASN1_INTEGER_value(features.get(), i)) == kStatusRequest) return true;
  return false;
}

bool names_issuers_address(X509* certificate) {
  const AccessPtr access(static_cast<AUTHORITY_INFO_ACCESS*>(
      X509_get_ext_d2i(certificate, NID_info_access, nullptr, nullptr)));
  for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i)
    if (OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(access.get(), i)->method) == NID_ad_ca_issuers)
      return true;
  return false;
}

bool is_ip_address(std::string_view host) {
  const OctetsPtr octets(a2i_IPADDRESS(std::string(host).c_str()));
  clear_errors();
  return octets != nullptr;
}

}  // namespace walkie::tls
