// SPDX-License-Identifier: MIT
// The table of `walkie connect`, and its values as client options.
#include <cli/connect_options.hpp>

#include <array>
#include <utility>

#include <fmt/core.h>

namespace walkie::cli {
namespace {

using enum OptionKind;

constexpr auto kConnectOptions = std::to_array<Option>({
    {.key = "header",
     .flag = "header",
     .letter = 'H',
     .kind = list,
     .help = "Add this header to the request; may be given several times",
     .value_name = "NAME:VALUE",
     .flag_only = true},
    {.key = "cookie",
     .flag = "cookie",
     .help = "Cookies for the request: \"a=1; b=2\"",
     .flag_only = true},
    {.key = "auth",
     .flag = "auth",
     .letter = 'u',
     .help = "Basic authentication; also from the URL",
     .value_name = "USER:PASSWORD",
     .flag_only = true},
    {.key = "bearer",
     .flag = "bearer",
     .help = "Authorization: Bearer with this token",
     .value_name = "TOKEN",
     .flag_only = true},
    {.key = "subprotocol",
     .flag = "subprotocol",
     .letter = 's',
     .kind = list,
     .help = "Offer this subprotocol; may be given several times, the preferred one first",
     .value_name = "NAME",
     .flag_only = true},
    {.key = "origin",
     .flag = "origin",
     .letter = 'o',
     .help = "The Origin header, as a page of that origin would send it",
     .value_name = "ORIGIN",
     .flag_only = true},
    {.key = "proxy",
     .flag = "proxy",
     .help = "Connect through http://, https://, socks5:// or socks5h://USER:PASSWORD@HOST:PORT; "
             "\"direct\" for none. Else by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY",
     .value_name = "URL",
     .flag_only = true},
    {.key = "unix",
     .flag = "unix",
     .help = "Connect to this unix socket in place of the URL's host",
     .value_name = "PATH",
     .flag_only = true},
    {.key = "insecure",
     .flag = "insecure",
     .letter = 'k',
     .kind = on_off,
     .preset = "off",
     .help = "Trust any certificate: anyone on the way can then read and change everything",
     .flag_only = true},
    {.key = "cacert",
     .flag = "cacert",
     .help = "Trust the authorities in this PEM file as well",
     .value_name = "FILE",
     .flag_only = true},
    {.key = "pin",
     .flag = "pin",
     .kind = list,
     .help = "The server's chain must have a key with this SHA-256 (Base64); may be given several "
             "times",
     .value_name = "HASH",
     .flag_only = true},
    {.key = "cert",
     .flag = "cert",
     .letter = 'E',
     .help = "Show this certificate (PEM, with its chain) where the server asks",
     .value_name = "FILE",
     .flag_only = true},
    {.key = "key",
     .flag = "key",
     .help = "The key of --cert; may stand in the same file",
     .value_name = "FILE",
     .flag_only = true},
    {.key = "server_name",
     .flag = "server-name",
     .help = "The name for SNI and for verification in place of the URL's host",
     .value_name = "NAME",
     .flag_only = true},
    {.key = "reconnect",
     .flag = "reconnect",
     .letter = 'r',
     .kind = on_off,
     .preset = "off",
     .help = "Connect again when the connection fails or is lost, after growing random pauses",
     .flag_only = true},
    {.key = "reconnect_attempts",
     .flag = "reconnect-attempts",
     .kind = number,
     .preset = "unlimited",
     .help = "Give up after so many failures in a row",
     .min = 1,
     .max = UINT32_MAX,
     .zero_word = "unlimited",
     .flag_only = true},
    {.key = "connect_timeout",
     .flag = "connect-timeout",
     .kind = duration,
     .preset = "30s",
     .help = "Until the WebSocket is open: look-up, TLS, proxy and redirects included",
     .min = 1,
     .max = kLongestMs,
     .flag_only = true},
    kSendOption,
    kOneOption,
    kMaxMessagesOption,
    kTimeoutOption,
    kWaitOption,
    kCloseOnEofOption,
    kBinaryOption,
    kBase64Option,
    kHexOption,
    kRawOption,
    kNullOption,
    kJsonOption,
    kPrettyOption,
    kTimestampsOption,
    kColourOption,
    kHistoryOption,
    kPingIntervalOption,
    kPongTimeoutOption,
    kCompressionOption,
    kMaxMessageOption,
    {.key = "verbose",
     .flag = "verbose",
     .letter = 'v',
     .kind = on_off,
     .preset = "off",
     .help = "Show the handshake of both sides and each frame on stderr",
     .flag_only = true},
    kQuietOption,
});

std::unexpected<Error> fault(std::string text) {
  return std::unexpected(Error{std::move(text), {}});
}

std::chrono::milliseconds time_of(const Settings& settings, std::string_view key) {
  return std::chrono::milliseconds(settings.number(key));
}

Result<std::string> url_of(const Arguments& arguments) {
  if (arguments.words.empty())
    return fault(
        "connect needs a URL, such as ws://localhost:8000/echo; see walkie connect --help");
  if (arguments.words.size() > 1)
    return fault(fmt::format("connect takes one URL; what is \"{}\"?", arguments.words[1]));
  const std::string& url = arguments.words.front();
  if (url.find("://") == std::string::npos)
    return fault(fmt::format("the URL \"{0}\" has no scheme; did you mean ws://{0}?", url));
  return url;
}

Result<void> set_credentials(ClientOptions& client, const Settings& settings) {
  const std::string& auth = settings.text("auth");
  client.bearer_token = settings.text("bearer");
  if (auth.empty()) return {};
  if (!client.bearer_token.empty()) return fault("--auth and --bearer exclude each other");
  const std::size_t colon = auth.find(':');
  if (colon == std::string::npos) return fault("--auth: expected USER:PASSWORD");
  client.user = auth.substr(0, colon);
  client.password = auth.substr(colon + 1);
  return {};
}

Result<void> set_request(ClientOptions& client, const Settings& settings) {
  for (const std::string& text : settings.list("header")) {
    auto header = parse_header(text);
    if (!header) return fault(fmt::format("--header: {}", header.error().message));
    client.headers.push_back(std::move(*header));
  }
  client.cookies = settings.text("cookie");
  client.origin = settings.text("origin");
  client.subprotocols = settings.list("subprotocol");
  return set_credentials(client, settings);
}

Result<void> set_dial(DialOptions& dial, const Settings& settings) {
  dial.proxy = settings.text("proxy");
  dial.unix_socket = settings.text("unix");
  dial.overall_timeout = time_of(settings, "connect_timeout");
  ClientTls& tls = dial.tls;
  tls.insecure_accept_any_certificate = settings.on("insecure");
  tls.ca_file = settings.text("cacert");
  tls.pinned_keys = settings.list("pin");
  tls.certificate_file = settings.text("cert");
  tls.key_file = settings.text("key");
  tls.server_name = settings.text("server_name");
  if (tls.certificate_file.empty() && !tls.key_file.empty()) return fault("--key needs --cert");
  if (tls.key_file.empty()) tls.key_file = tls.certificate_file;
  return {};
}

void set_connection(ClientOptions& client, const Settings& settings) {
  client.compression = settings.on("compression");
  client.message_bytes_max = static_cast<std::uint64_t>(settings.number("max_message"));
  client.queue_bytes_max += static_cast<std::size_t>(client.message_bytes_max);
  client.message_timeout = std::chrono::milliseconds(0);  // a person may watch a slow peer
  client.ping_interval = time_of(settings, "ping_interval");
  client.pong_timeout = time_of(settings, "pong_timeout");
  if (!settings.on("reconnect")) return;
  client.reconnect = Backoff{};
  client.reconnect->attempts_max =
      static_cast<std::uint32_t>(settings.number("reconnect_attempts"));
}

}  // namespace

OptionTable connect_options() noexcept { return kConnectOptions; }

Result<ConnectPlan> connect_plan(const Arguments& arguments, const Surroundings& around) {
  Settings settings(connect_options());
  if (auto applied = settings.apply_flags(arguments.flags); !applied)
    return std::unexpected(std::move(applied.error()));
  auto url = url_of(arguments);
  if (!url) return std::unexpected(std::move(url.error()));
  auto stream = stream_plan(settings, around);
  if (!stream) return std::unexpected(std::move(stream.error()));
  ConnectPlan plan{.url = std::move(*url), .stream = std::move(*stream)};
  if (auto set = set_request(plan.client, settings); !set)
    return std::unexpected(std::move(set.error()));
  if (auto set = set_dial(plan.client.dial, settings); !set)
    return std::unexpected(std::move(set.error()));
  set_connection(plan.client, settings);
  return plan;
}

}  // namespace walkie::cli
