// SPDX-License-Identifier: MIT
// A key log is opened where it is asked for, and kept from others' eyes.
#include <link/key_log.hpp>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <stdlib.h>

#include <doctest/doctest.h>

#include <support/certificates.hpp>

using walkie::link::open_key_log;
using walkie::test::ScratchFolder;

namespace {

std::string content(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("no key log is kept unless a path or the variable asks for it") {
  ::unsetenv("SSLKEYLOGFILE");
  const auto log = open_key_log({});
  REQUIRE(log.has_value());
  CHECK_FALSE(*log);
}

TEST_CASE("a key log appends lines to a file that only its owner reads") {
  const ScratchFolder folder;
  const std::string file = folder.file("keys");
  for (const char* line : {"ONE", "TWO"}) {
    const auto log = open_key_log(file);
    REQUIRE(log.has_value());
    (*log)(line);
  }
  CHECK(content(file) == "ONE\nTWO\n");
  CHECK((std::filesystem::status(file).permissions() & std::filesystem::perms::all) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
}

TEST_CASE("the variable SSLKEYLOGFILE names a key log, an explicit path another") {
  const ScratchFolder folder;
  ::setenv("SSLKEYLOGFILE", folder.file("variable").c_str(), 1);
  (*open_key_log({}))("ONE");
  (*open_key_log(folder.file("path")))("TWO");
  ::unsetenv("SSLKEYLOGFILE");
  CHECK(content(folder.file("variable")) == "ONE\n");
  CHECK(content(folder.file("path")) == "TWO\n");
}

TEST_CASE("a key log that cannot be opened is an error that names it") {
  const auto log = open_key_log("/absent/keys");
  REQUIRE_FALSE(log.has_value());
  CHECK(log.error().message == "opening the TLS key log /absent/keys: No such file or directory");
}
