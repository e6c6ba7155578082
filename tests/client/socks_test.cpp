// SPDX-License-Identifier: MIT
// SOCKS 5: what the client sends, each answer, and every way in which it may be cut.
#include <client/socks.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <support/bytes.hpp>
#include <support/split_everywhere.hpp>

using namespace walkie;
using client::SocksHandshake;
using test::hex;
using test::to_hex;

namespace {

/// What comes of the server's bytes `in`: what the client wrote or why it failed, how many bytes it
/// used, and whether it is done. However it is cut, the same.
std::string outcome(const test::Bytes& in, std::string_view user = {},
                    std::string_view password = {}) {
  std::string first;
  test::split_everywhere(in, [&](const test::Parts& parts) {
    SocksHandshake socks("h", 443, user, password);
    std::string written = to_hex(socks.take_output());
    std::size_t used = 0;
    for (const test::Bytes& part : parts) {
      used += socks.receive(part);
      written += to_hex(socks.take_output());
    }
    // Where there is a fault, what was written on the way to it depends on the cuts.
    std::string record = socks.fault() ? *socks.fault() : written;
    record += " used " + std::to_string(used);
    if (socks.done()) record += " done";
    if (first.empty()) first = record;
    CHECK(record == first);
  });
  return first;
}

std::string fault_of(const test::Bytes& in, std::string_view user = {},
                     std::string_view password = {}) {
  const std::string record = outcome(in, user, password);
  return record.substr(0, record.find(" used "));
}

/// The request for a host, behind an unauthenticated greeting.
std::string request_for(std::string_view host, std::uint16_t port) {
  SocksHandshake socks(host, port, "", "");
  static_cast<void>(socks.take_output());
  static_cast<void>(socks.receive(hex("0500")));
  return to_hex(socks.take_output());
}

}  // namespace

TEST_CASE(
    "client connects without authentication, and uses nothing behind the reply [RFC 1928 3]") {
  CHECK(outcome(hex("0500 0500000110000001 1f90 8102")) == "05010005010003016801bb used 12 done");
}

TEST_CASE("client authenticates with user and password where it is asked to [RFC 1929 2]") {
  CHECK(outcome(hex("0502 0100 05000001 00000000 0000"), "user", "pass") ==
        "05020002010475736572047061737305010003016801bb used 14 done");
  CHECK(outcome(hex("0500 05000001 00000000 0000"), "user", "pass") ==
        "0502000205010003016801bb used 12 done");
  CHECK(outcome(hex("0502 0100 05000001 00000000 0000"), "u", "") ==
        "050200020101750005010003016801bb used 14 done");
}

TEST_CASE("client asks for names as names, and for addresses as addresses [RFC 1928 4]") {
  CHECK(request_for("example.com", 80) ==
        "05010003"
        "0b6578616d706c652e636f6d"
        "0050");
  CHECK(request_for("192.0.2.1", 443) ==
        "05010001"
        "c0000201"
        "01bb");
  CHECK(request_for("2001:db8::1", 65535) ==
        "05010004"
        "20010db8000000000000000000000001"
        "ffff");
  CHECK(request_for("192.0.2.256", 1).starts_with("05010003"));
}

TEST_CASE("client takes a reply with any type of address [RFC 1928 6]") {
  CHECK(outcome(hex("0500 05000004 00000000000000000000000000000001 1f90 ff"))
            .ends_with("used 24 done"));
  CHECK(outcome(hex("0500 05000003 03 616263 1f90 ff")).ends_with("used 12 done"));
  CHECK(outcome(hex("0500 05000003 00 1f90 ff")).ends_with("used 9 done"));
  test::Bytes longest = hex("0500 05000003 ff");
  longest.resize(longest.size() + 255 + 2, std::byte{'a'});
  CHECK(outcome(longest).ends_with("used 264 done"));
  CHECK(fault_of(hex("0500 05000002 0000000000 0000")) ==
        "the SOCKS server replies with the unknown address type 0x02 [RFC 1928 §6]");
}

TEST_CASE("client names each reply code with its clause [RFC 1928 6]") {
  const std::vector<std::pair<std::string_view, std::string_view>> codes{
      {"01", "refused: general failure of the SOCKS server"},
      {"02", "refused: connection not allowed by ruleset"},
      {"03", "refused: network unreachable"},
      {"04", "refused: host unreachable"},
      {"05", "refused: connection refused"},
      {"06", "refused: time to live expired"},
      {"07", "refused: command not supported"},
      {"08", "refused: address type not supported"},
      {"09", "refused, with the unknown code 0x09"},
      {"ff", "refused, with the unknown code 0xff"}};
  for (const auto& [code, text] : codes) {
    CHECK(fault_of(test::joined(hex("0500 05"), hex(code))) ==
          "the SOCKS server " + std::string(text) + " [RFC 1928 §6]");
  }
}

TEST_CASE("client takes only a method that it offered [RFC 1928 3]") {
  CHECK(fault_of(hex("0502")) ==
        "the SOCKS server chose method 0x02, which was not offered [RFC 1928 §3]");
  CHECK(fault_of(hex("0501"), "u", "p") ==
        "the SOCKS server chose method 0x01, which was not offered [RFC 1928 §3]");
  CHECK(fault_of(hex("05ff")) ==
        "the SOCKS server wants authentication: put user and password into "
        "its URL [RFC 1928 §3]");
  CHECK(fault_of(hex("05ff"), "u", "p") ==
        "the SOCKS server takes no user and password, nor goes without [RFC 1928 §3]");
}

TEST_CASE("client says when user and password are not taken [RFC 1929 2]") {
  CHECK(fault_of(hex("0502 0101"), "u", "p") ==
        "the SOCKS server does not take that user and password [RFC 1929 §2]");
  CHECK(fault_of(hex("0502 0500"), "u", "p") ==
        "the SOCKS server answers user and password with version 0x05, not 0x01 [RFC 1929 §2]");
}

TEST_CASE("client tells a server of another kind at its first byte [RFC 1928 3]") {
  CHECK(fault_of(test::copy_of("HTTP/1.1 400 Bad Request\r\n")) ==
        "the proxy speaks HTTP, not SOCKS 5: is it an HTTP proxy? [RFC 1928 §3]");
  CHECK(fault_of(hex("00")) == "the proxy does not speak SOCKS 5 [RFC 1928 §3]");
  CHECK(fault_of(hex("0500 0400")) ==
        "the SOCKS server replies with version 0x04, not 0x05 [RFC 1928 §6]");
}

TEST_CASE("client sends nothing that does not fit into SOCKS [RFC 1928 5]") {
  const std::string longest(255, 'a');
  const std::string longer(256, 'a');
  CHECK_FALSE(SocksHandshake(longest, 1, longest, longest).fault());
  for (SocksHandshake socks :
       {SocksHandshake(longer, 1, "", ""), SocksHandshake("", 1, "", ""),
        SocksHandshake("h", 1, longer, ""), SocksHandshake("h", 1, "u", longer)}) {
    REQUIRE(socks.fault());
    CHECK(socks.fault()->contains("255 bytes"));
    CHECK(socks.take_output().empty());
    CHECK(socks.receive(hex("0500")) == 0);
  }
}

TEST_CASE("client says when the SOCKS server ends the connection [RFC 1928 3]") {
  const auto fault_at_end = [](std::string_view in) {
    SocksHandshake socks("h", 1, "u", "p");
    static_cast<void>(socks.receive(hex(in)));
    socks.receive_end();
    return socks.fault().value_or("none");
  };
  CHECK(fault_at_end("") ==
        "the SOCKS server ended the connection without an answer [RFC 1928 §3]");
  CHECK(fault_at_end("0502 01") ==
        "the SOCKS server ended the connection in the middle of its handshake [RFC 1929 §2]");
  CHECK(fault_at_end("0500 0500").contains("in the middle"));
  CHECK(fault_at_end("0500 0501").contains("general failure"));
  CHECK(fault_at_end("0500 05000003 00 0000") == "none");
}
