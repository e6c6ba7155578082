// SPDX-License-Identifier: MIT
// What a link sends and receives through: one socket, plain or under TLS.
//
//   plain:  loop <-> handler
//   TLS:    loop <-> Secured (a filter) <-> handler
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

#include <io/loop.hpp>
#include <tls/filter.hpp>

namespace walkie::link {

/// Tells a link what its socket does, and the two events of TLS. As io::SocketHandler, with plain
/// bytes. The end of a connection without TLS's own end is on_end() all the same, once the
/// handshake is complete: WebSocket and HTTP say themselves where a message is whole. Who must know
/// asks tls()->failure().
class TransportHandler : public io::SocketHandler {
 public:
  /// The TLS handshake is complete: sending works from now on.
  virtual void on_secured() {}
  /// TLS failed, for that reason; an alert may still be on its way out. Comes in place of
  /// on_error(). Nothing is received or sent any more: release the transport, at once or, so that
  /// the alert arrives, after shutdown_send() and on_end().
  virtual void on_insecure(std::string_view reason) = 0;

 protected:
  ~TransportHandler() = default;
};

/// Not thread safe; never moves. Calls and callbacks are those of io::Loop and io::SocketHandler,
/// with plain bytes. A plain one costs nothing on the way: the loop calls the handler itself.
class Transport {
 public:
  Transport(io::Loop& loop, TransportHandler& handler) noexcept;
  /// From the next event on `handler` is told.
  void set_handler(TransportHandler& handler);
  ~Transport();
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;

  /// Takes a connected socket, under TLS where `filter` is given.
  [[nodiscard]] Result<void> adopt(io::Fd fd, std::unique_ptr<tls::Filter> filter = nullptr);
  /// Starts connecting; ends in on_connected() or on_error().
  [[nodiscard]] Result<void> connect(const io::SocketAddress& to,
                                     const io::SocketAddress* local = nullptr);
  /// From here on everything travels under TLS: behind a proxy's answer, with nothing of ours
  /// unsent. Ends in on_secured() or on_insecure(). Not from inside on_received(), if it has bytes
  /// behind those that led here. A second time: TLS inside TLS, as behind a proxy that itself is
  /// spoken to by TLS.
  void secure(std::unique_ptr<tls::Filter> filter);

  /// As Loop::send(). Under TLS, bytes that went in are encrypted and cannot be taken back: what of
  /// them the socket did not take is backlog(), at most some 80 kB, and on_sent(0) comes when it
  /// is gone.
  [[nodiscard]] std::size_t send(std::span<const BytesView> chunks) {
    return secured_ ? send_secured(chunks) : loop_.send(socket_, chunks);
  }
  /// As Loop::keeps_chunks(), for the chunks of send().
  [[nodiscard]] bool keeps_chunks() const noexcept { return !secured_ && loop_.keeps_chunks(); }
  [[nodiscard]] std::size_t backlog() const noexcept { return secured_ ? secured_backlog() : 0; }
  /// Inside on_sent(): whether the peer must have read, for the socket to take what it took. A loop
  /// that keeps chunks tells also what went into an empty socket.
  [[nodiscard]] bool peer_reads(bool was_blocked) const noexcept {
    return !loop_.keeps_chunks() || (secured_ ? secured_made_room() : was_blocked);
  }
  void set_receiving(bool on);
  /// Under TLS first close_notify, then FIN.
  void shutdown_send();
  /// `in_flight`: what was given to send() and not yet written, where chunks are kept. Under TLS
  /// with close_notify where the socket takes it at once, unless with a RST.
  void release(base::OutputQueue in_flight, bool reset);

  /// The innermost; null where plain.
  [[nodiscard]] const tls::Filter* tls() const noexcept;
  [[nodiscard]] io::Loop& loop() noexcept { return loop_; }

 private:
  class Secured;
  [[nodiscard]] std::size_t send_secured(std::span<const BytesView> chunks);
  [[nodiscard]] std::size_t secured_backlog() const noexcept;
  [[nodiscard]] bool secured_made_room() const noexcept;

  io::Loop& loop_;
  TransportHandler* handler_;
  io::SocketId socket_{};
  std::unique_ptr<Secured> secured_;
};

}  // namespace walkie::link
