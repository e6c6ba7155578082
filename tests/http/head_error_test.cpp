// SPDX-License-Identifier: MIT
// The table of faults.
#include <http/head_error.hpp>

#include <doctest/doctest.h>

#include <http/response.hpp>
#include <utility>

using namespace walkie::http;

TEST_CASE("every fault has a status with a reason, a text and a clause") {
  for (int i = 1; i <= std::to_underlying(HeadError::not_http); ++i) {
    const HeadErrorFacts& facts = facts_of(static_cast<HeadError>(i));
    CAPTURE(i);
    CHECK(facts.status >= 400);
    CHECK(reason_of(facts.status) != "Status");
    CHECK_FALSE(facts.text.empty());
    CHECK(facts.clause.starts_with("RFC "));
  }
}

TEST_CASE("faults are answered with the statuses that the RFCs give them") {
  CHECK(facts_of(HeadError::conflicting_content_length).status == 400);
  CHECK(facts_of(HeadError::length_with_transfer_encoding).status == 400);
  CHECK(facts_of(HeadError::bad_transfer_encoding).status == 400);
  CHECK(facts_of(HeadError::unsupported_transfer_encoding).status == 501);
  CHECK(facts_of(HeadError::unknown_expectation).status == 417);
  CHECK(facts_of(HeadError::body_too_large).status == 413);
  CHECK(facts_of(HeadError::head_timeout).status == 408);
  CHECK(facts_of(HeadError::body_timeout).status == 408);
}
