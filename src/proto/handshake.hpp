// SPDX-License-Identifier: MIT
// The opening handshake's rules (RFC 6455 §4), both sides, apart from how heads travel: HTTP/1.1
// and HTTP/2 (RFC 8441) ask the same questions.
#pragma once

#include <array>
#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <base/header_field.hpp>
#include <proto/deflate_negotiation.hpp>
#include <proto/handshake_fault.hpp>

namespace walkie::proto {

/// The method, version and fields of an HTTP/1.1 request that asks for an upgrade.
struct UpgradeHead {
  std::string_view method;
  int minor_version = 1;  ///< Of HTTP/1.
  std::span<const HeaderField> fields;
};

/// Whether the fields ask for the websocket upgrade at all (Upgrade lists "websocket").
[[nodiscard]] bool asks_for_websocket(std::span<const HeaderField> fields) noexcept;

/// Judges a client's opening handshake (§4.2.1): GET (else 405), HTTP/1.1, Upgrade, Connection,
/// Sec-WebSocket-Version 13 (else 426), one Sec-WebSocket-Key of 16 bytes in base64. Host is left
/// to HTTP, and the fields below to their own functions. No value: it holds.
[[nodiscard]] std::optional<HandshakeFault> judge_request(const UpgradeHead& head) noexcept;

/// base64(SHA-1(key + GUID)) (§4.2.2 5.4): 28 characters.
[[nodiscard]] std::string accept_of_key(std::string_view key);

/// A fresh Sec-WebSocket-Key from 16 random bytes: 24 characters.
[[nodiscard]] std::string key_of_nonce(const std::array<std::byte, 16>& nonce);

/// The subprotocols a request offers, in its order (§11.3.4). Faulty tokens make the list empty.
/// The views live as long as the fields.
[[nodiscard]] std::vector<std::string_view> offered_subprotocols(
    std::span<const HeaderField> fields);

// -- the client's side --

/// What a server's 101 agreed to.
struct AgreedHandshake {
  std::string_view subprotocol;  ///< Lives as long as the offered ones. Empty: none.
  DeflateParams deflate;
};

/// Judges a server's answer (§4.1, steps 1 to 6; RFC 7692 §7.1): status 101, Upgrade, Connection,
/// Sec-WebSocket-Accept, and that extensions and subprotocol were offered. In a fault `status` is
/// 0.
[[nodiscard]] std::expected<AgreedHandshake, HandshakeFault> judge_response(
    int status, std::span<const HeaderField> fields, std::string_view key,
    std::span<const std::string> offered_subprotocols, const DeflatePolicy& offered);

}  // namespace walkie::proto
