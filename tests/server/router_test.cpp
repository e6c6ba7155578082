// SPDX-License-Identifier: MIT
// Patterns and paths.
#include <server/router.hpp>

#include <doctest/doctest.h>

using walkie::server::Pattern;
using walkie::server::Router;

namespace {

Router router_of(std::initializer_list<std::string_view> patterns) {
  Router router;
  std::size_t id = 0;
  for (const auto text : patterns) {
    auto pattern = Pattern::parse(text);
    REQUIRE(pattern.has_value());
    router.add(*std::move(pattern), id++);
  }
  return router;
}

/// The number of the best match; -1 for none.
int best(const Router& router, std::string_view path) {
  const auto matches = router.find(path);
  REQUIRE(matches.has_value());
  return matches->empty() ? -1 : static_cast<int>(matches->front().id);
}

}  // namespace

TEST_CASE("a literal pattern matches its own path only") {
  const Router router = router_of({"/chat"});
  CHECK(best(router, "/chat") == 0);
  CHECK(best(router, "/chat/") == -1);
  CHECK(best(router, "/chats") == -1);
  CHECK(best(router, "/") == -1);
}

TEST_CASE("a parameter takes one segment, decoded") {
  const Router router = router_of({"/chat/:room"});
  const auto matches = router.find("/chat/caf%C3%A9%2Fbar");
  REQUIRE(matches.has_value());
  REQUIRE(matches->size() == 1);
  REQUIRE(matches->front().parameters.size() == 1);
  CHECK(matches->front().parameters[0].first == "room");
  CHECK(matches->front().parameters[0].second == "caf\xC3\xA9/bar");
  CHECK(best(router, "/chat/a/b") == -1);
}

TEST_CASE("an empty segment is no value for a parameter") {
  CHECK(best(router_of({"/chat/:room"}), "/chat/") == -1);
}

TEST_CASE("the rest takes all segments that are left") {
  const Router router = router_of({"/files/*path"});
  const auto matches = router.find("/files/a/b%20c/d");
  REQUIRE(matches->size() == 1);
  CHECK(matches->front().parameters[0].second == "a/b c/d");
  CHECK(best(router, "/files") == -1);
}

TEST_CASE("literals win over parameters and parameters over the rest, whatever the order") {
  const Router router = router_of({"/*all", "/:one", "/chat", "/chat/:room", "/chat/lobby"});
  CHECK(best(router, "/chat") == 2);
  CHECK(best(router, "/other") == 1);
  CHECK(best(router, "/chat/lobby") == 4);
  CHECK(best(router, "/chat/x") == 3);
  CHECK(best(router, "/a/b/c") == 0);
}

TEST_CASE("a malformed percent-escape matches nothing and says so [RFC 3986 2.1]") {
  const Router router = router_of({"/:one"});
  CHECK_FALSE(router.find("/%zz").has_value());
  CHECK_FALSE(router.find("/%4").has_value());
  CHECK_FALSE(router.find("/%00").has_value());
}

TEST_CASE("faulty patterns are refused with the reason") {
  for (const auto* text : {"chat", "", "/:", "/*", "/:a/:a", "/*rest/more"})
    CHECK_FALSE(Pattern::parse(text).has_value());
  CHECK(Pattern::parse("/*rest/more").error().message ==
        "route '/*rest/more': '*' takes the rest and must stand last");
}
