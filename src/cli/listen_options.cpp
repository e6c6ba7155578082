// SPDX-License-Identifier: MIT
// The table of `walkie listen`, and its values as server options.
#include <cli/listen_options.hpp>

#include <array>

#include <fmt/core.h>

#include <cli/units.hpp>
#include <io/endpoint.hpp>

namespace walkie::cli {
namespace {

using enum OptionKind;

constexpr std::string_view kDefaultEndpoint = "127.0.0.1:8000";

constexpr auto kListenOptions = std::to_array<Option>({
    {.key = "echo",
     .flag = "echo",
     .letter = 'e',
     .kind = on_off,
     .preset = "off",
     .help = "Send each message back to its client as well",
     .flag_only = true},
    {.key = "subprotocol",
     .flag = "subprotocol",
     .letter = 's',
     .kind = list,
     .help = "Agree to this subprotocol; may be given several times, the preferred one first",
     .value_name = "NAME",
     .flag_only = true},
    {.key = "allow_origin",
     .flag = "allow-origin",
     .kind = list,
     .help = "Pages of this origin may connect; \"https://*.example.com\" and \"*\" work. May be "
             "given several times",
     .value_name = "ORIGIN",
     .flag_only = true},
    {.key = "header",
     .flag = "header",
     .letter = 'H',
     .kind = list,
     .help = "Add this header to the answer; may be given several times",
     .value_name = "NAME:VALUE",
     .flag_only = true},
    {.key = "tls_cert",
     .flag = "tls-cert",
     .help = "Speak wss with this certificate (PEM, with its chain)",
     .value_name = "FILE",
     .flag_only = true},
    {.key = "tls_key",
     .flag = "tls-key",
     .help = "The key of --tls-cert; may stand in the same file",
     .value_name = "FILE",
     .flag_only = true},
    {.key = "tls_self_signed",
     .flag = "tls-self-signed",
     .kind = on_off,
     .preset = "off",
     .help = "Speak wss with the development certificate of `walkie serve --tls-self-signed`",
     .flag_only = true},
    kSendOption,
    {.key = "one",
     .flag = "one",
     .letter = '1',
     .kind = on_off,
     .preset = "off",
     .help = "Take one client, and end with it",
     .flag_only = true},
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
     .help = "Show the server's log, refused requests included, on stderr",
     .flag_only = true},
    kQuietOption,
});

std::unexpected<Error> fault(std::string text) {
  return std::unexpected(Error{std::move(text), {}});
}

Result<std::string> endpoint_of(const Arguments& arguments) {
  if (arguments.words.empty()) return std::string(kDefaultEndpoint);
  if (arguments.words.size() > 1)
    return fault(fmt::format("listen takes one endpoint; what is \"{}\"?", arguments.words[1]));
  const std::string& word = arguments.words.front();
  std::string endpoint = parse_number(word) ? "127.0.0.1:" + word : word;
  if (const auto parsed = io::parse_endpoint(endpoint); !parsed)
    return std::unexpected(parsed.error());
  return endpoint;
}

Result<void> set_tls(ListenPlan& plan, const Settings& settings) {
  const std::string& certificate = settings.text("tls_cert");
  const std::string& key = settings.text("tls_key");
  plan.self_signed = settings.on("tls_self_signed");
  if (certificate.empty() && !key.empty()) return fault("--tls-key needs --tls-cert");
  if (!certificate.empty() && plan.self_signed)
    return fault("--tls-cert and --tls-self-signed exclude each other");
  if (certificate.empty()) return {};
  plan.tls.emplace();
  plan.tls->certificates.push_back(
      {.certificate_file = certificate, .key_file = key.empty() ? certificate : key});
  return {};
}

WebSocketOptions websocket_of(const Settings& settings) {
  const auto time_of = [&settings](std::string_view key) {
    return std::chrono::milliseconds(settings.number(key));
  };
  WebSocketOptions options;
  options.message_bytes_max = static_cast<std::uint64_t>(settings.number("max_message"));
  options.send_queue_bytes_max = static_cast<std::size_t>(settings.number("max_message"));
  options.message_timeout = std::chrono::milliseconds(0);  // a person may watch a slow peer
  options.ping_interval = time_of("ping_interval");
  options.pong_timeout = time_of("pong_timeout");
  options.compression = settings.on("compression");
  options.subprotocols = settings.list("subprotocol");
  options.origin.allowed = settings.list("allow_origin");
  return options;
}

}  // namespace

OptionTable listen_options() noexcept { return kListenOptions; }

Result<ListenPlan> listen_plan(const Arguments& arguments, const Surroundings& around) {
  Settings settings(listen_options());
  if (auto applied = settings.apply_flags(arguments.flags); !applied)
    return std::unexpected(std::move(applied.error()));
  auto endpoint = endpoint_of(arguments);
  if (!endpoint) return std::unexpected(std::move(endpoint.error()));
  auto stream = stream_plan(settings, around);
  if (!stream) return std::unexpected(std::move(stream.error()));
  ListenPlan plan{.endpoint = std::move(*endpoint), .stream = std::move(*stream)};
  plan.echo = settings.on("echo");
  plan.websocket = websocket_of(settings);
  if (auto set = set_tls(plan, settings); !set) return std::unexpected(std::move(set.error()));
  for (const std::string& text : settings.list("header")) {
    auto header = parse_header(text);
    if (!header) return fault(fmt::format("--header: {}", header.error().message));
    plan.headers.push_back(std::move(*header));
  }
  return plan;
}

}  // namespace walkie::cli
