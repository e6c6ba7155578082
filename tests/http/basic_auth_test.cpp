// SPDX-License-Identifier: MIT
// Basic authentication: the RFCs' own examples.
#include <http/basic_auth.hpp>

#include <doctest/doctest.h>

using namespace walkie::http;
using std::string_view_literals::operator""sv;

TEST_CASE("base64 gives the test vectors [RFC 4648 10]") {
  CHECK(base64("").empty());
  CHECK(base64("f") == "Zg==");
  CHECK(base64("fo") == "Zm8=");
  CHECK(base64("foo") == "Zm9v");
  CHECK(base64("foob") == "Zm9vYg==");
  CHECK(base64("fooba") == "Zm9vYmE=");
  CHECK(base64("foobar") == "Zm9vYmFy");
  CHECK(base64("\xff\xfe\x00"sv) == "//4A");
}

TEST_CASE("basic credentials are the RFC's examples [RFC 7617 2]") {
  CHECK(basic_credentials("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  CHECK(basic_credentials("test", "123\xc2\xa3") == "Basic dGVzdDoxMjPCow==");
  CHECK(is_basic_user("Aladdin"));
  CHECK_FALSE(is_basic_user("a:b"));
}
