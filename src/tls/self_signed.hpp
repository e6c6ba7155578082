// SPDX-License-Identifier: MIT
// Certificates that sign themselves: for development, where nobody issues one.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>

#include <walkie/error.hpp>

namespace walkie::tls {

struct SelfSigned {
  std::string certificate_pem;
  std::string key_pem;
};

/// A certificate for `names`, host names and addresses, valid from now on for `lifetime`. It is no
/// authority: who trusts it trusts these names only.
[[nodiscard]] Result<SelfSigned> make_self_signed(std::span<const std::string_view> names,
                                                  std::chrono::hours lifetime);

/// Whether a certificate file can be read and is valid for at least `left` from now on.
[[nodiscard]] bool lasts(const std::string& certificate_file, std::chrono::hours left);

}  // namespace walkie::tls
