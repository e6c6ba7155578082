// SPDX-License-Identifier: MIT
// Looking things up in a request.
#include <server/request_view.hpp>

#include <http/query.hpp>
#include <proto/handshake.hpp>

namespace walkie::server {

RequestView::RequestView(const http::Request& request, const Parameters& parameters,
                         std::string_view remote, const tls::Filter* tls)
    : request_(request),
      parameters_(parameters),
      remote_(remote),
      path_(http::percent_decoded(request.head->path).value_or("/")),
      client_certificate_(tls ? tls->peer_subject() : std::string()),
      secure_(tls != nullptr) {
  if (request.asks_for_websocket) subprotocols_ = proto::offered_subprotocols(request.head->fields);
}

std::string_view RequestView::method() const noexcept { return request_.head->method; }

std::string_view RequestView::query_string() const noexcept { return request_.head->query; }

std::optional<std::string> RequestView::query(std::string_view key) const {
  return http::query_value(request_.head->query, key);
}

std::string_view RequestView::param(std::string_view name) const noexcept {
  for (const auto& [key, value] : parameters_)
    if (key == name) return value;
  return {};
}

std::optional<std::string_view> RequestView::header(std::string_view name) const {
  return find_header(request_.head->fields, name);
}

std::optional<std::string_view> RequestView::cookie(std::string_view name) const {
  return http::cookie_value(request_.head->fields, name);
}

std::string_view RequestView::origin() const noexcept {
  return find_header(request_.head->fields, "Origin").value_or(std::string_view{});
}

}  // namespace walkie::server
