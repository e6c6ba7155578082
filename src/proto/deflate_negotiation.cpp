// SPDX-License-Identifier: MIT
// permessage-deflate's parameters, offered, answered and judged (RFC 7692 §7.1).
#include <proto/deflate_negotiation.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

#include <proto/extension_list.hpp>

namespace walkie::proto {
namespace {

constexpr std::string_view kName = "permessage-deflate";
constexpr std::uint8_t kWindowBitsMax = 15;

/// The four parameters as they stand in an offer or an answer.
struct Parameters {
  bool server_no_context_takeover = false;
  bool client_no_context_takeover = false;
  bool can_limit_client_window = false;  ///< client_max_window_bits, with or without a value.
  std::optional<std::uint8_t> server_max_window_bits;
  std::optional<std::uint8_t> client_max_window_bits;
};

/// 8 to 15 in decimal without leading zeros (§7.1.2.1).
std::optional<std::uint8_t> window_bits_of(std::string_view text) noexcept {
  std::uint8_t bits = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bits);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  if (!whole || text.starts_with('0') || bits < 8 || bits > kWindowBitsMax) return std::nullopt;
  return bits;
}

/// A parameter that takes no value. False: it has one, or stood there before.
bool read_flag(const ExtensionParameter& parameter, bool& flag) noexcept {
  if (flag || parameter.value) return false;
  flag = true;
  return true;
}

bool read_window_bits(const ExtensionParameter& parameter,
                      std::optional<std::uint8_t>& bits) noexcept {
  if (bits || !parameter.value) return false;
  bits = window_bits_of(*parameter.value);
  return bits.has_value();
}

bool read_parameter(const ExtensionParameter& parameter, Parameters& read) noexcept {
  if (parameter.name == "server_no_context_takeover") {
    return read_flag(parameter, read.server_no_context_takeover);
  }
  if (parameter.name == "client_no_context_takeover") {
    return read_flag(parameter, read.client_no_context_takeover);
  }
  if (parameter.name == "server_max_window_bits") {
    return read_window_bits(parameter, read.server_max_window_bits);
  }
  if (parameter.name != "client_max_window_bits" || read.can_limit_client_window) return false;
  read.can_limit_client_window = true;
  return !parameter.value || read_window_bits(parameter, read.client_max_window_bits);
}

/// Nothing where a parameter is unknown, doubled, or has a value that it cannot have (§7.1).
std::optional<Parameters> read_parameters(const Extension& extension) noexcept {
  Parameters read;
  for (const ExtensionParameter& parameter : extension.parameters) {
    if (!read_parameter(parameter, read)) return std::nullopt;
  }
  return read;
}

void append_flag(std::string& text, std::string_view name, bool wanted) {
  if (!wanted) return;
  text.append("; ").append(name);
}

void append_bits(std::string& text, std::string_view name, std::uint8_t bits) {
  text.append("; ").append(name).append("=").append(std::to_string(bits));
}

/// The deepest agreement that `offer` and `policy` allow, or nothing.
std::optional<DeflateAnswer> meet(const Parameters& offer, const DeflatePolicy& policy) {
  const std::uint8_t server_bits =
      std::min(offer.server_max_window_bits.value_or(kWindowBitsMax),
               std::clamp<std::uint8_t>(policy.server_max_window_bits, Deflater::kWindowBitsMin,
                                        kWindowBitsMax));
  if (server_bits < Deflater::kWindowBitsMin) return std::nullopt;
  // A client that did not offer the parameter cannot be limited (§7.1.2.2).
  const std::uint8_t client_bits =
      offer.can_limit_client_window
          ? std::min(offer.client_max_window_bits.value_or(kWindowBitsMax),
                     std::clamp<std::uint8_t>(policy.client_max_window_bits, 8, kWindowBitsMax))
          : kWindowBitsMax;
  DeflateAnswer answer;
  DeflateParams& params = answer.params;
  params.enabled = true;
  params.server_no_context_takeover =
      policy.server_no_context_takeover || offer.server_no_context_takeover;
  params.client_no_context_takeover =
      policy.client_no_context_takeover || offer.client_no_context_takeover;
  params.server_max_window_bits = server_bits;
  params.client_max_window_bits = client_bits;
  answer.extension = kName;
  append_flag(answer.extension, "server_no_context_takeover", params.server_no_context_takeover);
  append_flag(answer.extension, "client_no_context_takeover", params.client_no_context_takeover);
  // Accepting a server_max_window_bits means repeating it, even a 15 (§7.1.2.1).
  if (offer.server_max_window_bits || server_bits < kWindowBitsMax) {
    append_bits(answer.extension, "server_max_window_bits", server_bits);
  }
  if (client_bits < kWindowBitsMax) {
    append_bits(answer.extension, "client_max_window_bits", client_bits);
  }
  return answer;
}

/// The client's own window: what it offers at most.
std::uint8_t client_bits_offered(const DeflatePolicy& policy) noexcept {
  return std::clamp<std::uint8_t>(policy.client_max_window_bits, Deflater::kWindowBitsMin,
                                  kWindowBitsMax);
}

std::unexpected<HandshakeFault> answer_fault(std::string_view text, std::string_view clause) {
  return std::unexpected(HandshakeFault{.status = 0, .text = text, .clause = clause});
}

std::expected<DeflateParams, HandshakeFault> judge_parameters(const Parameters& answer,
                                                              const DeflatePolicy& offered) {
  if (answer.can_limit_client_window && !answer.client_max_window_bits) {
    return answer_fault("client_max_window_bits without a value in the answer",
                        "RFC 7692 §7.1.2.2");
  }
  if (offered.server_no_context_takeover && !answer.server_no_context_takeover) {
    return answer_fault("server_no_context_takeover was asked for and not granted",
                        "RFC 7692 §7.1.1.1");
  }
  const std::uint8_t server_bits = answer.server_max_window_bits.value_or(kWindowBitsMax);
  if (server_bits > offered.server_max_window_bits) {
    return answer_fault("server_max_window_bits larger than asked for", "RFC 7692 §7.1.2.1");
  }
  const std::uint8_t client_bits = std::min(answer.client_max_window_bits.value_or(kWindowBitsMax),
                                            client_bits_offered(offered));
  if (client_bits < Deflater::kWindowBitsMin) {
    return answer_fault("client_max_window_bits smaller than this client can compress for",
                        "RFC 7692 §7.1.2.2");
  }
  return DeflateParams{
      .enabled = true,
      .server_no_context_takeover = answer.server_no_context_takeover,
      .client_no_context_takeover =
          offered.client_no_context_takeover || answer.client_no_context_takeover,
      .server_max_window_bits = server_bits,
      .client_max_window_bits = client_bits,
  };
}

}  // namespace

std::expected<DeflateAnswer, HandshakeFault> answer_deflate(std::span<const HeaderField> fields,
                                                            const DeflatePolicy& policy) {
  const auto extensions = parse_extensions(fields);
  if (!extensions) {
    return std::unexpected(HandshakeFault{.status = 400,
                                          .text = "Sec-WebSocket-Extensions does not parse",
                                          .clause = "RFC 6455 §9.1"});
  }
  if (!policy.enabled) return DeflateAnswer{};
  for (const Extension& extension : *extensions) {
    if (extension.name != kName) continue;
    const auto offer = read_parameters(extension);
    if (!offer) continue;
    if (auto answer = meet(*offer, policy)) return *std::move(answer);
  }
  return DeflateAnswer{};
}

std::string deflate_offer(const DeflatePolicy& policy) {
  if (!policy.enabled) return {};
  std::string offer(kName);
  append_flag(offer, "server_no_context_takeover", policy.server_no_context_takeover);
  append_flag(offer, "client_no_context_takeover", policy.client_no_context_takeover);
  if (policy.server_max_window_bits < kWindowBitsMax) {
    append_bits(offer, "server_max_window_bits", policy.server_max_window_bits);
  }
  const std::uint8_t client_bits = client_bits_offered(policy);
  if (client_bits < kWindowBitsMax) {
    append_bits(offer, "client_max_window_bits", client_bits);
  } else {
    append_flag(offer, "client_max_window_bits", true);
  }
  return offer;
}

std::expected<DeflateParams, HandshakeFault> judge_deflate_answer(
    std::span<const HeaderField> fields, const DeflatePolicy& offered) {
  const auto extensions = parse_extensions(fields);
  if (!extensions) {
    return answer_fault("Sec-WebSocket-Extensions does not parse", "RFC 6455 §9.1");
  }
  if (extensions->empty()) return DeflateParams{};
  const Extension& answer = extensions->front();
  if (!offered.enabled || answer.name != kName) {
    return answer_fault("an extension that was not offered", "RFC 6455 §4.1");
  }
  if (extensions->size() > 1) {
    return answer_fault("more extensions than were offered", "RFC 6455 §4.1");
  }
  const auto parameters = read_parameters(answer);
  if (!parameters) {
    return answer_fault("permessage-deflate answered with a bad parameter", "RFC 7692 §7.1");
  }
  return judge_parameters(*parameters, offered);
}

}  // namespace walkie::proto
