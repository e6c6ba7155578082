// SPDX-License-Identifier: MIT
// OCSP responses as files of a server; what clients make of them is in context_test.cpp.
#include <tls/staple.hpp>

#include <string>

#include <doctest/doctest.h>

#include <support/certificates.hpp>

using namespace walkie::tls;
using namespace walkie::test;

TEST_CASE("a response is read where it is about the certificate and in date") {
  const ScratchFolder folder;
  const Identity root = issue({.common_name = "Root", .authority = true});
  const Identity leaf = issue({.common_name = "leaf"}, &root);
  const auto why = [&](const std::string& content, const Identity& subject) -> std::string {
    const auto read = read_staple(folder.write("staple.der", content), subject.certificate.get());
    return read ? "read" : read.error().message.substr(folder.file("staple.der").size());
  };
  const std::string good = ocsp_response(leaf, root);
  CHECK(why(good, leaf) == "read");
  CHECK(why(good, root).ends_with(": is about another certificate"));
  CHECK(why("hello", leaf).ends_with(": is no successful OCSP response in DER"));
  CHECK(why(good.substr(0, 40), leaf).ends_with(": is no successful OCSP response in DER"));
  const std::string old = ocsp_response(leaf, root, V_OCSP_CERTSTATUS_GOOD, std::chrono::hours(-1));
  CHECK(why(old, leaf).contains(": is out of date since 20"));
  CHECK(read_staple(folder.file("absent"), leaf.certificate.get()).error().message ==
        "OCSP response " + folder.file("absent") + ": No such file or directory");
}

TEST_CASE("a staple is current until its next update") {
  Staple staple;
  CHECK(staple.current());
  staple.next_update.reset(X509_gmtime_adj(nullptr, 60));
  CHECK(staple.current());
  staple.next_update.reset(X509_gmtime_adj(nullptr, -60));
  CHECK_FALSE(staple.current());
}
