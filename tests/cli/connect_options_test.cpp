// SPDX-License-Identifier: MIT
// The options of `walkie connect` as client options.
#include <cli/connect_options.hpp>

#include <initializer_list>

#include <doctest/doctest.h>

namespace walkie::cli {
namespace {

Result<ConnectPlan> planned(std::initializer_list<std::string_view> words) {
  const auto arguments = parse_arguments(connect_options(), {words.begin(), words.size()});
  REQUIRE_MESSAGE(arguments, arguments.error().message);
  return connect_plan(*arguments, {});
}

ClientOptions client_of(std::initializer_list<std::string_view> words) {
  auto plan = planned(words);
  REQUIRE_MESSAGE(plan, plan.error().message);
  return plan->client;
}

std::string error_of(std::initializer_list<std::string_view> words) {
  const auto plan = planned(words);
  return plan ? "" : plan.error().message;
}

TEST_CASE("connect takes one URL with its scheme") {
  CHECK(planned({"ws://a/b"})->url == "ws://a/b");
  CHECK(error_of({}).starts_with("connect needs a URL"));
  CHECK(error_of({"ws://a", "b"}) == "connect takes one URL; what is \"b\"?");
  CHECK(error_of({"a:1/b"}) == "the URL \"a:1/b\" has no scheme; did you mean ws://a:1/b?");
}

TEST_CASE("the request is as it was asked for") {
  const ClientOptions client =
      client_of({"ws://a", "-H", "X-A: b", "--header=X-C:d", "--cookie", "e=f", "-o", "https://g",
                 "-s", "h", "--subprotocol", "i"});
  CHECK(client.headers ==
        std::vector<std::pair<std::string, std::string>>{{"X-A", "b"}, {"X-C", "d"}});
  CHECK(client.cookies == "e=f");
  CHECK(client.origin == "https://g");
  CHECK(client.subprotocols == std::vector<std::string>{"h", "i"});
  CHECK(error_of({"ws://a", "-H", "b"}) == "--header: \"b\" is no header; expected NAME: VALUE");
}

TEST_CASE("credentials are a user with a password, or a token") {
  const ClientOptions client = client_of({"ws://a", "--auth", "u:p:q"});
  CHECK(client.user == "u");
  CHECK(client.password == "p:q");
  CHECK(client_of({"ws://a", "--bearer", "t"}).bearer_token == "t");
  CHECK(error_of({"ws://a", "--auth", "u"}) == "--auth: expected USER:PASSWORD");
  CHECK(error_of({"ws://a", "--auth=u:p", "--bearer=t"}) ==
        "--auth and --bearer exclude each other");
}

TEST_CASE("the way there and whom to trust are as asked for") {
  const DialOptions dial =
      client_of({"wss://a", "--proxy=socks5://b", "--unix=/c", "--cacert=d", "--cert=e", "--key=f",
                 "--pin=g", "--server-name=h", "--connect-timeout=2s"})
          .dial;
  CHECK(dial.proxy == "socks5://b");
  CHECK(dial.unix_socket == "/c");
  CHECK(dial.tls.ca_file == "d");
  CHECK(dial.tls.certificate_file == "e");
  CHECK(dial.tls.key_file == "f");
  CHECK(dial.tls.pinned_keys == std::vector<std::string>{"g"});
  CHECK(dial.tls.server_name == "h");
  CHECK(dial.overall_timeout == std::chrono::seconds(2));
  CHECK_FALSE(dial.tls.insecure_accept_any_certificate);
  CHECK(client_of({"wss://a", "-k"}).dial.tls.insecure_accept_any_certificate);
  CHECK(client_of({"wss://a", "--cert=e"}).dial.tls.key_file == "e");
  CHECK(error_of({"wss://a", "--key=f"}) == "--key needs --cert");
}

TEST_CASE("reconnection is off unless asked for") {
  CHECK_FALSE(client_of({"ws://a"}).reconnect);
  CHECK(client_of({"ws://a", "-r", "--reconnect-attempts=3"}).reconnect->attempts_max == 3);
}

TEST_CASE("heartbeats, compression and limits are as asked for") {
  const ClientOptions client = client_of({"ws://a", "--ping-interval=off", "--pong-timeout=1s",
                                          "--no-compression", "--max-message=1KiB"});
  CHECK(client.ping_interval == std::chrono::milliseconds(0));
  CHECK(client.pong_timeout == std::chrono::seconds(1));
  CHECK_FALSE(client.compression);
  CHECK(client.message_bytes_max == 1024);
  CHECK(planned({"ws://a", "--max-message=1KiB"})->stream.message_bytes_max == 1024);
  CHECK(client_of({"ws://a"}).compression);
}

TEST_CASE("a value that is none is refused with its flag") {
  CHECK(error_of({"ws://a", "--timeout=5"}).starts_with("--timeout: \"5\" is not a time"));
}

}  // namespace
}  // namespace walkie::cli
