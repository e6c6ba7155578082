// SPDX-License-Identifier: MIT
// Whom a server shows itself as and asks for, whom a client trusts, and every refusal's words.
#include <tls/context.hpp>

#include <array>
#include <chrono>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>
#include <openssl/ssl.h>

#include <tls/certificate.hpp>
#include <tls/tls_rig.hpp>

using namespace walkie;
using namespace walkie::test;
using Log = std::vector<std::string>;

namespace {

std::string pin_of(const Identity& identity) {
  const tls::KeyHash hash = tls::key_hash(identity.certificate.get());
  std::array<unsigned char, 45> text;
  EVP_EncodeBlock(text.data(), reinterpret_cast<const unsigned char*>(hash.data()), 32);
  return {reinterpret_cast<const char*>(text.data()), 44};
}

std::string server_fault(const TlsRig& rig) {
  const auto made = tls::ServerContext::make(rig.server_options, kHttp1);
  return made ? "none" : made.error().message;
}

std::string client_fault(const ClientTls& options) {
  const auto made = tls::ClientContext::make(options, kHttp1);
  return made ? "none" : made.error().message;
}

/// What a client says to a server that shows `identity`, and that the server heard of it.
std::string refusal(TlsRig& rig, std::string_view host = "server.example") {
  rig.connect(host);
  CHECK(rig.client.failure == tls::Failure::certificate);
  CHECK(rig.server.failure == tls::Failure::alert);
  CHECK(rig.client.log.size() == 1);
  return rig.client.outcome();
}

/// The same to a server of OpenSSL's own, which shows anything.
std::string stranger_refusal(TlsRig& rig, const Identity& identity) {
  rig.begin();
  const tls::SslContextPtr context(SSL_CTX_new(TLS_server_method()));
  SSL_CTX_use_certificate(context.get(), identity.certificate.get());
  SSL_CTX_use_PrivateKey(context.get(), identity.key.get());
  const tls::SslPtr ssl(SSL_new(context.get()));
  SSL_set_bio(ssl.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_accept_state(ssl.get());
  const std::string hello = rig.client.take_output();
  BIO_write(SSL_get_rbio(ssl.get()), hello.data(), static_cast<int>(hello.size()));
  SSL_do_handshake(ssl.get());
  ERR_clear_error();
  std::string answer(20'000, '\0');
  const int length =
      BIO_read(SSL_get_wbio(ssl.get()), answer.data(), static_cast<int>(answer.size()));
  rig.client.receive(std::string_view(answer).substr(0, static_cast<std::size_t>(length)),
                     SIZE_MAX);
  return rig.client.outcome();
}

}  // namespace

// -- a server's certificates --

TEST_CASE("a server shows the certificate whose names match the SNI [RFC 6066 3]") {
  TlsRig rig;
  const Identity one = issue({.common_name = "one", .alternatives = "DNS:one.example"}, &rig.root);
  const Identity wild =
      issue({.common_name = "wild", .alternatives = "DNS:*.wild.example"}, &rig.root);
  const Identity exact =
      issue({.common_name = "exact", .alternatives = "DNS:exact.wild.example"}, &rig.root);
  rig.server_options.certificates.push_back(rig.files("one", one));
  rig.server_options.certificates.push_back(rig.files("wild", wild));
  rig.server_options.certificates.push_back(rig.files("exact", exact));
  const auto shown = [&rig](std::string_view host) {
    rig.connect(host);
    return rig.client.filter->open() ? rig.client.filter->peer_subject() : rig.client.outcome();
  };
  CHECK(shown("server.example") == "CN=server.example,O=Example");
  CHECK(shown("one.example") == "CN=one,O=Example");
  CHECK(shown("ONE.Example") == "CN=one,O=Example");
  CHECK(shown("one.example.") == "CN=one,O=Example");
  CHECK(shown("any.wild.example") == "CN=wild,O=Example");
  CHECK(shown("exact.wild.example") == "CN=exact,O=Example");
  CHECK(shown("127.0.0.1") == "CN=server.example,O=Example");
  CHECK(shown("::1") == "CN=server.example,O=Example");
  // A wildcard stands for one label; what matches nothing gets the first.
  CHECK(shown("a.b.wild.example").contains("not for a.b.wild.example"));
  CHECK(shown("wild.example").contains("is for server.example, 127.0.0.1, ::1, not for"));
}

TEST_CASE("a server's faulty files are named, with the reason") {
  TlsRig rig;
  Certificate& files = rig.server_options.certificates.front();
  const Certificate good = files;
  CHECK(server_fault(rig) == "none");
  files.certificate_file = rig.folder.file("absent.pem");
  CHECK(server_fault(rig) ==
        "certificate " + files.certificate_file + ": No such file or directory");
  files = good;
  files.key_file = rig.folder.file("absent.key");
  CHECK(server_fault(rig) == "private key " + files.key_file + ": No such file or directory");
  files = good;
  files.certificate_file = rig.folder.write("text.pem", "hello\n");
  CHECK(server_fault(rig) ==
        "certificate " + files.certificate_file + ": holds no PEM certificate");
  files.certificate_file = rig.folder.write("empty.pem", "");
  CHECK(server_fault(rig).ends_with(": holds no PEM certificate"));
  files.certificate_file =
      rig.folder.write("cut.pem", rig.server_identity.certificate_pem().substr(0, 300));
  CHECK(server_fault(rig).contains("certificate " + files.certificate_file + ": is damaged: "));
  files = good;
  files.key_file = rig.folder.write("text.key", "hello\n");
  CHECK(server_fault(rig) == "private key " + files.key_file + ": holds no PEM private key");
  files.key_file = rig.folder.write("root.key", rig.root.key_pem());
  CHECK(server_fault(rig) == "private key " + files.key_file +
                                 ": belongs to another certificate than " + good.certificate_file);
  rig.server_options.certificates.clear();
  CHECK(server_fault(rig) == "TLS needs a certificate and its key");
}

TEST_CASE("an expired certificate, one not yet valid and an encrypted key are refused at start") {
  TlsRig rig;
  const Identity old = issue(
      {.common_name = "old", .begins = std::chrono::hours(-48), .ends = std::chrono::hours(-24)});
  rig.show(old);
  const std::string expired = server_fault(rig);
  CHECK(expired.contains("shown.pem: expired on 20"));
  CHECK(expired.ends_with(" UTC"));
  const Identity young = issue({.common_name = "young", .begins = std::chrono::hours(24)});
  rig.show(young);
  CHECK(server_fault(rig).contains("shown.pem: is not valid before 20"));
  rig.show(rig.server_identity);
  const tls::BioPtr memory(BIO_new(BIO_s_mem()));
  unsigned char secret[] = "secret";
  PEM_write_bio_PrivateKey(memory.get(), rig.server_identity.key.get(), EVP_aes_128_cbc(), secret,
                           6, nullptr, nullptr);
  char* text = nullptr;
  const long length = BIO_get_mem_data(memory.get(), &text);
  rig.server_options.certificates.front().key_file =
      rig.folder.write("encrypted.key", {text, static_cast<std::size_t>(length)});
  CHECK(server_fault(rig).contains("encrypted.key: is encrypted: "));
}

// -- whom a client trusts --

TEST_CASE("a client refuses an expired certificate and one not yet valid, and says the date") {
  using std::chrono::hours;
  TlsRig rig;
  // Walkie's own server would not start with these.
  const Identity old = issue({.common_name = "old",
                              .alternatives = "DNS:server.example",
                              .begins = hours(-48),
                              .ends = hours(-24)},
                             &rig.root);
  CHECK(stranger_refusal(rig, old).starts_with(
      "failed: the certificate \"CN=old,O=Example\" expired on 20"));
  const Identity young =
      issue({.common_name = "young", .alternatives = "DNS:server.example", .begins = hours(24)},
            &rig.root);
  CHECK(stranger_refusal(rig, young)
            .starts_with("failed: the certificate \"CN=young,O=Example\" is not valid before 20"));
}

TEST_CASE("a client refuses a self-signed certificate") {
  TlsRig rig;
  rig.show(issue({.common_name = "self", .alternatives = "DNS:server.example"}));
  CHECK(
      refusal(rig) ==
      "failed: the certificate \"CN=self,O=Example\" is self-signed, and not among those trusted");
  CHECK(rig.server.outcome().contains("alert 48 (unknown CA): it does not trust the authority"));
}

TEST_CASE("a client trusts a self-signed certificate that it was given") {
  TlsRig rig;
  const Identity self = issue({.common_name = "self", .alternatives = "DNS:server.example"});
  rig.show(self);
  rig.client_options.ca_file = rig.folder.write("self.pem", self.certificate_pem());
  rig.connect();
  CHECK(rig.both_open());
}

TEST_CASE("a client refuses a certificate for another host, and says for which it is") {
  TlsRig rig;
  CHECK(refusal(rig, "other.example") ==
        "failed: the certificate is for server.example, 127.0.0.1, ::1, not for other.example");
  CHECK(refusal(rig, "192.0.2.7") ==
        "failed: the certificate is for server.example, 127.0.0.1, ::1, not for 192.0.2.7");
}

TEST_CASE("a client says which certificate is missing from an incomplete chain") {
  TlsRig rig;
  const Identity middle = issue({.common_name = "Middle", .authority = true}, &rig.root);
  const Identity leaf = issue(
      {.common_name = "leaf", .alternatives = "DNS:server.example", .names_issuers_address = true},
      &middle);
  rig.show(leaf, middle.certificate_pem());
  rig.connect();
  REQUIRE(rig.both_open());
  TlsRig cut;
  cut.client_options.ca_file = cut.folder.write("ca.pem", rig.root.certificate_pem());
  cut.show(leaf);
  CHECK(refusal(cut) ==
        "failed: incomplete chain: the server did not send the certificate of "
        "\"CN=Middle,O=Example\", which issued \"CN=leaf,O=Example\"");
}

TEST_CASE("a client refuses an unknown authority, sent along or not") {
  const Identity stranger = issue({.common_name = "Stranger", .authority = true});
  const Identity leaf =
      issue({.common_name = "leaf", .alternatives = "DNS:server.example"}, &stranger);
  TlsRig rig;
  rig.show(leaf, stranger.certificate_pem());
  CHECK(refusal(rig) ==
        "failed: unknown authority \"CN=Stranger,O=Example\": it is not among those trusted");
  TlsRig silent;
  silent.show(leaf);
  CHECK(refusal(silent) ==
        "failed: unknown authority \"CN=Stranger,O=Example\", which issued "
        "\"CN=leaf,O=Example\": it is neither trusted nor sent along");
}

TEST_CASE("a client verifies the name that it was told in place of the URL's host") {
  TlsRig rig;
  rig.client_options.server_name = "server.example";
  rig.connect("203.0.113.9");
  CHECK(rig.both_open());
}

TEST_CASE("a pinned key must match, of the certificate or of its chain") {
  TlsRig rig;
  rig.client_options.pinned_keys = {pin_of(rig.server_identity)};
  rig.connect();
  CHECK(rig.both_open());
  TlsRig by_root;
  by_root.client_options.pinned_keys = {"sha256/" + pin_of(by_root.root)};
  by_root.connect();
  CHECK(by_root.both_open());
  TlsRig wrong;
  wrong.client_options.pinned_keys = {pin_of(rig.root)};
  CHECK(refusal(wrong) == "failed: none of the pinned keys is the server's or in its chain");
}

TEST_CASE("an insecure client takes any certificate, but not another pinned key") {
  TlsRig rig;
  const Identity self = issue({.common_name = "self"});
  rig.show(self);
  rig.client_options.insecure_accept_any_certificate = true;
  rig.connect();
  CHECK(rig.both_open());
  TlsRig pinned;
  pinned.show(self, pinned.server_identity.certificate_pem());
  pinned.client_options.insecure_accept_any_certificate = true;
  // Sent along, but anyone can do that.
  pinned.client_options.pinned_keys = {pin_of(pinned.server_identity)};
  CHECK(refusal(pinned) == "failed: none of the pinned keys is the server's or in its chain");
}

TEST_CASE("a client's faulty options are named, with the reason") {
  CHECK(client_fault({.pinned_keys = {"abc"}}) ==
        "pinned key 'abc' is no Base64 of a SHA-256 hash");
  CHECK(client_fault({.ca_file = "/absent/ca.pem"}) ==
        "certificate /absent/ca.pem: No such file or directory");
  CHECK(client_fault({.certificate_file = "/absent/me.pem"}) ==
        "certificate /absent/me.pem: No such file or directory");
  CHECK(client_fault({}) == "none");
}

TEST_CASE("a client without a usable host name refuses to begin") {
  TlsRig rig;
  rig.begin("");
  rig.client.drain();
  CHECK(rig.client.outcome() == "failed: '' is no host name");
}

// -- client certificates --

TEST_CASE("a server that requires client certificates learns whose it is") {
  TlsRig rig;
  const Identity alice = issue({.common_name = "alice"}, &rig.root);
  const Certificate files = rig.files("alice", alice);
  rig.server_options.client_certificates = ClientCertificates::required;
  rig.server_options.client_ca_file = rig.client_options.ca_file;
  rig.client_options.certificate_file = files.certificate_file;
  rig.client_options.key_file = files.key_file;
  rig.connect();
  REQUIRE(rig.both_open());
  CHECK(rig.server.filter->peer_subject() == "CN=alice,O=Example");
  rig.connect();
  CHECK(rig.server.filter->session().resumed);
  CHECK(rig.server.filter->peer_subject() == "CN=alice,O=Example");
}

TEST_CASE("a server that requires a client certificate refuses who has none") {
  TlsRig rig;
  rig.server_options.client_certificates = ClientCertificates::required;
  rig.server_options.client_ca_file = rig.client_options.ca_file;
  rig.connect();
  CHECK(rig.server.outcome() == "failed: the peer showed no certificate, which is required here");
  CHECK(rig.server.failure == tls::Failure::certificate);
  CHECK(rig.client.outcome().contains("it demands a client certificate"));
}

TEST_CASE("client certificates that are optional may be absent, but not wrong") {
  TlsRig rig;
  rig.server_options.client_certificates = ClientCertificates::optional;
  rig.server_options.client_ca_file = rig.client_options.ca_file;
  rig.connect();
  CHECK(rig.both_open());
  CHECK(rig.server.filter->peer_subject().empty());
  const Identity mallory = issue({.common_name = "mallory"});
  const Certificate files = rig.files("mallory", mallory);
  rig.client_options.certificate_file = files.certificate_file;
  rig.client_options.key_file = files.key_file;
  rig.client_context.reset();
  rig.connect();
  CHECK(rig.server.failure == tls::Failure::certificate);
  CHECK(rig.server.outcome().contains("\"CN=mallory,O=Example\" is self-signed"));
}

TEST_CASE("client certificates need the authorities that sign them") {
  TlsRig rig;
  rig.server_options.client_certificates = ClientCertificates::required;
  CHECK(server_fault(rig).contains("client_ca_file"));
}

// -- resumption --

TEST_CASE("the second connection resumes the first one's session, with TLS 1.3 and 1.2") {
  for (const bool old : {false, true}) {
    CAPTURE(old);
    TlsRig rig;
    rig.make_contexts();
    if (old) rig.speak_tls_1_2_only();
    rig.connect();
    REQUIRE(rig.both_open());
    CHECK(rig.client.filter->session().version == (old ? "TLSv1.2" : "TLSv1.3"));
    const std::size_t full = std::exchange(rig.carried, 0);
    rig.connect();
    CHECK(rig.client.filter->session().resumed);
    CHECK(rig.server.filter->session().resumed);
    CHECK(rig.carried < full);
    rig.connect();
    CHECK(rig.client.filter->session().resumed);
  }
}

TEST_CASE("tickets of the key before are honoured and renewed, older ones are not") {
  TlsRig rig;
  rig.connect();
  rig.tickets = ticket_keys('b', rig.tickets.get());
  rig.connect();
  CHECK(rig.server.filter->session().resumed);
  rig.tickets = ticket_keys('c', rig.tickets.get());
  rig.connect();
  CHECK(rig.server.filter->session().resumed);
  rig.tickets = ticket_keys('e', ticket_keys('d', rig.tickets.get()).get());
  rig.connect();
  CHECK(rig.both_open());
  CHECK_FALSE(rig.server.filter->session().resumed);
}

TEST_CASE("sessions survive a reload of the server's context, but not other client authorities") {
  TlsRig rig;
  const Identity alice = issue({.common_name = "alice"}, &rig.root);
  const Certificate files = rig.files("alice", alice);
  rig.server_options.client_certificates = ClientCertificates::optional;
  rig.server_options.client_ca_file = rig.client_options.ca_file;
  rig.client_options.certificate_file = files.certificate_file;
  rig.client_options.key_file = files.key_file;
  rig.connect();
  rig.server_context = *tls::ServerContext::make(rig.server_options, kHttp1);
  rig.connect();
  CHECK(rig.server.filter->session().resumed);
  const Identity other = issue({.common_name = "Other", .authority = true});
  rig.server_options.client_ca_file = rig.folder.write("other.pem", other.certificate_pem());
  rig.server_context = *tls::ServerContext::make(rig.server_options, kHttp1);
  rig.connect();
  CHECK_FALSE(rig.server.filter->session().resumed);
  CHECK(rig.server.failure == tls::Failure::certificate);
}

TEST_CASE("a client whose certificate expired meanwhile resumes no session, and is verified anew") {
  for (const bool old : {false, true}) {
    TlsRig rig;
    const auto ends = std::chrono::hours(-1);
    const Identity alice = issue({.common_name = "alice", .ends = ends}, &rig.root);
    rig.server_options.client_certificates = ClientCertificates::required;
    rig.server_options.client_ca_file = rig.client_options.ca_file;
    rig.make_contexts();
    if (old) rig.speak_tls_1_2_only();
    SSL_CTX* client = rig.client_context->state().context.get();
    REQUIRE(SSL_CTX_use_certificate(client, alice.certificate.get()) == 1);
    REQUIRE(SSL_CTX_use_PrivateKey(client, alice.key.get()) == 1);
    SSL_CTX* server = rig.server_context->state().shown.front().context.get();
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(server), std::time(nullptr) - 2 * 3600);
    rig.connect();
    REQUIRE(rig.both_open());  // it was still valid
    rig.connect();
    CHECK(rig.both_open());
    CHECK_FALSE(rig.server.filter->session().resumed);
    X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(server), std::time(nullptr));
    rig.connect();
    CHECK(rig.server.outcome().contains("expired on"));
  }
}

TEST_CASE("a server without ticket keys does not resume") {
  TlsRig rig;
  rig.server_options.ticket_key_lifetime = std::chrono::seconds(0);
  rig.tickets = nullptr;
  for (int i = 0; i < 2; ++i) {
    rig.connect();
    CHECK(rig.both_open());
    CHECK_FALSE(rig.client.filter->session().resumed);
  }
}

TEST_CASE("a session is resumed with the server it came from only") {
  TlsRig rig;
  rig.connect("server.example");
  rig.connect("127.0.0.1");
  CHECK(rig.both_open());
  CHECK_FALSE(rig.client.filter->session().resumed);
}

// -- OCSP --

TEST_CASE("a server staples a response, and a client is content with a good one") {
  TlsRig rig;
  rig.server_options.certificates.front().ocsp_file =
      rig.folder.write("good.der", ocsp_response(rig.server_identity, rig.root));
  rig.connect();
  CHECK(rig.both_open());
}

TEST_CASE("a client refuses a certificate that is revoked, says the staple") {
  TlsRig rig;
  rig.server_options.certificates.front().ocsp_file = rig.folder.write(
      "revoked.der", ocsp_response(rig.server_identity, rig.root, V_OCSP_CERTSTATUS_REVOKED));
  const std::string why = refusal(rig);
  CHECK(why.starts_with("failed: the certificate was revoked on 20"));
  CHECK(why.ends_with("says the OCSP response that the server stapled"));
}

TEST_CASE("a certificate that demands stapling is refused without a response [RFC 7633]") {
  TlsRig rig;
  const Identity strict =
      issue({.common_name = "strict", .alternatives = "DNS:server.example", .must_staple = true},
            &rig.root);
  rig.show(strict);
  CHECK(refusal(rig).contains("demands a stapled OCSP response"));
  TlsRig stapled;
  stapled.client_options.ca_file = rig.client_options.ca_file;
  stapled.show(strict);
  stapled.server_options.certificates.front().ocsp_file =
      stapled.folder.write("good.der", ocsp_response(strict, rig.root));
  stapled.connect();
  CHECK(stapled.both_open());
  stapled.connect();  // nothing is shown, so nothing is stapled
  CHECK(stapled.both_open());
  CHECK(stapled.client.filter->session().resumed);
}

TEST_CASE("a response that a stranger signed does not count") {
  TlsRig rig;
  const Identity stranger = issue({.common_name = "Stranger", .authority = true});
  rig.server_options.certificates.front().ocsp_file = rig.folder.write(
      "strange.der", ocsp_response(rig.server_identity, stranger, V_OCSP_CERTSTATUS_REVOKED));
  rig.connect();
  CHECK(rig.both_open());
}

// -- key logs --

TEST_CASE("both sides log a connection's secrets where they are asked to") {
  TlsRig rig;
  std::vector<std::string> lines;
  rig.key_log = [&lines](std::string_view line) { lines.emplace_back(line); };
  rig.connect();
  REQUIRE(rig.both_open());
  CHECK(lines.size() >= 8);
  std::size_t traffic = 0;
  for (const std::string& line : lines)
    traffic += line.starts_with("CLIENT_TRAFFIC_SECRET_0 ") ? 1U : 0U;
  CHECK(traffic == 2);
}
