// SPDX-License-Identifier: MIT
// A client's and a server's filter joined in memory, with an authority that issued what they show.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include <support/certificates.hpp>
#include <tls/context_state.hpp>
#include <tls/filter.hpp>
#include <tls/ticket_keys.hpp>

namespace walkie::test {

inline constexpr std::array<std::string_view, 1> kHttp1{"http/1.1"};

inline std::shared_ptr<const tls::TicketKeys> ticket_keys(char fill,
                                                          const tls::TicketKeys* before = nullptr) {
  tls::TicketKeys::Secret secret;
  secret.fill(static_cast<std::byte>(fill));
  return std::make_shared<const tls::TicketKeys>(secret, before);
}

/// One side: a filter, what it told, and the plain bytes that it gave.
struct Side {
  std::unique_ptr<tls::Filter> filter;
  std::vector<std::string> log;  ///< "opened", "ended", "failed: reason".
  std::string plain;
  tls::Failure failure = tls::Failure::violation;

  void drain() {
    while (const auto event = filter->poll_event()) {
      using Kind = tls::Event::Kind;
      if (event->kind == Kind::opened) log.emplace_back("opened");
      if (event->kind == Kind::plain) plain += text_of(event->bytes);
      if (event->kind == Kind::ended) log.emplace_back("ended");
      if (event->kind == Kind::failed) {
        log.push_back("failed: " + std::string(event->reason));
        failure = event->failure;
      }
    }
  }
  void receive(std::string_view bytes, std::size_t piece_bytes) {
    while (!bytes.empty()) {
      const std::string_view piece = bytes.substr(0, piece_bytes);
      bytes.remove_prefix(piece.size());
      filter->receive(bytes_of(piece));
      drain();
    }
  }
  [[nodiscard]] std::string take_output() const {
    std::string bytes;
    std::array<BytesView, 64> chunks;
    while (!filter->output().empty()) {
      const std::size_t count = filter->output().gather(chunks);
      std::size_t taken = 0;
      for (std::size_t i = 0; i < count; ++i) {
        bytes += text_of(chunks[i]);
        taken += chunks[i].size();
      }
      filter->output().consume(taken);
    }
    return bytes;
  }
  std::size_t send(std::string_view text) const {
    const std::array chunks{bytes_of(text)};
    return filter->send(chunks);
  }
  [[nodiscard]] std::string outcome() const { return log.empty() ? "nothing" : log.back(); }
};

/// Options first, then connect() as often as wanted.
class TlsRig {
 public:
  TlsRig() {
    server_options.certificates = {files("server", server_identity)};
    client_options.system_trust = false;
    client_options.ca_file = folder.write("ca.pem", root.certificate_pem());
  }

  /// Writes an identity's files; `chain` goes behind its certificate.
  Certificate files(const std::string& stem, const Identity& identity,
                    std::string_view chain = {}) const {
    return {.certificate_file =
                folder.write(stem + ".pem", identity.certificate_pem() + std::string(chain)),
            .key_file = folder.write(stem + ".key", identity.key_pem())};
  }
  void show(const Identity& identity, std::string_view chain = {}) {
    server_options.certificates = {files("shown", identity, chain)};
  }
  void make_contexts() {
    auto made = tls::ServerContext::make(server_options, protocols, key_log);
    REQUIRE_MESSAGE(made.has_value(), (made ? "" : made.error().message));
    server_context = *made;
    auto client_made = tls::ClientContext::make(client_options, client_protocols, key_log);
    REQUIRE_MESSAGE(client_made.has_value(), (client_made ? "" : client_made.error().message));
    client_context = *std::move(client_made);
  }
  /// For handshakes of the older kind; the library itself has no such limit.
  void speak_tls_1_2_only() const {
    SSL_CTX_set_max_proto_version(client_context->state().context.get(), TLS1_2_VERSION);
  }
  /// A new pair of filters; contexts stay where they are.
  void begin(std::string_view host = "server.example") {
    if (!client_context) make_contexts();
    client = {
        std::make_unique<tls::Filter>(*client_context, host, std::uint16_t{443}, pool), {}, {}, {}};
    server = {std::make_unique<tls::Filter>(server_context, tickets, pool), {}, {}, {}};
  }
  /// Carries bytes both ways until none are left.
  void carry() {
    for (;;) {
      const std::string to_server = client.take_output();
      const std::string to_client = server.take_output();
      if (to_server.empty() && to_client.empty()) break;
      carried += to_server.size() + to_client.size();
      server.receive(to_server, piece_bytes);
      client.receive(to_client, piece_bytes);
    }
    client.drain();
    server.drain();
  }
  void connect(std::string_view host = "server.example") {
    begin(host);
    carry();
  }
  [[nodiscard]] bool both_open() const { return client.filter->open() && server.filter->open(); }

  ScratchFolder folder;
  Identity root = issue({.common_name = "Test Root", .authority = true});
  Identity server_identity = issue(
      {.common_name = "server.example", .alternatives = "DNS:server.example,IP:127.0.0.1,IP:::1"},
      &root);
  ServerTls server_options;
  ClientTls client_options;
  std::span<const std::string_view> protocols = kHttp1;
  std::span<const std::string_view> client_protocols = kHttp1;
  tls::KeyLog key_log;
  std::shared_ptr<const tls::TicketKeys> tickets = ticket_keys('a');
  std::shared_ptr<const tls::ServerContext> server_context;
  std::unique_ptr<tls::ClientContext> client_context;
  std::size_t piece_bytes = SIZE_MAX;
  std::size_t carried = 0;
  base::BufferPool pool;
  Side client;
  Side server;
};

}  // namespace walkie::test
