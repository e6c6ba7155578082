// SPDX-License-Identifier: MIT
// What the options of a server's route and those of a client have in common, in the machines'
// terms: both name these fields alike.
#pragma once

#include <cstdint>
#include <string>

#include <link/keepalive.hpp>
#include <proto/connection.hpp>

namespace walkie::link {

template <class Options>
[[nodiscard]] proto::ConnectionOptions connection_options_of(const Options& options) {
  proto::ConnectionOptions result;
  result.message_bytes_max = options.message_bytes_max;
  result.fragments_max = options.fragments_max;
  result.message_timeout = options.message_timeout;
  result.close_timeout = options.close_timeout;
  result.deflate.enabled = options.compression;
  result.deflate.server_no_context_takeover = !options.context_takeover;
  result.deflate.client_no_context_takeover = !options.context_takeover;
  result.deflate.server_max_window_bits = static_cast<std::uint8_t>(options.window_bits);
  result.deflate.client_max_window_bits = static_cast<std::uint8_t>(options.window_bits);
  result.deflate.level = options.compression_level;
  result.deflate.threshold_bytes = options.compression_threshold_bytes;
  return result;
}

template <class Options>
[[nodiscard]] KeepaliveOptions keepalive_options_of(const Options& options) {
  return {options.ping_interval, options.pong_timeout, options.idle_timeout};
}

/// In words, in one line; empty where nothing is wrong.
template <class Options>
[[nodiscard]] std::string fault_of_common(const Options& options) {
  if (options.window_bits < 9 || options.window_bits > 15) return "window_bits must be 9 to 15";
  if (options.compression_level < 1 || options.compression_level > 9)
    return "compression_level must be 1 to 9";
  if (options.message_bytes_max == 0) return "message_bytes_max must not be 0";
  if (options.fragments_max == 0) return "fragments_max must not be 0";
  for (const auto time : {options.ping_interval, options.pong_timeout, options.idle_timeout,
                          options.close_timeout, options.message_timeout})
    if (time.count() < 0) return "times must not be negative";
  return {};
}

}  // namespace walkie::link
