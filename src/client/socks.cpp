// SPDX-License-Identifier: MIT
// SOCKS version 5, the client's side.
#include <client/socks.hpp>

#include <algorithm>
#include <span>

#include <base/ip_address.hpp>

namespace walkie::client {
namespace {

constexpr std::uint8_t kVersion = 5;
constexpr std::uint8_t kAuthenticationVersion = 1;
constexpr std::uint8_t kNoAuthentication = 0x00;
constexpr std::uint8_t kUserAndPassword = 0x02;
constexpr std::uint8_t kNoneAcceptable = 0xff;
constexpr std::uint8_t kConnect = 1;
enum AddressType : std::uint8_t { kIpv4 = 1, kName = 3, kIpv6 = 4 };

constexpr std::size_t kLengthMax = 255;  ///< What one length byte can say.

/// The reply codes 1 to 8 (RFC 1928 §6).
constexpr std::array<std::string_view, 8> kReplies{"general failure of the SOCKS server",
                                                   "connection not allowed by ruleset",
                                                   "network unreachable",
                                                   "host unreachable",
                                                   "connection refused",
                                                   "time to live expired",
                                                   "command not supported",
                                                   "address type not supported"};

void put(std::vector<std::byte>& out, std::size_t byte) {
  out.push_back(static_cast<std::byte>(byte));
}

void put(std::vector<std::byte>& out, BytesView bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_with_length(std::vector<std::byte>& out, std::string_view text) {
  put(out, text.size());
  put(out, bytes_of(text));
}

std::string hex(std::uint8_t byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'0', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
}

}  // namespace

SocksHandshake::SocksHandshake(std::string_view host, std::uint16_t port, std::string_view user,
                               std::string_view password)
    : user_(user), password_(password) {
  if (!fits(host)) return;
  if (const auto address = base::parse_ip(host)) {
    put(address_, address->v6 ? kIpv6 : kIpv4);
    put(address_, std::as_bytes(address->bytes()));
  } else {
    put(address_, kName);
    put_with_length(address_, host);
  }
  put(address_, port >> 8);
  put(address_, port & 0xffU);
  greet();
}

bool SocksHandshake::fits(std::string_view host) {
  if (host.empty() || host.size() > kLengthMax)
    fail("a host for a SOCKS server has 1 to 255 bytes", "RFC 1928 §5");
  else if (user_.size() > kLengthMax || password_.size() > kLengthMax)
    fail("user and password for a SOCKS server have at most 255 bytes each", "RFC 1929 §2");
  return !fault_;
}

std::size_t SocksHandshake::receive(BytesView bytes) {
  std::size_t used = 0;
  while (used < bytes.size() && !done() && !fault_) {
    const std::size_t taken = std::min(wanted_bytes_ - in_bytes_, bytes.size() - used);
    std::ranges::copy(bytes.subspan(used, taken),
                      in_.begin() + static_cast<std::ptrdiff_t>(in_bytes_));
    in_bytes_ += taken;
    used += taken;
    if (in_bytes_ == wanted_bytes_) judge();
  }
  return used;
}

void SocksHandshake::receive_end() {
  if (done() || fault_) return;
  const bool silent = stage_ == Stage::method && in_bytes_ == 0;
  fail(silent ? "the SOCKS server ended the connection without an answer"
              : "the SOCKS server ended the connection in the middle of its handshake",
       stage_ == Stage::authentication ? "RFC 1929 §2" : "RFC 1928 §3");
}

/// wanted_bytes_ of the current message are there. A wrong version is told at the first.
void SocksHandshake::judge() {
  switch (stage_) {
    case Stage::method:
      return judge_method();
    case Stage::authentication:
      return judge_authentication();
    case Stage::reply:
      return judge_reply();
    case Stage::done:
      break;
  }
}

void SocksHandshake::await(Stage stage, std::size_t bytes) noexcept {
  if (stage != stage_) in_bytes_ = 0;
  stage_ = stage;
  wanted_bytes_ = bytes;
}

void SocksHandshake::fail(std::string_view why, std::string_view clause) {
  fault_.emplace(why).append(" [").append(clause).append("]");
  output_.clear();
}

// -- method --

void SocksHandshake::greet() {
  const bool authenticates = !user_.empty() || !password_.empty();
  put(output_, kVersion);
  put(output_, authenticates ? 2U : 1U);
  put(output_, kNoAuthentication);
  if (authenticates) put(output_, kUserAndPassword);
  await(Stage::method, 1);
}

void SocksHandshake::judge_method() {
  const bool authenticates = !user_.empty() || !password_.empty();
  if (received(0) != kVersion)
    return fail(received(0) == 'H' ? "the proxy speaks HTTP, not SOCKS 5: is it an HTTP proxy?"
                                   : "the proxy does not speak SOCKS 5",
                "RFC 1928 §3");
  if (in_bytes_ == 1) return await(Stage::method, 2);
  if (received(1) == kNoAuthentication) return ask();
  if (received(1) == kUserAndPassword && authenticates) return authenticate();
  if (received(1) == kNoneAcceptable)
    return fail(authenticates
                    ? "the SOCKS server takes no user and password, nor goes without"
                    : "the SOCKS server wants authentication: put user and password into its URL",
                "RFC 1928 §3");
  fail("the SOCKS server chose method " + hex(received(1)) + ", which was not offered",
       "RFC 1928 §3");
}

// -- authentication --

void SocksHandshake::authenticate() {
  put(output_, kAuthenticationVersion);
  put_with_length(output_, user_);
  put_with_length(output_, password_);
  await(Stage::authentication, 2);
}

void SocksHandshake::judge_authentication() {
  if (received(0) != kAuthenticationVersion)
    return fail("the SOCKS server answers user and password with version " + hex(received(0)) +
                    ", not 0x01",
                "RFC 1929 §2");
  if (received(1) != 0)
    return fail("the SOCKS server does not take that user and password", "RFC 1929 §2");
  ask();
}

// -- the request --

void SocksHandshake::ask() {
  put(output_, kVersion);
  put(output_, kConnect);
  put(output_, 0U);
  put(output_, BytesView(address_));
  await(Stage::reply, 2);
}

/// Looked at when the code is there, when the address's length is known, and when it is whole.
void SocksHandshake::judge_reply() {
  if (received(0) != kVersion)
    return fail("the SOCKS server replies with version " + hex(received(0)) + ", not 0x05",
                "RFC 1928 §6");
  const std::uint8_t code = received(1);
  if (code > kReplies.size())
    return fail("the SOCKS server refused, with the unknown code " + hex(code), "RFC 1928 §6");
  if (code > 0) {
    std::string why = "the SOCKS server refused: ";
    return fail(why.append(kReplies[code - 1U]), "RFC 1928 §6");
  }
  constexpr std::size_t kUntilLength = 5;  // the fifth byte is a name's length
  if (in_bytes_ < kUntilLength) return await(Stage::reply, kUntilLength);
  const std::uint8_t type = received(3);
  if (type != kIpv4 && type != kIpv6 && type != kName)
    return fail("the SOCKS server replies with the unknown address type " + hex(type),
                "RFC 1928 §6");
  const std::size_t address_bytes = type == kIpv4 ? 4U : type == kIpv6 ? 16U : 1U + received(4);
  const std::size_t whole = 4 + address_bytes + 2;
  await(in_bytes_ == whole ? Stage::done : Stage::reply, whole);
}

}  // namespace walkie::client
