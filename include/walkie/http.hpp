// SPDX-License-Identifier: MIT
// Ordinary HTTP beside WebSockets: what a handler gets and what it answers.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <walkie/bytes.hpp>

namespace walkie {

/// An HTTP request, whole, its body in memory. Views die when the handler returns.
class HttpRequest {
 public:
  virtual ~HttpRequest() = default;
  [[nodiscard]] virtual std::string_view method() const noexcept = 0;
  /// The path, percent-decoded; never empty.
  [[nodiscard]] virtual std::string_view path() const noexcept = 0;
  /// Behind '?', undecoded.
  [[nodiscard]] virtual std::string_view query_string() const noexcept = 0;
  /// One query value, decoded.
  [[nodiscard]] virtual std::optional<std::string> query(std::string_view key) const = 0;
  /// What `:name` of the route's pattern matched, decoded; empty where the pattern has no such
  /// name.
  [[nodiscard]] virtual std::string_view param(std::string_view name) const noexcept = 0;
  /// The first field of that name, in any case.
  [[nodiscard]] virtual std::optional<std::string_view> header(std::string_view name) const = 0;
  [[nodiscard]] virtual std::optional<std::string_view> cookie(std::string_view name) const = 0;
  /// "192.0.2.1:4711", "[2001:db8::1]:4711", or "unix".
  [[nodiscard]] virtual std::string_view remote_address() const noexcept = 0;
  /// It came under TLS that this server speaks itself; behind a proxy ask the proxy.
  [[nodiscard]] virtual bool secure() const noexcept = 0;
  /// The subject of the client's certificate, verified, as RFC 4514 text ("CN=alice,O=Example");
  /// empty where it showed none. See ServerTls::client_certificates.
  [[nodiscard]] virtual std::string_view client_certificate() const noexcept = 0;
  [[nodiscard]] virtual BytesView body() const noexcept = 0;
};

/// An answer. Content-Length, Date and Connection are added by the server.
struct HttpResponse {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
};

/// Answers one request, at once or later, from any thread. One answer only; one that is destroyed
/// unanswered answers 500. After the connection went, answering does nothing.
class HttpReply {
 public:
  struct Target;
  explicit HttpReply(std::shared_ptr<Target> target) noexcept;
  HttpReply(HttpReply&&) noexcept = default;
  HttpReply& operator=(HttpReply&&) noexcept = default;
  ~HttpReply();
  void send(HttpResponse response);

 private:
  std::shared_ptr<Target> target_;
};

/// Handles a request now, or keeps the reply for later (the request dies on return).
using HttpHandler = std::function<void(const HttpRequest&, HttpReply)>;

/// A file served from memory, with a strong ETag of its content and Cache-Control: no-cache.
struct StaticFile {
  std::string path{};          ///< "/app.js"; also answers "/" where it is "/index.html".
  std::string content_type{};  ///< Empty: by the path's ending.
  std::string_view content{};  ///< Must outlive the server (typically compiled in).
};

}  // namespace walkie
