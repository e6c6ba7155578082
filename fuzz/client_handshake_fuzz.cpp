// SPDX-License-Identifier: MIT
// Fuzzes what a server may answer to the client's opening handshake: each answer is read whole and
// in pieces, must give the same event, and is judged.
//
//   input: [ options: one byte ] [ how it is cut: one byte ] [ bytes from the server ]
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include <base/assert.hpp>
#include <base/header_field.hpp>
#include <client/handshake.hpp>

#include "answers.hpp"

namespace {

using namespace walkie;
using client::Handshake;
using fuzz::Cuts;

/// The nonce of RFC 6455 §1.3, so that seeds have the accept that goes with it.
std::array<std::byte, 16> nonce() {
  std::array<std::byte, 16> bytes{};
  std::ranges::copy(bytes_of("the sample nonce"), bytes.begin());
  return bytes;
}

Handshake handshake_for(std::uint8_t bits) {
  ClientOptions options;
  options.compression = (bits & 1) != 0;
  options.context_takeover = (bits & 2) == 0;
  if (bits & 4) options.subprotocols = {"chat", "superchat"};
  options.dial.redirects_max = bits & 8 ? 0 : 3;
  options.cookies = "c=1";
  const std::string_view url = bits & 16 ? "wss://u:secret@host:81/a/b?c" : "ws://u:secret@host/a";
  return *Handshake::make(url, {}, options);
}

bool carries_credentials(const client::OutgoingRequest& request) {
  return std::ranges::any_of(request.fields, [](const auto& field) {
    return field.first == "Authorization" || field.first == "Cookie";
  });
}

/// The next request can be sent, and carries credentials at home only.
void check_request(Handshake& handshake, const http::Url& before) {
  const client::OutgoingRequest request = handshake.request(nonce());
  base::BufferPool pool;
  http::ClientConnection connection(fuzz::kAnswerOptions, pool);
  WALKIE_ASSERT(request.send(connection));
  connection.output().clear();
  WALKIE_ASSERT(carries_credentials(request) == handshake.url().same_origin(before));
}

void check_error(const ConnectError& error) {
  WALKIE_ASSERT(
      std::ranges::all_of(error.message, [](char c) { return c != '\n' && c != '\r' && c != 27; }));
  WALKIE_ASSERT(error.message.size() < 2000);
  WALKIE_ASSERT(error.clause.empty() == (error.fault != ConnectFault::protocol));
  const bool answered =
      error.fault == ConnectFault::rejected || error.fault == ConnectFault::redirect;
  WALKIE_ASSERT(!answered || error.answer);
}

/// Judges an event, and says what came of it.
std::string judged(Handshake& handshake, const http::ClientEvent& event) {
  const http::Url before = handshake.url();
  static_cast<void>(handshake.request(nonce()));
  const client::UpgradeOutcome outcome = handshake.judge(event);
  if (const auto* error = std::get_if<ConnectError>(&outcome)) {
    check_error(*error);
    WALKIE_ASSERT(handshake.url().text() == before.text());
    return error->message;
  }
  if (const auto* redirect = std::get_if<client::FollowedRedirect>(&outcome)) {
    WALKIE_ASSERT(handshake.url().secure() || !before.secure());
    WALKIE_ASSERT(!handshake.url().has_credentials());
    check_request(handshake, before);
    return redirect->message;
  }
  const auto& agreed = std::get<client::AgreedUpgrade>(outcome);
  WALKIE_ASSERT(event.head->status == 101);
  WALKIE_ASSERT(agreed.answer.header("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  return "agreed " + agreed.subprotocol;
}

std::string outcome(std::string_view input, Cuts cuts, std::uint8_t bits) {
  Handshake handshake = handshake_for(bits);
  std::string judgement;
  const std::string record =
      fuzz::feed("GET", input, cuts, (bits & 32) != 0,
                 [&](const http::ClientEvent& event) { judgement = judged(handshake, event); });
  return record + judgement;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  WALKIE_ASSERT(outcome(input, Cuts(true, 0), bytes[0]) ==
                outcome(input, Cuts(false, bytes[1]), bytes[0]));
  return 0;
}
