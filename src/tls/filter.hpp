// SPDX-License-Identifier: MIT
// One connection's TLS as a filter: a machine between a socket's bytes and everyone else's.
//
//   socket -> receive(cipher) -> poll_event()* -> plain bytes
//   plain bytes -> send() -> output() -> socket
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <base/output_queue.hpp>
#include <tls/failure.hpp>
#include <walkie/bytes.hpp>

namespace walkie::tls {

class ServerContext;
class ClientContext;
class TicketKeys;

/// What both sides learned in the handshake; views live as long as the filter.
struct Session {
  std::string_view version;   ///< "TLSv1.3".
  std::string_view cipher;    ///< "TLS_AES_128_GCM_SHA256".
  std::string_view protocol;  ///< By ALPN: "http/1.1"; empty: none was agreed.
  bool resumed = false;
};

struct Event {
  enum class Kind : std::uint8_t {
    opened,  ///< The handshake is complete; a client has verified the server.
    plain,   ///< Bytes from the peer.
    ended,   ///< The peer's close_notify: it sends no more. Sending still works.
    failed,  ///< `reason`: nothing more is read; write output() out (the alert), then end.
  } kind = Kind::plain;
  MutableBytes bytes;                    ///< Of plain: lives until the next poll_event().
  Failure failure = Failure::violation;  ///< Of failed.
  std::string_view reason;               ///< Of failed, for people. Lives as long as the filter.
};

/// Not thread safe. Owns no buffer while nothing is in transit. The context and the pool outlive
/// it.
class Filter {
 public:
  /// Bytes that a peer may send until the handshake is complete.
  static constexpr std::size_t kHandshakeBytesMax = std::size_t{128} << 10;
  static constexpr std::size_t kOutputBytesMax = std::size_t{256} << 10;

  /// The server's side. Where `tickets` is null, sessions are not resumed.
  Filter(std::shared_ptr<const ServerContext> context, std::shared_ptr<const TicketKeys> tickets,
         base::BufferPool& pool);
  /// The client's side; `host` is verified, and sent as SNI where it is a name. Its hello is in
  /// output() at once.
  Filter(ClientContext& context, std::string_view host, std::uint16_t port, base::BufferPool& pool);
  ~Filter();
  Filter(const Filter&) = delete;
  Filter& operator=(const Filter&) = delete;

  /// Hands over received bytes, which must live until poll_event() has returned nothing.
  void receive(BytesView cipher);
  /// The transport ended. Without a close_notify before it the next event is failed: a cut that an
  /// attacker may have made (RFC 8446 §6.1).
  void receive_end();
  [[nodiscard]] std::optional<Event> poll_event();

  /// Encrypts from the front of `plain`, small pieces into one record, and returns how many bytes
  /// went in: less than all where kOutputBytesMax or more would wait in output(), none before
  /// `opened` or after shutdown().
  [[nodiscard]] std::size_t send(std::span<const BytesView> plain);
  /// The same, but stops where `output_bytes_max` wait.
  [[nodiscard]] std::size_t send(std::span<const BytesView> plain, std::size_t output_bytes_max);
  /// Queues close_notify; nothing can be sent behind it.
  void shutdown();

  [[nodiscard]] base::OutputQueue& output() noexcept;

  [[nodiscard]] bool open() const noexcept;
  /// Why it failed; nothing: it did not.
  [[nodiscard]] std::optional<Failure> failure() const noexcept;
  [[nodiscard]] Session session() const;
  /// The peer's certificate, verified: its subject as RFC 4514 text ("CN=alice,O=Example"); empty
  /// where it showed none.
  [[nodiscard]] std::string peer_subject() const;

  struct State;  ///< Known to the BIO as well.

 private:
  std::unique_ptr<State> state_;
};

}  // namespace walkie::tls
