// SPDX-License-Identifier: MIT
// Chat rooms: ws://HOST:PORT/chat/ROOM?name=NAME. Each room is a topic; what one member writes goes
// to all of them: chat [HOST:PORT]
#include <string>

#include <walkie/server.hpp>

namespace {

struct Member {
  std::string room;
  std::string name;
};

}  // namespace

int main(int argc, char** argv) {
  walkie::Server server;

  walkie::WebSocketRouteOf<Member> room;
  room.options.message_bytes_max = 4096;
  room.on_upgrade = [](const walkie::UpgradeRequest& request, walkie::Upgrade upgrade) {
    const std::string name = request.query("name").value_or("");
    if (name.empty() || name.size() > 32) {
      upgrade.reject({.status = 400, .body = "choose a ?name= of 1 to 32 bytes\n"});
      return;
    }
    upgrade.set_state(Member{std::string(request.param("room")), name});
    upgrade.accept();
  };
  room.on_open = [&server](walkie::Peer& peer, Member& member) {
    peer.subscribe(member.room);
    server.publish(member.room, "* " + member.name + " came in");
  };
  room.on_message = [&server](walkie::Peer&, Member& member, walkie::MessageView message) {
    if (message.is_text()) {
      server.publish(member.room, member.name + ": " + std::string(message.text()));
    }
  };
  room.on_close = [&server](walkie::Peer&, Member& member, const walkie::CloseInfo&) {
    server.publish(member.room, "* " + member.name + " left");
  };
  server.websocket("/chat/:room", std::move(room));

  return server.listen(argc > 1 ? argv[1] : "127.0.0.1:9001").run();
}
