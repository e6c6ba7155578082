// SPDX-License-Identifier: MIT
// TLS options of `walkie serve`: schemes, pairs of files, and the development certificate.
#include <cli/serve_tls.hpp>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include <cli/serve_options.hpp>
#include <support/certificates.hpp>

namespace walkie::cli {
namespace {

const Environment kNothing = [](const std::string&) { return std::optional<std::string>(); };

Result<Settings> load(std::initializer_list<std::string_view> words) {
  const auto arguments = parse_arguments(serve_options(), {words.begin(), words.size()});
  REQUIRE(arguments);
  return load_serve_settings(*arguments, kNothing);
}

std::string error_of(std::initializer_list<std::string_view> words) {
  const auto settings = load(words);
  return settings ? "" : settings.error().message;
}

std::string endpoints_of(std::initializer_list<std::string_view> words) {
  const auto settings = load(words);
  REQUIRE(settings);
  std::string text;
  for (const ServeEndpoint& endpoint : serve_endpoints(*settings))
    text += (endpoint.tls ? "tls " : "plain ") + endpoint.address + "; ";
  return text;
}

/// A home in a folder of its own.
Environment home_in(const test::ScratchFolder& folder) {
  return [&folder](const std::string& name) -> std::optional<std::string> {
    if (name == "HOME") return folder.file("");
    return std::nullopt;
  };
}

TEST_CASE("TCP is https where a certificate is given, unix sockets only where they say so") {
  CHECK(endpoints_of({}) == "plain 127.0.0.1:8000; ");
  CHECK(endpoints_of({"--tls-self-signed"}) == "tls 127.0.0.1:8000; ");
  CHECK(endpoints_of({"--tls-cert", "c", "--listen", "*:443", "--listen", "http://*:80", "--listen",
                      "unix:/s", "--listen", "https://unix:/t"}) ==
        "tls *:443; plain *:80; plain unix:/s; tls unix:/t; ");
}

TEST_CASE("https without a certificate is a usage error that names the options") {
  CHECK(error_of({"--listen", "https://*:443"}) ==
        "--listen: \"https://*:443\" needs --tls-cert and --tls-key, or --tls-self-signed");
}

TEST_CASE("certificates, keys and OCSP responses pair up in order") {
  const auto settings = load({"--tls-cert", "a.pem", "--tls-key", "a.key", "--tls-cert", "b.pem",
                              "--tls-key", "b.key", "--tls-ocsp", "a.der"});
  REQUIRE(settings);
  const ServerTls options = tls_options(*settings);
  REQUIRE(options.certificates.size() == 2);
  CHECK(options.certificates[0].certificate_file == "a.pem");
  CHECK(options.certificates[0].key_file == "a.key");
  CHECK(options.certificates[0].ocsp_file == "a.der");
  CHECK(options.certificates[1].key_file == "b.key");
  CHECK(options.certificates[1].ocsp_file.empty());
  CHECK(options.client_certificates == ClientCertificates::off);
  CHECK(options.version_min == TlsVersion::tls_1_2);
  const auto joined = load({"--tls-cert", "both.pem"});
  REQUIRE(joined);
  CHECK(tls_options(*joined).certificates[0].key_file == "both.pem");
}

TEST_CASE("pairs that do not match are usage errors") {
  CHECK(error_of({"--tls-key", "k"}) == "--tls-key: a key needs its --tls-cert");
  CHECK(error_of({"--tls-cert", "c", "--tls-cert", "d", "--tls-key", "k"})
            .starts_with("--tls-key: 2 certificates and 1 keys: "));
  CHECK(error_of({"--tls-cert", "c", "--tls-ocsp", "x", "--tls-ocsp", "y"}) ==
        "--tls-ocsp: more OCSP responses than certificates");
  CHECK(
      error_of({"--tls-cert", "c", "--tls-client-certs", "required"}).ends_with("--tls-client-ca"));
}

TEST_CASE("client certificates and the oldest version reach the server's options") {
  const auto settings = load({"--tls-cert", "c", "--tls-client-certs", "optional",
                              "--tls-client-ca", "ca.pem", "--tls-min", "1.3"});
  REQUIRE(settings);
  const ServerOptions options = server_options(*settings, {});
  REQUIRE(options.tls.has_value());
  CHECK(options.tls->client_certificates == ClientCertificates::optional);
  CHECK(options.tls->client_ca_file == "ca.pem");
  CHECK(options.tls->version_min == TlsVersion::tls_1_3);
  CHECK_FALSE(server_options(*load({}), {}).tls.has_value());
}

TEST_CASE("a development certificate is made once, its key for its owner only, and reused") {
  const test::ScratchFolder folder;
  const auto first = development_certificate(home_in(folder));
  REQUIRE(first.has_value());
  CHECK(first->certificate_file.starts_with(folder.file(".cache/walkie/")));
  CHECK((std::filesystem::status(first->key_file).permissions() & std::filesystem::perms::all) ==
        (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
  const auto made_at = std::filesystem::last_write_time(first->certificate_file);
  const auto second = development_certificate(home_in(folder));
  REQUIRE(second.has_value());
  CHECK(second->certificate_file == first->certificate_file);
  CHECK(std::filesystem::last_write_time(second->certificate_file) == made_at);
}

TEST_CASE("a development certificate that is about to expire, or damaged, is made anew") {
  const test::ScratchFolder folder;
  const auto first = development_certificate(home_in(folder));
  REQUIRE(first.has_value());
  const auto content = [](const std::string& file) {
    std::ifstream stream(file);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  };
  const test::Identity old =
      test::issue({.common_name = "old", .ends = std::chrono::hours(24 * 6)});
  std::ofstream(first->certificate_file) << old.certificate_pem();
  std::ofstream(first->key_file) << old.key_pem();
  REQUIRE(development_certificate(home_in(folder)).has_value());
  CHECK(content(first->certificate_file) != old.certificate_pem());
  std::ofstream(first->key_file) << old.key_pem();
  REQUIRE(development_certificate(home_in(folder)).has_value());
  CHECK(content(first->key_file) != old.key_pem());
}

TEST_CASE("a development certificate needs a home, and says how to trust it") {
  CHECK(development_certificate(kNothing).error().message.contains("HOME"));
  CHECK(how_to_trust("/x.pem").contains("curl --cacert /x.pem"));
}

}  // namespace
}  // namespace walkie::cli
