// SPDX-License-Identifier: MIT
// Endpoints with and without TLS, pairs of files, and the development certificate.
#include <cli/serve_tls.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <io/endpoint.hpp>
#include <tls/pem.hpp>
#include <tls/self_signed.hpp>

namespace walkie::cli {
namespace {

constexpr std::string_view kHttp = "http://";
constexpr std::string_view kHttps = "https://";
constexpr std::array<std::string_view, 3> kOwnNames{"localhost", "127.0.0.1", "::1"};
constexpr std::chrono::hours kLifetime{24 * 365};
constexpr std::chrono::hours kLeft{24 * 7};

ClientCertificates client_certificates_of(std::string_view word) {
  if (word == "required") return ClientCertificates::required;
  return word == "optional" ? ClientCertificates::optional : ClientCertificates::off;
}

/// $XDG_CACHE_HOME/walkie, or ~/.cache/walkie (XDG Base Directory Specification).
Result<std::filesystem::path> cache_folder(const Environment& environment) {
  if (const auto cache = environment("XDG_CACHE_HOME"); cache && cache->starts_with('/'))
    return std::filesystem::path(*cache) / "walkie";
  if (const auto home = environment("HOME"); home && home->starts_with('/'))
    return std::filesystem::path(*home) / ".cache" / "walkie";
  return std::unexpected(Error{
      "no place for the development certificate: neither XDG_CACHE_HOME nor HOME is set", {}});
}

/// Written aside and then moved, so that no reader sees half a file.
Result<void> write_file(const std::string& file, std::string_view text, mode_t mode) {
  const std::string aside = fmt::format("{}.{}", file, ::getpid());
  const io::Fd fd(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode));
  const bool written =
      fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::rename(aside.c_str(), file.c_str()) == 0;
  if (written) return {};
  auto error = errno_error("writing " + file);
  ::unlink(aside.c_str());
  return std::unexpected(std::move(error));
}

bool serves(const Certificate& files) {
  return tls::lasts(files.certificate_file, kLeft) &&
         tls::read_keyed_certificate(files.certificate_file, files.key_file).has_value();
}

}  // namespace

bool has_certificates(const Settings& settings) {
  return settings.on("tls.self_signed") || !settings.list("tls.cert").empty();
}

std::vector<ServeEndpoint> serve_endpoints(const Settings& settings) {
  std::vector<ServeEndpoint> endpoints;
  for (const std::string& text : settings.list("listen")) {
    if (text.starts_with(kHttps))
      endpoints.push_back({text.substr(kHttps.size()), true});
    else if (text.starts_with(kHttp))
      endpoints.push_back({text.substr(kHttp.size()), false});
    else
      endpoints.push_back({text, has_certificates(settings) && !text.starts_with("unix:")});
  }
  return endpoints;
}

std::optional<TlsOptionFault> fault_of_tls(const Settings& settings) {
  const std::size_t certificates = settings.list("tls.cert").size();
  const std::size_t keys = settings.list("tls.key").size();
  if (keys > 0 && certificates == 0) return TlsOptionFault{"tls.key", "a key needs its --tls-cert"};
  if (keys != 0 && keys != certificates)
    return TlsOptionFault{"tls.key",
                          fmt::format("{} certificates and {} keys: give one --tls-key for each "
                                      "--tls-cert, in the same order",
                                      certificates, keys)};
  if (settings.list("tls.ocsp").size() > certificates)
    return TlsOptionFault{"tls.ocsp", "more OCSP responses than certificates"};
  if (settings.text("tls.client_certs") != "off" && settings.text("tls.client_ca").empty())
    return TlsOptionFault{
        "tls.client_certs",
        "client certificates need the authorities that sign them: --tls-client-ca"};
  if (has_certificates(settings)) return std::nullopt;
  for (const std::string& text : settings.list("listen"))
    if (text.starts_with(kHttps))
      return TlsOptionFault{
          "listen",
          fmt::format("\"{}\" needs --tls-cert and --tls-key, or --tls-self-signed", text)};
  return std::nullopt;
}

ServerTls tls_options(const Settings& settings) {
  ServerTls options;
  const auto& certificates = settings.list("tls.cert");
  const auto& keys = settings.list("tls.key");
  const auto& staples = settings.list("tls.ocsp");
  for (std::size_t i = 0; i < certificates.size(); ++i)
    options.certificates.push_back({.certificate_file = certificates[i],
                                    .key_file = keys.empty() ? certificates[i] : keys[i],
                                    .ocsp_file = i < staples.size() ? staples[i] : ""});
  options.client_certificates = client_certificates_of(settings.text("tls.client_certs"));
  options.client_ca_file = settings.text("tls.client_ca");
  options.version_min =
      settings.text("tls.min") == "1.3" ? TlsVersion::tls_1_3 : TlsVersion::tls_1_2;
  return options;
}

Result<Certificate> development_certificate(const Environment& environment) {
  const auto folder = cache_folder(environment);
  if (!folder) return std::unexpected(folder.error());
  std::error_code failed;
  std::filesystem::create_directories(*folder, failed);
  if (failed) return std::unexpected(system_error("making " + folder->string(), failed));
  Certificate files{.certificate_file = *folder / "localhost.pem",
                    .key_file = *folder / "localhost.key"};
  if (serves(files)) return files;
  const auto made = tls::make_self_signed(kOwnNames, kLifetime);
  if (!made) return std::unexpected(made.error());
  if (auto written = write_file(files.key_file, made->key_pem, S_IRUSR | S_IWUSR); !written)
    return std::unexpected(std::move(written.error()));
  constexpr mode_t kReadable = S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH;
  if (auto written = write_file(files.certificate_file, made->certificate_pem, kReadable); !written)
    return std::unexpected(std::move(written.error()));
  return files;
}

std::string how_to_trust(const std::string& file) {
  return fmt::format(
      "walkie: {0} is a development certificate for localhost, 127.0.0.1 and ::1. To trust it:\n"
      "  curl --cacert {0} ...\n"
      "  NODE_EXTRA_CA_CERTS={0} node ...;  SSL_CERT_FILE={0} python3 ...\n"
      "  Chromium: certutil -d sql:$HOME/.pki/nssdb -A -t P,, -n walkie -i {0}\n"
      "  Firefox: open the page once and accept the risk\n",
      file);
}

}  // namespace walkie::cli
