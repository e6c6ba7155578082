// SPDX-License-Identifier: MIT
// How the two sides agree on permessage-deflate and its four parameters (RFC 7692 §5 and §7.1).
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include <base/header_field.hpp>
#include <proto/deflate.hpp>
#include <proto/handshake_fault.hpp>

namespace walkie::proto {

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
/// parameters, duplicates and bad values decline that offer, not the connection, and so does
/// server_max_window_bits=8, for which zlib does not compress. A header that does not parse is a
/// fault (400, RFC 6455 §9.1).
[[nodiscard]] std::expected<DeflateAnswer, HandshakeFault> answer_deflate(
    std::span<const HeaderField> fields, const DeflatePolicy& policy);

/// The offer a client sends for `policy` ("permessage-deflate; client_max_window_bits ..."), or
/// empty. It never promises less than Deflater::kWindowBitsMin for the client's own window.
[[nodiscard]] std::string deflate_offer(const DeflatePolicy& policy);

/// Judges what a server answered to deflate_offer(offered) (RFC 6455 §9.1, RFC 7692 §5.1, §7.1):
/// only what was offered, once, with all that was asked for. A server may add no_context_takeover
/// for both sides and server_max_window_bits unasked. In a fault `status` is 0.
[[nodiscard]] std::expected<DeflateParams, HandshakeFault> judge_deflate_answer(
    std::span<const HeaderField> fields, const DeflatePolicy& offered);

}  // namespace walkie::proto
