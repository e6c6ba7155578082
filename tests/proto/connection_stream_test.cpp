// SPDX-License-Identifier: MIT
// Large messages piece by piece: received while they arrive, sent while they are made.
#include <proto/deflate.hpp>
#include <proto/shared_frame.hpp>
#include <support/connection_rig.hpp>

namespace walkie::test {
namespace {

using proto::DeflateParams;
using proto::EventKind;
using proto::ProtocolError;
using proto::Role;

Setup streaming(Role role, bool compressed = false) {
  Setup setup{.role = role, .deflate = {.enabled = compressed}};
  setup.options.deliver_pieces = true;
  return setup;
}

/// Checks that the events are one message in pieces, and joins them.
std::string joined_pieces(const std::vector<Seen>& events, MessageKind kind) {
  std::string whole;
  for (std::size_t i = 0; i < events.size(); ++i) {
    CHECK(events[i].kind == EventKind::piece);
    CHECK(events[i].message_kind == kind);
    CHECK(events[i].first == (i == 0));
    CHECK(events[i].last == (i + 1 == events.size()));
    whole += events[i].payload;
  }
  CHECK_FALSE(events.empty());
  return whole;
}

std::string numbers(std::size_t bytes) {
  std::string text;
  for (unsigned i = 0; text.size() < bytes; ++i) text += std::to_string(i * 7919) + "\n";
  text.resize(bytes);
  return text;
}

TEST_CASE("server delivers the pieces of a message as they arrive [RFC 6455 5.4]") {
  play_everywhere(streaming(Role::server), hex("81 85 37fa213d 7f9f4d5158"),
                  [](Rig& rig) { CHECK(joined_pieces(rig.events, MessageKind::text) == "Hello"); });
}

TEST_CASE("client delivers the pieces of a message as they arrive [RFC 6455 5.4]") {
  play_everywhere(streaming(Role::client), hex("82 05 48656c6c6f"), [](Rig& rig) {
    CHECK(joined_pieces(rig.events, MessageKind::binary) == "Hello");
  });
}

TEST_CASE("server delivers the pieces of a fragmented message [RFC 6455 5.4]") {
  play_everywhere(streaming(Role::server),
                  hex("01 80 00000000  00 82 00000000 4865  00 83 00000000 6c6c6f  80 80 00000000"),
                  [](Rig& rig) { CHECK(joined_pieces(rig.events, MessageKind::text) == "Hello"); });
}

TEST_CASE("server delivers an empty message as one empty last piece [RFC 6455 5.6]") {
  play_everywhere(streaming(Role::server), hex("01 80 00000000  80 80 00000000"), [](Rig& rig) {
    CHECK(joined_pieces(rig.events, MessageKind::text).empty());
    CHECK(rig.events.size() == 1);
  });
}

TEST_CASE("server delivers pieces as views and holds no memory") {
  Rig rig(streaming(Role::server));
  rig.receive(hex("82 ff 0000000000100000 00000000"));
  Bytes part(10'000);
  rig.connection().receive(part, rig.now);
  const auto event = rig.connection().poll_event();
  REQUIRE(event);
  CHECK(event->payload.data() == part.data());
  CHECK(event->payload.size() == 10'000);
  CHECK(event->first);
  CHECK_FALSE(event->last);
  CHECK(rig.buffers().lent_bytes() == 0);
}

TEST_CASE("server handles a ping between the pieces of a message [RFC 6455 5.4]") {
  play_everywhere(streaming(Role::server),
                  hex("02 81 00000000 61  89 81 00000000 70  80 81 00000000 62"), [](Rig& rig) {
                    REQUIRE(rig.events.size() == 3);
                    CHECK(rig.events[1].kind == EventKind::ping);
                    rig.events.erase(rig.events.begin() + 1);
                    CHECK(joined_pieces(rig.events, MessageKind::binary) == "ab");
                  });
}

TEST_CASE("server fails invalid UTF-8 in the piece that carries it [RFC 6455 8.1]") {
  Rig rig(streaming(Role::server));
  rig.receive(hex("01 82 00000000 61c3"));
  rig.receive(hex("00 82 00000000 a962"));
  CHECK(rig.events.size() == 2);
  rig.receive(hex("00 84 00000000 ff"));
  REQUIRE(rig.events.size() == 3);
  CHECK(rig.events[2].error == ProtocolError::invalid_utf8);
}

TEST_CASE("server fails a text in pieces that ends inside a character [RFC 6455 8.1]") {
  Rig rig(streaming(Role::server));
  rig.receive(hex("81 82 00000000 e282"));
  REQUIRE(rig.events.size() == 1);
  CHECK(rig.events[0].error == ProtocolError::invalid_utf8);
}

TEST_CASE("a message in pieces keeps to the limits of size and fragments") {
  Setup setup = streaming(Role::server);
  setup.options.message_bytes_max = 3;
  setup.options.fragments_max = 2;
  Rig large(setup);
  large.receive(hex("02 82 00000000 6161  80 82 00000000"));
  CHECK(large.events.back().error == ProtocolError::message_too_big);
  Rig many(setup);
  many.receive(hex("02 80 00000000  00 80 00000000  00 80 00000000"));
  CHECK(many.events.back().error == ProtocolError::too_many_fragments);
}

TEST_CASE("the transport's end inside a message in pieces brings no last piece [RFC 6455 7.1.5]") {
  Rig rig(streaming(Role::server));
  rig.receive(hex("82 85 00000000 616263"));
  rig.receive_end();
  REQUIRE(rig.events.size() == 2);
  CHECK_FALSE(rig.events[0].last);
  CHECK(rig.events[1].error == ProtocolError::ended_without_close);
}

TEST_CASE("server inflates a message in pieces of bounded size [RFC 7692 6.2]") {
  const std::string text = numbers(100'000);
  proto::Deflater deflater(15, 6);
  std::vector<std::byte> payload;
  deflater.compress(bytes_of(text), true, payload);
  const Bytes wire =
      encode({.opcode = 1, .payload = std::string(text_of(payload)), .rsv1 = true, .masked = true});
  split_everywhere(
      wire,
      [&](const Parts& parts) {
        Rig rig(streaming(Role::server, true));
        rig.receive(parts);
        CHECK((joined_pieces(rig.events, MessageKind::text) == text));
        for (const Seen& event : rig.events) CHECK(event.payload.size() <= 16384);
      },
      8);
}

TEST_CASE("server inflates all that a fragment holds before the next one arrives [RFC 7692 6.2]") {
  for (std::size_t size = 16'000; size < 17'000; size += 7) {
    CAPTURE(size);
    const std::string text(size, 'a');
    proto::Deflater deflater(15, 6);
    std::vector<std::byte> payload;
    deflater.compress(bytes_of(text), true, payload);
    Rig rig(streaming(Role::server, true));
    rig.receive(encode({.opcode = 1,
                        .payload = std::string(text_of(payload)),
                        .fin = false,
                        .rsv1 = true,
                        .masked = true}));
    std::size_t arrived = 0;
    for (const Seen& event : rig.events) arrived += event.payload.size();
    CHECK(arrived == size);
  }
}

TEST_CASE("client inflates an empty compressed message in pieces [RFC 7692 7.2.3.6]") {
  play_everywhere(streaming(Role::client, true), hex("c2 01 00"), [](Rig& rig) {
    CHECK(joined_pieces(rig.events, MessageKind::binary).empty());
    CHECK(rig.events.size() == 1);
  });
}

TEST_CASE("a handler may close between two pieces: no more come [RFC 6455 1.4]") {
  Rig rig(streaming(Role::server, true));
  proto::Deflater deflater(15, 6);
  std::vector<std::byte> payload;
  deflater.compress(bytes_of(numbers(100'000)), true, payload);
  Bytes wire =
      encode({.opcode = 1, .payload = std::string(text_of(payload)), .rsv1 = true, .masked = true});
  wire = joined(std::move(wire), hex("88 80 00000000"));
  rig.connection().receive(wire, rig.now);
  REQUIRE(rig.connection().poll_event());
  rig.connection().close(CloseCode::normal, "", rig.now);
  rig.poll();
  REQUIRE(rig.events.size() == 1);
  CHECK(rig.events[0].kind == EventKind::closed);
  CHECK(rig.events[0].clean);
}

// -- out --

/// Sends `text` in pieces from one machine to the other, which delivers it whole.
void send_in_pieces(Role from, const DeflateParams& params, const std::string& text,
                    std::size_t piece_bytes) {
  Rig sender(Setup{.role = from, .deflate = params});
  Rig receiver(
      Setup{.role = from == Role::server ? Role::client : Role::server, .deflate = params});
  for (int round = 0; round < 2; ++round) {
    for (std::size_t at = 0; at < text.size(); at += piece_bytes) {
      const bool last = at + piece_bytes >= text.size();
      CHECK(sender.connection().send_piece(
                MessageKind::text,
                bytes_of(text).subspan(at, last ? text.size() - at : piece_bytes),
                last) == SendStatus::queued);
      receiver.receive(sender.written());
    }
    REQUIRE(receiver.events.size() == 1);
    CHECK((receiver.events[0] == text_message(text)));
    receiver.events.clear();
  }
}

TEST_CASE("a message sent in pieces arrives whole, compressed or not [RFC 7692 6.1]") {
  const std::string text = numbers(200'000);
  for (const Role role : {Role::server, Role::client}) {
    for (const std::size_t piece_bytes : {1000u, 50'000u}) {
      send_in_pieces(role, {}, text, piece_bytes);
      send_in_pieces(role, {.enabled = true}, text, piece_bytes);
      send_in_pieces(
          role,
          {.enabled = true, .server_no_context_takeover = true, .client_no_context_takeover = true},
          text, piece_bytes);
    }
  }
}

TEST_CASE("compressed pieces set the compressed bit on the first fragment only [RFC 7692 6.1]") {
  Rig rig(Setup{.role = Role::server, .deflate = {.enabled = true}});
  const std::string text = numbers(200'000);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of(text), false) ==
        SendStatus::queued);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of(text), false) ==
        SendStatus::queued);
  CHECK(rig.connection().send_piece(MessageKind::text, {}, true) == SendStatus::queued);
  const std::vector<Frame> frames = rig.written_frames();
  REQUIRE(frames.size() >= 2);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    CHECK(frames[i].rsv1 == (i == 0));
    CHECK(frames[i].opcode == (i == 0 ? 1 : 0));
    CHECK(frames[i].fin == (i + 1 == frames.size()));
  }
}

TEST_CASE("a compressed piece goes out at once, an empty one sends nothing [RFC 7692 6.1]") {
  Rig rig(Setup{.role = Role::server, .deflate = {.enabled = true}});
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("now"), false) ==
        SendStatus::queued);
  const std::vector<Frame> first = rig.written_frames();
  REQUIRE(first.size() == 1);
  CHECK(first[0].rsv1);
  CHECK_FALSE(first[0].fin);
  CHECK(rig.connection().send_piece(MessageKind::text, {}, false) == SendStatus::queued);
  CHECK(rig.connection().output().empty());
  CHECK(rig.connection().send_piece(MessageKind::text, {}, true) == SendStatus::queued);
  const std::vector<Frame> last = rig.written_frames();
  REQUIRE(last.size() == 1);
  CHECK(last[0].fin);
  CHECK_FALSE(last[0].rsv1);
}

TEST_CASE("a message sent in pieces uncompressed stays so [RFC 7692 6.1]") {
  Rig rig(Setup{.role = Role::server, .deflate = {.enabled = true}});
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("a"), false, Compression::never) ==
        SendStatus::queued);
  CHECK(rig.connection().send_piece(MessageKind::text, bytes_of("b"), true, Compression::always) ==
        SendStatus::queued);
  CHECK(to_hex(rig.written()) == "010161800162");
}

}  // namespace
}  // namespace walkie::test
