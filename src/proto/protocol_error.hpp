// SPDX-License-Identifier: MIT
// Every way in which a peer can break the protocol, and the one table that says what each means.
#pragma once

#include <cstdint>
#include <string_view>

#include <walkie/close_code.hpp>

namespace walkie::proto {

enum class ProtocolError : std::uint8_t {
  none,
  // frame headers
  reserved_bits_set,
  unknown_opcode,
  length_not_minimal,
  length_top_bit_set,
  control_frame_too_long,
  fragmented_control_frame,
  frame_not_masked,
  frame_masked,
  // sequences of frames
  continuation_without_start,
  data_frame_inside_message,
  compressed_without_negotiation,
  compressed_continuation,
  // payloads
  invalid_utf8,
  close_payload_of_one_byte,
  invalid_close_code,
  close_reason_not_utf8,
  corrupt_deflate_data,
  // limits
  message_too_big,
  too_many_fragments,
  send_queue_full,
  // ends without a violation
  message_timeout,
  close_timeout,
  ended_without_close,
  pong_timeout,
  idle_timeout,
};

/// What the table says of one error.
struct ErrorFacts {
  CloseCode code;           ///< What the Close frame carries.
  std::string_view text;    ///< One clause in words, at most 123 bytes: fits a Close reason.
  std::string_view clause;  ///< "RFC 6455 §5.5"; for a limit of ours what allows or codes it.
};

[[nodiscard]] const ErrorFacts& facts_of(ProtocolError error) noexcept;

}  // namespace walkie::proto
