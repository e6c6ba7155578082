// SPDX-License-Identifier: MIT
// The opening handshake's rules (RFC 6455 §4), both sides, apart from how heads travel: HTTP/1.1 and
// HTTP/2 (RFC 8441) ask the same questions.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <base/header_field.hpp>
#include <proto/deflate.hpp>

namespace walkie::proto {

/// Why a handshake does not hold.
struct HandshakeFault {
  int status = 400;         ///< What a server answers: 400, 405, 426.
  std::string_view text;    ///< What is wrong, for people. Static.
  std::string_view clause;  ///< "RFC 6455 §4.2.1". Static.
};

/// The method, version and fields of an HTTP/1.1 request that asks for an upgrade.
struct UpgradeHead {
  std::string_view method;
  int minor_version = 1;  ///< Of HTTP/1.
  std::span<const HeaderField> fields;
};

/// Whether the fields ask for the websocket upgrade at all (Upgrade lists "websocket").
[[nodiscard]] bool asks_for_websocket(std::span<const HeaderField> fields) noexcept;

/// Judges a client's opening handshake (§4.2.1): GET, HTTP/1.1, Upgrade, Connection, one
/// Sec-WebSocket-Key of 16 bytes in base64, Sec-WebSocket-Version 13 (else 426). No value: it holds.
[[nodiscard]] std::optional<HandshakeFault> judge_request(const UpgradeHead& head) noexcept;

/// base64(SHA-1(key + GUID)) (§4.2.2 5.4): 28 characters.
[[nodiscard]] std::string accept_of_key(std::string_view key);

/// A fresh Sec-WebSocket-Key from 16 random bytes: 24 characters.
[[nodiscard]] std::string key_of_nonce(const std::array<std::byte, 16>& nonce);

/// The subprotocols a request offers, in its order (§11.3.4). Faulty tokens make the list empty.
[[nodiscard]] std::vector<std::string_view> offered_subprotocols(
    std::span<const HeaderField> fields);

/// What a server is willing to do about permessage-deflate.
struct DeflatePolicy {
  bool enabled = true;
  bool server_no_context_takeover = false;  ///< Insist on it (less memory, drop-safe queues).
  bool client_no_context_takeover = false;
  std::uint8_t server_max_window_bits = 15;  ///< 9 to 15: at most this.
  std::uint8_t client_max_window_bits = 15;  ///< 8 to 15: asked of clients that can be asked.
  int level = 1;                             ///< zlib's, 1 to 9.
  std::uint32_t threshold_bytes = 64;        ///< Shorter messages go uncompressed.
};

/// The answer to a request's Sec-WebSocket-Extensions.
struct DeflateAnswer {
  DeflateParams params;   ///< enabled is false where none was agreed.
  std::string extension;  ///< The header value to answer with; empty: send no header.
};

/// Picks the first permessage-deflate offer that can be met (RFC 7692 §5.1, §7.1): unknown
/// parameters, duplicates and bad values decline that offer, not the connection. A header that
/// does not parse is a fault (400, RFC 6455 §9.1).
[[nodiscard]] std::expected<DeflateAnswer, HandshakeFault> answer_deflate(
    std::span<const HeaderField> fields, const DeflatePolicy& policy);

// -- the client's side --

/// The offer a client sends for `policy` ("permessage-deflate; client_max_window_bits ..."), or empty.
[[nodiscard]] std::string deflate_offer(const DeflatePolicy& policy);

/// What a server's 101 agreed to.
struct AgreedHandshake {
  std::string_view subprotocol;  ///< Empty: none.
  DeflateParams deflate;
};

/// Judges a server's answer (§4.1, steps 1 to 6; RFC 7692 §7.1): status 101, Upgrade, Connection,
/// Sec-WebSocket-Accept, and that extensions and subprotocol were offered. In a fault `status` is 0.
[[nodiscard]] std::expected<AgreedHandshake, HandshakeFault> judge_response(
    int status, std::span<const HeaderField> fields, std::string_view key,
    std::span<const std::string> offered_subprotocols, const DeflatePolicy& offered);

}  // namespace walkie::proto
