// SPDX-License-Identifier: MIT
// The table from errors to close codes, and the rule of codes that may be sent.
#include <proto/protocol_error.hpp>

#include <set>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <proto/utf8.hpp>

namespace walkie::proto {
namespace {

std::vector<ProtocolError> all_errors() {
  std::vector<ProtocolError> errors;
  for (std::uint8_t i = 0; i <= std::to_underlying(ProtocolError::idle_timeout); ++i) {
    errors.push_back(static_cast<ProtocolError>(i));
  }
  return errors;
}

void check_code(CloseCode code, std::initializer_list<ProtocolError> errors) {
  for (const ProtocolError error : errors) {
    CAPTURE(std::to_underlying(error));
    CHECK(facts_of(error).code == code);
  }
}

TEST_CASE("errors of framing close with 1002 [RFC 6455 7.4.1]") {
  using enum ProtocolError;
  check_code(CloseCode::protocol_error,
             {reserved_bits_set, unknown_opcode, length_not_minimal, length_top_bit_set,
              control_frame_too_long, fragmented_control_frame, frame_not_masked, frame_masked,
              continuation_without_start, data_frame_inside_message, compressed_without_negotiation,
              compressed_continuation, close_payload_of_one_byte, invalid_close_code});
}

TEST_CASE("errors of payloads close with 1007, limits with 1008, 1009 and 1013 [RFC 6455 7.4.1]") {
  using enum ProtocolError;
  check_code(CloseCode::invalid_payload,
             {invalid_utf8, close_reason_not_utf8, corrupt_deflate_data});
  check_code(CloseCode::message_too_big, {message_too_big});
  check_code(CloseCode::policy_violation, {too_many_fragments, message_timeout});
  check_code(CloseCode::try_again_later, {send_queue_full});
}

TEST_CASE("ends without a violation are 1001 or 1006 [RFC 6455 7.1.5, 7.4.1]") {
  using enum ProtocolError;
  check_code(CloseCode::going_away, {idle_timeout});
  check_code(CloseCode::abnormal, {close_timeout, ended_without_close, pong_timeout});
}

TEST_CASE("every error has words of its own that fit a Close frame's reason [RFC 6455 5.5]") {
  std::set<std::string_view> texts;
  for (const ProtocolError error : all_errors()) {
    const ErrorFacts& facts = facts_of(error);
    CAPTURE(facts.text);
    CHECK_FALSE(facts.text.empty());
    CHECK(facts.text.size() <= 123);
    CHECK(is_utf8(bytes_of(facts.text)));
    CHECK(texts.insert(facts.text).second);
  }
}

TEST_CASE("every end for a fault names a clause, limits of ours what allows or codes them") {
  using enum ProtocolError;
  for (const ProtocolError error : all_errors()) {
    const std::string_view clause = facts_of(error).clause;
    CAPTURE(facts_of(error).text);
    CHECK(clause.empty() == (error == none));
    CHECK((clause.empty() || clause.starts_with("RFC 6455 §") || clause.starts_with("RFC 7692 §")));
  }
  CHECK(facts_of(frame_not_masked).clause == "RFC 6455 §5.1");
  CHECK(facts_of(invalid_utf8).clause == "RFC 6455 §8.1");
  CHECK(facts_of(message_too_big).clause == "RFC 6455 §10.4");
}

TEST_CASE("codes that may stand in a Close frame [RFC 6455 7.4.1, 7.4.2]") {
  for (unsigned code = 0; code <= 0xFFFF; ++code) {
    const bool registered = code >= 1000 && code <= 1014;
    const bool never_sent = code == 1004 || code == 1005 || code == 1006;
    const bool private_use = code >= 3000 && code <= 4999;
    CAPTURE(code);
    REQUIRE(is_sendable_close_code(static_cast<std::uint16_t>(code)) ==
            ((registered && !never_sent) || private_use));
  }
}

}  // namespace
}  // namespace walkie::proto
