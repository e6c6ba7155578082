// SPDX-License-Identifier: MIT
// Fuzzes opening handshakes, both sides: verdicts hold what they promise, and what a server answers
// to an offer is what a client takes.
//
//   input: [ policy: one byte ] [ window bits: one byte ] [ lines of "name:value" ]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <base/assert.hpp>
#include <proto/extension_list.hpp>
#include <proto/handshake.hpp>

namespace {

using namespace walkie;
using namespace walkie::proto;

std::vector<HeaderField> fields_of(std::string_view text) {
  std::vector<HeaderField> fields;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    fields.push_back({line.substr(0, colon), trim(line.substr(colon + 1))});
  }
  return fields;
}

void check_fault(const HandshakeFault& fault, bool client) {
  WALKIE_ASSERT(!fault.text.empty() && fault.clause.starts_with("RFC "));
  WALKIE_ASSERT(client ? fault.status == 0 : fault.status >= 400 && fault.status <= 426);
}

void check_request(const std::vector<HeaderField>& fields) {
  const auto fault = judge_request({.method = "GET", .fields = fields});
  for (const std::string_view name : offered_subprotocols(fields)) WALKIE_ASSERT(is_token(name));
  if (fault) return check_fault(*fault, false);
  WALKIE_ASSERT(asks_for_websocket(fields));
  WALKIE_ASSERT(count_headers(fields, "Sec-WebSocket-Key") == 1);
  WALKIE_ASSERT(find_header(fields, "Sec-WebSocket-Key")->size() == 24);
}

void check_params(const DeflateParams& params, bool own_is_server) {
  const auto own = own_is_server ? params.server_max_window_bits : params.client_max_window_bits;
  const auto other = own_is_server ? params.client_max_window_bits : params.server_max_window_bits;
  WALKIE_ASSERT(own >= Deflater::kWindowBitsMin && own <= 15);
  WALKIE_ASSERT(other >= 8 && other <= 15);
}

/// A client whose offer was what the fields say would take the answer, and read the same from it.
void check_answer(const std::vector<HeaderField>& fields, const DeflatePolicy& policy) {
  const auto answer = answer_deflate(fields, policy);
  WALKIE_ASSERT(answer.has_value() == parse_extensions(fields).has_value());
  if (!answer) return check_fault(answer.error(), false);
  WALKIE_ASSERT(answer->params.enabled == !answer->extension.empty());
  if (!answer->params.enabled) return;
  check_params(answer->params, true);
  const std::vector<HeaderField> reply{{"Sec-WebSocket-Extensions", answer->extension}};
  const auto taken = judge_deflate_answer(reply, {});
  // A window of 8 was the client's own promise; ours does not make it.
  WALKIE_ASSERT(taken.has_value() || answer->params.client_max_window_bits == 8);
  WALKIE_ASSERT(!taken || *taken == answer->params);
}

void check_response(const std::vector<HeaderField>& fields, const DeflatePolicy& policy) {
  const std::vector<std::string> offered{"chat", "v2"};
  const auto agreed = judge_response(101, fields, "dGhlIHNhbXBsZSBub25jZQ==", offered, policy);
  if (!agreed) return check_fault(agreed.error(), true);
  WALKIE_ASSERT(agreed->subprotocol.empty() ||
                std::ranges::find(offered, agreed->subprotocol) != offered.end());
  if (agreed->deflate.enabled) check_params(agreed->deflate, false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t input_bytes) {
  if (input_bytes < 2) return 0;
  const DeflatePolicy policy{
      .enabled = (input[0] & 1) == 0,
      .server_no_context_takeover = (input[0] & 2) != 0,
      .client_no_context_takeover = (input[0] & 4) != 0,
      .server_max_window_bits = static_cast<std::uint8_t>(15 - (input[1] & 0x0F) % 7),
      .client_max_window_bits = static_cast<std::uint8_t>(15 - (input[1] >> 4) % 8),
  };
  const std::string text(reinterpret_cast<const char*>(input) + 2, input_bytes - 2);
  const auto fields = fields_of(text);
  check_request(fields);
  check_answer(fields, policy);
  check_response(fields, policy);
  const std::string offer = deflate_offer(policy);
  const std::vector<HeaderField> own{{"Sec-WebSocket-Extensions", offer}};
  WALKIE_ASSERT(answer_deflate(own, {}).has_value());
  return 0;
}
