// SPDX-License-Identifier: MIT
// Configuration, start, stop, and the ways between threads and shards.
#include <server/core.hpp>

#include <unistd.h>

#include <algorithm>
#include <thread>

#include <io/endpoint.hpp>
#include <link/stderr_log.hpp>

namespace walkie::server {
namespace {

http::ServerConnectionOptions http_options_of(const ServerOptions& options) {
  http::ServerConnectionOptions result;
  result.limits.head_bytes_max = options.head_bytes_max;
  result.limits.target_bytes_max = std::min(result.limits.target_bytes_max, options.head_bytes_max);
  result.body_bytes_max = options.body_bytes_max;
  result.head_timeout = options.handshake_timeout;
  result.idle_timeout = options.http_idle_timeout;
  return result;
}

io::Backend backend_of(IoBackend io) {
  switch (io) {
    case IoBackend::epoll:
      return io::Backend::epoll;
    case IoBackend::uring:
      return io::Backend::uring;
    case IoBackend::automatic:
      break;
  }
  return io::Backend::automatic;
}

/// All of one kind: shards share listening sockets, whose mode depends on it.
Result<std::vector<std::unique_ptr<io::Loop>>> make_loops(io::Backend backend, unsigned count) {
  std::vector<std::unique_ptr<io::Loop>> loops;
  while (loops.size() < count) {
    auto loop = io::make_loop(backend);
    if (!loop) return std::unexpected(std::move(loop.error()));
    loops.push_back(*std::move(loop));
    if (loops.front()->backend() == loops.back()->backend()) continue;
    return make_loops(io::Backend::epoll, count);
  }
  return loops;
}

}  // namespace

Core::Core(ServerOptions options)
    : options_(std::move(options)),
      http_options_(http_options_of(options_)),
      admission_(options_.connections_max, options_.connections_per_address_max) {
  if (!options_.log.write) options_.log = {LogLevel::error, link::log_to_stderr};
  if (options_.threads == 0) options_.threads = std::max(1U, std::thread::hardware_concurrency());
}

Core::~Core() {
  stop(StopLevel::now);
  wait();
  gate_->close();
  for (const std::string& path : unix_paths_) ::unlink(path.c_str());
}

// -- configuration --

void Core::add_websocket(std::string_view pattern, WebSocketRoute route,
                         std::function<std::shared_ptr<void>()> make_state) {
  auto parsed = Pattern::parse(pattern);
  if (!parsed) return faults_.push_back(parsed.error().message);
  if (const std::string fault = fault_of(route.options); !fault.empty())
    return faults_.push_back("route '" + std::string(pattern) + "': " + fault);
  routes_.push_back(
      std::make_unique<Route>(std::string(pattern), std::move(route), std::move(make_state)));
  router_.add(*std::move(parsed), targets_.size());
  targets_.push_back({.websocket = routes_.back().get(), .method = {}, .handler = {}});
}

void Core::add_http(std::string_view method, std::string_view pattern, HttpHandler handler) {
  auto parsed = Pattern::parse(pattern);
  if (!parsed) return faults_.push_back(parsed.error().message);
  router_.add(*std::move(parsed), targets_.size());
  targets_.push_back(
      {.websocket = nullptr, .method = std::string(method), .handler = std::move(handler)});
}

void Core::add_files(std::vector<StaticFile> files) {
  pending_files_.insert(pending_files_.end(), std::make_move_iterator(files.begin()),
                        std::make_move_iterator(files.end()));
}

// -- start and stop --

Result<void> Core::check() const {
  const auto fault = [](std::string text) { return std::unexpected(Error{std::move(text), {}}); };
  if (started_) return fault("the server was started before");
  if (!faults_.empty()) return fault(faults_.front());
  if (options_.publish_compression_level < 1 || options_.publish_compression_level > 9)
    return fault("publish_compression_level must be 1 to 9");
  if (options_.handshake_timeout <= options_.handshake_timeout.zero() ||
      options_.http_idle_timeout <= options_.http_idle_timeout.zero())
    return fault("handshake_timeout and http_idle_timeout must be positive");
  if (endpoints_.empty()) return fault("no address to listen on was given");
  for (const Endpoint& endpoint : endpoints_)
    if (endpoint.secure && !options_.tls)
      return fault("listening on " + endpoint.text + " with TLS needs a certificate");
  return {};
}

Result<void> Core::start() {
  if (auto checked = check(); !checked) return checked;
  started_ = true;
  files_ = http::StaticFiles(std::move(pending_files_));
  if (auto made = make_shards(); !made) return made;
  if (auto secured = start_tls(); !secured) return secured;
  if (auto bound = bind_all(); !bound) return bound;
  for (const auto& shard : shards_) shard->start_thread();
  if (stop_level() != StopLevel::running) wake_all();  // stop() may have come before the shards
  if (options_.on_listening) options_.on_listening(bound_);
  return {};
}

Result<void> Core::make_shards() {
  auto loops = make_loops(backend_of(options_.io), options_.threads);
  if (!loops) return std::unexpected(std::move(loops.error()));
  for (std::uint32_t index = 0; index < options_.threads; ++index)
    shards_.push_back(std::make_unique<Shard>(*this, index, std::move((*loops)[index])));
  shards_made_ = true;
  return {};
}

// -- TLS --

Result<void> Core::start_tls() {
  if (!options_.tls) return {};
  secure_.emplace(*options_.tls);
  if (auto loaded = secure_->load(); !loaded) return loaded;
  if (auto drawn = secure_->rotate_tickets(); !drawn) return drawn;
  if (secure_->ticket_key_lifetime().count() > 0) {
    io::Loop& loop = shards_.front()->loop();
    loop.timers().arm(ticket_clock_, loop.now() + secure_->ticket_key_lifetime());
  }
  return {};
}

Result<void> Core::reload_tls() {
  if (!secure_) return std::unexpected(Error{"this server speaks no TLS", {}});
  auto loaded = secure_->load();
  if (loaded)
    log(LogLevel::info, "tls certificates reloaded", {});
  else
    log(LogLevel::error, "tls certificates not reloaded", {{"why", loaded.error().message}});
  return loaded;
}

void Core::TicketClock::on_timer(Instant now) {
  if (auto drawn = core_.secure_->rotate_tickets(); !drawn)
    core_.log(LogLevel::error, "tls ticket key not replaced", {{"why", drawn.error().message}});
  else
    core_.log(LogLevel::debug, "tls ticket key replaced", {});
  core_.shards_.front()->loop().timers().arm(*this, now + core_.secure_->ticket_key_lifetime());
}

// -- listening --

Result<void> Core::bind_all() {
  for (const Endpoint& endpoint : endpoints_) {
    auto addresses = io::parse_endpoint(endpoint.text);
    if (!addresses) return std::unexpected(std::move(addresses.error()));
    for (const io::SocketAddress& address : *addresses)
      if (auto bound = bind(address, endpoint.secure); !bound) return bound;
  }
  return {};
}

/// One socket per shard on a TCP port; on a unix path one socket that all shards share.
Result<void> Core::bind(const io::SocketAddress& address, bool secure) {
  const bool is_unix = address.family() == AF_UNIX;
  io::ListenOptions listen_options{.reuse_port = !is_unix, .unix_mode = options_.unix_mode};
  auto first = io::listen_on(address, listen_options);
  if (!first) return std::unexpected(std::move(first.error()));
  auto bound = io::local_address(*first);
  if (!bound) return std::unexpected(std::move(bound.error()));
  bound_.push_back(bound->text());
  if (secure) bound_secure_.push_back(bound->text());
  if (is_unix && bound->text().starts_with("unix:/"))
    unix_paths_.push_back(bound->text().substr(5));
  listen_options.exclusive = false;  // the port is ours now
  for (std::size_t index = 1; index < shards_.size(); ++index) {
    io::Fd fd;
    if (is_unix) {
      fd = io::Fd(::dup(first->get()));
      if (!fd) return std::unexpected(errno_error("sharing " + bound->text()));
    } else {
      auto another = io::listen_on(*bound, listen_options);
      if (!another) return std::unexpected(std::move(another.error()));
      fd = *std::move(another);
    }
    if (auto listening = shards_[index]->listen(std::move(fd), secure); !listening)
      return listening;
  }
  return shards_.front()->listen(*std::move(first), secure);
}

void Core::stop(StopLevel level) noexcept {
  StopLevel current = stop_level_.load();
  while (current < level && !stop_level_.compare_exchange_weak(current, level)) {
  }
  if (shards_made_) wake_all();
}

void Core::wake_all() noexcept {
  for (const auto& shard : shards_) shard->wake();
}

void Core::wait() {
  for (const auto& shard : shards_) shard->join();
}

std::string_view Core::backend() const noexcept {
  return shards_.empty() ? std::string_view{} : shards_.front()->loop().description();
}

// -- between threads and shards --

SendStatus Core::publish(std::string_view topic, MessageView message, const Peer& except) {
  if (!shards_made_) return SendStatus::queued;  // nobody can have subscribed
  Shard* here = Shard::current();
  if (here && &here->core() != this) here = nullptr;
  if (here)
    here->publish(topic, message,
                  except.shard_ == here->index() ? key_of(except) : base::SlabKey{});
  if (shards_.size() == 1 && here) return SendStatus::queued;

  struct Publication {
    std::string topic;
    Message message;
    Peer except;
  };
  const auto publication = std::make_shared<const Publication>(
      Publication{std::string(topic), message.to_owned(), except});
  SendStatus status = SendStatus::queued;
  for (const auto& shard : shards_) {
    if (shard.get() == here) continue;
    const bool posted = shard->post([publication, &there = *shard] {
      const Peer& skip = publication->except;
      const bool ours = skip.core_ && skip.shard_ == there.index();
      there.publish(publication->topic, publication->message,
                    ours ? key_of(skip) : base::SlabKey{});
    });
    if (!posted) status = SendStatus::busy;
  }
  return status;
}

void Gate::answer(const RequestKey& request, Answer answer) {
  // On the shard's own thread the core is alive, and the answer may run handlers: no lock then.
  Shard* here = Shard::current();
  if (here && &here->core() == core_ && here->index() == request.shard) {
    if (Session* session = here->find(request.session))
      session->answer(request.number, std::move(answer));
    return;
  }
  const std::lock_guard lock(mutex_);
  Core* core = core_;
  if (!core) return;
  Shard& there = core->shard(request.shard);
  there.post_surely([request, late = std::move(answer), &there]() mutable {
    if (Session* session = there.find(request.session))
      session->answer(request.number, std::move(late));
  });
}

void Gate::close() {
  const std::lock_guard lock(mutex_);
  core_ = nullptr;
}

ServerMetrics Core::metrics() const {
  ServerMetrics metrics;
  metrics.turns.counts.resize(io::LoopStats::kBoundsUs.size() + 1);
  for (const std::uint32_t bound : io::LoopStats::kBoundsUs)
    metrics.turns.bounds_seconds.push_back(bound / 1e6);
  if (!shards_made_) return metrics;
  for (const auto& shard : shards_) {
    shard->counters().add_to(metrics);
    const io::LoopStats stats = shard->loop().stats();
    for (std::size_t i = 0; i < stats.turn_us.size(); ++i)
      metrics.turns.counts[i] += stats.turn_us[i];
    metrics.turns.sum_seconds += static_cast<double>(stats.busy_ns) / 1e9;
  }
  return metrics;
}

void Core::log(LogLevel level, std::string_view event,
               std::initializer_list<LogField> fields) const {
  if (options_.log.takes(level))
    options_.log.write({level, event, {fields.begin(), fields.size()}});
}

// -- peers --

Peer Core::peer(const Shard& shard, base::SlabKey key) noexcept {
  return Peer(this, shard.index(), key.slot, key.generation);
}

base::SlabKey Core::key_of(const Peer& peer) noexcept { return {peer.slot_, peer.generation_}; }

Core* Core::core_of(const Peer& peer) noexcept { return peer.core_; }

Shard& Core::shard_of(const Peer& peer) noexcept { return *shards_[peer.shard_]; }

}  // namespace walkie::server
