// SPDX-License-Identifier: MIT
// What a connection needs only now and then: compressors, a control frame cut in two, a message in
// pieces. Private to connection*.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <base/output_queue.hpp>
#include <proto/connection.hpp>

namespace walkie::proto {

struct Connection::Extra {
  explicit Extra(base::BufferPool& pool) noexcept : deferred(pool) {}

  /// Kept from message to message where context is, else only while a message needs them.
  std::unique_ptr<Deflater> deflater;
  std::unique_ptr<Inflater> inflater;
  std::uint64_t inflated_bytes = 0;  ///< Of the message under way.
  base::OutputQueue deferred;        ///< Whole messages behind one that is sent in pieces.

  std::array<std::byte, kControlPayloadBytesMax> control;  ///< A control payload as it arrives.
  std::uint8_t control_bytes = 0;

  /// While open: the latest Ping that could not be answered. Then: the reason of the end.
  std::array<std::byte, kControlPayloadBytesMax> note;
  std::uint8_t note_bytes = 0;
  bool pong_due = false;
};

}  // namespace walkie::proto
