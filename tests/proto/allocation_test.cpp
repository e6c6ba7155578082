// SPDX-License-Identifier: MIT
// The steady state takes nothing from the heap: shown by counting.
#include <support/connection_rig.hpp>
#include <support/heap_calls.hpp>

namespace walkie::test {
namespace {

using proto::Role;

/// Echoes `wire` through a server in reads of `read_bytes`; the input is prepared outside of it.
class Echo {
 public:
  Echo(const Setup& setup, std::size_t read_bytes) : rig_(setup), read_bytes_(read_bytes) {}

  /// Messages echoed.
  int run(MutableBytes wire) {
    int messages = 0;
    auto& connection = rig_.connection();
    while (!wire.empty()) {
      const std::size_t bytes = std::min(read_bytes_, wire.size());
      connection.receive(wire.first(bytes), rig_.now);
      wire = wire.subspan(bytes);
      while (const auto event = connection.poll_event()) {
        if (event->kind != proto::EventKind::message) return -1;
        if (connection.send(event->message_kind, event->payload) != SendStatus::queued) return -1;
        ++messages;
      }
      flush();
    }
    return messages;
  }

 private:
  void flush() {
    auto& connection = rig_.connection();
    while (!connection.output().empty()) {
      std::array<BytesView, 8> chunks;
      const std::size_t count = connection.output().gather(chunks);
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < count; ++i) bytes += chunks[i].size();
      connection.output_written(bytes);
    }
  }

  Rig rig_;
  std::size_t read_bytes_;
};

std::string text_of_size(std::size_t bytes) {
  std::string text;
  for (unsigned i = 0; text.size() < bytes; ++i) text += std::to_string(i * 7919) + " ";
  text.resize(bytes);
  return text;
}

/// Echoes 1000 messages after 1000 to warm up the pool, and returns the heap calls meanwhile.
std::size_t heap_calls_of_echo(const Setup& setup, const Bytes& warm_up, const Bytes& wire,
                               std::size_t read_bytes) {
  Bytes first = warm_up;
  Bytes second = wire;
  Echo echo(setup, read_bytes);
  CHECK(echo.run(first) == 1000);
  const std::size_t before = heap_calls();
  const int messages = echo.run(second);
  const std::size_t after = heap_calls();
  CHECK(messages == 1000);
  return after - before;
}

Bytes plain_wire(std::size_t payload_bytes, int messages) {
  const Bytes one = encode({.payload = text_of_size(payload_bytes), .masked = true});
  Bytes wire;
  for (int i = 0; i < messages; ++i) wire.insert(wire.end(), one.begin(), one.end());
  return wire;
}

TEST_CASE("the allocation counter counts") {
  const std::size_t before = heap_calls();
  ::operator delete(::operator new(100));  // a vector's could be optimised away
  CHECK(heap_calls() > before);
}

TEST_CASE("server echoes plain messages without an allocation in the steady state") {
  for (const std::size_t payload_bytes : {32u, 1024u, 16384u}) {
    for (const std::size_t read_bytes : {16384u, 65536u, 1000u}) {
      CAPTURE(payload_bytes);
      CAPTURE(read_bytes);
      CHECK(heap_calls_of_echo(Setup{.role = Role::server}, plain_wire(payload_bytes, 1000),
                               plain_wire(payload_bytes, 1000), read_bytes) == 0);
    }
  }
}

TEST_CASE("server echoes compressed messages without an allocation in the steady state") {
  for (const bool takeover : {true, false}) {
    const proto::DeflateParams params{.enabled = true,
                                      .server_no_context_takeover = !takeover,
                                      .client_no_context_takeover = !takeover};
    for (const std::size_t payload_bytes : {100u, 1024u, 16384u}) {
      CAPTURE(takeover);
      CAPTURE(payload_bytes);
      Rig client(Setup{.role = Role::client, .deflate = params});
      const std::string text = text_of_size(payload_bytes);
      const auto wire_of = [&](int messages) {
        Bytes wire;
        for (int i = 0; i < messages; ++i) {
          CHECK(client.connection().send(MessageKind::text, bytes_of(text)) == SendStatus::queued);
          const Bytes one = client.written();
          wire.insert(wire.end(), one.begin(), one.end());
        }
        return wire;
      };
      const Bytes warm_up = wire_of(1000);
      const Bytes wire = wire_of(1000);
      CHECK(heap_calls_of_echo(Setup{.role = Role::server, .deflate = params}, warm_up, wire,
                               16384) == 0);
    }
  }
}

TEST_CASE("an idle connection holds no block and nothing beside itself") {
  Rig rig(Role::server);
  Bytes wire = plain_wire(1000, 3);
  const std::size_t before = heap_calls();
  rig.connection().receive(wire, rig.now);
  while (rig.connection().poll_event()) {
  }
  CHECK(heap_calls() == before);
  CHECK(rig.buffers().lent_bytes() == 0);
  CHECK(sizeof(proto::Connection) <= 208);
}

}  // namespace
}  // namespace walkie::test
