// SPDX-License-Identifier: MIT
// A running server under TLS, over real sockets.
#include <server/secure_state.hpp>

#include <charconv>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include <server/raw_client.hpp>
#include <server/running_server.hpp>
#include <server/tls_client.hpp>

using namespace walkie;
using namespace walkie::test;

namespace {

constexpr std::string_view kUpgrade =
    "GET /echo HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n";

/// Echoes at /echo, says at / what it knows of the connection; plain and TLS ports.
class SecureServer {
 public:
  explicit SecureServer(TlsRig& rig, ServerOptions options = {})
      : running((options.tls = rig.server_options, std::move(options))) {
    running.server.websocket(
        "/echo", {.on_message = [](Peer& peer, MessageView message) { peer.send(message); }});
    running.server.http("GET", "/", [](const HttpRequest& request) {
      return HttpResponse{.body = (request.secure() ? "secure " : "plain ") +
                                  std::string(request.client_certificate())};
    });
  }
  void start() {
    running.server.listen_tls("127.0.0.1:0");
    running.start();
    const std::string bound = running.server.tls_endpoints().front();
    const auto digits = std::string_view(bound).substr(bound.rfind(':') + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
    REQUIRE(running.server.endpoints().size() == 2);
    const std::string plain = running.server.endpoints().back();
    const auto plain_digits = std::string_view(plain).substr(plain.rfind(':') + 1);
    std::from_chars(plain_digits.data(), plain_digits.data() + plain_digits.size(), plain_port);
  }
  std::uint64_t handshakes(const std::string& outcome) {
    return running.server.metrics().tls_handshakes[outcome];
  }

  RunningServer running;
  std::uint16_t port = 0;
  std::uint16_t plain_port = 0;
};

std::string get(TlsClient& client) {
  client.send("GET / HTTP/1.1\r\nHost: server.example\r\nConnection: close\r\n\r\n");
  const std::string answer = client.read_all();
  return answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4));
}

}  // namespace

TEST_CASE("a server speaks wss and ws on ports of its own") {
  TlsRig rig;
  SecureServer server(rig);
  server.start();
  TlsClient client(rig, server.port);
  REQUIRE(client.open());
  CHECK(client.filter().session().protocol == "http/1.1");
  client.send(std::string(kUpgrade) + "\r\n");
  CHECK(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
  client.send(std::string("\x81\x82\0\0\0\0hi", 8));
  CHECK(client.read_until("hi") == "\x81\x02hi");
  auto plain = RawClient::websocket(server.plain_port, "/echo");
  TlsClient second(rig, server.port);
  CHECK(get(second) == "secure ");
  CHECK(server.handshakes("full") + server.handshakes("resumed") == 2);
}

TEST_CASE("a handler sees whose certificate the client showed") {
  TlsRig rig;
  const Identity alice = issue({.common_name = "alice"}, &rig.root);
  const Certificate files = rig.files("alice", alice);
  rig.server_options.client_certificates = ClientCertificates::required;
  rig.server_options.client_ca_file = rig.client_options.ca_file;
  rig.client_options.certificate_file = files.certificate_file;
  rig.client_options.key_file = files.key_file;
  SecureServer server(rig);
  server.start();
  TlsClient client(rig, server.port);
  CHECK(get(client) == "secure CN=alice,O=Example");
}

TEST_CASE("a client without the certificate that is required is refused and logged") {
  TlsRig rig;
  rig.server_options.client_certificates = ClientCertificates::required;
  rig.server_options.client_ca_file = rig.client_options.ca_file;
  SecureServer server(rig);
  server.start();
  TlsClient client(rig, server.port);
  client.read_all();
  CHECK(client.outcome().contains("it demands a client certificate"));
  CHECK(server.running.log.wait_for("tls handshake failed remote=127.0.0.1:"));
  CHECK(server.running.log.wait_for("kind=certificate why=the peer showed no certificate"));
  CHECK(server.handshakes("certificate") == 1);
  CHECK(server.running.server.metrics().connections_open <= 1);
}

TEST_CASE("plain HTTP on a TLS port gets a 400, a log line and a count") {
  TlsRig rig;
  SecureServer server(rig);
  server.start();
  RawClient client(server.port);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  CHECK(client.read_head().starts_with("HTTP/1.1 400 Bad Request"));
  CHECK(server.running.log.wait_for("kind=plain_http"));
  CHECK(server.handshakes("plain_http") == 1);
}

TEST_CASE("sessions are resumed across shards and reloads") {
  TlsRig rig;
  SecureServer server(rig, {.threads = 2});
  server.start();
  for (int i = 0; i < 8; ++i) {
    TlsClient client(rig, server.port);
    CHECK(get(client) == "secure ");
    if (i == 4) CHECK(server.running.server.reload_tls().has_value());
  }
  CHECK(server.handshakes("full") == 1);
  CHECK(server.handshakes("resumed") == 7);
}

TEST_CASE("a ticket is honoured until its key was replaced twice") {
  TlsRig rig;
  rig.server_options.ticket_key_lifetime = std::chrono::seconds(1);
  SecureServer server(rig);
  server.start();
  {
    TlsClient client(rig, server.port);
    get(client);
  }
  const auto replaced = [&server](std::size_t times) {
    for (int i = 0; i < 500 && server.running.log.count("tls ticket key replaced") < times; ++i)
      ::usleep(10'000);
    return server.running.log.count("tls ticket key replaced") >= times;
  };
  REQUIRE(replaced(2));
  TlsClient late(rig, server.port);
  REQUIRE(late.open());
  CHECK_FALSE(late.filter().session().resumed);
}

TEST_CASE("a reload shows the new certificate to new connections, old ones live on") {
  TlsRig rig;
  rig.tickets = nullptr;
  rig.server_options.ticket_key_lifetime = std::chrono::seconds(0);
  SecureServer server(rig);
  server.start();
  TlsClient before(rig, server.port);
  CHECK(before.filter().peer_subject() == "CN=server.example,O=Example");
  const Identity next =
      issue({.common_name = "next", .alternatives = "DNS:server.example"}, &rig.root);
  static_cast<void>(rig.files("server", next));
  REQUIRE(server.running.server.reload_tls().has_value());
  TlsClient after(rig, server.port);
  CHECK(after.filter().peer_subject() == "CN=next,O=Example");
  CHECK(get(before) == "secure ");
}

TEST_CASE("a reload of faulty files says why and changes nothing") {
  TlsRig rig;
  SecureServer server(rig);
  server.start();
  rig.make_contexts();
  const std::string file = rig.folder.write("server.key", rig.root.key_pem());
  const auto reloaded = server.running.server.reload_tls();
  REQUIRE_FALSE(reloaded.has_value());
  CHECK(reloaded.error().message.starts_with("private key " + file +
                                             ": belongs to another certificate than "));
  TlsClient client(rig, server.port);
  CHECK(client.filter().peer_subject() == "CN=server.example,O=Example");
}

TEST_CASE("a page of http may not open a wss of the same host [RFC 6455 10.2]") {
  TlsRig rig;
  SecureServer server(rig);
  server.start();
  const auto answer = [&](std::string_view origin) {
    TlsClient client(rig, server.port);
    client.send(std::string(kUpgrade) + "Origin: " + std::string(origin) + "\r\n\r\n");
    return client.read_until("\r\n\r\n").substr(9, 3);
  };
  CHECK(answer("https://server.example") == "101");
  CHECK(answer("http://server.example") == "403");
}

TEST_CASE("a server with TLS that cannot start says why") {
  const auto fault = [](ServerOptions options) {
    Server server(std::move(options));
    const auto started = server.listen_tls("127.0.0.1:0").start();
    return started ? std::string("none") : started.error().message;
  };
  CHECK(fault({}) == "listening on 127.0.0.1:0 with TLS needs a certificate");
  CHECK(fault({.tls = ServerTls{.certificates = {{"/absent.pem", "/absent.key", {}}}}}) ==
        "certificate /absent.pem: No such file or directory");
  Server plain;
  CHECK(plain.reload_tls().error().message == "this server speaks no TLS");
}

TEST_CASE("connections that fail TLS leave room for others") {
  TlsRig rig;
  SecureServer server(rig, {.connections_per_address_max = 2});
  server.start();
  for (int i = 0; i < 6; ++i) {
    {
      RawClient client(server.port);
      client.send("hello?\r\n");
      client.at_end();
    }
    CHECK(server.running.log.wait_for("kind=not_tls"));
  }
  for (int i = 0; i < 500 && server.running.server.metrics().connections_open > 0; ++i)
    ::usleep(10'000);
  CHECK(server.handshakes("not_tls") == 6);
  TlsClient client(rig, server.port);
  CHECK(get(client) == "secure ");
}
