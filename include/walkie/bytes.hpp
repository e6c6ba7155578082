// SPDX-License-Identifier: MIT
// Names for runs of bytes, and the two conversions between bytes and text.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace walkie {

/// Bytes that the receiver may read while the call that hands them over lasts.
using BytesView = std::span<const std::byte>;

/// Bytes that the receiver may also overwrite (received frames are unmasked in place).
using MutableBytes = std::span<std::byte>;

/// The bytes of `text`; lives as long as `text` does.
[[nodiscard]] inline BytesView bytes_of(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// `bytes` read as characters; lives as long as `bytes` does. Does not validate UTF-8.
[[nodiscard]] inline std::string_view text_of(BytesView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace walkie
