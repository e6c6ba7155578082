// SPDX-License-Identifier: MIT
// A handle to one WebSocket: a small value that any thread may hold, copy and call, also after the
// connection is gone.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include <walkie/close_code.hpp>
#include <walkie/message.hpp>
#include <walkie/send.hpp>

namespace walkie {

namespace server {
class Core;
}

/// Names a connection of a running Server. Valid to call from any thread until that Server is
/// destroyed; once the connection ended every call answers `gone` or nothing.
///
/// On the connection's own shard (inside its callbacks) calls act at once. From elsewhere they copy
/// their arguments and post to the shard: `queued` then means posted, in order for each calling
/// thread.
class Peer {
 public:
  Peer() noexcept = default;

  /// Sends a message. The bytes are copied or written before this returns. A text message must be
  /// UTF-8: the peer would close on anything else.
  SendStatus send(MessageView message, Compression compression = Compression::by_size) const;

  /// Sends a large message piece by piece: the first call starts it, `last` ends it. Other messages
  /// to this peer wait until it is complete. Where the send queue is full, a policy that drops
  /// answers `overflow`: send the same piece again after on_drain. From another thread that cannot
  /// be told, and the connection ends with 1013.
  SendStatus send_piece(MessageKind kind, BytesView bytes, bool last,
                        Compression compression = Compression::by_size) const;

  /// Sends a Ping of at most 125 bytes. `overflow` while the send queue is over its limit.
  SendStatus ping(std::string_view payload = {}) const;

  /// Starts the close handshake; on_close follows. A code that may not be sent becomes 1000; of the
  /// reason at most 123 bytes go out.
  SendStatus close(CloseCode code = CloseCode::normal, std::string_view reason = {}) const;

  /// From now on this connection gets what is published to `topic`. At most
  /// ServerOptions::topics_per_connection_max; more answer `overflow`.
  SendStatus subscribe(std::string_view topic) const;
  SendStatus unsubscribe(std::string_view topic) const;

  /// Bytes that wait in the send queue. Nothing from other threads and once gone.
  [[nodiscard]] std::optional<std::size_t> queued_bytes() const;

  /// The last measured round trip of a heartbeat. Nothing before the first, from other threads and
  /// once gone.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> round_trip() const;

  /// "192.0.2.1:4711"; empty from other threads and once gone.
  [[nodiscard]] std::string_view remote_address() const;

  /// Unique in its server's lifetime; for logs and maps.
  [[nodiscard]] std::uint64_t id() const noexcept;

  friend bool operator==(const Peer&, const Peer&) noexcept = default;

 private:
  friend class server::Core;
  Peer(server::Core* core, std::uint32_t shard, std::uint32_t slot,
       std::uint32_t generation) noexcept
      : core_(core), shard_(shard), slot_(slot), generation_(generation) {}
  server::Core* core_ = nullptr;
  std::uint32_t shard_ = 0;
  std::uint32_t slot_ = 0;
  std::uint32_t generation_ = 0;
};

}  // namespace walkie

template <>
struct std::hash<walkie::Peer> {
  std::size_t operator()(const walkie::Peer& peer) const noexcept {
    return std::hash<std::uint64_t>{}(peer.id());
  }
};
