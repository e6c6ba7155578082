// SPDX-License-Identifier: MIT
// The client's opening handshake: requests, judgements, redirects.
#include <client/handshake.hpp>

#include <algorithm>
#include <optional>

#include <base/header_field.hpp>
#include <base/printable.hpp>
#include <client/handshake_options.hpp>
#include <proto/handshake.hpp>

namespace walkie::client {
namespace {

struct Hint {
  int status;
  std::string_view text;
};

/// What usually is behind an answer that is no 101.
constexpr std::array kHints{
    Hint{200, "the path serves ordinary HTTP, or a proxy on the way stripped Upgrade"},
    Hint{400, "the server does not take this handshake; a proxy on the way may have changed it"},
    Hint{403, "the server may want another Origin, or credentials"},
    Hint{404, "nothing is at this path"},
    Hint{405, "no WebSocket is at this path: it takes no GET"},
    Hint{407, "a proxy on the way wants credentials"},
    Hint{408, "the server waited too long for the request"},
    Hint{410, "what was at this path is gone"},
    Hint{421, "the server does not answer for this host"},
    Hint{429, "the server had too many requests"},
    Hint{431, "the server finds the headers too large: cookies, perhaps"},
    Hint{500, "the server failed"},
    Hint{501, "the server does not know WebSockets"},
    Hint{502, "a gateway on the way has no working server behind it"},
    Hint{503, "the server is overloaded or not ready"},
    Hint{504, "a gateway on the way had no answer from the server behind it"},
};

bool is_redirect(int status) noexcept {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// Whether a server that speaks TLS complains that it met plain HTTP: nginx, Apache, Go and
/// haproxy each say so in their own words.
bool complains_of_plain_http(const HttpAnswer& answer) {
  std::string lower = answer.reason + " " + answer.body;
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower.contains("https") || lower.contains("ssl") || lower.contains("tls");
}

ConnectError error_of(ConnectFault fault, std::string message) {
  return {.fault = fault, .message = std::move(message)};
}

void add_field(OutgoingRequest& request, std::string_view name, std::string value) {
  if (!value.empty()) request.fields.emplace_back(name, std::move(value));
}

std::string joined(std::span<const std::string> words) {
  std::string list;
  for (const std::string& word : words) list.append(list.empty() ? "" : ", ").append(word);
  return list;
}

}  // namespace

proto::DeflatePolicy deflate_policy(const ClientOptions& options) noexcept {
  const auto window_bits = static_cast<std::uint8_t>(options.window_bits);
  return {.enabled = options.compression,
          .server_no_context_takeover = !options.context_takeover,
          .client_no_context_takeover = !options.context_takeover,
          .server_max_window_bits = window_bits,
          .client_max_window_bits = window_bits,
          .level = options.compression_level,
          .threshold_bytes = options.compression_threshold_bytes};
}

std::expected<Handshake, ConnectError> Handshake::make(std::string_view url, Fields headers,
                                                       const ClientOptions& options) {
  auto parsed = parse_websocket_url(url);
  if (!parsed)
    return std::unexpected(error_of(ConnectFault::bad_url, std::move(parsed.error().message)));
  if (auto fault = handshake_fault(headers, options, *parsed))
    return std::unexpected(error_of(ConnectFault::bad_url, *std::move(fault)));
  Handshake handshake;
  handshake.authorization_ = authorization_of(options, *parsed);
  handshake.url_ = *std::move(parsed);
  handshake.url_.user.clear();
  handshake.url_.password.clear();
  handshake.headers_.assign(headers.begin(), headers.end());
  handshake.cookies_ = options.cookies;
  handshake.origin_ = options.origin;
  handshake.subprotocols_ = options.subprotocols;
  handshake.deflate_ = deflate_policy(options);
  handshake.redirects_max_ = options.dial.redirects_max;
  return handshake;
}

OutgoingRequest Handshake::request(const std::array<std::byte, 16>& nonce) {
  key_ = proto::key_of_nonce(nonce);
  OutgoingRequest request{.method = "GET", .target = url_.target, .fields = {}};
  add_field(request, "Host", url_.host_field());
  add_field(request, "Upgrade", "websocket");
  add_field(request, "Connection", "Upgrade");
  add_field(request, "Sec-WebSocket-Key", key_);
  add_field(request, "Sec-WebSocket-Version", "13");
  add_field(request, "Sec-WebSocket-Protocol", joined(subprotocols_));
  add_field(request, "Sec-WebSocket-Extensions", proto::deflate_offer(deflate_));
  add_field(request, "Origin", origin_);
  const auto names_agent = [](const auto& header) {
    return equal_ignoring_case(header.first, "User-Agent");
  };
  if (std::ranges::none_of(headers_, names_agent))
    add_field(request, "User-Agent", std::string(kUserAgent));
  if (!credentials_dropped_) {
    add_field(request, "Authorization", authorization_);
    add_field(request, "Cookie", cookies_);
  }
  for (const auto& [name, value] : headers_) {
    if (credentials_dropped_ && is_credential(name)) continue;
    request.fields.emplace_back(name, value);
  }
  return request;
}

UpgradeOutcome Handshake::judge(const http::ClientEvent& event) {
  if (event.kind == http::ClientEvent::Kind::failed) return broken(event);
  const int status = event.head->status;
  if (status == 101) return judge_switch(event);
  HttpAnswer answer = answer_of(event);
  return is_redirect(status) ? follow(std::move(answer)) : rejected(std::move(answer));
}

UpgradeOutcome Handshake::judge_switch(const http::ClientEvent& event) const {
  auto agreed =
      proto::judge_response(event.head->status, event.head->fields, key_, subprotocols_, deflate_);
  if (agreed)
    return AgreedUpgrade{std::string(agreed->subprotocol), agreed->deflate, answer_of(event)};
  const proto::HandshakeFault& fault = agreed.error();
  std::string message = message_text(url_) + ": the server's handshake is broken: ";
  message.append(fault.text).append(" (").append(fault.clause).append(")");
  return ConnectError{.fault = ConnectFault::protocol,
                      .message = std::move(message),
                      .clause = fault.clause,
                      .answer = answer_of(event)};
}

/// There was no answer, or one that is no HTTP.
ConnectError Handshake::broken(const http::ClientEvent& event) const {
  std::string message = message_text(url_);
  if (event.ended_early) {
    message += ": the connection ended before the answer";
    if (!url_.secure()) message += "; if the port is for TLS, use wss://";
    return error_of(ConnectFault::ended, std::move(message));
  }
  const http::HeadErrorFacts& facts = http::facts_of(event.error);
  if (event.error == http::HeadError::not_http)
    message += url_.secure()
                   ? ": the server does not speak HTTP"
                   : ": the server does not speak HTTP; if the port is for TLS, use wss://";
  else
    message.append(": the answer is broken: ").append(facts.text);
  message.append(" (").append(facts.clause).append(")");
  return {.fault = ConnectFault::protocol, .message = std::move(message), .clause = facts.clause};
}

// -- redirects --

UpgradeOutcome Handshake::follow(HttpAnswer answer) {
  const std::string status = status_text(answer);
  const auto refuse = [&answer](std::string message) {
    return ConnectError{.fault = ConnectFault::redirect,
                        .message = std::move(message),
                        .answer = std::move(answer)};
  };
  const std::string location(answer.header("Location"));
  if (location.empty()) return refuse(message_text(url_) + ": " + status + " without a Location");
  auto next = http::resolve_location(url_, location);
  if (!next) return refuse(message_text(url_) + ": " + status + ": " + next.error().message);
  const std::string step = message_text(url_) + " redirects to " + message_text(*next);
  if (url_.secure() && !next->secure())
    return refuse(step + ": refused, as that would give up TLS");
  if (redirects_ >= redirects_max_)
    return refuse(step + ": refused, as " + std::to_string(redirects_max_) +
                  " redirects are the limit (redirects_max)");
  ++redirects_;
  credentials_dropped_ |= !url_.same_origin(*next);
  url_ = *std::move(next);
  return FollowedRedirect{step + " (" + status + ")"};
}

// -- rejections --

ConnectError Handshake::rejected(HttpAnswer answer) const {
  std::string message = message_text(url_) + ": the server answered " + status_text(answer);
  if (const std::string why = hint(answer); !why.empty()) message.append(": ").append(why);
  return {
      .fault = ConnectFault::rejected, .message = std::move(message), .answer = std::move(answer)};
}

std::string Handshake::hint(const HttpAnswer& answer) const {
  if (answer.status == 401) return credentials_hint(answer);
  if (answer.status == 400 && !url_.secure() && complains_of_plain_http(answer))
    return "the port is for TLS: use wss://";
  if (answer.status == 426) {
    const std::string_view versions = answer.header("Sec-WebSocket-Version");
    if (versions.empty()) return "the server wants another protocol than WebSocket 13";
    return "the server speaks WebSocket version " + base::printable(versions, 80) + ", not 13";
  }
  const auto known = std::ranges::find(kHints, answer.status, &Hint::status);
  std::string text(known == kHints.end() ? std::string_view{} : known->text);
  const std::string_view wait = answer.header("Retry-After");
  if (!wait.empty() && (answer.status == 429 || answer.status == 503))
    text.append("; Retry-After: ").append(base::printable(wait, 40));
  return text;
}

std::string Handshake::credentials_hint(const HttpAnswer& answer) const {
  const std::string schemes = asked_schemes(answer, "WWW-Authenticate");
  std::string text = "the server wants credentials";
  if (!schemes.empty()) text.append(" (").append(schemes).append(")");
  if (sends_credentials()) return text.append(", and does not take those that were sent");
  if (!credentials_dropped_) return text.append("; none were sent");
  return text.append("; none are sent after a redirect to another origin");
}

bool Handshake::sends_credentials() const noexcept {
  if (credentials_dropped_) return false;
  const auto authorizes = [](const auto& header) {
    return equal_ignoring_case(header.first, "Authorization");
  };
  return !authorization_.empty() || std::ranges::any_of(headers_, authorizes);
}

}  // namespace walkie::client
