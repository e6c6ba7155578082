// SPDX-License-Identifier: MIT
// Retry-After in its two forms, and what is none.
#include <client/retry_after.hpp>

#include <string>

#include <doctest/doctest.h>

namespace walkie::client {
namespace {

using namespace std::chrono_literals;

constexpr const char* kDate = "Sun, 06 Nov 1994 08:49:37 GMT";

HttpAnswer answer(std::string retry_after, std::string date = kDate) {
  return {.status = 503,
          .headers = {{"date", std::move(date)}, {"RETRY-after", std::move(retry_after)}}};
}

TEST_CASE("Retry-After is a number of seconds [RFC 9110 10.2.3]") {
  CHECK(retry_after(answer("0")) == 0s);
  CHECK(retry_after(answer("120")) == 120s);
  CHECK(retry_after(answer(" 007\t")) == 7s);
  CHECK(retry_after({.status = 503, .headers = {{"Retry-After", "5"}}}) == 5s);
}

TEST_CASE("Retry-After is a date against the answer's own Date [RFC 9110 10.2.3]") {
  CHECK(retry_after(answer("Sun, 06 Nov 1994 08:50:07 GMT")) == 30s);
  CHECK(retry_after(answer("Mon, 07 Nov 1994 00:00:00 GMT")) == 15h + 10min + 23s);
  CHECK(retry_after(answer("Sun, 06 Nov 1994 08:49:00 GMT")) == 0s);
  CHECK(retry_after(answer("Sun, 06 Nov 1994 08:50:07 GMT", "")) == std::nullopt);
  CHECK(retry_after({.headers = {{"Retry-After", kDate}}}) == std::nullopt);
}

TEST_CASE("Retry-After is cut at a day") {
  CHECK(retry_after(answer("86399")) == 86'399s);
  CHECK(retry_after(answer("86401")) == 24h);
  CHECK(retry_after(answer("99999999999999999999999999")) == 24h);
  CHECK(retry_after(answer("Fri, 31 Dec 9999 23:59:59 GMT")) == 24h);
}

TEST_CASE("a malformed Retry-After is none") {
  for (const char* text : {"", "-1", "+1", "1.5", "1s", "0x10", "soon", "1 2", "1,2"}) {
    CAPTURE(text);
    CHECK(retry_after(answer(text)) == std::nullopt);
  }
  CHECK(retry_after({.status = 503}) == std::nullopt);
}

TEST_CASE("an HTTP date is an IMF-fixdate [RFC 9110 5.6.7]") {
  const auto seconds = [](const char* text) -> long long {
    const auto parsed = parse_http_date(text);
    return parsed ? static_cast<long long>(parsed->time_since_epoch().count()) : -1;
  };
  CHECK(seconds(kDate) == 784'111'777);
  CHECK(seconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0);
  CHECK(seconds("Tue, 29 Feb 2000 23:59:59 GMT") == 951'868'799);
  CHECK(seconds("Sat, 31 Dec 2016 23:59:60 GMT") == 1'483'228'800);
  for (const char* text : {
           "Sunday, 06-Nov-94 08:49:37 GMT",  // obsolete: RFC 850
           "Sun Nov  6 08:49:37 1994",        // obsolete: asctime()
           "Mon, 06 Nov 1994 08:49:37 GMT",   // was a Sunday
           "sun, 06 nov 1994 08:49:37 gmt",  "Sun, 6 Nov 1994 08:49:37 GMT",
           "Sun, 06 Nov 1994 08:49:37 UTC",  "Sun, 06 Nov 1994 08:49:37 GMT ",
           "Sun, 06 Nov 1994 24:00:00 GMT",  "Sun, 06 Nov 1994 08:60:00 GMT",
           "Sun, 06 Nov 1994 08:49:61 GMT",  "Sun, 06 Nov 1994 08-49:37 GMT",
           "Sun, 06 Nov 1994 08:49 37 GMT",  "Sun, 06-Nov 1994 08:49:37 GMT",
           "Sun, 06 Nov-1994 08:49:37 GMT",  "Sun, 06 Nov 1994-08:49:37 GMT",
           "Sun; 06 Nov 1994 08:49:37 GMT",  "Sun, -6 Nov 1994 08:49:37 GMT",
           "Sun, 06 Nov 1994 -8:49:37 GMT",  "Sun, 06 Abc 1994 08:49:37 GMT",
           "Thu, 31 Nov 1994 08:49:37 GMT",  "Tue, 29 Feb 2001 00:00:00 GMT",
           "Sun, 00 Nov 1994 08:49:37 GMT",  "",
       }) {
    CAPTURE(text);
    CHECK(seconds(text) == -1);
  }
}

}  // namespace
}  // namespace walkie::client
