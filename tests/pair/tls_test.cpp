// SPDX-License-Identifier: MIT
// Clients and servers of this library under TLS, over real sockets.
#include <walkie/client.hpp>

#include <charconv>
#include <fstream>
#include <sstream>
#include <string>

#include <doctest/doctest.h>

#include <pair/rig.hpp>
#include <tls/tls_rig.hpp>
#include <walkie/blocking.hpp>

namespace walkie::test {
namespace {

/// The rig's certificates in front of an echo.
class SecureEcho {
 public:
  explicit SecureEcho(const TlsRig& rig) : running_(options_of(rig)) {
    running_.server.websocket(
        "/echo",
        {.on_upgrade =
             [this](const UpgradeRequest& request, Upgrade upgrade) {
               running_.journal.add("subject " + std::string(request.client_certificate()));
               upgrade.accept();
             },
         .on_message = [](Peer& peer, MessageView message) { peer.send(message); }});
    const auto started = running_.server.listen_tls("127.0.0.1:0").start();
    REQUIRE_MESSAGE(started.has_value(), (started ? "" : started.error().message));
    const std::string bound = running_.server.tls_endpoints().front();
    const auto digits = std::string_view(bound).substr(bound.rfind(':') + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
  }
  [[nodiscard]] std::string url() const {
    return "wss://127.0.0.1:" + std::to_string(port) + "/echo";
  }
  [[nodiscard]] std::uint64_t handshakes(const std::string& outcome) {
    return running_.server.metrics().tls_handshakes[outcome];
  }
  [[nodiscard]] Journal& journal() { return running_.journal; }
  [[nodiscard]] Journal& log() { return running_.log; }

  std::uint16_t port = 0;

 private:
  static ServerOptions options_of(const TlsRig& rig) {
    ServerOptions options;
    options.tls = rig.server_options;
    return options;
  }
  RunningServer running_;
};

ClientOptions trusting(const TlsRig& rig) {
  ClientOptions options;
  options.dial.tls = rig.client_options;
  return options;
}

TEST_CASE("client talks wss to a server whose authority it trusts") {
  TlsRig rig;
  SecureEcho server(rig);
  std::string tls;
  Journal story;
  ClientOptions options = storied(story, trusting(rig));
  options.on_open = [&](Client&, const Opened& opened) { tls = opened.tls; };
  Client client(server.url(), std::move(options));
  client.send("secret");
  CHECK(story.wait_for("message secret"));
  CHECK(tls.starts_with("TLSv1.3 TLS_"));
  client.close();
  CHECK(client.wait_closed(5s));
  CHECK(story.count("close 1000") == 1);
}

TEST_CASE(
    "client and server carry megabytes both ways over wss, also where neither reads at once") {
  TlsRig rig;
  SecureEcho server(rig);
  ClientOptions options = trusting(rig);
  options.compression = false;
  auto ws = blocking::connect(server.url(), std::move(options));
  REQUIRE_MESSAGE(ws.has_value(), (ws ? "" : ws.error().message));
  std::string big(3'000'000, 'x');
  for (std::size_t i = 0; i < big.size(); i += 997) big[i] = static_cast<char>('a' + i % 26);
  for (int i = 0; i < 4; ++i) REQUIRE(ws->send(big).has_value());
  for (int i = 0; i < 4; ++i) {
    const auto reply = ws->receive(20s);
    REQUIRE(reply.has_value());
    CHECK(reply->payload == big);
  }
  CHECK(ws->close());
}

TEST_CASE("client refuses each bad certificate with a message of its own, and does not try again") {
  struct Case {
    std::string_view name;
    void (*spoil)(TlsRig&);
    std::string_view told;
  };
  const Case cases[] = {
      {"self-signed",
       [](TlsRig& rig) { rig.show(issue({.common_name = "me", .alternatives = "IP:127.0.0.1"})); },
       "self-signed"},
      {"wrong host",
       [](TlsRig& rig) {
         rig.show(issue({.common_name = "other", .alternatives = "DNS:other.example"}, &rig.root));
       },
       "other.example"},
      {"another authority",
       [](TlsRig& rig) {
         const Identity other = issue({.common_name = "Other Root", .authority = true});
         rig.client_options.ca_file = rig.folder.write("other.pem", other.certificate_pem());
       },
       "authorit"},
      {"pin",
       [](TlsRig& rig) {
         rig.client_options.pinned_keys = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="};
       },
       "pin"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.name);
    TlsRig rig;
    each.spoil(rig);
    SecureEcho server(rig);
    Journal story;
    ClientOptions options = storied(story, trusting(rig));
    options.reconnect = kSoon;
    Client client(server.url(), std::move(options));
    CHECK(client.wait_closed(5s));
    CHECK(story.count("state closed tls: TLS with 127.0.0.1") == 1);
    CHECK(story.count(each.told) > 0);
    CHECK(story.count("reconnecting") == 0);
  }
}

TEST_CASE("client that accepts any certificate does, and says loudly that it did") {
  TlsRig rig;
  rig.show(issue({.common_name = "me"}));
  SecureEcho server(rig);
  Journal story;
  ClientOptions options = storied(story);
  options.dial.tls.insecure_accept_any_certificate = true;
  options.log = {LogLevel::warning,
                 [&](const LogRecord& record) { story.add("log " + std::string(record.event)); }};
  const Client client(server.url(), std::move(options));
  CHECK(story.wait_for("state open"));
  CHECK(story.count("log INSECURE") == 1);
}

TEST_CASE("client verifies another name than the URL's host where one is given") {
  TlsRig rig;
  rig.show(issue({.common_name = "x", .alternatives = "DNS:inner.example"}, &rig.root));
  SecureEcho server(rig);
  Journal story;
  ClientOptions options = storied(story, trusting(rig));
  options.dial.tls.server_name = "inner.example";
  const Client client(server.url(), std::move(options));
  CHECK(story.wait_for("state open"));
}

TEST_CASE("client shows its certificate, and the upgrade hook sees its subject") {
  TlsRig rig;
  const Identity alice = issue({.common_name = "alice"}, &rig.root);
  rig.server_options.client_certificates = ClientCertificates::required;
  rig.server_options.client_ca_file = rig.client_options.ca_file;
  SecureEcho server(rig);
  {
    Journal story;
    const Client client(server.url(), storied(story, trusting(rig)));
    CHECK(story.wait_for("state closed"));
  }
  const Certificate files = rig.files("alice", alice);
  rig.client_options.certificate_file = files.certificate_file;
  rig.client_options.key_file = files.key_file;
  Journal story;
  const Client client(server.url(), storied(story, trusting(rig)));
  CHECK(story.wait_for("state open"));
  CHECK(server.journal().wait_for("subject CN=alice"));
}

TEST_CASE("client shows its certificate to no origin that it is redirected to") {
  TlsRig rig;
  const Certificate files = rig.files("alice", issue({.common_name = "alice"}, &rig.root));
  rig.client_options.certificate_file = files.certificate_file;
  rig.client_options.key_file = files.key_file;
  rig.server_options.client_certificates = ClientCertificates::optional;
  rig.server_options.client_ca_file = rig.client_options.ca_file;
  SecureEcho server(rig);
  RunningServer first;
  first.server.http("GET", "/go", [&](const HttpRequest&) {
    return HttpResponse{.status = 302, .headers = {{"Location", server.url()}}};
  });
  first.start();
  Journal story;
  const Client client("ws://127.0.0.1:" + std::to_string(first.port) + "/go",
                      storied(story, trusting(rig)));
  CHECK(story.wait_for("state open"));
  CHECK(server.journal().lines_with("subject") == "subject |");
}

TEST_CASE("client resumes its TLS session when it reconnects [RFC 8446 2.2]") {
  TlsRig rig;
  SecureEcho server(rig);
  Journal story;
  Client client(server.url(), storied(story, trusting(rig)));
  client.send("one");
  REQUIRE(story.wait_for("message one"));  // the ticket came before it
  client.reconnect();
  client.send("two");
  REQUIRE(story.wait_for("message two"));
  CHECK(server.handshakes("full") == 1);
  CHECK(server.handshakes("resumed") == 1);
}

TEST_CASE("client that speaks TLS to a plain port, or plain to a TLS port, is told so") {
  TlsRig rig;
  SecureEcho secure(rig);
  EchoServer plain;
  plain.start();
  const auto wrong =
      blocking::connect("wss://127.0.0.1:" + std::to_string(plain.port) + "/echo", trusting(rig));
  REQUIRE_FALSE(wrong.has_value());
  CHECK(wrong.error().fault == ConnectFault::tls);
  const auto bare = blocking::connect("ws://127.0.0.1:" + std::to_string(secure.port) + "/echo");
  REQUIRE_FALSE(bare.has_value());
  CHECK(bare.error().fault == ConnectFault::rejected);
  CHECK(bare.error().answer->status == 400);
}

TEST_CASE("client whose server never answers the TLS hello gives up in time") {
  EchoServer server;
  server.start();
  Relay frozen(server.port);
  frozen.freeze(true);
  ClientOptions options;
  options.dial.tls_timeout = 200ms;
  const auto start = std::chrono::steady_clock::now();
  const auto ws = blocking::connect("wss://127.0.0.1:" + std::to_string(frozen.port()) + "/echo",
                                    std::move(options));
  REQUIRE_FALSE(ws.has_value());
  CHECK(ws.error().fault == ConnectFault::timeout);
  CHECK(ws.error().message.contains("TLS handshake with 127.0.0.1"));
  CHECK(std::chrono::steady_clock::now() - start < 5s);
}

TEST_CASE("client writes its secrets to the file that Wireshark reads") {
  TlsRig rig;
  SecureEcho server(rig);
  Journal story;
  ClientOptions options = storied(story, trusting(rig));
  options.dial.tls.key_log_file = rig.folder.file("keys.log");
  const Client client(server.url(), std::move(options));
  REQUIRE(story.wait_for("state open"));
  std::ostringstream text;
  text << std::ifstream(rig.folder.file("keys.log")).rdbuf();
  CHECK(text.str().contains("CLIENT_TRAFFIC_SECRET_0 "));
}

TEST_CASE("client names the file that its TLS cannot use") {
  ClientOptions options;
  options.dial.tls.ca_file = "/nowhere/ca.pem";
  EchoServer server;
  server.start();
  const auto ws =
      blocking::connect("wss://127.0.0.1:" + std::to_string(server.port) + "/", std::move(options));
  REQUIRE_FALSE(ws.has_value());
  CHECK(ws.error().fault == ConnectFault::bad_url);
  CHECK(ws.error().message.contains("/nowhere/ca.pem"));
}

}  // namespace
}  // namespace walkie::test
