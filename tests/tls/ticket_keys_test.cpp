// SPDX-License-Identifier: MIT
// Sealing and opening with the current key and the one before; handshakes are in context_test.cpp.
#include <tls/ticket_keys.hpp>

#include <array>

#include <doctest/doctest.h>

#include <tls/tls_rig.hpp>

using walkie::test::ticket_keys;

namespace {

struct Ticket {
  std::array<unsigned char, 16> name;
  std::array<unsigned char, 16> iv;
};

struct Work {
  Work()
      : cipher(EVP_CIPHER_CTX_new()),
        algorithm(EVP_MAC_fetch(nullptr, "HMAC", nullptr)),
        mac(EVP_MAC_CTX_new(algorithm)) {}
  ~Work() {
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(algorithm);
    EVP_CIPHER_CTX_free(cipher);
  }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  EVP_CIPHER_CTX* cipher;
  EVP_MAC* algorithm;
  EVP_MAC_CTX* mac;
};

Ticket seal(const walkie::tls::TicketKeys& keys) {
  const Work work;
  Ticket ticket;
  REQUIRE(keys.seal(ticket.name.data(), ticket.iv.data(), work.cipher, work.mac) == 1);
  return ticket;
}

int open(const walkie::tls::TicketKeys& keys, const Ticket& ticket) {
  const Work work;
  return keys.open(ticket.name.data(), ticket.iv.data(), work.cipher, work.mac);
}

}  // namespace

TEST_CASE("tickets are opened by the key that sealed them, renewed by the next, then unknown") {
  const auto first = ticket_keys('a');
  const auto second = ticket_keys('b', first.get());
  const auto third = ticket_keys('c', second.get());
  const Ticket ticket = seal(*first);
  CHECK(open(*first, ticket) == 1);
  CHECK(open(*second, ticket) == 2);
  CHECK(open(*third, ticket) == 0);
}

TEST_CASE("no two tickets have the same initialisation vector") {
  const auto keys = ticket_keys('a');
  CHECK(seal(*keys).iv != seal(*keys).iv);
}
