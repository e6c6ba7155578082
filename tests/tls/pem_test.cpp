// SPDX-License-Identifier: MIT
// Files that can be read; what is wrong with others is in context_test.cpp, where users see it.
#include <tls/pem.hpp>

#include <string>

#include <doctest/doctest.h>

#include <support/certificates.hpp>

using namespace walkie::tls;
using namespace walkie::test;

TEST_CASE("a certificate is read with its chain, and text between them is passed over") {
  const ScratchFolder folder;
  const Identity root = issue({.common_name = "Root", .authority = true});
  const Identity leaf = issue({.common_name = "leaf"}, &root);
  const std::string both =
      folder.write("both.pem", "subject: leaf\n" + leaf.certificate_pem() + "\nissuer:\n" +
                                   root.certificate_pem() + leaf.key_pem());
  const auto keyed = read_keyed_certificate(both, both);
  REQUIRE(keyed.has_value());
  CHECK(X509_cmp(keyed->certificate.get(), leaf.certificate.get()) == 0);
  REQUIRE(keyed->chain.size() == 1);
  CHECK(X509_cmp(keyed->chain.front().get(), root.certificate.get()) == 0);
  CHECK(EVP_PKEY_eq(keyed->key.get(), leaf.key.get()) == 1);
}

TEST_CASE("a file is read whole, up to its limit") {
  const ScratchFolder folder;
  const std::string large(100'000, 'x');
  const std::string file = folder.write("large", large);
  CHECK(*read_file("text", file, large.size()) == large);
  CHECK(read_file("text", file, large.size() - 1).error().message ==
        "text " + file + ": is too large");
  CHECK(read_file("text", folder.write("empty", ""), 10)->empty());
  CHECK(read_file("text", folder.file(""), 10).error().message.ends_with(": Is a directory"));
}
