// SPDX-License-Identifier: MIT
// Dials once and prints what came of it and how long it took: for tests in network namespaces.
//
//   dial_probe HOST PORT DNS_SERVER:PORT [ATTEMPT_TIMEOUT_MS]
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include <client/dial.hpp>
#include <io/loop.hpp>
#include <io/resolver.hpp>

namespace {

using namespace walkie;

int complain(const std::string& line) {
  std::fprintf(stderr, "dial_probe: %s\n", line.c_str());
  return 2;
}

int run(std::span<char*> arguments) {
  if (arguments.size() < 4) return complain("usage: HOST PORT DNS_SERVER:PORT [TIMEOUT_MS]");
  auto servers = io::parse_endpoint(arguments[3]);
  if (!servers) return complain(servers.error().message);
  auto loop = io::make_loop(io::Backend::epoll);
  if (!loop) return complain(loop.error().message);
  auto resolver = io::Resolver::make(
      **loop,
      {.servers = std::move(*servers), .hosts_file = "/dev/null", .resolv_conf = "/dev/null"});
  if (!resolver) return complain(resolver.error().message);
  client::DialRequest request{.host = arguments[1],
                              .port = static_cast<std::uint16_t>(std::atoi(arguments[2]))};
  if (arguments.size() > 4)
    request.race.attempt_timeout = std::chrono::milliseconds(std::atoi(arguments[4]));

  std::optional<client::Dial::Result> result;
  const auto start = std::chrono::steady_clock::now();
  const client::Dial dial(**loop, **resolver, std::move(request),
                          [&](client::Dial::Result told) { result.emplace(std::move(told)); });
  while (!result)
    if (auto turned = (*loop)->run_turn(std::chrono::seconds(1)); !turned)
      return complain(turned.error().message);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                      std::chrono::steady_clock::now() - start)
                      .count();
  const std::string what =
      *result ? "connected to " + (*result)->remote.text()
              : std::string(name_of(result->error().fault)) + ": " + result->error().message;
  std::printf("%lld %s\n", static_cast<long long>(ms), what.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return run(std::span(argv, static_cast<std::size_t>(argc))); }
