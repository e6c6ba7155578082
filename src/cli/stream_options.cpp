// SPDX-License-Identifier: MIT
// The shared options, and the surroundings that choose their defaults.
#include <cli/stream_options.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace walkie::cli {
namespace {

std::unexpected<Error> fault(std::string text) {
  return std::unexpected(Error{std::move(text), {}});
}

/// The value that was given, else `otherwise`: of switches whose default depends.
bool chosen(const Settings& settings, std::string_view key, bool otherwise) {
  return is_given(settings, key) ? settings.on(key) : otherwise;
}

Result<void> check_exclusive(const Settings& settings, std::span<const std::string_view> keys) {
  std::string_view first;
  for (const std::string_view key : keys) {
    if (!settings.on(key)) continue;
    if (!first.empty()) return fault(fmt::format("--{} and --{} exclude each other", first, key));
    first = key;
  }
  return {};
}

Result<void> check_combination(const Settings& settings) {
  constexpr auto kForms = std::to_array<std::string_view>({"binary", "base64", "hex", "raw"});
  constexpr auto kOutputs = std::to_array<std::string_view>({"json", "raw", "null"});
  if (auto checked = check_exclusive(settings, kForms); !checked) return checked;
  if (auto checked = check_exclusive(settings, kOutputs); !checked) return checked;
  if (settings.on("one") && settings.number("max_messages") != 0)
    return fault("--one and --max-messages exclude each other");
  return {};
}

InputForm input_form(const Settings& settings) {
  if (settings.on("base64")) return InputForm::base64;
  if (settings.on("hex")) return InputForm::hex;
  if (settings.on("raw")) return InputForm::raw;
  return settings.on("binary") ? InputForm::binary : InputForm::text;
}

bool wants_colour(const Settings& settings, const Surroundings& around) {
  if (settings.text("color") != "auto") return settings.text("color") == "always";
  return around.output_is_terminal && !around.dumb && !around.no_color;
}

bool is_for_people(const Settings& settings, const Surroundings& around) {
  if (settings.on("json") || settings.on("raw") || settings.on("null")) return false;
  return around.output_is_terminal || chosen(settings, "pretty", false) ||
         chosen(settings, "timestamps", false) || settings.text("color") == "always";
}

MessageStyle message_style(const Settings& settings, const Surroundings& around) {
  MessageStyle style;
  style.events = settings.on("json");
  style.for_people = is_for_people(settings, around);
  style.coloured = style.for_people && wants_colour(settings, around);
  style.timestamps = chosen(settings, "timestamps", around.output_is_terminal);
  style.pretty = chosen(settings, "pretty", around.output_is_terminal);
  style.columns = around.columns;
  if (settings.on("base64")) style.binary = BinaryForm::base64;
  if (settings.on("hex")) style.binary = BinaryForm::hex;
  if (style.for_people && style.binary == BinaryForm::as_is) style.binary = BinaryForm::dump;
  if (settings.on("raw")) style.separator = {};
  if (settings.on("null")) style.separator = std::string_view("\0", 1);
  return style;
}

std::chrono::milliseconds time_of(const Settings& settings, std::string_view key) {
  return std::chrono::milliseconds(settings.number(key));
}

std::string_view trimmed(std::string_view text) noexcept {
  constexpr std::string_view kBlanks = " \t";
  text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
  return text.substr(0, text.find_last_not_of(kBlanks) + 1);
}

}  // namespace

Surroundings process_surroundings(const Environment& environment) {
  Surroundings around;
  around.input_is_terminal = ::isatty(STDIN_FILENO) == 1;
  around.output_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  const auto terminal = environment("TERM");
  around.dumb = !terminal || terminal->empty() || *terminal == "dumb";
  const auto no_color = environment("NO_COLOR");
  around.no_color = no_color && !no_color->empty();
  winsize window{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 0)
    around.columns = window.ws_col;
  return around;
}

bool is_given(const Settings& settings, std::string_view key) {
  const auto option = std::ranges::find(settings.table(), key, &Option::key);
  return option != settings.table().end() && settings.source(*option) != "default";
}

Result<StreamPlan> stream_plan(const Settings& settings, const Surroundings& around) {
  if (auto checked = check_combination(settings); !checked)
    return std::unexpected(std::move(checked.error()));
  StreamPlan plan;
  plan.input = input_form(settings);
  plan.separator = settings.on("null") ? '\0' : '\n';
  plan.style = message_style(settings, around);
  plan.commands = around.input_is_terminal && plan.input == InputForm::text;
  plan.interactive =
      plan.commands && plan.style.for_people && around.output_is_terminal && !around.dumb;
  plan.quiet = settings.on("quiet");
  plan.verbose = settings.on("verbose");
  plan.history = settings.on("history");
  plan.first = settings.list("send");
  plan.message_bytes_max = static_cast<std::size_t>(settings.number("max_message"));
  plan.one = settings.on("one");
  plan.messages_max = static_cast<std::uint64_t>(settings.number("max_messages"));
  plan.timeout = time_of(settings, "timeout");
  plan.wait = time_of(settings, "wait");
  plan.close_on_eof = settings.on("close_on_eof");
  return plan;
}

Result<std::pair<std::string, std::string>> parse_header(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || trimmed(text.substr(0, colon)).empty())
    return fault(fmt::format("\"{}\" is no header; expected NAME: VALUE", text));
  return std::pair{std::string(trimmed(text.substr(0, colon))),
                   std::string(trimmed(text.substr(colon + 1)))};
}

}  // namespace walkie::cli
