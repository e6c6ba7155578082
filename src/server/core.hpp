// SPDX-License-Identifier: MIT
// A server's inside: its configuration, frozen at start, and its shards.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <http/server_connection.hpp>
#include <http/static_files.hpp>
#include <server/admission.hpp>
#include <server/answers.hpp>
#include <server/route.hpp>
#include <server/router.hpp>
#include <server/secure_state.hpp>
#include <server/shard.hpp>
#include <walkie/server.hpp>

namespace walkie::server {

/// How far a stop has gone.
enum class StopLevel : std::uint8_t { running, draining, now };

class Core {
 public:
  explicit Core(ServerOptions options);
  ~Core();
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  // -- configuration, before start() --
  void add_websocket(std::string_view pattern, WebSocketRoute route,
                     std::function<std::shared_ptr<void>()> make_state);
  void add_http(std::string_view method, std::string_view pattern, HttpHandler handler);
  void add_files(std::vector<StaticFile> files);
  void add_endpoint(std::string_view endpoint, bool secure) {
    endpoints_.push_back({std::string(endpoint), secure});
  }

  // -- running --
  [[nodiscard]] Result<void> start();
  void stop(StopLevel level) noexcept;
  void wait();
  [[nodiscard]] StopLevel stop_level() const noexcept { return stop_level_.load(); }
  [[nodiscard]] std::vector<std::string> endpoints() const { return bound_; }
  [[nodiscard]] std::vector<std::string> tls_endpoints() const { return bound_secure_; }
  /// Any thread.
  [[nodiscard]] Result<void> reload_tls();
  [[nodiscard]] std::string_view backend() const noexcept;
  [[nodiscard]] std::size_t shards() const noexcept { return shards_.size(); }
  SendStatus publish(std::string_view topic, MessageView message, const Peer& except);
  [[nodiscard]] ServerMetrics metrics() const;
  [[nodiscard]] const std::shared_ptr<Gate>& gate() const noexcept { return gate_; }

  // -- for sessions --
  /// What a path leads to.
  struct Target {
    const Route* websocket = nullptr;  ///< Or:
    std::string method;                ///< "*": any.
    HttpHandler handler{};
  };
  [[nodiscard]] std::optional<std::vector<Router::Match>> find(std::string_view raw_path) const {
    return router_.find(raw_path);
  }
  [[nodiscard]] const Target& target(std::size_t id) const noexcept { return targets_[id]; }
  [[nodiscard]] const http::StaticFiles& files() const noexcept { return files_; }
  [[nodiscard]] const ServerOptions& options() const noexcept { return options_; }
  [[nodiscard]] const http::ServerConnectionOptions& http_options() const noexcept {
    return http_options_;
  }
  [[nodiscard]] Admission& admission() noexcept { return admission_; }
  /// For a new connection of a TLS endpoint. Any shard's thread.
  [[nodiscard]] std::unique_ptr<tls::Filter> make_filter(base::BufferPool& pool) const {
    return secure_->snapshot().make_filter(pool);
  }
  void log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) const;

  // -- for peers --
  [[nodiscard]] Shard& shard(std::uint32_t index) noexcept { return *shards_[index]; }
  [[nodiscard]] Peer peer(const Shard& shard, base::SlabKey key) noexcept;
  [[nodiscard]] static base::SlabKey key_of(const Peer& peer) noexcept;
  [[nodiscard]] static Core* core_of(const Peer& peer) noexcept;
  [[nodiscard]] Shard& shard_of(const Peer& peer) noexcept;

 private:
  /// Replaces the tickets' key in time; on the first shard.
  class TicketClock final : public base::Timer {
   public:
    explicit TicketClock(Core& core) noexcept : core_(core) {}
    void on_timer(Instant now) override;

   private:
    Core& core_;
  };
  struct Endpoint {
    std::string text;
    bool secure;
  };

  [[nodiscard]] Result<void> check() const;
  [[nodiscard]] Result<void> make_shards();
  [[nodiscard]] Result<void> start_tls();
  void wake_all() noexcept;
  [[nodiscard]] Result<void> bind_all();
  [[nodiscard]] Result<void> bind(const io::SocketAddress& address, bool secure);

  ServerOptions options_;
  http::ServerConnectionOptions http_options_;
  std::vector<std::string> faults_;  ///< Of the configuration; reported by start().
  std::vector<std::unique_ptr<Route>> routes_;
  std::vector<Target> targets_;
  Router router_;
  std::vector<StaticFile> pending_files_;
  http::StaticFiles files_;
  std::vector<Endpoint> endpoints_;
  std::vector<std::string> bound_;
  std::vector<std::string> bound_secure_;
  std::vector<std::string> unix_paths_;  ///< Removed at the end.
  Admission admission_;
  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>(*this);
  std::optional<SecureState> secure_;  ///< Made by start() where options_ have TLS.
  std::vector<std::unique_ptr<Shard>> shards_;
  std::atomic<bool> shards_made_{false};  ///< Before it other threads keep away from shards_.
  TicketClock ticket_clock_{*this};       ///< On the first shard's wheel, so it goes before.
  std::atomic<StopLevel> stop_level_{StopLevel::running};
  bool started_ = false;
};

}  // namespace walkie::server
