// SPDX-License-Identifier: MIT
// Answers on their way back to a request, from any thread: what is behind Upgrade and HttpReply.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <variant>

#include <base/slab.hpp>
#include <walkie/http.hpp>
#include <walkie/server.hpp>

namespace walkie::server {

class Core;

/// Names one request of one connection; a later request of it has another number.
struct RequestKey {
  std::uint32_t shard = 0;
  base::SlabKey session{};
  std::uint32_t number = 0;
};

/// Every way to answer a request.
struct UpgradeAccepted {
  Accept answer;
  std::shared_ptr<void> state;  ///< Null: the route makes one.
};
using Answer = std::variant<UpgradeAccepted, Reject, HttpResponse>;

/// Lets answers through to a core while it lives: a handler's thread may outlive the server. Thread
/// safe.
class Gate {
 public:
  explicit Gate(Core& core) noexcept : core_(&core) {}
  void answer(const RequestKey& request, Answer answer);
  /// The core is about to go.
  void close();

 private:
  std::mutex mutex_;
  std::atomic<Core*> core_;
};

}  // namespace walkie::server

namespace walkie {

struct Upgrade::Target {
  std::shared_ptr<server::Gate> gate;
  server::RequestKey request;
  std::shared_ptr<void> state{};
};

struct HttpReply::Target {
  std::shared_ptr<server::Gate> gate;
  server::RequestKey request;
};

}  // namespace walkie
