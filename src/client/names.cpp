// SPDX-License-Identifier: MIT
// The words for what a client's callers meet: states, faults, fates.
#include <walkie/client.hpp>
#include <walkie/connect_error.hpp>

#include <base/header_field.hpp>

namespace walkie {

std::string_view name_of(ConnectFault fault) noexcept {
  switch (fault) {
    case ConnectFault::bad_url:
      return "bad_url";
    case ConnectFault::resolve:
      return "resolve";
    case ConnectFault::refused:
      return "refused";
    case ConnectFault::unreachable:
      return "unreachable";
    case ConnectFault::timeout:
      return "timeout";
    case ConnectFault::proxy:
      return "proxy";
    case ConnectFault::tls:
      return "tls";
    case ConnectFault::rejected:
      return "rejected";
    case ConnectFault::redirect:
      return "redirect";
    case ConnectFault::protocol:
      return "protocol";
    case ConnectFault::ended:
      return "ended";
    case ConnectFault::cancelled:
      return "cancelled";
  }
  return "";
}

std::string_view name_of(ClientState state) noexcept {
  switch (state) {
    case ClientState::connecting:
      return "connecting";
    case ClientState::open:
      return "open";
    case ClientState::closing:
      return "closing";
    case ClientState::reconnecting:
      return "reconnecting";
    case ClientState::closed:
      return "closed";
  }
  return "";
}

std::string_view name_of(Undelivered why) noexcept {
  switch (why) {
    case Undelivered::expired:
      return "expired";
    case Undelivered::dropped:
      return "dropped";
    case Undelivered::unconfirmed:
      return "unconfirmed";
    case Undelivered::closed:
      return "closed";
  }
  return "";
}

std::string_view HttpAnswer::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers)
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

}  // namespace walkie
