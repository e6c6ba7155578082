// SPDX-License-Identifier: MIT
// The options of `walkie listen` as server options.
#include <cli/listen_options.hpp>

#include <initializer_list>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

Result<ListenPlan> planned(std::initializer_list<std::string_view> words) {
  const auto arguments = parse_arguments(listen_options(), {words.begin(), words.size()});
  REQUIRE_MESSAGE(arguments, arguments.error().message);
  return listen_plan(*arguments, {});
}

TEST_CASE("listen takes an endpoint, a bare port, or its default") {
  CHECK(planned({})->endpoint == "127.0.0.1:8000");
  CHECK(planned({"9000"})->endpoint == "127.0.0.1:9000");
  CHECK(planned({"*:9000"})->endpoint == "*:9000");
  CHECK(planned({"unix:/a"})->endpoint == "unix:/a");
  CHECK_FALSE(planned({"nowhere"}));
  CHECK(planned({"1", "2"}).error().message == "listen takes one endpoint; what is \"2\"?");
}

TEST_CASE("its options reach the server") {
  const auto plan =
      planned({"-e", "-s", "a", "--allow-origin=*", "-H", "X-A: b", "--ping-interval=off",
               "--no-compression", "--max-message=1KiB", "-1"});
  REQUIRE(plan);
  CHECK(plan->echo);
  CHECK(plan->stream.one);
  CHECK(plan->websocket.subprotocols == std::vector<std::string>{"a"});
  CHECK(plan->websocket.origin.allowed == std::vector<std::string>{"*"});
  CHECK(plan->headers == std::vector<std::pair<std::string, std::string>>{{"X-A", "b"}});
  CHECK(plan->websocket.ping_interval == std::chrono::milliseconds(0));
  CHECK_FALSE(plan->websocket.compression);
  CHECK(plan->websocket.message_bytes_max == 1024);
}

TEST_CASE("TLS takes a certificate with its key, or makes one") {
  CHECK_FALSE(planned({})->tls);
  const auto plan = planned({"--tls-cert=a", "--tls-key=b"});
  REQUIRE(plan->tls);
  CHECK(plan->tls->certificates[0].certificate_file == "a");
  CHECK(plan->tls->certificates[0].key_file == "b");
  CHECK(planned({"--tls-cert=a"})->tls->certificates[0].key_file == "a");
  CHECK(planned({"--tls-self-signed"})->self_signed);
  CHECK(planned({"--tls-key=b"}).error().message == "--tls-key needs --tls-cert");
  CHECK(planned({"--tls-cert=a", "--tls-self-signed"}).error().message ==
        "--tls-cert and --tls-self-signed exclude each other");
}

TEST_CASE("a header that is none is refused") {
  CHECK(planned({"-H", "b"}).error().message ==
        "--header: \"b\" is no header; expected NAME: VALUE");
}

}  // namespace
}  // namespace walkie::cli
