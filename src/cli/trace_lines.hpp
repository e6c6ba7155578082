// SPDX-License-Identifier: MIT
// The handshake and frames as lines, for -v.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <walkie/bytes.hpp>

namespace walkie::cli {

enum class TraceDirection : std::uint8_t { sent, received };

/// The lines of an HTTP head, each behind "> " or "< ", harmless to a terminal.
[[nodiscard]] std::string head_lines(TraceDirection direction, std::string_view head);

struct FrameFacts {
  std::uint8_t opcode = 0;
  bool fin = true;
  bool compressed = false;
  std::uint64_t payload_bytes = 0;  ///< On the wire.
  BytesView payload{};              ///< Of control frames.
};

/// "> text frame, 5 bytes\n", "< close frame, 1000 \"bye\"\n".
[[nodiscard]] std::string frame_line(TraceDirection direction, const FrameFacts& frame);

}  // namespace walkie::cli
