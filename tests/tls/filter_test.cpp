// SPDX-License-Identifier: MIT
// Handshakes, data and ends, both sides joined in memory.
#include <tls/filter.hpp>

#include <malloc.h>

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <tls/tls_rig.hpp>

using namespace walkie;
using namespace walkie::test;
using Log = std::vector<std::string>;

namespace {

std::string noise(std::size_t bytes) {
  std::string text(bytes, '\0');
  std::uint32_t state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

/// A client of OpenSSL's own, with memory BIOs: it can be told to be old or weak.
class OldClient {
 public:
  OldClient() {
    SSL_CTX_set_security_level(context_.get(), 0);
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
  }
  SSL_CTX* context() const { return context_.get(); }
  /// Shakes hands with a server's filter; returns what the server made of it.
  void shake(Side& server) {
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_connect_state(ssl_.get());
    for (int round = 0; round < 6; ++round) {
      SSL_do_handshake(ssl_.get());
      exchange(server);
    }
    ERR_clear_error();
  }
  void exchange(Side& server) {
    char buffer[20000];
    for (int n; (n = BIO_read(SSL_get_wbio(ssl_.get()), buffer, sizeof buffer)) > 0;)
      server.receive({buffer, static_cast<std::size_t>(n)}, SIZE_MAX);
    const std::string answer = server.take_output();
    BIO_write(SSL_get_rbio(ssl_.get()), answer.data(), static_cast<int>(answer.size()));
  }
  SSL* ssl() const { return ssl_.get(); }

 private:
  tls::SslContextPtr context_{SSL_CTX_new(TLS_client_method())};
  tls::SslPtr ssl_;
};

}  // namespace

TEST_CASE("client and server agree on TLS 1.3 and http/1.1 [RFC 8446, RFC 7301]") {
  TlsRig rig;
  rig.connect();
  CHECK(rig.client.log == Log{"opened"});
  CHECK(rig.server.log == Log{"opened"});
  for (const Side* side : {&rig.client, &rig.server}) {
    CHECK(side->filter->session().version == "TLSv1.3");
    CHECK(side->filter->session().cipher == "TLS_AES_128_GCM_SHA256");
    CHECK(side->filter->session().protocol == "http/1.1");
    CHECK_FALSE(side->filter->session().resumed);
    CHECK(side->filter->open());
  }
  CHECK(rig.server.filter->peer_subject().empty());
  CHECK(rig.client.filter->peer_subject() == "CN=server.example,O=Example");
}

TEST_CASE("a handshake and data arrive byte by byte, or cut anywhere") {
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{97}}) {
    TlsRig rig;
    rig.piece_bytes = piece;
    rig.connect();
    REQUIRE(rig.both_open());
    CHECK(rig.client.send("from the client") == 15);
    CHECK(rig.server.send("from the server") == 15);
    rig.carry();
    CHECK(rig.server.plain == "from the client");
    CHECK(rig.client.plain == "from the server");
  }
}

TEST_CASE("the client's data may come in the same bytes as its last handshake message") {
  TlsRig rig;
  rig.begin();
  rig.server.receive(rig.client.take_output(), SIZE_MAX);
  rig.client.receive(rig.server.take_output(), SIZE_MAX);
  REQUIRE(rig.client.filter->open());
  CHECK(rig.client.send("early bird") == 10);
  rig.server.receive(rig.client.take_output(), SIZE_MAX);
  CHECK(rig.server.log == Log{"opened"});
  CHECK(rig.server.plain == "early bird");
}

TEST_CASE("one megabyte goes both ways, as far as the output's limit lets it at a time") {
  TlsRig rig;
  rig.connect();
  const std::string text = noise(1 << 20);
  for (std::size_t sent = 0; sent < text.size();) {
    const std::size_t went = rig.client.send(std::string_view(text).substr(sent));
    CHECK(rig.server.send(std::string_view(text).substr(sent, went)) == went);
    REQUIRE(went > 0);
    CHECK(rig.client.filter->output().size() <
          tls::Filter::kOutputBytesMax + 2 * SSL3_RT_MAX_PLAIN_LENGTH);
    sent += went;
    rig.carry();
  }
  CHECK(rig.server.plain == text);
  CHECK(rig.client.plain == text);
}

TEST_CASE("small pieces are joined into one record") {
  TlsRig rig;
  rig.connect();
  const std::array pieces{bytes_of("one "), bytes_of(""), bytes_of("two "), bytes_of("three")};
  CHECK(rig.client.filter->send(pieces) == 13);
  const std::string wire = rig.client.take_output();
  CHECK(wire.size() == 5 + 13 + 1 + 16);  // header, text, content type, tag
  rig.server.receive(wire, SIZE_MAX);
  CHECK(rig.server.plain == "one two three");
}

TEST_CASE("pieces on both sides of a record's size arrive in order") {
  TlsRig rig;
  rig.connect();
  const std::string text = noise(70'000);
  const auto piece = [&text](std::size_t from, std::size_t bytes) {
    return bytes_of(std::string_view(text).substr(from, bytes));
  };
  const std::array pieces{piece(0, 10), piece(10, 16'384), piece(16'394, 16'383),
                          piece(32'777, 20'000), piece(52'777, 17'223)};
  CHECK(rig.client.filter->send(pieces) == text.size());
  rig.carry();
  CHECK(rig.server.plain == text);
}

TEST_CASE("nothing is sent before the handshake is complete, nor behind close_notify") {
  TlsRig rig;
  rig.begin();
  CHECK(rig.client.send("too early") == 0);
  CHECK(rig.server.send("too early") == 0);
  rig.carry();
  rig.client.filter->shutdown();
  CHECK(rig.client.send("too late") == 0);
}

TEST_CASE("after the peer's close_notify sending still works [RFC 8446 6.1]") {
  TlsRig rig;
  rig.connect();
  rig.client.send("last words");
  rig.client.filter->shutdown();
  rig.carry();
  CHECK(rig.server.plain == "last words");
  CHECK(rig.server.log == Log{"opened", "ended"});
  CHECK(rig.server.send("so be it") == 8);
  rig.server.filter->shutdown();
  rig.carry();
  CHECK(rig.client.plain == "so be it");
  CHECK(rig.client.log == Log{"opened", "ended"});
  rig.server.filter->receive_end();
  rig.server.drain();
  CHECK(rig.server.log.size() == 2);
}

TEST_CASE("an end without close_notify is a cut, told behind the data [RFC 8446 6.1]") {
  TlsRig rig;
  rig.connect();
  rig.client.send("half a mess");
  const std::string wire = rig.client.take_output();
  rig.server.filter->receive(bytes_of(wire));
  rig.server.filter->receive_end();
  rig.server.drain();
  CHECK(rig.server.plain == "half a mess");
  CHECK(rig.server.outcome() == "failed: the peer ended the connection without ending TLS");
  CHECK(rig.server.failure == tls::Failure::cut);
}

TEST_CASE("an end in the handshake fails it on either side") {
  TlsRig rig;
  rig.begin();
  for (Side* side : {&rig.client, &rig.server}) {
    side->filter->receive_end();
    side->drain();
    CHECK(side->outcome() == "failed: the peer ended the connection in the TLS handshake");
  }
}

TEST_CASE("a close_notify in the handshake fails it on either side") {
  TlsRig rig;
  rig.begin();
  const std::string wire("\x15\x03\x03\x00\x02\x01\x00", 7);
  rig.client.receive(wire, SIZE_MAX);
  CHECK(rig.client.outcome() == "failed: the peer ended the connection in the TLS handshake");
  CHECK(rig.client.failure == tls::Failure::cut);
  rig.server.receive(wire, SIZE_MAX);
  CHECK(rig.server.outcome() == "failed: the peer breaks TLS: unexpected message");
}

TEST_CASE("a record that was changed on its way fails the connection, with an alert") {
  TlsRig rig;
  rig.connect();
  rig.client.send("pay 10 to bob");
  std::string wire = rig.client.take_output();
  wire[10] = static_cast<char>(wire[10] ^ 1);
  rig.server.receive(wire, SIZE_MAX);
  CHECK(rig.server.plain.empty());
  CHECK(rig.server.outcome() == "failed: a record was changed on its way");
  CHECK(rig.server.failure == tls::Failure::corrupted);
  CHECK(rig.server.send("more") == 0);
  rig.carry();
  CHECK(rig.client.outcome() == "failed: the peer refused with alert 20 (bad record mac)");
  rig.server.receive("anything", SIZE_MAX);
  CHECK(rig.server.log.size() == 2);
}

TEST_CASE("plain HTTP to a TLS port is answered with a clear 400, also byte by byte") {
  for (const std::size_t piece : {std::size_t{1}, SIZE_MAX}) {
    TlsRig rig;
    rig.begin();
    rig.server.receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n", piece);
    CHECK(rig.server.log == Log{"failed: the client speaks plain HTTP to a TLS port"});
    CHECK(rig.server.failure == tls::Failure::plain_http);
    const std::string answer = rig.server.take_output();
    CHECK(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"));
    const std::string body = answer.substr(answer.find("\r\n\r\n") + 4);
    CHECK(body == "This port speaks TLS only: use https:// or wss://\n");
    CHECK(answer.contains("Content-Length: " + std::to_string(body.size()) + "\r\n"));
  }
}

TEST_CASE("garbage to a TLS server is no TLS, and gets no answer") {
  TlsRig rig;
  rig.begin();
  rig.server.receive(std::string("\x00\x01garbage", 9), SIZE_MAX);
  CHECK(rig.server.log == Log{"failed: the peer does not speak TLS"});
  CHECK(rig.server.filter->output().empty());
}

TEST_CASE("a client says that the server does not speak TLS") {
  TlsRig rig;
  rig.begin();
  rig.client.receive("HTTP/1.1 400 Bad Request\r\n\r\n", SIZE_MAX);
  CHECK(rig.client.outcome() ==
        "failed: the server does not speak TLS here, but perhaps plain HTTP");
  rig.begin();
  rig.client.receive("SSH-2.0-x\r\n", SIZE_MAX);
  CHECK(rig.client.failure == tls::Failure::plain_http);
  rig.begin();
  rig.client.receive("\x05\x00", SIZE_MAX);
  CHECK(rig.client.outcome() == "failed: the peer does not speak TLS");
}

TEST_CASE("a server refuses TLS 1.0 and 1.1 [RFC 8996]") {
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TlsRig rig;
    rig.begin();
    OldClient client;
    SSL_CTX_set_max_proto_version(client.context(), version);
    client.shake(rig.server);
    CHECK(rig.server.failure == tls::Failure::version);
    CHECK(rig.server.outcome() == "failed: no common TLS version: the peer is too old");
  }
}

TEST_CASE("a server refuses TLS 1.2 where it wants 1.3") {
  TlsRig rig;
  rig.server_options.version_min = TlsVersion::tls_1_3;
  rig.begin();
  OldClient client;
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  client.shake(rig.server);
  CHECK(rig.server.failure == tls::Failure::version);
}

TEST_CASE("a server refuses ciphers without forward secrecy or AEAD") {
  for (const char* cipher :
       {"AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-RSA-AES256-SHA",
        "DHE-RSA-AES128-GCM-SHA256", "AES256-SHA", "aNULL"}) {
    TlsRig rig;
    rig.begin();
    OldClient client;
    SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
    REQUIRE(SSL_CTX_set_cipher_list(client.context(), cipher) == 1);
    client.shake(rig.server);
    CAPTURE(cipher);
    CHECK(rig.server.failure == tls::Failure::cipher);
    CHECK(rig.server.outcome() == "failed: no common cipher");
  }
}

TEST_CASE("a server speaks TLS 1.2, and refuses renegotiation there") {
  TlsRig rig;
  rig.begin();
  OldClient client;
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  client.shake(rig.server);
  REQUIRE(rig.server.log == Log{"opened"});
  CHECK(rig.server.filter->session().version == "TLSv1.2");
  CHECK(rig.server.filter->session().cipher == "ECDHE-ECDSA-AES128-GCM-SHA256");
  SSL_renegotiate(client.ssl());
  SSL_do_handshake(client.ssl());
  client.exchange(rig.server);
  client.exchange(rig.server);
  CHECK(rig.server.log.size() == 1);
  CHECK(SSL_do_handshake(client.ssl()) != 1);
  CHECK(ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_RENEGOTIATION);
  ERR_clear_error();
}

TEST_CASE("a client of OpenSSL may update keys at any time, both ways [RFC 8446 4.6.3]") {
  for (const char* suite :
       {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}) {
    TlsRig rig;
    rig.begin();
    OldClient client;
    SSL_CTX_set_ciphersuites(client.context(), suite);
    client.shake(rig.server);
    REQUIRE(rig.server.log == Log{"opened"});
    CHECK(rig.server.filter->session().cipher == suite);
    for (const int kind : {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED}) {
      for (int i = 0; i < 3; ++i) {
        REQUIRE(SSL_key_update(client.ssl(), kind) == 1);
        REQUIRE(SSL_write(client.ssl(), "ping", 4) == 4);
        client.exchange(rig.server);
        CHECK(std::exchange(rig.server.plain, {}) == "ping");
        rig.server.send("pong");
        client.exchange(rig.server);
        char answer[8];
        REQUIRE(SSL_read(client.ssl(), answer, sizeof answer) == 4);
        CHECK(std::string_view(answer, 4) == "pong");
      }
    }
    SSL_shutdown(client.ssl());
    client.exchange(rig.server);
    CHECK(rig.server.log == Log{"opened", "ended"});
    rig.server.filter->shutdown();
    client.exchange(rig.server);
    CHECK(SSL_shutdown(client.ssl()) == 1);
  }
}

TEST_CASE("a client may ask for small records [RFC 6066 4]") {
  TlsRig rig;
  rig.begin();
  OldClient client;
  SSL_CTX_set_tlsext_max_fragment_length(client.context(), TLSEXT_max_fragment_length_512);
  client.shake(rig.server);
  REQUIRE(rig.server.log == Log{"opened"});
  CHECK(rig.server.send(noise(2000)) == 2000);
  const std::string wire = rig.server.take_output();
  CHECK(static_cast<unsigned char>(wire[3]) * 256 + static_cast<unsigned char>(wire[4]) <=
        512 + 17);
  BIO_write(SSL_get_rbio(client.ssl()), wire.data(), static_cast<int>(wire.size()));
  std::string plain(2000, '\0');
  std::size_t got = 0;
  for (int n; got < plain.size() && (n = SSL_read(client.ssl(), plain.data() + got, 2000)) > 0;)
    got += static_cast<std::size_t>(n);
  CHECK(plain == noise(2000));
}

TEST_CASE("no common ALPN protocol is fatal, none offered is fine [RFC 7301 3.2]") {
  TlsRig rig;
  static constexpr std::array<std::string_view, 1> kOther{"h2"};
  rig.client_protocols = kOther;
  rig.connect();
  CHECK(rig.server.outcome() == "failed: no common ALPN protocol");
  CHECK(rig.client.outcome() ==
        "failed: the peer refused with alert 120 (no application protocol)");
  TlsRig silent;
  silent.client_protocols = {};
  silent.connect();
  CHECK(silent.both_open());
  CHECK(silent.server.filter->session().protocol.empty());
}

TEST_CASE("the server's order decides among ALPN protocols") {
  TlsRig rig;
  static constexpr std::array<std::string_view, 2> kServer{"h2", "http/1.1"};
  static constexpr std::array<std::string_view, 2> kClient{"http/1.1", "h2"};
  rig.protocols = kServer;
  rig.client_protocols = kClient;
  rig.connect();
  CHECK(rig.client.filter->session().protocol == "h2");
}

TEST_CASE("a flood of handshake bytes is cut off") {
  TlsRig rig;
  rig.begin();
  // Handshake records of a hello that claims 100 kB and comes again and again.
  std::string record("\x16\x03\x01\x40\x00", 5);
  record += std::string("\x01\x01\xFF\x00", 4) + std::string(16'380, '\0');
  for (int i = 0; i < 20; ++i) rig.server.receive(record, SIZE_MAX);
  CHECK(rig.server.log.size() == 1);
  CHECK(rig.server.outcome().starts_with("failed: "));
}

TEST_CASE("an idle connection holds no block of the pool") {
  TlsRig rig;
  rig.connect();
  rig.client.send("hello");
  rig.carry();
  CHECK(rig.pool.lent_bytes() == 0);
}

TEST_CASE("errors that others left in OpenSSL's queue do no harm") {
  TlsRig rig;
  rig.connect();
  ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
  CHECK(rig.client.send("hello") == 5);
  ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
  rig.carry();
  CHECK(rig.server.plain == "hello");
  CHECK(rig.server.log == Log{"opened"});
  ERR_clear_error();
}

TEST_CASE("an idle connection of a server holds little memory") {
  if (mallinfo2().uordblks == 0) return;  // a sanitizer's allocator does not count
  TlsRig rig;
  rig.connect();
  constexpr std::size_t kConnections = 64;
  std::vector<std::unique_ptr<tls::Filter>> idle;
  idle.reserve(kConnections);
  const std::size_t before = mallinfo2().uordblks;
  for (std::size_t i = 0; i < kConnections; ++i) {
    rig.connect();
    rig.client.send("hello");
    rig.server.send("hello");
    rig.carry();
    idle.push_back(std::move(rig.server.filter));
  }
  const std::size_t bytes = (mallinfo2().uordblks - before) / kConnections;
  CAPTURE(bytes);
  CHECK(bytes < 4'000);
}
