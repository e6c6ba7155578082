// SPDX-License-Identifier: MIT
// Through an HTTP proxy by CONNECT.
#include <client/connect_proxy.hpp>

#include <utility>

#include <base/header_field.hpp>
#include <http/basic_auth.hpp>

namespace walkie::client {
namespace {

ConnectError proxy_error(std::string message) {
  return {.fault = ConnectFault::proxy, .message = std::move(message)};
}

bool asks_for_basic(std::string_view schemes) {
  while (const auto scheme = next_list_element(schemes))
    if (equal_ignoring_case(*scheme, "Basic")) return true;
  return false;
}

std::string credentials_hint(const http::Url& proxy, const HttpAnswer& answer) {
  const std::string schemes = asked_schemes(answer, "Proxy-Authenticate");
  if (!schemes.empty() && !asks_for_basic(schemes))
    return "it wants " + schemes + " authentication, and only Basic is spoken here";
  if (proxy.has_credentials()) return "it does not take that user and password";
  return "it wants a user and a password: put them into the proxy's URL, as in " + proxy.scheme +
         "://user:password@" + proxy.authority();
}

std::string hint(const http::Url& proxy, const HttpAnswer& answer) {
  switch (answer.status) {
    case 401:  // what tinyproxy answers to wrong credentials
    case 407:
      return credentials_hint(proxy, answer);
    case 400:
    case 404:
    case 405:
    case 501:
      return "it is perhaps no proxy, or does not do CONNECT";
    case 403:
      return "its rules do not allow that host or port";
    case 502:
    case 503:
    case 504:
      return "it could not reach the server";
    default:
      return {};
  }
}

}  // namespace

OutgoingRequest connect_request(const http::Url& proxy, const http::Url& url) {
  const std::string authority = url.authority();
  OutgoingRequest request{.method = "CONNECT", .target = authority, .fields = {}};
  request.fields.emplace_back("Host", authority);
  request.fields.emplace_back("User-Agent", kUserAgent);
  if (proxy.has_credentials()) {
    request.fields.emplace_back("Proxy-Authorization",
                                http::basic_credentials(proxy.user, proxy.password));
  }
  return request;
}

std::optional<ConnectError> judge_connect_answer(const http::Url& proxy, const http::Url& url,
                                                 const http::ClientEvent& event) {
  const std::string name = "the proxy " + proxy.authority();
  if (event.ended_early)
    return proxy_error(name + " ended the connection without an answer to CONNECT " +
                       url.authority());
  if (event.kind == http::ClientEvent::Kind::failed) {
    const http::HeadErrorFacts& facts = http::facts_of(event.error);
    std::string message = name + " gave a broken answer: ";
    message.append(facts.text).append(" (").append(facts.clause).append(")");
    return proxy_error(std::move(message));
  }
  if (event.head->status / 100 == 2) return std::nullopt;
  HttpAnswer answer = answer_of(event);
  std::string message =
      name + " answered " + status_text(answer) + " to CONNECT " + url.authority();
  if (const std::string why = hint(proxy, answer); !why.empty()) message.append(": ").append(why);
  ConnectError error = proxy_error(std::move(message));
  error.answer = std::move(answer);
  return error;
}

}  // namespace walkie::client
