// SPDX-License-Identifier: MIT
// Commands of the console.
#include <cli/console_command.hpp>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <fmt/core.h>

#include <cli/byte_text.hpp>
#include <cli/suggest.hpp>
#include <cli/units.hpp>
#include <cli/utf8_text.hpp>

namespace walkie::cli {
namespace {

/// A control frame carries at most 125 bytes, a Close frame's first two are its code (RFC 6455
/// §5.5).
constexpr std::size_t kControlBytesMax = 125;
constexpr std::size_t kReasonBytesMax = kControlBytesMax - 2;

struct Verb {
  std::string_view name;
  ConsoleVerb verb;
  bool listen_only;
  std::string_view arguments;
  std::string_view help;
};

constexpr auto kVerbs = std::to_array<Verb>({
    {"ping", ConsoleVerb::ping, false, "[TEXT]", "send a Ping"},
    {"close", ConsoleVerb::close, false, "[CODE] [REASON]", "close the connection"},
    {"binary", ConsoleVerb::binary, false, "HEX", "send a binary message"},
    {"send", ConsoleVerb::send_file, false, "FILE", "send a file: as text where it is UTF-8"},
    {"to", ConsoleVerb::to, true, "N|all", "what follows goes to client #N, or to all"},
    {"kick", ConsoleVerb::kick, true, "N [REASON]", "close client #N with 1008"},
    {"clients", ConsoleVerb::clients, true, "", "who is connected"},
    {"help", ConsoleVerb::help, false, "", "this list; //text sends \"/text\""},
    {"quit", ConsoleVerb::quit, false, "", "close and leave (also Ctrl-D)"},
});

std::unexpected<Error> fault(std::string text) {
  return std::unexpected(Error{std::move(text), {}});
}

/// Takes the first word off `text`, and the blanks around it.
std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const std::string_view word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return word;
}

std::unexpected<Error> unknown_verb(std::string_view name, ConsoleKind kind) {
  std::vector<std::string_view> known;
  for (const Verb& verb : kVerbs)
    if (!verb.listen_only || kind == ConsoleKind::listen) known.push_back(verb.name);
  const std::string_view near = closest(name, known);
  if (near.empty())
    return fault(fmt::format("unknown command /{}; /help lists them, //{} sends it", name, name));
  return fault(fmt::format("unknown command /{}; did you mean /{}?", name, near));
}

Result<ConsoleCommand> parse_reason(ConsoleCommand command, std::string_view reason) {
  if (reason.size() > kReasonBytesMax)
    return fault(
        fmt::format("a reason has at most {} bytes, not {}", kReasonBytesMax, reason.size()));
  if (!is_utf8(reason)) return fault("a reason must be UTF-8");
  command.text = reason;
  return command;
}

/// "[CODE] [REASON]": what does not start with a number is all reason.
Result<ConsoleCommand> parse_close(ConsoleCommand command, std::string_view rest) {
  std::string_view behind = rest;
  const auto code = parse_number(take_word(behind));
  if (!code) return parse_reason(std::move(command), rest);
  if (*code > UINT16_MAX || !is_sendable_close_code(static_cast<std::uint16_t>(*code)))
    return fault(fmt::format(
        "{} may not be sent: use 1000 to 1003, 1007 to 1014, or 3000 to 4999 (RFC 6455 7.4)",
        *code));
  command.code = static_cast<CloseCode>(*code);
  return parse_reason(std::move(command), behind);
}

std::optional<std::uint32_t> parse_client(std::string_view word) {
  if (word.starts_with('#')) word.remove_prefix(1);
  const auto number = parse_number(word);
  if (!number || *number < 1 || *number > UINT32_MAX) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

Result<ConsoleCommand> parse_client_verb(ConsoleCommand command, std::string_view rest) {
  const std::string_view word = take_word(rest);
  if (command.verb == ConsoleVerb::to && word == "all") return command;
  const auto client = parse_client(word);
  if (!client) return fault(fmt::format("\"{}\" is no client's number", word));
  command.client = *client;
  return parse_reason(std::move(command), rest);
}

Result<ConsoleCommand> parse_verb(ConsoleCommand command, std::string_view rest) {
  switch (command.verb) {
    case ConsoleVerb::close:
      return parse_close(std::move(command), rest);
    case ConsoleVerb::to:
    case ConsoleVerb::kick:
      return parse_client_verb(std::move(command), rest);
    case ConsoleVerb::binary: {
      auto bytes = parse_hex(rest);
      if (!bytes) return fault("/binary takes hexadecimal digits in pairs: /binary 48 69");
      command.text = std::move(*bytes);
      return command;
    }
    case ConsoleVerb::ping:
      if (rest.size() > kControlBytesMax)
        return fault(
            fmt::format("a Ping carries at most {} bytes, not {}", kControlBytesMax, rest.size()));
      break;
    case ConsoleVerb::send_file:
      if (rest.empty()) return fault("/send takes the path of a file");
      break;
    default:
      break;
  }
  command.text = rest;
  return command;
}

}  // namespace

Result<ConsoleCommand> parse_console_line(std::string_view line, ConsoleKind kind) {
  if (!line.starts_with('/')) return ConsoleCommand{.text = std::string(line)};
  line.remove_prefix(1);
  if (line.starts_with('/')) return ConsoleCommand{.text = std::string(line)};
  const std::string_view name = take_word(line);
  const auto verb = std::ranges::find(kVerbs, name, &Verb::name);
  if (verb == kVerbs.end() || (verb->listen_only && kind != ConsoleKind::listen))
    return unknown_verb(name, kind);
  return parse_verb({.verb = verb->verb}, line);
}

std::string console_help(ConsoleKind kind) {
  std::string help;
  for (const Verb& verb : kVerbs) {
    if (verb.listen_only && kind != ConsoleKind::listen) continue;
    const std::string form = fmt::format("/{} {}", verb.name, verb.arguments);
    help += fmt::format("{:<24}{}\n", form, verb.help);
  }
  return help;
}

}  // namespace walkie::cli
