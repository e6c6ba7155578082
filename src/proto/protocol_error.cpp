// SPDX-License-Identifier: MIT
// The table from protocol errors to close codes, words and clauses.
#include <proto/protocol_error.hpp>

#include <base/assert.hpp>

#include <array>
#include <utility>

namespace walkie::proto {
namespace {

/// One row; `error` repeats its index, so that a row out of place does not compile.
struct Row {
  ProtocolError error;
  ErrorFacts facts;
};

// Codes 1005 and 1006 are never sent (RFC 6455 §7.4.1): those rows are for logs and events.
constexpr std::array kTable = {
    Row{ProtocolError::none, {CloseCode::normal, "no error", ""}},
    Row{ProtocolError::reserved_bits_set,
        {CloseCode::protocol_error, "reserved bit set without an extension for it",
         "RFC 6455 §5.2"}},
    Row{ProtocolError::unknown_opcode,
        {CloseCode::protocol_error, "unknown opcode", "RFC 6455 §5.2"}},
    Row{ProtocolError::length_not_minimal,
        {CloseCode::protocol_error, "payload length not in its shortest form", "RFC 6455 §5.2"}},
    Row{ProtocolError::length_top_bit_set,
        {CloseCode::protocol_error, "top bit of the 64-bit payload length set", "RFC 6455 §5.2"}},
    Row{ProtocolError::control_frame_too_long,
        {CloseCode::protocol_error, "control frame of more than 125 bytes", "RFC 6455 §5.5"}},
    Row{ProtocolError::fragmented_control_frame,
        {CloseCode::protocol_error, "fragmented control frame", "RFC 6455 §5.5"}},
    Row{ProtocolError::frame_not_masked,
        {CloseCode::protocol_error, "client frame not masked", "RFC 6455 §5.1"}},
    Row{ProtocolError::frame_masked,
        {CloseCode::protocol_error, "server frame masked", "RFC 6455 §5.1"}},
    Row{ProtocolError::continuation_without_start,
        {CloseCode::protocol_error, "continuation frame without a message to continue",
         "RFC 6455 §5.4"}},
    Row{ProtocolError::data_frame_inside_message,
        {CloseCode::protocol_error, "new message inside a fragmented one", "RFC 6455 §5.4"}},
    Row{ProtocolError::compressed_without_negotiation,
        {CloseCode::protocol_error, "compressed message, but compression was not negotiated",
         "RFC 6455 §5.2"}},
    Row{ProtocolError::compressed_continuation,
        {CloseCode::protocol_error, "compressed bit set on a continuation frame", "RFC 7692 §6.1"}},
    Row{ProtocolError::invalid_utf8,
        {CloseCode::invalid_payload, "text message is not UTF-8", "RFC 6455 §8.1"}},
    Row{ProtocolError::close_payload_of_one_byte,
        {CloseCode::protocol_error, "Close frame with half a status code", "RFC 6455 §5.5.1"}},
    Row{ProtocolError::invalid_close_code,
        {CloseCode::protocol_error, "status code that may not be sent", "RFC 6455 §7.4"}},
    Row{ProtocolError::close_reason_not_utf8,
        {CloseCode::invalid_payload, "close reason is not UTF-8", "RFC 6455 §5.5.1"}},
    Row{ProtocolError::corrupt_deflate_data,
        {CloseCode::invalid_payload, "compressed message does not inflate", "RFC 7692 §7.2.2"}},
    Row{ProtocolError::message_too_big,
        {CloseCode::message_too_big, "message larger than the limit", "RFC 6455 §10.4"}},
    Row{ProtocolError::too_many_fragments,
        {CloseCode::policy_violation, "message in more fragments than the limit",
         "RFC 6455 §10.4"}},
    Row{ProtocolError::send_queue_full,
        {CloseCode::try_again_later, "peer reads too slowly: send queue full", "RFC 6455 §7.4.2"}},
    Row{ProtocolError::message_timeout,
        {CloseCode::policy_violation, "message not complete in time", "RFC 6455 §7.4.1"}},
    Row{ProtocolError::close_timeout,
        {CloseCode::abnormal, "peer did not answer the Close frame in time", "RFC 6455 §7.1.1"}},
    Row{ProtocolError::ended_without_close,
        {CloseCode::abnormal, "connection ended without a Close frame", "RFC 6455 §7.1.5"}},
    Row{ProtocolError::pong_timeout,
        {CloseCode::abnormal, "peer did not answer a Ping in time", "RFC 6455 §5.5.2"}},
    Row{ProtocolError::idle_timeout,
        {CloseCode::going_away, "nothing received for too long", "RFC 6455 §7.4.1"}},
};

constexpr bool in_place() {
  for (std::size_t i = 0; i < kTable.size(); ++i) {
    if (std::to_underlying(kTable[i].error) != i) return false;
    if (kTable[i].facts.text.size() > 123) return false;  // a Close reason's room (§5.5)
  }
  return kTable.back().error == ProtocolError::idle_timeout;
}
static_assert(in_place());

}  // namespace

const ErrorFacts& facts_of(ProtocolError error) noexcept {
  const std::size_t index = std::to_underlying(error);
  WALKIE_ASSERT(index < kTable.size());
  return kTable[index].facts;
}

}  // namespace walkie::proto
