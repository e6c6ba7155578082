// SPDX-License-Identifier: MIT
// Snapshots of certificates and ticket keys, and how they change.
#include <server/secure_state.hpp>

#include <doctest/doctest.h>

#include <tls/tls_rig.hpp>

using namespace walkie;
using namespace walkie::test;

TEST_CASE("a load replaces the context, a faulty one leaves it as it was") {
  TlsRig rig;
  server::SecureState state(rig.server_options);
  REQUIRE(state.load().has_value());
  const auto first = state.snapshot().context;
  REQUIRE(first != nullptr);
  REQUIRE(state.load().has_value());
  const auto second = state.snapshot().context;
  CHECK(second != first);
  rig.folder.write("server.pem", "gone");
  CHECK_FALSE(state.load().has_value());
  CHECK(state.snapshot().context == second);
}

TEST_CASE("a new ticket key leaves older snapshots alone") {
  TlsRig rig;
  server::SecureState state(rig.server_options);
  CHECK(state.snapshot().tickets == nullptr);
  REQUIRE(state.rotate_tickets().has_value());
  const auto first = state.snapshot().tickets;
  REQUIRE(first != nullptr);
  REQUIRE(state.rotate_tickets().has_value());
  CHECK(state.snapshot().tickets != first);
}

TEST_CASE("no ticket key is drawn where sessions are not resumed") {
  TlsRig rig;
  rig.server_options.ticket_key_lifetime = std::chrono::seconds(0);
  server::SecureState state(rig.server_options);
  REQUIRE(state.rotate_tickets().has_value());
  CHECK(state.snapshot().tickets == nullptr);
}

TEST_CASE("a key log that cannot be opened is a fault") {
  TlsRig rig;
  rig.server_options.key_log_file = "/absent/keys";
  server::SecureState state(rig.server_options);
  CHECK(state.load().error().message.starts_with("opening the TLS key log /absent/keys: "));
}
