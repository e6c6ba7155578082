// SPDX-License-Identifier: MIT
// Lines of hosts(5): what counts, what is skipped.
#include <io/hosts_file.hpp>

#include <sstream>
#include <string>

#include <doctest/doctest.h>

namespace walkie::io {
namespace {

std::string found(const std::string& file, std::string_view name) {
  std::istringstream lines(file);
  std::string texts;
  for (const SocketAddress& address : hosts_addresses(lines, name, 80))
    texts += address.text() + " ";
  return texts;
}

TEST_CASE("a hosts file gives a name the addresses of all its lines, in order, each once") {
  const std::string file =
      "127.0.0.1 localhost\n"
      "192.0.2.1\tone.example  one\n"
      "2001:db8::1 one.example\n"
      "192.0.2.1 one.example again\n"
      "192.0.2.3 One.Example\r\n"
      "  192.0.2.4 two.example # one.example\n";
  CHECK(found(file, "one.example") == "192.0.2.1:80 [2001:db8::1]:80 192.0.2.3:80 ");
  CHECK(found(file, "ONE") == "192.0.2.1:80 ");
  CHECK(found(file, "two.example") == "192.0.2.4:80 ");
  CHECK(found(file, "three.example").empty());
  CHECK(found(file, "one.exampl").empty());
  CHECK(found(file, "").empty());
}

TEST_CASE("a hosts file's nonsense is skipped, and its last line needs no end") {
  const std::string file =
      "\n#192.0.2.1 one\nnonsense one\n192.0.2.300 one\n192.0.2.2\n\xff\xfe one\n"
      "fe80::1%lo one\n192.0.2.5 one";
  CHECK(found(file, "one") == "[fe80::1%1]:80 192.0.2.5:80 ");
}

TEST_CASE("a hosts file that is not there knows nobody") {
  CHECK(hosts_addresses("/nonexistent/hosts", "localhost", 80).empty());
}

}  // namespace
}  // namespace walkie::io
