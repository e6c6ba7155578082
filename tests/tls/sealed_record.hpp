// SPDX-License-Identifier: MIT
// A peer that seals whatever it is told into a record of TLS 1.3, honest or not.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <tls/record_layer.hpp>

namespace walkie::test {

/// `inner` is content, type and padding as they are encrypted (RFC 8446 §5.2).
inline std::string sealed_record(tls::RecordKeys& keys, std::string_view inner) {
  const std::size_t sealed = inner.size() + 16;
  const std::array<unsigned char, 5> header{23, 3, 3, static_cast<unsigned char>(sealed >> 8),
                                            static_cast<unsigned char>(sealed)};
  std::string record(reinterpret_cast<const char*>(header.data()), header.size());
  record.resize(header.size() + sealed);
  auto* to = reinterpret_cast<unsigned char*>(record.data()) + header.size();
  int done = 0;
  int last = 0;
  static_cast<void>(keys.begin_record(header));
  EVP_CipherUpdate(keys.context(), to, &done, reinterpret_cast<const unsigned char*>(inner.data()),
                   static_cast<int>(inner.size()));
  EVP_CipherFinal_ex(keys.context(), to + done, &last);
  EVP_CIPHER_CTX_ctrl(keys.context(), EVP_CTRL_AEAD_GET_TAG, 16, to + done);
  return record;
}

}  // namespace walkie::test
