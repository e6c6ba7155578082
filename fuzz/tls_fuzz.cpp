// SPDX-License-Identifier: MIT
// Fuzzes both sides of TLS: garbage, and handshakes and records that were changed on their way.
//
//   input: [ mode: one byte ] [ garbage ], or [ changes: three bytes each: where (2), what ], or
//          [ contents of records, sealed by a client that has the keys: length, bytes ]
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <stdlib.h>

#include <base/assert.hpp>
#include <tls/context.hpp>
#include <tls/filter.hpp>
#include <tls/record_layer.hpp>
#include <tls/sealed_record.hpp>
#include <tls/self_signed.hpp>
#include <tls/ticket_keys.hpp>

namespace {

using namespace walkie;

constexpr std::array<std::string_view, 1> kHost{"localhost"};
constexpr std::array<std::string_view, 1> kProtocols{"http/1.1"};

/// What all inputs share: a certificate and the contexts of both sides.
struct World {
  World() {
    std::string folder = (std::filesystem::temp_directory_path() / "tls-fuzz-XXXXXX").string();
    WALKIE_ASSERT(::mkdtemp(folder.data()) != nullptr);
    const auto made = tls::make_self_signed(kHost, std::chrono::hours(24));
    const std::string certificate = folder + "/certificate.pem";
    const std::string key = folder + "/key.pem";
    std::ofstream(certificate) << made->certificate_pem;
    std::ofstream(key) << made->key_pem;
    server = *tls::ServerContext::make({.certificates = {{certificate, key, {}}}}, kProtocols);
    client = *tls::ClientContext::make({.system_trust = false, .ca_file = certificate}, kProtocols);
    std::filesystem::remove_all(folder);
    tls::TicketKeys::Secret secret;
    secret.fill(std::byte{7});
    tickets = std::make_shared<const tls::TicketKeys>(secret);
  }
  std::shared_ptr<const tls::ServerContext> server;
  std::unique_ptr<tls::ClientContext> client;
  std::shared_ptr<const tls::TicketKeys> tickets;
};

/// Polls until nothing is left; checks the order of events.
class Watch {
 public:
  void drain(tls::Filter& filter) {
    while (const auto event = filter.poll_event()) {
      using Kind = tls::Event::Kind;
      WALKIE_ASSERT(!failed_);
      if (event->kind == Kind::opened) WALKIE_ASSERT(!std::exchange(opened_, true));
      if (event->kind == Kind::plain) WALKIE_ASSERT(opened_ && !event->bytes.empty());
      if (event->kind == Kind::ended) WALKIE_ASSERT(opened_);
      if (event->kind == Kind::failed) {
        WALKIE_ASSERT(!event->reason.empty());
        failed_ = true;
      }
    }
  }

 private:
  bool opened_ = false;
  bool failed_ = false;
};

std::string take_output(tls::Filter& filter) {
  std::string bytes;
  std::array<BytesView, 8> chunks;
  while (!filter.output().empty()) {
    const std::size_t count = filter.output().gather(chunks);
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count; ++i) {
      bytes += text_of(chunks[i]);
      taken += chunks[i].size();
    }
    filter.output().consume(taken);
  }
  return bytes;
}

void feed(tls::Filter& filter, Watch& watch, std::string_view bytes, std::size_t piece) {
  while (!bytes.empty()) {
    const std::string_view part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    filter.receive(bytes_of(part));
    watch.drain(filter);
  }
}

void throw_garbage(tls::Filter& filter, std::string_view input, std::size_t piece) {
  Watch watch;
  feed(filter, watch, input, piece);
  filter.receive_end();
  watch.drain(filter);
}

/// Carries a whole connection; the bytes named by `changes` are changed on their way.
void shake(World& world, base::BufferPool& pool, std::string_view changes) {
  tls::Filter client(*world.client, kHost.front(), 443, pool);
  tls::Filter server(world.server, world.tickets, pool);
  Watch of_client;
  Watch of_server;
  std::size_t position = 0;
  const auto change = [&](std::string bytes) {
    for (std::size_t i = 0; i + 2 < changes.size(); i += 3) {
      const auto at = static_cast<std::size_t>(static_cast<unsigned char>(changes[i])) << 8 |
                      static_cast<unsigned char>(changes[i + 1]);
      if (at < position || at - position >= bytes.size()) continue;
      bytes[at - position] = static_cast<char>(bytes[at - position] ^ changes[i + 2]);
    }
    position += bytes.size();
    return bytes;
  };
  const std::array hello{bytes_of("hello")};
  for (int round = 0; round < 8; ++round) {
    feed(server, of_server, change(take_output(client)), SIZE_MAX);
    feed(client, of_client, change(take_output(server)), SIZE_MAX);
    static_cast<void>(client.send(hello));
    static_cast<void>(server.send(hello));
    if (round == 6) client.shutdown();
  }
  WALKIE_ASSERT(!changes.empty() || (client.open() && server.open()));
}

/// Whatever an honest client would never seal.
void seal_anything(base::BufferPool& pool, std::string_view input) {
  const tls::Suite& suite = *tls::find_suite(0x1303);
  tls::TrafficSecret ours;
  ours.assign_hex(std::string(64, '1'));
  tls::TrafficSecret theirs;
  theirs.assign_hex(std::string(64, '2'));
  tls::RecordKeys client(suite, true, theirs, 0);
  tls::RecordLayer layer(suite, ours, theirs, 0, pool);
  base::OutputQueue output(pool);
  std::vector<std::byte> room(tls::RecordLayer::kSealedBytesMax);
  while (!input.empty() && layer.stop() == tls::RecordLayer::Stop::none) {
    const std::size_t bytes = static_cast<unsigned char>(input.front());
    const std::string_view inner = input.substr(1, bytes);
    input.remove_prefix(1 + inner.size());
    const std::string record = test::sealed_record(client, inner);
    BytesView wire = bytes_of(record);
    while (!wire.empty() && layer.stop() == tls::RecordLayer::Stop::none) {
      const std::size_t content = layer.read(wire, room, output);
      WALKIE_ASSERT(content <= inner.size());
    }
    const std::string_view unpadded = inner.substr(0, inner.find_last_not_of('\0') + 1);
    const bool update = unpadded.size() == 6 && unpadded.ends_with('\x16') &&
                        unpadded.starts_with(std::string_view("\x18\0\0\1", 4));
    if (update && layer.stop() == tls::RecordLayer::Stop::none) client.update();
  }
  if (layer.stop() == tls::RecordLayer::Stop::failed)
    WALKIE_ASSERT(!layer.fault().reason.empty() &&
                  layer.fault().failure != tls::Failure::corrupted);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World world;
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  base::BufferPool pool;
  const std::size_t piece = (data[0] & 4U) != 0 ? 1 : SIZE_MAX;
  if ((data[0] & 3U) == 0) {
    tls::Filter server(world.server, world.tickets, pool);
    throw_garbage(server, input, piece);
  } else if ((data[0] & 3U) == 1) {
    tls::Filter client(*world.client, kHost.front(), 443, pool);
    throw_garbage(client, input, piece);
  } else if ((data[0] & 3U) == 2) {
    shake(world, pool, input);
  } else {
    seal_anything(pool, input);
  }
  WALKIE_ASSERT(pool.lent_bytes() == 0);
  return 0;
}
