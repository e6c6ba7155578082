// SPDX-License-Identifier: MIT
// SOCKS version 5 (RFC 1928) with user name and password (RFC 1929), the client's side: a machine.
//
//   client                                        server
//   05 n methods...                           ->
//                                             <-  05 method            (00: none, 02: user)
//   01 n user... n password...                ->                       (of method 02 only)
//                                             <-  01 status
//   05 01 00 type address... port(2)          ->
//                                             <-  05 reply 00 type address... port(2)
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <walkie/bytes.hpp>

namespace walkie::client {

/// Connects to `host`:`port` through a SOCKS server, which resolves names itself. At most 2 kB of
/// state; not thread safe.
class SocksHandshake {
 public:
  /// `host` is a name of at most 255 bytes or a numeric address (sent as such). User and password
  /// of at most 255 bytes each; both empty: no authentication is offered. What is longer is a
  /// fault, and nothing is sent.
  SocksHandshake(std::string_view host, std::uint16_t port, std::string_view user,
                 std::string_view password);

  /// What to write now; taken.
  [[nodiscard]] std::vector<std::byte> take_output() { return std::exchange(output_, {}); }
  /// Bytes from the server. Returns how many were used: all, until it is done or has a fault, and
  /// none behind its last byte.
  [[nodiscard]] std::size_t receive(BytesView bytes);
  /// The server sends no more: a fault, unless it is done.
  void receive_end();

  [[nodiscard]] bool done() const noexcept { return stage_ == Stage::done; }
  /// Why it failed: "the SOCKS server refused: connection not allowed by ruleset [RFC 1928 §6]".
  /// Stays; nothing is sent or received any more.
  [[nodiscard]] const std::optional<std::string>& fault() const noexcept { return fault_; }

 private:
  enum class Stage : std::uint8_t { method, authentication, reply, done };
  [[nodiscard]] bool fits(std::string_view host);
  void greet();
  void judge();
  void judge_method();
  void judge_authentication();
  void judge_reply();
  void authenticate();
  void ask();
  void await(Stage stage, std::size_t bytes) noexcept;
  void fail(std::string_view why, std::string_view clause);
  [[nodiscard]] std::uint8_t received(std::size_t at) const noexcept {
    return std::to_integer<std::uint8_t>(in_[at]);
  }

  /// The longest message of a server: a reply with a name of 255 bytes.
  static constexpr std::size_t kReplyBytesMax = 4 + 1 + 255 + 2;

  std::vector<std::byte> output_;
  std::vector<std::byte> address_;  ///< Type, address and port, as the request has them.
  std::string user_;
  std::string password_;
  std::array<std::byte, kReplyBytesMax> in_{};  ///< The server's message so far.
  std::size_t in_bytes_ = 0;
  std::size_t wanted_bytes_ = 0;  ///< When so many are there, they are looked at.
  Stage stage_ = Stage::method;
  std::optional<std::string> fault_;
};

}  // namespace walkie::client
