// SPDX-License-Identifier: MIT
// Heads and frames as lines.
#include <cli/trace_lines.hpp>

#include <algorithm>

#include <fmt/core.h>

#include <cli/terminal_text.hpp>

namespace walkie::cli {
namespace {

constexpr std::uint8_t kCloseOpcode = 0x8;
constexpr std::uint8_t kControlBit = 0x8;

char arrow(TraceDirection direction) noexcept {
  return direction == TraceDirection::sent ? '>' : '<';
}

std::string opcode_name(std::uint8_t opcode) {
  switch (opcode) {
    case 0x0:
      return "continuation";
    case 0x1:
      return "text";
    case 0x2:
      return "binary";
    case kCloseOpcode:
      return "close";
    case 0x9:
      return "ping";
    case 0xA:
      return "pong";
    default:
      return fmt::format("opcode {:#x}", opcode);
  }
}

/// "1000 \"bye\"": the code of RFC 6455 §5.5.1 and the reason behind it.
std::string close_payload(BytesView payload) {
  if (payload.empty()) return "no code";
  if (payload.size() < 2) return "half a code";
  const auto code =
      std::to_integer<unsigned>(payload[0]) << 8 | std::to_integer<unsigned>(payload[1]);
  const std::string reason = harmless_line(text_of(payload.subspan(2)));
  return reason.empty() ? std::to_string(code) : fmt::format("{} \"{}\"", code, reason);
}

}  // namespace

std::string head_lines(TraceDirection direction, std::string_view head) {
  std::string lines;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    lines += fmt::format("{} {}\n", arrow(direction), harmless_line(head.substr(0, end)));
    head.remove_prefix(std::min(end + 2, head.size()));
  }
  return lines;
}

std::string frame_line(TraceDirection direction, const FrameFacts& frame) {
  std::string line = fmt::format("{} {} frame, ", arrow(direction), opcode_name(frame.opcode));
  if (frame.opcode == kCloseOpcode)
    line += close_payload(frame.payload);
  else
    line += fmt::format("{} byte{}", frame.payload_bytes, frame.payload_bytes == 1 ? "" : "s");
  if (frame.opcode != kCloseOpcode && (frame.opcode & kControlBit) != 0 && !frame.payload.empty())
    line += fmt::format(" \"{}\"", harmless_line(text_of(frame.payload)));
  if (frame.compressed) line += ", compressed";
  if (!frame.fin) line += ", more follow";
  return line + '\n';
}

}  // namespace walkie::cli
