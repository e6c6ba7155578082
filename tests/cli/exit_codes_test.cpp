// SPDX-License-Identifier: MIT
// Exit codes and the lines about ends.
#include <cli/exit_codes.hpp>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

TEST_CASE("each fault of connecting has its exit code") {
  using enum ConnectFault;
  const std::pair<ConnectFault, int> codes[] = {
      {bad_url, 2},  {resolve, 3}, {refused, 4},  {unreachable, 5}, {tls, 6},    {rejected, 7},
      {redirect, 7}, {proxy, 8},   {protocol, 9}, {timeout, 10},    {ended, 11}, {cancelled, 1}};
  for (const auto& [fault, code] : codes) CHECK(static_cast<int>(exit_code_of(fault)) == code);
}

constexpr bool kByPeer = true;

CloseInfo ended(CloseCode code, bool by_peer, std::string_view reason = {},
                std::string_view clause = {}) {
  const bool clean = code != CloseCode::abnormal;
  return {.code = code, .reason = reason, .clean = clean, .by_peer = by_peer, .clause = clause};
}

TEST_CASE("a connection that ended in peace is a success") {
  for (const CloseCode code : {CloseCode::normal, CloseCode::going_away, CloseCode::no_status})
    CHECK(exit_code_of(ended(code, kByPeer), false) == ExitCode::success);
  CHECK(exit_code_of(ended(CloseCode{4000}, false), true) == ExitCode::success);
}

TEST_CASE("other ends are told apart: none, the server's, ours") {
  CHECK(exit_code_of(ended(CloseCode::abnormal, false), true) == ExitCode::abnormal);
  CHECK(exit_code_of(ended(CloseCode::policy_violation, kByPeer), true) ==
        ExitCode::closed_by_peer);
  CHECK(exit_code_of(ended(CloseCode::protocol_error, false), false) == ExitCode::protocol);
}

TEST_CASE("the end is told in one line") {
  CHECK(close_text(ended(CloseCode::policy_violation, kByPeer, "no\n")) ==
        "the server closed: 1008 no\\n");
  CHECK(close_text(ended(CloseCode::normal, false)) == "closed: 1000");
  CHECK(close_text(ended(CloseCode::no_status, kByPeer)) == "the server closed without a code");
  CHECK(close_text(ended(CloseCode::abnormal, false, "reset")) ==
        "the connection ended without a Close frame: reset");
  CHECK(close_text(ended(CloseCode::protocol_error, false, "masked", "RFC 6455 5.1")) ==
        "closed: 1002 masked (RFC 6455 5.1)");
}

TEST_CASE("help lists every code") {
  const std::string help = exit_codes_help();
  for (const char* line : {"\n    0  closed cleanly\n", "\n    3  ", "\n   12  ", "\n  130  "})
    CHECK(help.find(line) != std::string::npos);
}

}  // namespace
}  // namespace walkie::cli
