// SPDX-License-Identifier: MIT
// The public server: a thin front of its core.
#include <walkie/server.hpp>

#include <csignal>
#include <optional>
#include <vector>

#include <io/signals.hpp>
#include <server/core.hpp>

namespace walkie {

using server::Core;
using server::StopLevel;

// -- answers --

Upgrade::Upgrade(std::shared_ptr<Target> target) noexcept : target_(std::move(target)) {}

Upgrade::~Upgrade() {
  if (target_) reject({.status = 500});
}

void Upgrade::accept(Accept answer) {
  if (const auto target = std::exchange(target_, nullptr))
    target->gate->answer(target->request,
                         server::UpgradeAccepted{std::move(answer), std::move(target->state)});
}

void Upgrade::reject(Reject answer) {
  if (const auto target = std::exchange(target_, nullptr))
    target->gate->answer(target->request, std::move(answer));
}

void Upgrade::set_state_pointer(std::shared_ptr<void> state) {
  if (target_) target_->state = std::move(state);
}

HttpReply::HttpReply(std::shared_ptr<Target> target) noexcept : target_(std::move(target)) {}

HttpReply::~HttpReply() {
  if (target_) send({.status = 500, .body = "internal error\n"});
}

void HttpReply::send(HttpResponse response) {
  if (const auto target = std::exchange(target_, nullptr))
    target->gate->answer(target->request, std::move(response));
}

// -- the server --

Server::Server(ServerOptions options) : core_(std::make_unique<Core>(std::move(options))) {}

Server::~Server() = default;

Server& Server::websocket(std::string_view pattern, WebSocketRoute route) {
  return add_route(pattern, std::move(route), {});
}

Server& Server::add_route(std::string_view pattern, WebSocketRoute route,
                          std::function<std::shared_ptr<void>()> make_state) {
  core_->add_websocket(pattern, std::move(route), std::move(make_state));
  return *this;
}

void* Server::state_of(const Peer& peer) noexcept {
  server::Session* session = server::Shard::current()->find(Core::key_of(peer));
  return session->state();
}

Server& Server::http(std::string_view method, std::string_view pattern, HttpHandler handler) {
  core_->add_http(method, pattern, std::move(handler));
  return *this;
}

Server& Server::http(std::string_view method, std::string_view pattern,
                     std::function<HttpResponse(const HttpRequest&)> handler) {
  return http(
      method, pattern,
      HttpHandler([handler = std::move(handler)](const HttpRequest& request, HttpReply reply) {
        reply.send(handler(request));
      }));
}

Server& Server::files(std::vector<StaticFile> files) {
  core_->add_files(std::move(files));
  return *this;
}

Server& Server::listen(std::string_view endpoint) {
  core_->add_endpoint(endpoint, false);
  return *this;
}

Server& Server::listen_tls(std::string_view endpoint) {
  core_->add_endpoint(endpoint, true);
  return *this;
}

Result<void> Server::start() { return core_->start(); }

int Server::run() {
  // Before any shard's thread, so that they all leave the signals to the watch.
  std::optional<io::SignalWatch> watch;
  std::vector<int> signals{SIGTERM, SIGINT};
  if (core_->options().tls) signals.push_back(SIGHUP);
  if (core_->options().handle_signals)
    watch.emplace(signals, [this](int signal) {
      if (signal == SIGHUP) return static_cast<void>(core_->reload_tls());
      const bool again = core_->stop_level() != StopLevel::running;
      core_->stop(again ? StopLevel::now : StopLevel::draining);
    });
  if (auto started = core_->start(); !started) {
    core_->log(LogLevel::error, started.error().message, {});
    return 1;
  }
  core_->wait();
  return 0;
}

std::vector<std::string> Server::endpoints() const { return core_->endpoints(); }

std::vector<std::string> Server::tls_endpoints() const { return core_->tls_endpoints(); }

Result<void> Server::reload_tls() { return core_->reload_tls(); }

std::string_view Server::io_backend() const { return core_->backend(); }

unsigned Server::threads() const { return core_->options().threads; }

void Server::stop() { core_->stop(StopLevel::draining); }

bool Server::stopping() const { return core_->stop_level() != StopLevel::running; }

void Server::wait() { core_->wait(); }

SendStatus Server::publish(std::string_view topic, MessageView message, const Peer& except) {
  return core_->publish(topic, message, except);
}

ServerMetrics Server::metrics() const { return core_->metrics(); }

}  // namespace walkie
