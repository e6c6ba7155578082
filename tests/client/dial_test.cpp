// SPDX-License-Identifier: MIT
// Dialling: scripts over a fake network, with a fault at each step; then real sockets and names.
#include <client/dial.hpp>

#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

#include <doctest/doctest.h>
#include <client/fake_network.hpp>
#include <support/backend.hpp>
#include <support/dns_server.hpp>

namespace walkie::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// "won 192.0.2.1:443", or "refused: message".
std::string text_of(const Dial::Result& result) {
  if (result) return "won " + result->remote.text();
  return std::string(name_of(result.error().fault)) + ": " + result.error().message;
}

struct Rig {
  explicit Rig(DialRequest request = {.host = "example.com", .port = 443}) {
    dial =
        std::make_unique<Dial>(network, resolver, std::move(request), [this](Dial::Result result) {
          if (result) CHECK(result->fd);
          results.push_back(text_of(result));
          if (act) act();
        });
    CHECK(results.empty());
    CHECK(resolver.open() == 0);
    network.pass(Duration::zero());
  }
  void v6(const std::vector<std::string>& hosts, bool last = false, const std::string& error = "") {
    resolver.tell(AF_INET6, hosts, error, last);
  }
  void v4(const std::vector<std::string>& hosts, bool last = false, const std::string& error = "") {
    resolver.tell(AF_INET, hosts, error, last);
  }
  /// Nothing is left behind by a dial that ended.
  void check_clean() const {
    CHECK(network.open() == 0);
    CHECK(resolver.open() == 0);
    CHECK_FALSE(const_cast<test::FakeNetwork&>(network).timers().next_deadline());
  }
  test::FakeNetwork network;
  test::FakeResolver resolver;
  std::vector<std::string> results;
  std::function<void()> act;
  std::unique_ptr<Dial> dial;
};

// -- scripts --

TEST_CASE("dial connects to the first address of a name and hands its socket over") {
  Rig rig;
  CHECK(rig.resolver.asked == "example.com:443");
  rig.v6({"2001:db8::1"});
  CHECK(rig.network.hosts() == "2001:db8::1");
  rig.network.accept(0);
  CHECK(rig.results == std::vector<std::string>{"won [2001:db8::1]:443"});
  rig.check_clean();
}

TEST_CASE("dial begins in the loop's next timers, however long ago its last turn was") {
  test::FakeNetwork network;
  test::FakeResolver resolver;
  std::vector<std::string> results;
  const Dial dial(network, resolver,
                  {.host = "example.com", .port = 443, .resolve_timeout = seconds(5)},
                  [&](const Dial::Result& result) { results.push_back(text_of(result)); });
  network.pass(seconds(0));
  network.pass(milliseconds(4999));
  CHECK(results.empty());
  network.pass(milliseconds(1));
  CHECK(results.size() == 1);
}

TEST_CASE("dial goes on to the next address after 250 ms and abandons the loser [RFC 8305 5]") {
  Rig rig;
  rig.v6({"2001:db8::1"});
  rig.v4({"192.0.2.1"}, true);
  rig.network.pass(milliseconds(249));
  CHECK(rig.network.hosts() == "2001:db8::1");
  rig.network.pass(milliseconds(1));
  CHECK(rig.network.hosts() == "2001:db8::1 192.0.2.1");
  CHECK(rig.network.open() == 2);
  rig.network.accept(1);
  CHECK(rig.results == std::vector<std::string>{"won 192.0.2.1:443"});
  rig.check_clean();
}

TEST_CASE("dial lets IPv4 wait 50 ms for IPv6 and no longer [RFC 8305 3]") {
  Rig rig;
  rig.v4({"192.0.2.1"});
  rig.network.pass(milliseconds(49));
  CHECK(rig.network.connects.empty());
  rig.network.pass(milliseconds(1));
  CHECK(rig.network.hosts() == "192.0.2.1");
  rig.network.accept(0);
  CHECK(rig.results.size() == 1);
  rig.check_clean();
}

TEST_CASE("dial says what each address answered") {
  Rig rig;
  rig.v6({"2001:db8::1"});
  rig.v4({"192.0.2.1"}, true);
  rig.network.fail(0, EHOSTUNREACH);
  rig.network.fail(1, ECONNREFUSED);
  CHECK(rig.results ==
        std::vector<std::string>{"unreachable: connecting to example.com: [2001:db8::1]:443: no "
                                 "route to host; 192.0.2.1:443: connection refused"});
  rig.check_clean();
}

TEST_CASE("dial tells refused, timed out and unknown apart") {
  SUBCASE("refused") {
    Rig rig({.host = "192.0.2.1", .port = 80});
    rig.v6({}, false, "no address of that kind");
    rig.v4({"192.0.2.1"}, true);
    rig.network.fail(0, ECONNREFUSED);
    CHECK(rig.results[0] == "refused: connecting to 192.0.2.1:80: connection refused");
  }
  SUBCASE("timed out") {
    Rig rig({.host = "example.com", .port = 80, .race = {.attempt_timeout = seconds(3)}});
    rig.v6({"2001:db8::1"});
    rig.v4({}, true, "no address of that kind");
    rig.network.pass(milliseconds(2999));
    CHECK(rig.results.empty());
    rig.network.pass(milliseconds(1));
    CHECK(rig.results[0] ==
          "timeout: connecting to example.com: [2001:db8::1]:80: timed out after 3 s");
    rig.check_clean();
  }
  SUBCASE("unknown") {
    Rig rig;
    rig.v4({}, false, "no such name");
    rig.v6({}, true, "no such name");
    CHECK(rig.results[0] == "resolve: looking up example.com: no such name");
    rig.check_clean();
  }
}

TEST_CASE("dial gives a silent resolver up, but not addresses that it has") {
  SUBCASE("no family") {
    Rig rig;
    rig.network.pass(seconds(5));
    CHECK(rig.results ==
          std::vector<std::string>{"resolve: looking up example.com: the resolver did not answer "
                                   "within 5 s"});
    rig.check_clean();
  }
  SUBCASE("one family fails after that") {
    Rig rig;
    rig.v6({"2001:db8::1"});
    rig.network.pass(seconds(6));
    CHECK(rig.results.empty());
    CHECK(rig.resolver.open() == 0);
    rig.network.fail(0, ECONNREFUSED);
    CHECK(rig.results ==
          std::vector<std::string>{
              "refused: connecting to example.com: [2001:db8::1]:443: connection refused"});
    rig.check_clean();
  }
  SUBCASE("no time given") {
    Rig rig({.host = "example.com", .port = 443, .resolve_timeout = seconds(0)});
    rig.network.pass(seconds(60));
    CHECK(rig.results.empty());
    CHECK(rig.resolver.open() == 1);
  }
}

TEST_CASE("a connect that the system refuses counts as that address failing") {
  Rig rig;
  rig.network.refusals = 1;
  rig.v6({"2001:db8::1"});
  CHECK(rig.network.connects.empty());
  CHECK(rig.results.empty());
  rig.network.refusals = 1;
  rig.v4({"192.0.2.1"}, true);
  CHECK(rig.results ==
        std::vector<std::string>{
            "unreachable: connecting to example.com: [2001:db8::1]:443: creating a socket: Too "
            "many open files; 192.0.2.1:443: creating a socket: Too many open files"});
  rig.check_clean();
}

TEST_CASE("dial connects to a unix socket without resolving") {
  Rig rig({.host = "ignored", .unix_path = "/run/walkie.sock"});
  CHECK(rig.resolver.asked.empty());
  REQUIRE(rig.network.connects.size() == 1);
  CHECK(rig.network.connects[0].to.text() == "unix:/run/walkie.sock");
  rig.network.fail(0, ENOENT);
  CHECK(rig.results ==
        std::vector<std::string>{
            "unreachable: connecting to unix:/run/walkie.sock: no such file or directory"});
  rig.check_clean();

  Rig bad({.unix_path = std::string(200, 'x')});
  REQUIRE(bad.results.size() == 1);
  CHECK(bad.results[0].starts_with("bad_url: address 'unix:xxx"));
}

TEST_CASE("an owner may destroy the dial when it is told, and start another") {
  for (const bool success : {true, false}) {
    CAPTURE(success);
    Rig rig;
    rig.act = [&] {
      rig.dial = std::make_unique<Dial>(rig.network, rig.resolver, DialRequest{.host = "next"},
                                        [](const Dial::Result&) {});
    };
    rig.v6({"2001:db8::1", "2001:db8::2"});
    rig.v4({}, true, "no such name");
    rig.network.pass(milliseconds(250));
    if (success) {
      rig.network.accept(1);
    } else {
      rig.network.fail(0, ECONNREFUSED);
      rig.network.fail(1, ECONNREFUSED);
    }
    CHECK(rig.results.size() == 1);
    CHECK(rig.network.open() == 0);
    rig.network.pass(Duration::zero());
    CHECK(rig.resolver.asked == "next:0");
    rig.dial.reset();
    rig.check_clean();
  }
}

/// A whole dial, step by step: two dead addresses, then one that takes the connection.
const std::vector<std::function<void(Rig&)>>& script() {
  static const std::vector<std::function<void(Rig&)>> kSteps{
      [](Rig& rig) { rig.v4({"192.0.2.1", "192.0.2.2"}); },
      [](Rig& rig) { rig.network.pass(milliseconds(20)); },
      [](Rig& rig) { rig.v6({"2001:db8::1"}, true); },
      [](Rig& rig) { rig.network.pass(milliseconds(250)); },
      [](Rig& rig) {
        if (!rig.network.connects.empty()) rig.network.fail(0, EHOSTUNREACH);
      },
      [](Rig& rig) { rig.network.pass(milliseconds(250)); },
      [](Rig& rig) {
        if (rig.network.connects.size() > 2) rig.network.accept(2);
      },
  };
  return kSteps;
}

TEST_CASE("the script ends in its third address") {
  Rig rig;
  for (const auto& step : script()) step(rig);
  CHECK(rig.results == std::vector<std::string>{"won 192.0.2.2:443"});
  rig.check_clean();
}

TEST_CASE("a dial that is destroyed at any step tells nothing and leaves nothing behind") {
  for (std::size_t at = 0; at < script().size(); ++at) {
    CAPTURE(at);
    Rig rig;
    for (std::size_t i = 0; i < script().size(); ++i) {
      if (i == at) {
        rig.dial.reset();
        rig.check_clean();
      }
      script()[i](rig);
    }
    rig.network.pass(seconds(60));
    CHECK(rig.results.empty());
    rig.check_clean();
  }
}

TEST_CASE("whatever fails at any step, a dial ends once and leaves nothing behind") {
  const std::vector<std::function<void(Rig&)>> faults{
      [](Rig& rig) { rig.network.refusals = 1; },
      [](Rig& rig) { rig.network.refusals = 100; },
      [](Rig& rig) { rig.v6({}, false, "the resolver timed out"); },
      [](Rig& rig) { rig.v4({}, false, "no such name"); },
      [](Rig& rig) { rig.network.pass(seconds(30)); },
      [](Rig& rig) {
        for (std::size_t i = 0; i < rig.network.connects.size(); ++i) rig.network.fail(i, ENETDOWN);
      },
      [](Rig& rig) {
        for (std::size_t i = 0; i < rig.network.connects.size(); ++i) rig.network.accept(i);
      },
  };
  for (std::size_t at = 0; at < script().size(); ++at) {
    for (std::size_t which = 0; which < faults.size(); ++which) {
      CAPTURE(at);
      CAPTURE(which);
      Rig rig;
      for (std::size_t i = 0; i < script().size(); ++i) {
        if (i == at) faults[which](rig);
        script()[i](rig);
      }
      rig.network.pass(seconds(60));
      CHECK(rig.results.size() == 1);
      rig.check_clean();
    }
  }
}

// -- real sockets --

/// A listener, a DNS server and a resolver on one real loop.
struct RealRig {
  RealRig() : loop(std::move(*io::make_loop(test::backend(), {.one_thread = false}))), dns(*loop) {
    auto made = io::Resolver::make(
        *loop, {.servers = {dns.address()}, .hosts_file = "/dev/null", .resolv_conf = "/dev/null"});
    REQUIRE(made);
    resolver = std::move(*made);
    listen("127.0.0.1:0");
  }
  void listen(std::string_view where) {
    auto fd = io::listen_on(io::parse_endpoint(where)->front(), {});
    REQUIRE(fd);
    listener = std::move(*fd);
    address = *io::local_address(listener);
  }
  Dial::Result run(DialRequest request) {
    std::optional<Dial::Result> result;
    const Dial dial(*loop, *resolver, std::move(request),
                    [&](Dial::Result told) { result.emplace(std::move(told)); });
    for (int turn = 0; turn < 5000 && !result; ++turn) REQUIRE(loop->run_turn(seconds(1)));
    REQUIRE(result);
    return std::move(*result);
  }
  std::unique_ptr<io::Loop> loop;
  test::DnsServer dns;
  std::unique_ptr<io::Resolver> resolver;
  io::Fd listener;
  io::SocketAddress address;
};

/// That the socket is one: what goes in comes out of the listener's side.
void check_connected(const RealRig& rig, const Dial::Result& result) {
  REQUIRE(result);
  CHECK(result->remote.text() == rig.address.text());
  const io::Fd peer(::accept4(rig.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(peer);
  REQUIRE(::send(result->fd.get(), "hi", 2, MSG_NOSIGNAL) == 2);
  char bytes[2];
  REQUIRE(::recv(peer.get(), bytes, sizeof bytes, MSG_WAITALL) == 2);
}

test::DnsReply loopback_only(const test::DnsQuestion& question) {
  if (question.type != test::kTypeA) return {};
  return {.records = {test::address_record(question.name, "127.0.0.1")}};
}

TEST_CASE("dial connects real sockets by address, by name and by path") {
  RealRig rig;
  rig.dns.answer = loopback_only;
  const std::uint16_t port = rig.address.port();
  check_connected(rig, rig.run({.host = "127.0.0.1", .port = port}));
  check_connected(rig, rig.run({.host = "localhost", .port = port}));
  check_connected(rig, rig.run({.host = "server.test", .port = port}));
  rig.listen("unix:@walkie-dial-test");
  check_connected(rig, rig.run({.unix_path = "@walkie-dial-test"}));
}

TEST_CASE("dial passes over an address that refuses and connects to the next") {
  RealRig rig;
  const std::uint16_t port = rig.address.port();
  rig.dns.answer = [](const test::DnsQuestion& question) {
    if (question.type != test::kTypeA) return test::DnsReply{};
    return test::DnsReply{.records = {test::address_record(question.name, "127.0.0.2"),
                                      test::address_record(question.name, "127.0.0.1")}};
  };
  check_connected(rig, rig.run({.host = "two.test", .port = port}));
}

TEST_CASE("dial says in one line why it could not, of real sockets and names") {
  RealRig rig;
  const std::uint16_t port = rig.address.port();
  rig.listener = io::Fd();
  const std::string number = std::to_string(port);
  CHECK(text_of(rig.run({.host = "127.0.0.1", .port = port})) ==
        "refused: connecting to 127.0.0.1:" + number + ": connection refused");
  CHECK(text_of(rig.run({.host = "gone.test", .port = port})) ==
        "resolve: looking up gone.test: no such name");
  CHECK(text_of(rig.run({.host = "a..b", .port = port})) ==
        "resolve: looking up a..b: not a name: it has an empty label");
  CHECK(text_of(rig.run({.unix_path = "/nonexistent/socket"})) ==
        "unreachable: connecting to unix:/nonexistent/socket: no such file or directory");
  rig.dns.answer = loopback_only;
  CHECK(text_of(rig.run({.host = "there.test", .port = port})) ==
        "refused: connecting to there.test: 127.0.0.1:" + number + ": connection refused");
  rig.dns.answer = [](const test::DnsQuestion&) { return test::DnsReply{.silent = true}; };
  CHECK(
      text_of(rig.run({.host = "slow.test", .port = port, .resolve_timeout = milliseconds(100)})) ==
      "resolve: looking up slow.test: the resolver did not answer within 100 ms");
}

TEST_CASE("a dialled socket is the next owner's, with what its peer sent meanwhile") {
  struct Owner final : io::SocketHandler {
    void on_received(MutableBytes bytes) override { received += walkie::text_of(bytes); }
    void on_sent(std::size_t) override {}
    void on_end() override { ended = true; }
    void on_error(std::error_code) override {}
    std::string received;
    bool ended = false;
  };
  RealRig rig;
  auto result = rig.run({.host = "127.0.0.1", .port = rig.address.port()});
  REQUIRE(result);
  {
    const io::Fd peer(::accept4(rig.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(::send(peer.get(), "welcome", 7, MSG_NOSIGNAL) == 7);
  }
  Owner owner;
  const auto id = rig.loop->adopt(std::move(result->fd), owner);
  REQUIRE(id);
  for (int turn = 0; turn < 100 && !owner.ended; ++turn) REQUIRE(rig.loop->run_turn(seconds(1)));
  CHECK(owner.received == "welcome");
  base::BufferPool pool;
  rig.loop->release(*id, base::OutputQueue(pool));
}

}  // namespace
}  // namespace walkie::client
