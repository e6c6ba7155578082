// SPDX-License-Identifier: MIT
// Connection limits, on both sides.
#include <server/admission.hpp>

#include <doctest/doctest.h>

using walkie::server::Admission;
using Verdict = walkie::server::Admission::Verdict;

TEST_CASE("as many connections as the limit are admitted, and one more is not") {
  Admission admission(2, 0);
  CHECK(admission.enter("192.0.2.1") == Verdict::admitted);
  CHECK(admission.enter("192.0.2.2") == Verdict::admitted);
  CHECK(admission.enter("192.0.2.3") == Verdict::server_full);
  admission.leave("192.0.2.1");
  CHECK(admission.enter("192.0.2.3") == Verdict::admitted);
}

TEST_CASE("one address's connections are limited without touching another's") {
  Admission admission(100, 2);
  CHECK(admission.enter("192.0.2.1") == Verdict::admitted);
  CHECK(admission.enter("192.0.2.1") == Verdict::admitted);
  CHECK(admission.enter("192.0.2.1") == Verdict::address_full);
  CHECK(admission.enter("192.0.2.2") == Verdict::admitted);
  admission.leave("192.0.2.1");
  CHECK(admission.enter("192.0.2.1") == Verdict::admitted);
}

TEST_CASE("a refused connection does not count") {
  Admission admission(2, 1);
  CHECK(admission.enter("192.0.2.1") == Verdict::admitted);
  for (int i = 0; i < 10; ++i) CHECK(admission.enter("192.0.2.1") == Verdict::address_full);
  CHECK(admission.enter("192.0.2.2") == Verdict::admitted);
}

TEST_CASE("unix sockets have no address to limit") {
  Admission admission(0, 1);
  for (int i = 0; i < 10; ++i) CHECK(admission.enter("") == Verdict::admitted);
}
