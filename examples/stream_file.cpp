// SPDX-License-Identifier: MIT
// Files of any size through a small memory: /download sends FILE as one message in pieces, /upload
// stores each message as it arrives in FILE.upload: stream_file [HOST:PORT [FILE]]
#include <array>
#include <cstdint>
#include <fstream>
#include <string>

#include <walkie/server.hpp>

namespace {

constexpr std::size_t kQueueBytesMax = std::size_t{1} << 20;

struct Upload {
  std::ofstream file;
};

// Sends until the queue is half full; on_drain calls again once it is empty.
void send_more(walkie::Peer& peer, std::ifstream& file) {
  std::array<char, 64 * 1024> piece{};
  while (file.is_open() && peer.queued_bytes().value_or(kQueueBytesMax) <= kQueueBytesMax / 2) {
    file.read(piece.data(), piece.size());
    const std::string_view read(piece.data(), static_cast<std::size_t>(file.gcount()));
    const bool last = !file;
    peer.send_piece(walkie::MessageKind::binary, walkie::bytes_of(read), last);
    if (last) file.close();
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string path = argc > 2 ? argv[2] : "stream_file.bin";
  walkie::Server server;

  walkie::WebSocketRouteOf<std::ifstream> download;
  download.options.send_queue_bytes_max = kQueueBytesMax;
  download.on_open = [path](walkie::Peer& peer, std::ifstream& file) {
    file.open(path, std::ios::binary);
    if (!file.is_open()) peer.close(walkie::CloseCode::internal_error, "cannot read the file");
    send_more(peer, file);
  };
  download.on_drain = send_more;
  server.websocket("/download", std::move(download));

  walkie::WebSocketRouteOf<Upload> upload;
  upload.options.message_bytes_max = std::uint64_t{1} << 40;
  upload.on_piece = [path](walkie::Peer& peer, Upload& to, walkie::PieceView piece) {
    if (piece.first) to.file = std::ofstream(path + ".upload", std::ios::binary);
    to.file << walkie::text_of(piece.bytes);
    if (piece.last) peer.send("stored " + std::to_string(to.file.tellp()) + " bytes");
  };
  server.websocket("/upload", std::move(upload));

  return server.listen(argc > 1 ? argv[1] : "127.0.0.1:9001").run();
}
