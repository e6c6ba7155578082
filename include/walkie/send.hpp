// SPDX-License-Identifier: MIT
// What became of a send, and what is done about peers that read too slowly.
#pragma once

#include <cstdint>

namespace walkie {

/// The answer to every send. Only `queued` means that the message is on its way.
enum class SendStatus : std::uint8_t {
  queued,
  dropped,   ///< The peer reads too slowly, and the route's policy dropped this message.
  overflow,  ///< The send queue is full; under SlowConsumer::close the connection now ends with
             ///< 1013.
  closing,   ///< Close was already sent or received.
  gone,      ///< There is no such connection any more.
  busy,      ///< Another thread's mailbox is full: try again later.
};

/// How to send one message.
enum class Compression : std::uint8_t {
  by_size,  ///< Where negotiated and the message is long enough to gain.
  never,    ///< For data that is compressed already, or secrets next to attacker-chosen text.
  always,   ///< Where negotiated.
};

/// What happens to a connection whose send queue is full because its peer reads too slowly.
enum class SlowConsumer : std::uint8_t {
  close,        ///< Close with 1013.
  drop_oldest,  ///< Drop waiting messages, the oldest first.
  keep_latest,  ///< While the socket takes nothing, the newest message replaces all that wait.
};

}  // namespace walkie
