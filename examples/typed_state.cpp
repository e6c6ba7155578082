// SPDX-License-Identifier: MIT
// Each connection owns a Session, made by the upgrade hook from the request: a shopping basket per
// user. ws://HOST:PORT/basket with the cookie user=NAME: typed_state [HOST:PORT]
#include <map>
#include <string>

#include <walkie/server.hpp>

namespace {

struct Session {
  std::string user;
  std::map<std::string, int> basket;
};

std::string describe(const Session& session) {
  std::string text = session.user + ":";
  for (const auto& [item, count] : session.basket) {
    text += ' ' + item + '=' + std::to_string(count);
  }
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  walkie::Server server;

  walkie::WebSocketRouteOf<Session> basket;
  basket.on_upgrade = [](const walkie::UpgradeRequest& request, walkie::Upgrade upgrade) {
    const auto user = request.cookie("user");
    if (!user) {
      upgrade.reject({.status = 401, .body = "log in first\n"});
      return;
    }
    upgrade.set_state(Session{.user = std::string(*user), .basket = {}});
    upgrade.accept();
  };
  basket.on_message = [](walkie::Peer& peer, Session& session, walkie::MessageView item) {
    ++session.basket[std::string(item.text())];
    peer.send(describe(session));
  };
  server.websocket("/basket", std::move(basket));

  return server.listen(argc > 1 ? argv[1] : "127.0.0.1:9001").run();
}
