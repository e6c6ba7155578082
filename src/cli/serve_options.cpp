// SPDX-License-Identifier: MIT
// The options of `walkie serve`: the one table, and its values as server options.
#include <cli/serve_options.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>

#include <fmt/core.h>

#include <cli/serve_tls.hpp>
#include <cli/suggest.hpp>
#include <io/endpoint.hpp>

namespace walkie::cli {
namespace {

using enum OptionKind;

constexpr std::int64_t kCountMax = UINT32_MAX;
constexpr std::int64_t kSizeMax = std::int64_t{1} << 40;
constexpr std::int64_t kTimeMsMax = std::int64_t{30} * 24 * 3600 * 1000;
constexpr std::int64_t kMsMin = 1;

constexpr std::array<std::string_view, 3> kBackends{"auto", "uring", "epoll"};
constexpr std::array<std::string_view, 2> kTlsVersions{"1.2", "1.3"};
constexpr std::array<std::string_view, 3> kClientCertificates{"off", "optional", "required"};
constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
constexpr std::array<std::string_view, 2> kFormats{"text", "json"};
constexpr std::array<std::string_view, 3> kSlowConsumers{"close", "drop-oldest", "keep-latest"};

constexpr auto kServeOptions = std::to_array<Option>({
    {.key = "config",
     .flag = "config",
     .help = "Read options from this TOML file (also WALKIE_CONFIG)",
     .value_name = "FILE",
     .flag_only = true},
    {.key = "listen",
     .flag = "listen",
     .kind = list,
     .preset = "127.0.0.1:8000",
     .help =
         "Listen here; may be given several times. \"*:8000\" is every address, port 0 any free "
         "port. \"http://\" or \"https://\" before it chooses; else TCP is https where a "
         "certificate is given",
     .value_name = "HOST:PORT|unix:PATH"},
    {.key = "threads",
     .flag = "threads",
     .kind = number,
     .preset = "1",
     .help = "Threads, each with its own share of the connections; auto: one per processor",
     .min = 1,
     .max = 1024,
     .zero_word = "auto"},
    {.key = "io",
     .flag = "io",
     .kind = choice,
     .preset = "epoll",
     .help = "How to reach sockets; auto: io_uring where the kernel has it",
     .choices = kBackends},
    {.key = "slow_consumer",
     .flag = "slow-consumer",
     .kind = choice,
     .preset = "close",
     .help = "What happens where a client reads too slowly and its send queue is full: close with "
             "1013, drop the oldest messages, or keep only the latest",
     .choices = kSlowConsumers},
    {.key = "allow_origin",
     .flag = "allow-origin",
     .kind = list,
     .preset = "",
     .help = "Pages of this origin may connect, besides those that this server serves; "
             "\"https://*.example.com\" and \"*\" work. May be given several times",
     .value_name = "ORIGIN"},
    {.key = "unix_mode",
     .flag = "unix-mode",
     .kind = mode,
     .preset = "umask",
     .help = "File mode of unix sockets",
     .min = 0,
     .max = 0777,
     .zero_word = "umask"},
    {.key = "tls.cert",
     .flag = "tls-cert",
     .kind = list,
     .preset = "",
     .help = "Certificate in PEM, its intermediates behind it. May be given several times: the "
             "one whose names match the client's SNI is shown, else the first",
     .value_name = "FILE"},
    {.key = "tls.key",
     .flag = "tls-key",
     .kind = list,
     .preset = "",
     .help = "Its private key in PEM, one for each certificate in the same order; left out: in "
             "the certificates' files",
     .value_name = "FILE"},
    {.key = "tls.self_signed",
     .flag = "tls-self-signed",
     .kind = on_off,
     .preset = "off",
     .help = "Show a development certificate for localhost, kept in the cache directory, and say "
             "how to trust it"},
    {.key = "tls.min",
     .flag = "tls-min",
     .kind = choice,
     .preset = "1.2",
     .help = "The oldest TLS version",
     .choices = kTlsVersions},
    {.key = "tls.client_certs",
     .flag = "tls-client-certs",
     .kind = choice,
     .preset = "off",
     .help = "Ask clients for certificates",
     .choices = kClientCertificates},
    {.key = "tls.client_ca",
     .flag = "tls-client-ca",
     .preset = "",
     .help = "The authorities that sign clients' certificates, in PEM",
     .value_name = "FILE"},
    {.key = "tls.ocsp",
     .flag = "tls-ocsp",
     .kind = list,
     .preset = "",
     .help = "OCSP response in DER to staple, one for each certificate in the same order",
     .value_name = "FILE"},
    {.key = "log.level",
     .flag = "log-level",
     .kind = choice,
     .preset = "info",
     .help = "The least important lines that are logged",
     .choices = kLevels},
    {.key = "log.format",
     .flag = "log-format",
     .kind = choice,
     .preset = "text",
     .help = "Log lines on stderr for people or as one JSON object each",
     .choices = kFormats},
    {.key = "limits.connections",
     .flag = "max-connections",
     .kind = number,
     .preset = "1000000",
     .help = "Connections in all; more get 503",
     .min = 1,
     .max = kCountMax},
    {.key = "limits.connections_per_address",
     .flag = "max-connections-per-address",
     .kind = number,
     .preset = "unlimited",
     .help = "Connections of one address; more get 429",
     .min = 1,
     .max = kCountMax,
     .zero_word = "unlimited"},
    {.key = kEchoMessageKey,
     .flag = "max-echo-message",
     .kind = size,
     .preset = "64MiB",
     .help = "The longest message that /echo takes; longer ones end the connection with 1009",
     .min = 1,
     .max = kSizeMax},
    {.key = kChatMessageKey,
     .flag = "max-chat-message",
     .kind = size,
     .preset = "64KiB",
     .help = "The same for /chat",
     .min = 1,
     .max = kSizeMax},
    {.key = "limits.fragments",
     .flag = "max-fragments",
     .kind = number,
     .preset = "131072",
     .help = "Frames of one message; more end the connection with 1008",
     .min = 1,
     .max = kCountMax},
    {.key = "limits.head",
     .flag = "max-head",
     .kind = size,
     .preset = "16KiB",
     .help = "The longest head of a request; longer ones get 431",
     .min = 256,
     .max = 1 << 24},
    {.key = "limits.body",
     .flag = "max-body",
     .kind = size,
     .preset = "1MiB",
     .help = "The longest body of an ordinary request; longer ones get 413",
     .min = 0,
     .max = kSizeMax},
    {.key = "limits.send_queue",
     .flag = "max-send-queue",
     .kind = size,
     .preset = "16MiB",
     .help = "Bytes that may wait for one client; one message may always wait alone",
     .min = 1,
     .max = kSizeMax},
    {.key = "timeouts.handshake",
     .flag = "handshake-timeout",
     .kind = duration,
     .preset = "10s",
     .help = "For a request's head to arrive",
     .min = kMsMin,
     .max = kTimeMsMax},
    {.key = "timeouts.http_idle",
     .flag = "http-idle-timeout",
     .kind = duration,
     .preset = "60s",
     .help = "Between two requests of one connection",
     .min = kMsMin,
     .max = kTimeMsMax},
    {.key = "timeouts.ping_interval",
     .flag = "ping-interval",
     .kind = duration,
     .preset = "30s",
     .help = "Between our Pings to a client",
     .min = kMsMin,
     .max = kTimeMsMax,
     .zero_word = "off"},
    {.key = "timeouts.pong",
     .flag = "pong-timeout",
     .kind = duration,
     .preset = "20s",
     .help = "Silence after that ping until the client counts as gone",
     .min = kMsMin,
     .max = kTimeMsMax},
    {.key = "timeouts.message",
     .flag = "message-timeout",
     .kind = duration,
     .preset = "2m",
     .help = "From a message's first bytes to its last; slower ones end the connection with 1008",
     .min = kMsMin,
     .max = kTimeMsMax,
     .zero_word = "off"},
    {.key = "timeouts.idle",
     .flag = "idle-timeout",
     .kind = duration,
     .preset = "off",
     .help = "A connection without messages for so long is closed with 1001",
     .min = kMsMin,
     .max = kTimeMsMax,
     .zero_word = "off"},
    {.key = "timeouts.close",
     .flag = "close-timeout",
     .kind = duration,
     .preset = "5s",
     .help = "For the client's answer to a Close frame",
     .min = kMsMin,
     .max = kTimeMsMax},
    {.key = "timeouts.drain",
     .flag = "drain-time",
     .kind = duration,
     .preset = "5s",
     .help = "On SIGTERM or SIGINT the connections are closed with 1001 over this time; 0: at once",
     .min = 0,
     .max = kTimeMsMax},
    {.key = "compression.enabled",
     .flag = "compression",
     .kind = on_off,
     .preset = "on",
     .help = "Agree to permessage-deflate (RFC 7692)"},
    {.key = "compression.context_takeover",
     .flag = "context-takeover",
     .kind = on_off,
     .preset = "on",
     .help =
         "Compress with the memory of earlier messages: smaller, but up to 300 kB for each such "
         "connection"},
    {.key = "compression.window_bits",
     .flag = "window-bits",
     .kind = number,
     .preset = "15",
     .help = "How far back compression looks: 2 to the power of this, in bytes",
     .min = 9,
     .max = 15},
    {.key = "compression.level",
     .flag = "compression-level",
     .kind = number,
     .preset = "1",
     .help = "From 1, fast, to 9, small",
     .min = 1,
     .max = 9},
    {.key = "compression.threshold",
     .flag = "compression-threshold",
     .kind = size,
     .preset = "64B",
     .help = "Shorter messages go uncompressed",
     .min = 0,
     .max = kCountMax},
});

std::chrono::milliseconds time(const Settings& settings, std::string_view key) {
  return std::chrono::milliseconds(settings.number(key));
}

template <class Number>
Number number_as(const Settings& settings, std::string_view key) {
  return static_cast<Number>(settings.number(key));  // the table's ranges make it fit
}

SlowConsumer slow_consumer_of(std::string_view word) {
  if (word == "drop-oldest") return SlowConsumer::drop_oldest;
  if (word == "keep-latest") return SlowConsumer::keep_latest;
  return SlowConsumer::close;
}

/// What the options mean beyond their types: found here, it is a usage error with its source.
Result<void> check_meaning(const Settings& settings) {
  const auto fault = [&settings](std::string_view key, std::string_view what) {
    const Option& option = *std::ranges::find(settings.table(), key, &Option::key);
    const std::string& source = settings.source(option);
    return std::unexpected(Error{fmt::format("{}: {}", source, what), {}});
  };
  if (settings.list("listen").empty()) return fault("listen", "listen needs an endpoint");
  for (const ServeEndpoint& endpoint : serve_endpoints(settings))
    if (const auto parsed = io::parse_endpoint(endpoint.address); !parsed)
      return fault("listen", parsed.error().message);
  if (const auto wrong = fault_of_tls(settings)) return fault(wrong->key, wrong->what);
  for (const std::string& origin : settings.list("allow_origin"))
    if (origin != "*" && origin != "null" && origin.find("://") == std::string::npos)
      return fault("allow_origin",
                   fmt::format("\"{0}\" is no origin; did you mean \"https://{0}\"?", origin));
  return {};
}

/// The file's name: the last --config, else WALKIE_CONFIG, else none.
std::optional<std::string> config_path(const Arguments& arguments, const Environment& environment) {
  std::optional<std::string> path = environment("WALKIE_CONFIG");
  if (path && path->empty()) path.reset();
  for (const GivenFlag& flag : arguments.flags)
    if (flag.option->key == "config") path = flag.value;
  return path;
}

}  // namespace

OptionTable serve_options() noexcept { return kServeOptions; }

Result<Settings> load_serve_settings(const Arguments& arguments, const Environment& environment) {
  Settings settings(serve_options());
  if (const auto path = config_path(arguments, environment)) {
    const auto file = read_toml(*path);
    if (!file) return std::unexpected(file.error());
    if (auto applied = settings.apply_file(*file); !applied)
      return std::unexpected(std::move(applied.error()));
  }
  if (auto applied = settings.apply_environment(environment); !applied)
    return std::unexpected(std::move(applied.error()));
  if (auto applied = settings.apply_flags(arguments.flags); !applied)
    return std::unexpected(std::move(applied.error()));
  if (auto checked = check_meaning(settings); !checked)
    return std::unexpected(std::move(checked.error()));
  return settings;
}

std::vector<std::string> suspicious_variables(OptionTable table, const char* const* environment) {
  std::vector<std::string> names{"WALKIE_CONFIG"};
  for (const Option& option : table) names.push_back(variable_name(option));
  const std::vector<std::string_view> known(names.begin(), names.end());
  std::vector<std::string> lines;
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry(*environment);
    const std::string_view name = entry.substr(0, entry.find('='));
    if (!name.starts_with("WALKIE_")) continue;
    const std::string_view near = closest(name, known);
    // Others may use the prefix for purposes of their own: only a near miss is worth a word.
    if (near.empty() || near == name || edit_distance(name, near) > 2) continue;
    lines.push_back(fmt::format("{} is ignored; did you mean {}?", name, near));
  }
  return lines;
}

ServerOptions server_options(const Settings& settings, LogSink log) {
  ServerOptions options;
  options.threads = number_as<unsigned>(settings, "threads");
  const std::string_view io = settings.text("io");
  options.io = io == "epoll"   ? IoBackend::epoll
               : io == "uring" ? IoBackend::uring
                               : IoBackend::automatic;
  options.connections_max = number_as<std::uint32_t>(settings, "limits.connections");
  options.connections_per_address_max =
      number_as<std::uint32_t>(settings, "limits.connections_per_address");
  options.head_bytes_max = number_as<std::size_t>(settings, "limits.head");
  options.body_bytes_max = number_as<std::uint64_t>(settings, "limits.body");
  options.handshake_timeout = time(settings, "timeouts.handshake");
  options.http_idle_timeout = time(settings, "timeouts.http_idle");
  options.drain_time = time(settings, "timeouts.drain");
  options.unix_mode = number_as<unsigned>(settings, "unix_mode");
  if (has_certificates(settings)) options.tls = tls_options(settings);
  options.handle_signals = false;  // the command watches them itself
  options.log = std::move(log);
  return options;
}

WebSocketOptions websocket_options(const Settings& settings, std::string_view message_bytes_key) {
  WebSocketOptions options;
  options.message_bytes_max = number_as<std::uint64_t>(settings, message_bytes_key);
  options.fragments_max = number_as<std::uint32_t>(settings, "limits.fragments");
  options.send_queue_bytes_max = number_as<std::size_t>(settings, "limits.send_queue");
  options.slow_consumer = slow_consumer_of(settings.text("slow_consumer"));
  options.ping_interval = time(settings, "timeouts.ping_interval");
  options.pong_timeout = time(settings, "timeouts.pong");
  options.message_timeout = time(settings, "timeouts.message");
  options.idle_timeout = time(settings, "timeouts.idle");
  options.close_timeout = time(settings, "timeouts.close");
  options.compression = settings.on("compression.enabled");
  options.context_takeover = settings.on("compression.context_takeover");
  options.window_bits = number_as<int>(settings, "compression.window_bits");
  options.compression_level = number_as<int>(settings, "compression.level");
  options.compression_threshold_bytes = number_as<std::uint32_t>(settings, "compression.threshold");
  options.origin.allowed = settings.list("allow_origin");
  return options;
}

}  // namespace walkie::cli
