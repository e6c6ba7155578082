// SPDX-License-Identifier: MIT
// A WebSocket route as the server runs it: the user's handlers, and their options in the machines'
// terms.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <link/keepalive.hpp>
#include <proto/connection.hpp>
#include <walkie/server.hpp>

namespace walkie::server {

/// Immutable once served; outlives every session.
struct Route {
  Route(std::string pattern_text, WebSocketRoute user_route,
        std::function<std::shared_ptr<void>()> state_maker);

  std::string pattern;
  WebSocketRoute handlers;
  std::function<std::shared_ptr<void>()> make_state;  ///< Empty: the route has no typed state.
  proto::ConnectionOptions connection;
  link::KeepaliveOptions keepalive;
};

/// What is wrong with a route's options, in words; empty where nothing is.
[[nodiscard]] std::string fault_of(const WebSocketOptions& options);

}  // namespace walkie::server
