// SPDX-License-Identifier: MIT
// A list in order of age with an index.
#include <tls/session_cache.hpp>

#include <utility>

namespace walkie::tls {

void SessionCache::store(std::string_view server, SessionPtr session) {
  forget(server);
  entries_.push_front({std::string(server), std::move(session)});
  by_server_[entries_.front().server] = entries_.begin();
  if (entries_.size() > sessions_max_) forget(std::string(entries_.back().server));
}

SessionPtr SessionCache::take(std::string_view server) {
  const auto found = by_server_.find(std::string(server));
  if (found == by_server_.end()) return nullptr;
  SSL_SESSION* session = found->second->session.get();
  SSL_SESSION_up_ref(session);
  SessionPtr taken(session);
  const bool once = SSL_SESSION_get_protocol_version(session) >= TLS1_3_VERSION;
  if (once || SSL_SESSION_is_resumable(session) == 0) forget(server);
  return taken;
}

void SessionCache::forget(std::string_view server) {
  const auto found = by_server_.find(std::string(server));
  if (found == by_server_.end()) return;
  entries_.erase(found->second);
  by_server_.erase(found);
}

}  // namespace walkie::tls
