// SPDX-License-Identifier: MIT
// The system's words inside a line of ours.
#include <base/reason.hpp>

#include <cerrno>
#include <ostream>

#include <doctest/doctest.h>

namespace walkie::base {
namespace {

std::string words(int error) { return reason_of({error, std::system_category()}); }

TEST_CASE("a reason begins in lower case, but for abbreviations") {
  CHECK(words(ECONNREFUSED) == "connection refused");
  CHECK(words(EHOSTUNREACH) == "no route to host");
  CHECK(words(EIO) == "input/output error");
  CHECK(words(ELIBSCN) == ".lib section in a.out corrupted");
  CHECK(words(EPFNOSUPPORT) == "protocol family not supported");
  CHECK(words(ESRMNT) == "srmount error");
}

}  // namespace
}  // namespace walkie::base
