// SPDX-License-Identifier: MIT
// What handlers see of a request: views into the machine's head, with what the router found.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <http/server_connection.hpp>
#include <server/router.hpp>
#include <tls/filter.hpp>
#include <walkie/server.hpp>

namespace walkie::server {

/// Serves as HttpRequest and as UpgradeRequest. Lives for one handler call.
class RequestView final : public UpgradeRequest {
 public:
  /// `tls` is null where the connection is plain.
  RequestView(const http::Request& request, const Parameters& parameters, std::string_view remote,
              const tls::Filter* tls);

  [[nodiscard]] std::string_view method() const noexcept override;
  [[nodiscard]] std::string_view path() const noexcept override { return path_; }
  [[nodiscard]] std::string_view query_string() const noexcept override;
  [[nodiscard]] std::optional<std::string> query(std::string_view key) const override;
  [[nodiscard]] std::string_view param(std::string_view name) const noexcept override;
  [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const override;
  [[nodiscard]] std::optional<std::string_view> cookie(std::string_view name) const override;
  [[nodiscard]] std::string_view remote_address() const noexcept override { return remote_; }
  [[nodiscard]] bool secure() const noexcept override { return secure_; }
  [[nodiscard]] std::string_view client_certificate() const noexcept override {
    return client_certificate_;
  }
  [[nodiscard]] BytesView body() const noexcept override { return request_.body; }
  [[nodiscard]] std::span<const std::string_view> subprotocols() const noexcept override {
    return subprotocols_;
  }
  [[nodiscard]] std::string_view origin() const noexcept override;

 private:
  const http::Request& request_;
  const Parameters& parameters_;
  std::string_view remote_;
  std::string path_;
  std::string client_certificate_;
  bool secure_;
  std::vector<std::string_view> subprotocols_;
};

}  // namespace walkie::server
