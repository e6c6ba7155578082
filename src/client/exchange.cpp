// SPDX-License-Identifier: MIT
// One HTTP exchange of the client.
#include <client/exchange.hpp>

#include <base/header_field.hpp>
#include <base/printable.hpp>

namespace walkie::client {

bool OutgoingRequest::send(http::ClientConnection& connection) const {
  std::vector<HeaderField> views;
  views.reserve(fields.size());
  for (const auto& [name, value] : fields) views.push_back({name, value});
  return connection.request(method, target, views);
}

HttpAnswer answer_of(const http::ClientEvent& event) {
  HttpAnswer answer{.status = event.head->status, .reason = std::string(event.head->reason)};
  answer.headers.reserve(event.head->fields.size());
  for (const auto& [name, value] : event.head->fields) answer.headers.emplace_back(name, value);
  answer.body = text_of(event.body);
  return answer;
}

std::string status_text(const HttpAnswer& answer) {
  std::string text = std::to_string(answer.status);
  if (!answer.reason.empty()) text.append(" ").append(base::printable(answer.reason, 80));
  return text;
}

std::string asked_schemes(const HttpAnswer& answer, std::string_view field) {
  std::string schemes;
  for (const auto& [name, value] : answer.headers) {
    if (!equal_ignoring_case(name, field)) continue;
    std::string_view list = value;
    while (const auto element = next_list_element(list)) {
      const std::string_view word = element->substr(0, element->find_first_of(" \t"));
      if (!is_token(word)) continue;  // "nonce=..." goes on with the scheme before it
      schemes.append(schemes.empty() ? "" : ", ").append(word);
    }
  }
  return base::printable(schemes, 80);
}

std::string message_text(const http::Url& url) {
  http::Url shown = url;
  // A query may hold a token: its place is neither a log nor a terminal.
  if (const auto query = shown.target.find('?'); query != std::string::npos)
    shown.target.replace(query, std::string::npos, "?...");
  return base::printable(shown.text());
}

}  // namespace walkie::client
