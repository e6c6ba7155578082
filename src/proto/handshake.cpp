// SPDX-License-Identifier: MIT
// The opening handshake judged, clause by clause (RFC 6455 §4).
#include <proto/handshake.hpp>

#include <algorithm>

#include <openssl/evp.h>
#include <openssl/sha.h>

namespace walkie::proto {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // §1.3

/// Nothing where the field is absent or stands there more than once.
std::optional<std::string_view> single(std::span<const HeaderField> fields,
                                       std::string_view name) noexcept {
  return count_headers(fields, name) == 1 ? find_header(fields, name) : std::nullopt;
}

constexpr bool is_base64_character(char c) noexcept {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

/// Whether `key` is base64 of 16 bytes: 21 whole characters, one of two bits, and the padding.
bool is_key(std::string_view key) noexcept {
  return key.size() == 24 && key.ends_with("==") &&
         std::ranges::all_of(key.substr(0, 22), is_base64_character) &&
         std::string_view("AQgw").contains(key[21]);
}

template <std::size_t kBytes>
std::string base64(const std::array<unsigned char, kBytes>& bytes) {
  std::array<unsigned char, 4 * ((kBytes + 2) / 3) + 1> text{};  // and a final zero
  const int characters = EVP_EncodeBlock(text.data(), bytes.data(), static_cast<int>(kBytes));
  return {reinterpret_cast<const char*>(text.data()), static_cast<std::size_t>(characters)};
}

std::optional<HandshakeFault> judge_version(std::span<const HeaderField> fields) noexcept {
  const std::size_t count = count_headers(fields, "Sec-WebSocket-Version");
  if (count > 1) {
    return HandshakeFault{400, "more than one Sec-WebSocket-Version", "RFC 6455 §11.3.5"};
  }
  if (count == 0 || find_header(fields, "Sec-WebSocket-Version") != "13") {
    return HandshakeFault{426, "Sec-WebSocket-Version is not 13", "RFC 6455 §4.2.2"};
  }
  return std::nullopt;
}

/// What must hold before anything else in an answer does (§4.1, steps 1 to 4 of the response).
std::optional<HandshakeFault> judge_switch(int status, std::span<const HeaderField> fields,
                                           std::string_view key) {
  constexpr std::string_view kClause = "RFC 6455 §4.1";
  if (status != 101) return HandshakeFault{0, "the status is not 101", kClause};
  const auto upgrade = single(fields, "Upgrade");
  if (!upgrade || !equal_ignoring_case(*upgrade, "websocket")) {
    return HandshakeFault{0, "Upgrade is not websocket", kClause};
  }
  if (!header_has_token(fields, "Connection", "upgrade")) {
    return HandshakeFault{0, "Connection does not list Upgrade", kClause};
  }
  const auto accept = single(fields, "Sec-WebSocket-Accept");
  if (!accept || *accept != accept_of_key(key)) {
    return HandshakeFault{0, "Sec-WebSocket-Accept is not the answer to our key", kClause};
  }
  return std::nullopt;
}

/// The subprotocol that the server chose, from `offered`; empty where it chose none (§4.1, step 6).
std::expected<std::string_view, HandshakeFault> judge_subprotocol(
    std::span<const HeaderField> fields, std::span<const std::string> offered) {
  const std::size_t count = count_headers(fields, "Sec-WebSocket-Protocol");
  if (count == 0) return std::string_view{};
  if (count > 1) {
    return std::unexpected(
        HandshakeFault{0, "more than one Sec-WebSocket-Protocol", "RFC 6455 §11.3.4"});
  }
  const auto chosen = std::ranges::find(offered, *find_header(fields, "Sec-WebSocket-Protocol"));
  if (chosen == offered.end()) {
    return std::unexpected(
        HandshakeFault{0, "a subprotocol that was not offered", "RFC 6455 §4.1"});
  }
  return *chosen;
}

}  // namespace

bool asks_for_websocket(std::span<const HeaderField> fields) noexcept {
  return header_has_token(fields, "Upgrade", "websocket");
}

std::optional<HandshakeFault> judge_request(const UpgradeHead& head) noexcept {
  constexpr std::string_view kClause = "RFC 6455 §4.2.1";
  if (head.method != "GET") return HandshakeFault{405, "the method is not GET", kClause};
  if (head.minor_version < 1) return HandshakeFault{400, "HTTP is older than 1.1", kClause};
  if (!asks_for_websocket(head.fields)) {
    return HandshakeFault{400, "Upgrade does not list websocket", kClause};
  }
  if (!header_has_token(head.fields, "Connection", "upgrade")) {
    return HandshakeFault{400, "Connection does not list Upgrade", kClause};
  }
  // Before the key: other versions may know other keys, and 426 tells them what to speak.
  if (const auto fault = judge_version(head.fields)) return fault;
  const auto key = single(head.fields, "Sec-WebSocket-Key");
  if (!key) {
    return HandshakeFault{400, "Sec-WebSocket-Key must be there exactly once", kClause};
  }
  if (!is_key(*key)) {
    return HandshakeFault{400, "Sec-WebSocket-Key is not base64 of 16 bytes", kClause};
  }
  return std::nullopt;
}

std::string accept_of_key(std::string_view key) {
  std::string text;
  text.reserve(key.size() + kGuid.size());
  text.append(key).append(kGuid);
  std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return base64(digest);
}

std::string key_of_nonce(const std::array<std::byte, 16>& nonce) {
  std::array<unsigned char, 16> bytes{};
  std::ranges::transform(nonce, bytes.begin(), std::to_integer<unsigned char>);
  return base64(bytes);
}

std::vector<std::string_view> offered_subprotocols(std::span<const HeaderField> fields) {
  std::vector<std::string_view> offered;
  for (const HeaderField& field : fields) {
    if (!equal_ignoring_case(field.name, "Sec-WebSocket-Protocol")) continue;
    std::string_view rest = field.value;
    while (const auto element = next_list_element(rest)) {
      if (!is_token(*element)) return {};
      offered.push_back(*element);
    }
  }
  return offered;
}

std::expected<AgreedHandshake, HandshakeFault> judge_response(
    int status, std::span<const HeaderField> fields, std::string_view key,
    std::span<const std::string> offered_subprotocols, const DeflatePolicy& offered) {
  if (const auto fault = judge_switch(status, fields, key)) return std::unexpected(*fault);
  const auto deflate = judge_deflate_answer(fields, offered);
  if (!deflate) return std::unexpected(deflate.error());
  const auto subprotocol = judge_subprotocol(fields, offered_subprotocols);
  if (!subprotocol) return std::unexpected(subprotocol.error());
  return AgreedHandshake{.subprotocol = *subprotocol, .deflate = *deflate};
}

}  // namespace walkie::proto
