// SPDX-License-Identifier: MIT
// OpenSSL's reasons as kinds and words; those of real handshakes are in filter_test.cpp.
#include <tls/failure.hpp>

#include <set>
#include <string_view>

#include <doctest/doctest.h>

#include <tls/openssl.hpp>

using namespace walkie::tls;

TEST_CASE("the first error decides, and the queue is empty afterwards") {
  ERR_raise(ERR_LIB_SSL, SSL_R_NO_SHARED_CIPHER);
  ERR_raise(ERR_LIB_SSL, ERR_R_INTERNAL_ERROR);
  const Fault fault = take_fault({});
  CHECK(fault.failure == Failure::cipher);
  CHECK(fault.reason == "no common cipher");
  CHECK(ERR_peek_error() == 0);
}

TEST_CASE("what verification said of a certificate comes before OpenSSL's reason") {
  ERR_raise(ERR_LIB_SSL, SSL_R_CERTIFICATE_VERIFY_FAILED);
  const Fault fault = take_fault("it is forged");
  CHECK(fault.failure == Failure::certificate);
  CHECK(fault.reason == "it is forged");
}

TEST_CASE("anything else is a violation in OpenSSL's words") {
  ERR_raise(ERR_LIB_SSL, SSL_R_BAD_EXTENSION);
  CHECK(take_fault({}).reason == "the peer breaks TLS: bad extension");
  CHECK(take_fault({}).failure == Failure::violation);
}

TEST_CASE("every failure has a name of its own") {
  std::set<std::string_view> names;
  for (int i = 0; i <= static_cast<int>(Failure::violation); ++i)
    names.insert(name_of(static_cast<Failure>(i)));
  CHECK(names.size() == static_cast<std::size_t>(Failure::violation) + 1);
}
