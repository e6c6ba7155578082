// SPDX-License-Identifier: MIT
// Lets in who shows a certificate of our authority, and greets by its name:
// mtls_server HOST:PORT CERTIFICATE KEY CLIENT_AUTHORITY
#include <iostream>
#include <string>

#include <walkie/server.hpp>

int main(int argc, char** argv) {
  if (argc != 5) return std::cerr << "usage: mtls_server HOST:PORT CERT KEY CLIENT_CA\n", 2;

  walkie::ServerOptions options;
  options.tls = walkie::ServerTls{
      .certificates = {{.certificate_file = argv[2], .key_file = argv[3]}},
      .client_certificates = walkie::ClientCertificates::required,
      .client_ca_file = argv[4],
  };
  walkie::Server server(std::move(options));

  walkie::WebSocketRouteOf<std::string> route;
  route.on_upgrade = [](const walkie::UpgradeRequest& request, walkie::Upgrade upgrade) {
    upgrade.set_state(std::string(request.client_certificate()));  // verified: "CN=alice"
    upgrade.accept();
  };
  route.on_open = [](walkie::Peer& peer, std::string& subject) { peer.send("hello " + subject); };
  server.websocket("/", std::move(route));

  return server.listen_tls(argv[1]).run();
}
