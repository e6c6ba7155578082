// SPDX-License-Identifier: MIT
// One HTTP exchange of the client: the request as it will be sent, the answer as it is kept and
// told.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <http/client_connection.hpp>
#include <http/url.hpp>
#include <walkie/connect_error.hpp>

namespace walkie::client {

/// What the client calls itself where the user gives it no other name.
inline constexpr std::string_view kUserAgent = "walkie";

/// A request that owns its text. A value.
struct OutgoingRequest {
  std::string method;
  std::string target;
  std::vector<std::pair<std::string, std::string>> fields;

  /// As ClientConnection::request().
  [[nodiscard]] bool send(http::ClientConnection& connection) const;
};

/// A copy of an answered event.
[[nodiscard]] HttpAnswer answer_of(const http::ClientEvent& event);

/// "404 Not Found", on one line.
[[nodiscard]] std::string status_text(const HttpAnswer& answer);

/// The authentication schemes that an answer's fields of that name ask for (RFC 9110 §11.6.1):
/// "Basic, Digest"; empty where there are none.
[[nodiscard]] std::string asked_schemes(const HttpAnswer& answer, std::string_view field);

/// `url` for a message: on one line, without user, password and query, cut where it is very long.
[[nodiscard]] std::string message_text(const http::Url& url);

}  // namespace walkie::client
