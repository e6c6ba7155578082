// SPDX-License-Identifier: MIT
// The options of `walkie serve` and what they mean to the server.
#include <cli/serve_options.hpp>

#include <array>
#include <map>
#include <set>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

using std::chrono::milliseconds;

const Environment kNothing = [](const std::string&) { return std::optional<std::string>(); };

Result<Settings> load(std::initializer_list<std::string_view> words,
                      const Environment& environment = kNothing) {
  const auto arguments = parse_arguments(serve_options(), {words.begin(), words.size()});
  REQUIRE(arguments);
  return load_serve_settings(*arguments, environment);
}

std::string error_of(std::initializer_list<std::string_view> words) {
  const auto settings = load(words);
  return settings ? "" : settings.error().message;
}

TEST_CASE("every option has names of its own, help, and a default in its range") {
  std::set<std::string_view> keys;
  std::set<std::string_view> flags;
  for (const Option& option : serve_options()) {
    CHECK(keys.insert(option.key).second);
    CHECK(flags.insert(option.flag).second);
    CHECK_FALSE(option.help.empty());
    CHECK_FALSE(option.help.ends_with('.'));
    CHECK(parse_value(option, option.preset).has_value());
  }
}

TEST_CASE("the options print in few tables, each once") {
  const auto settings = load({});
  REQUIRE(settings);
  const auto file = parse_toml(settings_as_toml(*settings), "printed");
  REQUIRE(file);  // a table that came twice would not parse
  CHECK(file->entries.size() == serve_options().size() - 1);
}

TEST_CASE("the defaults are those of the library, but for the two routes") {
  const Settings settings(serve_options());
  const ServerOptions server = server_options(settings, {});
  const ServerOptions library;
  CHECK(server.threads == library.threads);
  CHECK(server.connections_max == library.connections_max);
  CHECK(server.connections_per_address_max == library.connections_per_address_max);
  CHECK(server.head_bytes_max == library.head_bytes_max);
  CHECK(server.body_bytes_max == library.body_bytes_max);
  CHECK(server.handshake_timeout == library.handshake_timeout);
  CHECK(server.http_idle_timeout == library.http_idle_timeout);
  CHECK(server.drain_time == library.drain_time);
  const WebSocketOptions echo = websocket_options(settings, kEchoMessageKey);
  const WebSocketOptions chat = websocket_options(settings, kChatMessageKey);
  const WebSocketOptions route;
  CHECK(echo.message_bytes_max == 64 << 20);
  CHECK(chat.message_bytes_max == 64 << 10);
  CHECK(echo.fragments_max == route.fragments_max);
  CHECK(echo.send_queue_bytes_max == route.send_queue_bytes_max);
  CHECK(echo.slow_consumer == route.slow_consumer);
  CHECK(echo.ping_interval == route.ping_interval);
  CHECK(echo.pong_timeout == route.pong_timeout);
  CHECK(echo.idle_timeout == route.idle_timeout);
  CHECK(echo.close_timeout == route.close_timeout);
  CHECK(echo.message_timeout == route.message_timeout);
  CHECK(echo.compression == route.compression);
  CHECK(echo.context_takeover == route.context_takeover);
  CHECK(echo.window_bits == route.window_bits);
  CHECK(echo.compression_level == route.compression_level);
  CHECK(echo.compression_threshold_bytes == route.compression_threshold_bytes);
  CHECK(echo.origin.same_origin);
  CHECK(echo.origin.allowed.empty());
}

TEST_CASE("each way to reach sockets has its name") {
  const auto backend_of = [](std::initializer_list<std::string_view> flags) {
    const auto settings = load(flags);
    REQUIRE(settings);
    return server_options(*settings, {}).io;
  };
  CHECK(backend_of({}) == IoBackend::epoll);
  CHECK(backend_of({"--io=auto"}) == IoBackend::automatic);
  CHECK(backend_of({"--io=uring"}) == IoBackend::uring);
  CHECK(backend_of({"--io=epoll"}) == IoBackend::epoll);
}

TEST_CASE("each flag reaches the server's options") {
  const auto settings = load({"--threads=auto", "--io=epoll", "--max-connections=7",
                              "--max-connections-per-address=2", "--max-head=1KiB",
                              "--max-body=2KiB", "--handshake-timeout=1s", "--http-idle-timeout=2s",
                              "--drain-time=0", "--unix-mode=660"});
  REQUIRE(settings);
  const ServerOptions options = server_options(*settings, {});
  CHECK(options.threads == 0);
  CHECK(options.io == IoBackend::epoll);
  CHECK(options.connections_max == 7);
  CHECK(options.connections_per_address_max == 2);
  CHECK(options.head_bytes_max == 1024);
  CHECK(options.body_bytes_max == 2048);
  CHECK(options.handshake_timeout == milliseconds(1000));
  CHECK(options.http_idle_timeout == milliseconds(2000));
  CHECK(options.drain_time == milliseconds(0));
  CHECK(options.unix_mode == 0660);
}

TEST_CASE("each flag reaches the routes' options") {
  const auto settings = load(
      {"--max-echo-message=1M", "--max-chat-message=1k", "--max-fragments=9", "--max-send-queue=3M",
       "--slow-consumer=keep-latest", "--ping-interval=off", "--pong-timeout=1s",
       "--message-timeout=4s", "--idle-timeout=2s", "--close-timeout=3s", "--compression=off",
       "--context-takeover=off", "--window-bits=9", "--compression-level=9",
       "--compression-threshold=1k", "--allow-origin=https://a.example", "--allow-origin=*"});
  REQUIRE(settings);
  const WebSocketOptions options = websocket_options(*settings, kEchoMessageKey);
  CHECK(options.message_bytes_max == 1 << 20);
  CHECK(websocket_options(*settings, kChatMessageKey).message_bytes_max == 1024);
  CHECK(options.fragments_max == 9);
  CHECK(options.send_queue_bytes_max == 3 << 20);
  CHECK(options.slow_consumer == SlowConsumer::keep_latest);
  CHECK(options.ping_interval == milliseconds(0));
  CHECK(options.pong_timeout == milliseconds(1000));
  CHECK(options.idle_timeout == milliseconds(2000));
  CHECK(options.message_timeout == milliseconds(4000));
  CHECK(options.close_timeout == milliseconds(3000));
  CHECK_FALSE(options.compression);
  CHECK_FALSE(options.context_takeover);
  CHECK(options.window_bits == 9);
  CHECK(options.compression_level == 9);
  CHECK(options.compression_threshold_bytes == 1024);
  CHECK(options.origin.allowed == std::vector<std::string>{"https://a.example", "*"});
  const auto dropping = load({"--slow-consumer=drop-oldest"});
  CHECK(websocket_options(*dropping, kEchoMessageKey).slow_consumer == SlowConsumer::drop_oldest);
}

TEST_CASE("an endpoint that is none is refused before anything starts") {
  CHECK(error_of({"--listen=8000"}).starts_with("--listen: address '8000'"));
  CHECK(error_of({"--listen=[::1]:8000", "--listen=unix:/tmp/x"}).empty());
}

TEST_CASE("an origin without its scheme is refused with what was meant") {
  CHECK(error_of({"--allow-origin=example.com"}) ==
        "--allow-origin: \"example.com\" is no origin; did you mean \"https://example.com\"?");
}

TEST_CASE("a file that is not there is refused, whoever names it") {
  CHECK(error_of({"--config=/nonexistent"}) == "reading /nonexistent: No such file or directory");
  const auto settings = load({}, [](const std::string& name) {
    return name == "WALKIE_CONFIG" ? std::optional<std::string>("/nonexistent") : std::nullopt;
  });
  CHECK(!settings);
}

TEST_CASE("a variable that is nearly a known one is pointed out") {
  const std::array<const char*, 6> environment{"WALKIE_LISTNE=x",         "WALKIE_THREADS=2",
                                               "WALKIE_SOMETHING_ELSE=1", "PATH=/bin",
                                               "WALKIE_CONFIG=x",         nullptr};
  CHECK(suspicious_variables(serve_options(), environment.data()) ==
        std::vector<std::string>{"WALKIE_LISTNE is ignored; did you mean WALKIE_LISTEN?"});
}

}  // namespace
}  // namespace walkie::cli
