// SPDX-License-Identifier: MIT
// Faults and ends as exit codes.
#include <cli/exit_codes.hpp>

#include <array>

#include <fmt/core.h>

#include <cli/terminal_text.hpp>

namespace walkie::cli {
namespace {

struct Row {
  ExitCode code;
  std::string_view meaning;
};

constexpr auto kRows = std::to_array<Row>({
    {ExitCode::success, "closed cleanly"},
    {ExitCode::failure, "something else failed: a file, the output"},
    {ExitCode::usage, "a wrong option or URL"},
    {ExitCode::resolve, "the name has no address"},
    {ExitCode::refused, "nobody listens there"},
    {ExitCode::unreachable, "the network does not reach it"},
    {ExitCode::tls, "TLS failed, or the certificate is not trusted"},
    {ExitCode::rejected, "the server answered with an HTTP status, or redirected too often"},
    {ExitCode::proxy, "the proxy refused"},
    {ExitCode::protocol, "the server broke the protocol, or a limit of ours"},
    {ExitCode::timeout, "a deadline passed"},
    {ExitCode::abnormal, "the connection ended without a Close frame"},
    {ExitCode::closed_by_peer, "the server closed with a code other than 1000, 1001 or none"},
    {ExitCode::interrupted, "ended by a second Ctrl-C"},
    {ExitCode::broken_pipe, "nobody reads the output any more"},
});

bool is_peaceful(CloseCode code) noexcept {
  return code == CloseCode::normal || code == CloseCode::going_away || code == CloseCode::no_status;
}

}  // namespace

ExitCode exit_code_of(ConnectFault fault) noexcept {
  switch (fault) {
    case ConnectFault::bad_url:
      return ExitCode::usage;
    case ConnectFault::resolve:
      return ExitCode::resolve;
    case ConnectFault::refused:
      return ExitCode::refused;
    case ConnectFault::unreachable:
      return ExitCode::unreachable;
    case ConnectFault::timeout:
      return ExitCode::timeout;
    case ConnectFault::proxy:
      return ExitCode::proxy;
    case ConnectFault::tls:
      return ExitCode::tls;
    case ConnectFault::rejected:
    case ConnectFault::redirect:
      return ExitCode::rejected;
    case ConnectFault::protocol:
      return ExitCode::protocol;
    case ConnectFault::ended:
      return ExitCode::abnormal;
    case ConnectFault::cancelled:
      break;
  }
  return ExitCode::failure;
}

ExitCode exit_code_of(const CloseInfo& close, bool asked) noexcept {
  if (close.code == CloseCode::abnormal) return ExitCode::abnormal;
  if (is_peaceful(close.code) || (asked && !close.by_peer)) return ExitCode::success;
  return close.by_peer ? ExitCode::closed_by_peer : ExitCode::protocol;
}

std::string close_text(const CloseInfo& close, std::string_view peer) {
  std::string text;
  if (close.code == CloseCode::abnormal)
    text = "the connection ended without a Close frame";
  else if (close.code == CloseCode::no_status)
    text = fmt::format("{} closed without a code", peer);
  else
    text = fmt::format("{}: {}", close.by_peer ? fmt::format("{} closed", peer) : "closed",
                       static_cast<unsigned>(close.code));
  if (!close.reason.empty()) {
    const char* separator = close.code == CloseCode::abnormal ? ": " : " ";
    text.append(separator).append(harmless_line(close.reason));
  }
  if (!close.clause.empty()) text += fmt::format(" ({})", close.clause);
  return text;
}

std::string exit_codes_help() {
  std::string help = "Exit codes:\n";
  for (const Row& row : kRows)
    help += fmt::format("  {:>3}  {}\n", static_cast<int>(row.code), row.meaning);
  return help;
}

}  // namespace walkie::cli
