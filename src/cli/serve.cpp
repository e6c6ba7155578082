// SPDX-License-Identifier: MIT
// `walkie serve`: the page, /echo, /chat/:room, /health and /metrics, until a signal ends it.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include <fmt/core.h>
#include <unistd.h>

#include <cli/commands.hpp>
#include <cli/log_lines.hpp>
#include <cli/prometheus.hpp>
#include <cli/serve_options.hpp>
#include <cli/serve_tls.hpp>
#include <cli/web_files.hpp>
#include <io/signals.hpp>
#include <walkie/server.hpp>

namespace walkie::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: walkie serve [OPTION...]\n\n"
    "Serves a page at / with a console and a chat, WebSockets at /echo and /chat/:room, /health\n"
    "and /metrics (Prometheus). SIGTERM or SIGINT closes all connections with 1001 and ends; a\n"
    "second one ends at once. With TLS, SIGHUP reads the certificates again. Each option is also a "
    "variable (WALKIE_LISTEN) and a key in a TOML\n"
    "file; flags win over variables, variables over the file. `walkie config` shows the "
    "outcome.\n\n";

LogLevel log_level_of(std::string_view word) {
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warning})
    if (level_name(level) == word) return level;
  return LogLevel::error;
}

LogSink log_sink(const Settings& settings) {
  const LogFormat format =
      settings.text("log.format") == "json" ? LogFormat::json : LogFormat::text;
  return make_log_sink(log_level_of(settings.text("log.level")), format, STDERR_FILENO);
}

WebSocketRoute echo_route(const Settings& settings) {
  WebSocketRoute route;
  route.on_message = [](Peer& peer, MessageView message) { peer.send(message); };
  route.options = websocket_options(settings, kEchoMessageKey);
  return route;
}

/// A chat connection knows the topic of its room: the request's parameters die with the handshake.
struct ChatMember {
  std::string topic;
};

WebSocketRouteOf<ChatMember> chat_route(const Settings& settings, Server& server) {
  WebSocketRouteOf<ChatMember> route;
  route.on_upgrade = [](const UpgradeRequest& request, Upgrade upgrade) {
    upgrade.set_state(ChatMember{"chat/" + std::string(request.param("room"))});
    upgrade.accept();
  };
  route.on_open = [](Peer& peer, ChatMember& member) { peer.subscribe(member.topic); };
  route.on_message = [&server](Peer& peer, ChatMember& member, MessageView message) {
    if (message.is_text())
      server.publish(member.topic, message);
    else
      peer.close(CloseCode::unsupported_data, "chat rooms take text only");
  };
  route.options = websocket_options(settings, kChatMessageKey);
  return route;
}

HttpResponse health_response(bool draining) {
  HttpResponse response;
  response.status = draining ? 503 : 200;
  response.body = draining ? "draining\n" : "ok\n";
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

HttpResponse metrics_response(const Server& server) {
  HttpResponse response;
  response.content_type = kPrometheusContentType;
  response.body = prometheus_text(server.metrics(), version());
  return response;
}

void add_routes(Server& server, const Settings& settings) {
  server.websocket("/echo", echo_route(settings));
  server.websocket("/chat/:room", chat_route(settings, server));
  server.http("GET", "/health",
              [&server](const HttpRequest&) { return health_response(server.stopping()); });
  server.http("GET", "/metrics",
              [&server](const HttpRequest&) { return metrics_response(server); });
  const auto files = web_files();
  server.files({files.begin(), files.end()});
  for (const ServeEndpoint& endpoint : serve_endpoints(settings)) {
    if (endpoint.tls)
      server.listen_tls(endpoint.address);
    else
      server.listen(endpoint.address);
  }
}

void print_endpoints(const Server& server) {
  const unsigned threads = server.threads();
  const auto secure = server.tls_endpoints();
  for (const std::string& endpoint : server.endpoints()) {
    const std::string_view scheme = std::ranges::count(secure, endpoint) > 0 ? "https://"
                                    : endpoint.starts_with("unix:")          ? ""
                                                                             : "http://";
    fmt::print("walkie {} listening on {}{} ({} thread{}, {})\n", version(), scheme, endpoint,
               threads, threads == 1 ? "" : "s", server.io_backend());
  }
  std::fflush(stdout);
}

/// Without TLS a hang-up ends the process, as it does by itself.
std::vector<int> watched_signals(bool secure) {
  std::vector<int> signals{SIGTERM, SIGINT};
  if (secure) signals.push_back(SIGHUP);
  return signals;
}

ExitCode serve(const Settings& settings) {
  ServerOptions options = server_options(settings, log_sink(settings));
  if (settings.on("tls.self_signed")) {
    auto made = development_certificate(process_environment());
    if (!made) return complain(made.error().message, ExitCode::failure);
    fmt::print(stderr, "{}", how_to_trust(made->certificate_file));
    options.tls->certificates.push_back(*std::move(made));
  }
  const bool secure = options.tls.has_value();
  Server server(std::move(options));
  add_routes(server, settings);
  // Before the server's threads start, so that they too leave these signals to the watch.
  const io::SignalWatch watch(watched_signals(secure), [&server](int signal) {
    if (signal == SIGHUP) return static_cast<void>(server.reload_tls());  // which logs
    if (server.stopping()) std::_Exit(128 + signal);
    server.stop();
  });
  if (const auto started = server.start(); !started)
    return complain(started.error().message, ExitCode::failure);
  print_endpoints(server);
  server.wait();
  return ExitCode::success;
}

}  // namespace

ExitCode run_serve(CommandArguments arguments) {
  const auto parsed = parse_arguments(serve_options(), arguments);
  if (!parsed) return complain(parsed.error().message, ExitCode::usage);
  if (parsed->help) {
    fmt::print("{}{}", kUsage, options_help(serve_options()));
    return ExitCode::success;
  }
  if (!parsed->words.empty())
    return complain(fmt::format("serve takes no \"{}\"; to choose the address: --listen {}",
                                parsed->words.front(), parsed->words.front()),
                    ExitCode::usage);
  const auto settings = load_serve_settings(*parsed, process_environment());
  if (!settings) return complain(settings.error().message, ExitCode::usage);
  for (const std::string& line : suspicious_variables(serve_options(), environ))
    fmt::print(stderr, "walkie: {}\n", line);
  return serve(*settings);
}

}  // namespace walkie::cli
