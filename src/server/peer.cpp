// SPDX-License-Identifier: MIT
// A peer's calls: at once on its own shard, else posted to it.
#include <walkie/peer.hpp>

#include <utility>

#include <server/core.hpp>

namespace walkie {
namespace {

using server::Core;
using server::Session;
using server::Shard;

/// The session, where `peer` lives on this thread's shard.
Session* local_session(const Peer& peer) {
  Core* core = Core::core_of(peer);
  if (!core || Shard::current() != &core->shard_of(peer)) return nullptr;
  return Shard::current()->find(Core::key_of(peer));
}

/// Runs `here` on the session, at once or, with what `there` owns, on its shard. `there` is made
/// only where it is needed: it copies.
template <class Here, class MakeThere>
SendStatus run_on_session(const Peer& peer, Here here, MakeThere make_there) {
  Core* core = Core::core_of(peer);
  if (!core) return SendStatus::gone;
  Shard& shard = core->shard_of(peer);
  if (Shard::current() == &shard) {
    Session* session = shard.find(Core::key_of(peer));
    return session ? here(*session) : SendStatus::gone;
  }
  const auto key = Core::key_of(peer);
  const bool posted = shard.post([key, &shard, there = make_there()]() mutable {
    if (Session* session = shard.find(key)) there(*session);
  });
  return posted ? SendStatus::queued : SendStatus::busy;
}

}  // namespace

SendStatus Peer::send(MessageView message, Compression compression) const {
  return run_on_session(
      *this, [&](Session& session) { return session.send(message, compression); },
      [&] {
        return [owned = message.to_owned(), compression](Session& session) {
          session.send(owned, compression);
        };
      });
}

SendStatus Peer::send_piece(MessageKind kind, BytesView bytes, bool last,
                            Compression compression) const {
  return run_on_session(
      *this, [&](Session& session) { return session.send_piece(kind, bytes, last, compression); },
      [&] {
        return [kind, owned = std::string(text_of(bytes)), last, compression](Session& session) {
          // Nobody is there to be told that the queue is full.
          if (session.send_piece(kind, bytes_of(owned), last, compression) == SendStatus::overflow)
            session.abandon_message();
        };
      });
}

SendStatus Peer::ping(std::string_view payload) const {
  return run_on_session(
      *this, [&](Session& session) { return session.ping(payload); },
      [&] { return [owned = std::string(payload)](Session& session) { session.ping(owned); }; });
}

SendStatus Peer::close(CloseCode code, std::string_view reason) const {
  return run_on_session(
      *this, [&](Session& session) { return session.close(code, reason); },
      [&] {
        return
            [code, owned = std::string(reason)](Session& session) { session.close(code, owned); };
      });
}

SendStatus Peer::subscribe(std::string_view topic) const {
  return run_on_session(
      *this, [&](Session& session) { return session.subscribe(topic); },
      [&] { return [owned = std::string(topic)](Session& session) { session.subscribe(owned); }; });
}

SendStatus Peer::unsubscribe(std::string_view topic) const {
  return run_on_session(
      *this, [&](Session& session) { return session.unsubscribe(topic); },
      [&] {
        return [owned = std::string(topic)](Session& session) { session.unsubscribe(owned); };
      });
}

std::optional<std::size_t> Peer::queued_bytes() const {
  const Session* session = local_session(*this);
  if (!session) return std::nullopt;
  return session->queued_bytes();
}

std::optional<std::chrono::nanoseconds> Peer::round_trip() const {
  const Session* session = local_session(*this);
  return session ? session->round_trip() : std::nullopt;
}

std::string_view Peer::remote_address() const {
  const Session* session = local_session(*this);
  return session ? session->remote() : std::string_view{};
}

std::uint64_t Peer::id() const noexcept {
  return (std::uint64_t{generation_} << 32) | (std::uint64_t{shard_ & 0xFFU} << 24) |
         (slot_ & 0xFF'FFFFU);
}

}  // namespace walkie
