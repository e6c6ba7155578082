// SPDX-License-Identifier: MIT
// One getrandom() serves a thousand masking keys.
#include <client/random.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <sys/random.h>

#include <base/assert.hpp>

namespace walkie::client {
namespace {

void fill(std::span<std::byte> out) noexcept {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    WALKIE_ASSERT(got > 0 || errno == EINTR);  // it does not fail once the kernel is up
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace

void RandomSource::draw(std::span<std::byte> out) noexcept {
  if (pool_.size() - used_ < out.size()) {
    fill(pool_);
    used_ = 0;
  }
  std::copy_n(pool_.begin() + static_cast<std::ptrdiff_t>(used_), out.size(), out.begin());
  used_ += out.size();
}

proto::MaskKey RandomSource::next() noexcept {
  proto::MaskKey key;
  draw(std::as_writable_bytes(std::span(key)));
  return key;
}

std::array<std::byte, 16> RandomSource::nonce() noexcept {
  std::array<std::byte, 16> nonce;
  draw(nonce);
  return nonce;
}

double RandomSource::fraction() noexcept {
  std::array<std::byte, 8> bytes;
  draw(bytes);
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  return static_cast<double>(number >> 11) * 0x1.0p-53;
}

}  // namespace walkie::client
