// SPDX-License-Identifier: MIT
// What certificates say, as text.
#include <tls/certificate.hpp>

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <support/bytes.hpp>
#include <support/certificates.hpp>

using namespace walkie::tls;
using namespace walkie::test;
using Names = std::vector<std::string>;

TEST_CASE("a certificate's names are those of its subjectAltName, else its common name") {
  const Identity one =
      issue({.common_name = "cn.example",
             .alternatives = "DNS:a.example,DNS:*.b.example,IP:192.0.2.1,IP:2001:db8::1,IP:::1"});
  CHECK(names_of(one.certificate.get()) ==
        Names{"a.example", "*.b.example", "192.0.2.1", "2001:db8:0:0:0:0:0:1", "::1"});
  const Identity bare = issue({.common_name = "cn.example"});
  CHECK(names_of(bare.certificate.get()) == Names{"cn.example"});
}

TEST_CASE("what a certificate says cannot break a line") {
  const Identity nasty = issue({.common_name = "a\nb\x1b[31m"});
  CHECK(names_of(nasty.certificate.get()) == Names{"a?b?[31m"});
  CHECK(text_of_name(X509_get_subject_name(nasty.certificate.get())) ==
        "CN=a\\0Ab\\1B[31m,O=Example");
}

TEST_CASE("subjects are RFC 4514 text, the last part first, in UTF-8") {
  const Identity identity = issue({.common_name = "Zo\xc3\xab, Ltd"});
  CHECK(text_of_name(X509_get_subject_name(identity.certificate.get())) ==
        "CN=Zo\xc3\xab\\, Ltd,O=Example");
}

TEST_CASE("times are given to the minute in UTC") {
  ASN1_TIME* time = ASN1_TIME_new();
  ASN1_TIME_set_string(time, "20260131120059Z");
  CHECK(text_of_time(time) == "2026-01-31 12:00 UTC");
  ASN1_TIME_free(time);
}

TEST_CASE("a key's hash is that of its SubjectPublicKeyInfo [RFC 7469 2.4]") {
  const Identity one = issue({.common_name = "one"});
  const KeyHash hash = key_hash(one.certificate.get());
  unsigned char* der = nullptr;
  const int length = i2d_PUBKEY(one.key.get(), &der);
  KeyHash expected{};
  EVP_Digest(der, static_cast<std::size_t>(length),
             reinterpret_cast<unsigned char*>(expected.data()), nullptr, EVP_sha256(), nullptr);
  OPENSSL_free(der);
  CHECK(to_hex(hash) == to_hex(expected));
  CHECK(hash != key_hash(issue({.common_name = "one"}).certificate.get()));
}

TEST_CASE("extensions that matter are seen [RFC 7633, RFC 5280 4.2.2.1]") {
  const Identity plain = issue({.common_name = "plain"});
  CHECK_FALSE(must_staple(plain.certificate.get()));
  CHECK_FALSE(names_issuers_address(plain.certificate.get()));
  const Identity both =
      issue({.common_name = "both", .must_staple = true, .names_issuers_address = true});
  CHECK(must_staple(both.certificate.get()));
  CHECK(names_issuers_address(both.certificate.get()));
}

TEST_CASE("addresses are told from names") {
  for (const char* address : {"127.0.0.1", "::1", "2001:db8::7"}) CHECK(is_ip_address(address));
  for (const char* name : {"", "a.example", "1.2.3", "[::1]", "1.2.3.4.5"})
    CHECK_FALSE(is_ip_address(name));
}
