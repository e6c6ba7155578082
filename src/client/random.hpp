// SPDX-License-Identifier: MIT
// Unpredictable bytes for masking keys and handshakes, and dice for backoff.
#pragma once

#include <array>
#include <cstddef>

#include <proto/connection.hpp>

namespace walkie::client {

/// Draws from the kernel's generator, many bytes at a time. Not thread safe.
class RandomSource final : public proto::MaskKeySource {
 public:
  /// RFC 6455 §10.3: strong, and not predictable from earlier keys.
  proto::MaskKey next() noexcept override;
  /// For Sec-WebSocket-Key (RFC 6455 §4.1).
  [[nodiscard]] std::array<std::byte, 16> nonce() noexcept;
  /// In [0, 1).
  [[nodiscard]] double fraction() noexcept;

 private:
  void draw(std::span<std::byte> out) noexcept;
  std::array<std::byte, 4096> pool_{};
  std::size_t used_ = pool_.size();
};

}  // namespace walkie::client
