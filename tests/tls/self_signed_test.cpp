// SPDX-License-Identifier: MIT
// A certificate for development serves, and is trusted where it is named.
#include <tls/self_signed.hpp>

#include <array>
#include <string_view>

#include <doctest/doctest.h>

#include <tls/tls_rig.hpp>

using namespace walkie;
using namespace walkie::test;

TEST_CASE("a self-signed certificate serves all its names to who trusts it") {
  static constexpr std::array<std::string_view, 3> kNames{"localhost", "127.0.0.1", "::1"};
  const auto made = tls::make_self_signed(kNames, std::chrono::hours(48));
  REQUIRE(made.has_value());
  TlsRig rig;
  const std::string file = rig.folder.write("self.pem", made->certificate_pem);
  rig.server_options.certificates = {
      {.certificate_file = file, .key_file = rig.folder.write("self.key", made->key_pem)}};
  rig.client_options.ca_file = file;
  for (const std::string_view host : kNames) {
    rig.connect(host);
    CHECK(rig.both_open());
  }
  rig.connect("other.example");
  CHECK(rig.client.outcome().contains("is for localhost, 127.0.0.1, ::1, not for other.example"));
  CHECK(tls::lasts(file, std::chrono::hours(47)));
  CHECK_FALSE(tls::lasts(file, std::chrono::hours(49)));
  CHECK_FALSE(tls::lasts(rig.folder.file("absent"), std::chrono::hours(0)));
}

TEST_CASE("a self-signed certificate needs a name") {
  CHECK_FALSE(tls::make_self_signed({}, std::chrono::hours(1)).has_value());
}
