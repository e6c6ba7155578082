// SPDX-License-Identifier: MIT
// Counting connections in and out.
#include <server/admission.hpp>

namespace walkie::server {

Admission::Verdict Admission::enter(const std::string& address) {
  if (connections_.fetch_add(1) >= connections_max_ && connections_max_ != 0) {
    connections_.fetch_sub(1);
    return Verdict::server_full;
  }
  if (per_address_max_ == 0 || address.empty()) return Verdict::admitted;
  const std::lock_guard lock(mutex_);
  std::uint32_t& count = by_address_[address];
  if (count >= per_address_max_) {
    connections_.fetch_sub(1);
    return Verdict::address_full;
  }
  ++count;
  return Verdict::admitted;
}

void Admission::leave(const std::string& address) noexcept {
  connections_.fetch_sub(1);
  if (per_address_max_ == 0 || address.empty()) return;
  const std::lock_guard lock(mutex_);
  const auto found = by_address_.find(address);
  if (found != by_address_.end() && --found->second == 0) by_address_.erase(found);
}

}  // namespace walkie::server
