// SPDX-License-Identifier: MIT
// Shows its certificate to a server whose authority it trusts, and no other:
// mtls_client URL CERTIFICATE KEY SERVER_AUTHORITY
#include <iostream>

#include <walkie/blocking.hpp>

int main(int argc, char** argv) {
  if (argc != 5) return std::cerr << "usage: mtls_client URL CERT KEY SERVER_CA\n", 2;

  walkie::ClientOptions options;
  options.dial.tls = {
      .system_trust = false,
      .ca_file = argv[4],
      .certificate_file = argv[2],
      .key_file = argv[3],
  };
  auto ws = walkie::blocking::connect(argv[1], std::move(options));
  if (!ws) return std::cerr << ws.error().message << '\n', 1;
  const auto greeting = ws->receive();
  std::cout << (greeting ? greeting->text() : ws->close_reason()) << '\n';
  return greeting ? 0 : 1;
}
