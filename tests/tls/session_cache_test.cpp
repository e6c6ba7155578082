// SPDX-License-Identifier: MIT
// A bounded memory of sessions.
#include <tls/session_cache.hpp>

#include <doctest/doctest.h>

using namespace walkie::tls;

namespace {

SessionPtr session(int version) {
  SessionPtr made(SSL_SESSION_new());
  SSL_SESSION_set_protocol_version(made.get(), version);
  const unsigned char id[] = {1};
  SSL_SESSION_set1_id(made.get(), id, sizeof id);
  return made;
}

}  // namespace

TEST_CASE("a session of TLS 1.3 is taken once, one of 1.2 again and again [RFC 8446 C.4]") {
  SessionCache cache(8);
  cache.store("new:443", session(TLS1_3_VERSION));
  CHECK(cache.take("new:443") != nullptr);
  CHECK(cache.take("new:443") == nullptr);
  cache.store("old:443", session(TLS1_2_VERSION));
  CHECK(cache.take("old:443") != nullptr);
  CHECK(cache.take("old:443") != nullptr);
  CHECK(cache.take("other:443") == nullptr);
}

TEST_CASE("the newest session of a server replaces the one before") {
  SessionCache cache(8);
  cache.store("a:1", session(TLS1_2_VERSION));
  SessionPtr next = session(TLS1_2_VERSION);
  const SSL_SESSION* expected = next.get();
  cache.store("a:1", std::move(next));
  CHECK(cache.size() == 1);
  CHECK(cache.take("a:1").get() == expected);
  cache.forget("a:1");
  CHECK(cache.size() == 0);
}

TEST_CASE("the oldest session goes where there are too many") {
  SessionCache cache(2);
  for (const char* server : {"a:1", "b:1", "c:1"}) cache.store(server, session(TLS1_2_VERSION));
  CHECK(cache.size() == 2);
  CHECK(cache.take("a:1") == nullptr);
  CHECK(cache.take("b:1") != nullptr);
  CHECK(cache.take("c:1") != nullptr);
}
