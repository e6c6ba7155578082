// SPDX-License-Identifier: MIT
// Names to addresses, against a DNS server of the test's own.
#include <io/resolver.hpp>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <doctest/doctest.h>
#include <io/loop_fixture.hpp>
#include <support/dns_server.hpp>

namespace walkie::io {
namespace {

using test::address_record;
using test::alias_record;
using test::DnsQuestion;
using test::DnsReply;
using test::DnsServer;
using test::kTypeA;
using test::kTypeAaaa;

/// A file that is gone with its owner.
class TemporaryFile {
 public:
  TemporaryFile(std::string_view stem, std::string_view text)
      : path_(std::filesystem::temp_directory_path() /
              ("walkie-" + std::string(stem) + "-" + std::to_string(::getpid()))) {
    write(text);
  }
  ~TemporaryFile() { std::filesystem::remove(path_); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  void write(std::string_view text) const { std::ofstream(path_) << text; }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

/// What was told, in one line, IPv6 first: "6: no such name | 4: 192.0.2.1:80".
struct Told {
  std::vector<std::string> lines;
  bool last = false;
  std::vector<Resolved> results;
  void operator()(const Resolved& resolved) {
    std::string line = resolved.family == AF_INET6 ? "6:" : "4:";
    for (const SocketAddress& address : resolved.addresses) line += " " + address.text();
    if (!resolved.error.empty()) line += " " + resolved.error;
    lines.push_back(line);
    CHECK_FALSE(last);
    last = resolved.last;
    results.push_back(resolved);
  }
  [[nodiscard]] std::string text() const {
    std::vector<std::string> sorted = lines;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    std::string all;
    for (const std::string& line : sorted) all += (all.empty() ? "" : " | ") + line;
    return all;
  }
};

struct Rig {
  explicit Rig(ResolverOptions options = {}) : loop(make()), server(*loop) {
    if (options.servers.empty()) options.servers = {server.address()};
    if (options.hosts_file == "/etc/hosts") options.hosts_file = hosts.path();
    if (options.resolv_conf == "/etc/resolv.conf") options.resolv_conf = resolv_conf.path();
    auto made = Resolver::make(*loop, std::move(options));
    REQUIRE(made);
    resolver = std::move(*made);
  }

  Resolver::Query start(std::string_view host, Told& told) {
    return resolver->resolve(host, 80, [&told](const Resolved& resolved) { told(resolved); });
  }
  /// What is told of `host`, or "nothing" where it never ends.
  std::string resolve(std::string_view host) {
    Told told;
    start(host, told);
    CHECK(told.lines.empty());
    return run_until(*loop, [&] { return told.last; }) ? told.text() : "nothing";
  }
  std::string server_text() const { return server.address().text(); }

  TemporaryFile hosts{"hosts", ""};
  TemporaryFile resolv_conf{"resolv", ""};
  std::unique_ptr<Loop> loop;
  DnsServer server;
  std::unique_ptr<Resolver> resolver;
};

/// Both families of every name.
DnsReply both(const DnsQuestion& question) {
  const bool v6 = question.type == kTypeAaaa;
  return {.records = {address_record(question.name, v6 ? "2001:db8::1" : "192.0.2.1")}};
}

// -- answers without asking --

TEST_CASE("resolver answers numeric addresses without asking, and later") {
  Rig rig;
  CHECK(rig.resolve("192.0.2.7") == "6: no address of that kind | 4: 192.0.2.7:80");
  CHECK(rig.resolve("2001:db8::7") == "6: [2001:db8::7]:80 | 4: no address of that kind");
  CHECK(rig.resolve("fe80::7%lo") == "6: [fe80::7%1]:80 | 4: no address of that kind");
  CHECK(rig.server.asked.empty());
}

TEST_CASE("resolver tells IPv6 first where it knows both families at once [RFC 8305 3]") {
  Rig rig;
  for (const std::string_view host : {"192.0.2.7", "localhost", "not..one"}) {
    CAPTURE(host);
    Told told;
    rig.start(host, told);
    run_turns(*rig.loop, 1);
    REQUIRE(told.results.size() == 2);
    CHECK(told.results[0].family == AF_INET6);
    CHECK_FALSE(told.results[0].last);
    CHECK(told.results[1].family == AF_INET);
    CHECK(told.results[1].last);
  }
}

TEST_CASE("resolver knows localhost and what is below it without asking [RFC 6761 6.3]") {
  Rig rig;
  rig.hosts.write("192.0.2.1 localhost app.localhost\n");
  for (const std::string_view name :
       {"localhost", "LocalHost", "localhost.", "app.localhost", "a.b.localhost."}) {
    CAPTURE(name);
    CHECK(rig.resolve(name) == "6: [::1]:80 | 4: 127.0.0.1:80");
  }
  CHECK(rig.server.asked.empty());
  CHECK(rig.resolve("notlocalhost") == "6: no such name | 4: no such name");
  CHECK(rig.server.asked.size() == 2);
}

TEST_CASE("resolver takes names of the hosts file from there alone, in both families") {
  Rig rig;
  rig.server.answer = both;
  rig.hosts.write("192.0.2.9 box.example other\n192.0.2.10 box.example\n::9 six.example\n");
  CHECK(rig.resolve("Box.Example") == "6: no address of that kind | 4: 192.0.2.9:80 192.0.2.10:80");
  CHECK(rig.resolve("box.example.") ==
        "6: no address of that kind | 4: 192.0.2.9:80 192.0.2.10:80");
  CHECK(rig.resolve("six.example") == "6: [::9]:80 | 4: no address of that kind");
  CHECK(rig.server.asked.empty());
}

TEST_CASE("resolver refuses what cannot be a name without asking [RFC 1035 2.3.4]") {
  Rig rig;
  const std::string label(63, 'a');
  const std::string longest = label + "." + label + "." + label + "." + std::string(61, 'b');
  const auto refused = [&](std::string_view host) {
    const std::string told = rig.resolve(host);
    const std::size_t middle = told.find(" | 4: ");
    CHECK(told.substr(3, middle - 3) == told.substr(middle + 6));
    return told.substr(3, middle - 3);
  };
  CHECK(refused("") == "not a name: it is empty");
  CHECK(refused(".") == "not a name: it is empty");
  CHECK(refused("a..b") == "not a name: it has an empty label");
  CHECK(refused(".a") == "not a name: it has an empty label");
  CHECK(refused("a..") == "not a name: it has an empty label");
  CHECK(refused(std::string(64, 'a') + ".example") ==
        "not a name: a label of it is longer than 63 bytes");
  CHECK(refused(longest + "b") == "not a name: it is longer than 253 bytes");
  CHECK(refused("a b") == "not a name: it has characters that names do not have");
  CHECK(refused(std::string_view("a\0b", 3)) ==
        "not a name: it has characters that names do not have");
  CHECK(refused("a\\.b") == "not a name: it has characters that names do not have");
  CHECK(refused("b\xc3\xbc"
                "cher.example") == "not a name: letters beyond ASCII are written as xn--...");
  CHECK(refused("127.1") == "not a name: an IPv4 address has four numbers from 0 to 255");
  CHECK(refused("1.2.3.256") == "not a name: an IPv4 address has four numbers from 0 to 255");
  CHECK(refused("1::2::3") == "not a name: it is not an IPv6 address either");
  CHECK(refused("fe80::1%no-such-link") == "not a name: it is not an IPv6 address either");
  CHECK(rig.server.asked.empty());
  CHECK(rig.resolve(longest) == "6: no such name | 4: no such name");
  CHECK(rig.resolve("_under.4.example") == "6: no such name | 4: no such name");
}

// -- answers of servers --

TEST_CASE("resolver asks for both families at once and tells each") {
  Rig rig;
  rig.server.answer = both;
  Told told;
  rig.start("one.example", told);
  REQUIRE(run_until(*rig.loop, [&] { return told.last; }));
  CHECK(told.lines.size() == 2);
  CHECK(told.text().find("6: [2001:db8::1]:80") != std::string::npos);
  CHECK(told.text().find("4: 192.0.2.1:80") != std::string::npos);
  REQUIRE(rig.server.asked.size() == 2);
  CHECK(rig.server.asked[0].name == "one.example");
  CHECK(rig.server.asked[0].type == kTypeAaaa);
  CHECK(rig.server.asked[1].type == kTypeA);
  CHECK(idle(*rig.loop));
}

TEST_CASE("resolver tells a family without waiting for a slow one [RFC 8305 3]") {
  for (const int slow : {kTypeAaaa, kTypeA}) {
    CAPTURE(slow);
    Rig rig;
    rig.server.answer = [slow](const DnsQuestion& question) {
      DnsReply reply = both(question);
      if (question.type == slow) reply.delay = milliseconds(100);
      return reply;
    };
    Told told;
    rig.start("slow.example", told);
    REQUIRE(run_until(*rig.loop, [&] { return told.lines.size() == 1; }));
    CHECK(told.results[0].family == (slow == kTypeA ? AF_INET6 : AF_INET));
    CHECK_FALSE(told.last);
    REQUIRE(run_until(*rig.loop, [&] { return told.last; }));
    CHECK(told.results[1].family == (slow == kTypeA ? AF_INET : AF_INET6));
    CHECK(told.results[1].error.empty());
  }
}

TEST_CASE("resolver says what is missing: the name, or an address of one kind") {
  Rig rig;
  CHECK(rig.resolve("gone.example") == "6: no such name | 4: no such name");
  rig.server.answer = [](const DnsQuestion& question) {
    return question.type == kTypeA ? both(question) : DnsReply{};
  };
  CHECK(rig.resolve("four.example") == "6: no address of that kind | 4: 192.0.2.1:80");
}

TEST_CASE("resolver says that its server failed or refuses") {
  Rig rig;
  int code = test::kServerFailure;
  rig.server.answer = [&](const DnsQuestion&) { return DnsReply{.code = code}; };
  const std::string failed = "server failure at the resolver (" + rig.server_text() + ")";
  CHECK(rig.resolve("x.example") == "6: " + failed + " | 4: " + failed);
  code = test::kRefused;
  const std::string refused = "the resolver refuses to answer (" + rig.server_text() + ")";
  CHECK(rig.resolve("x.example") == "6: " + refused + " | 4: " + refused);
}

TEST_CASE("resolver asks the next server where the first one fails or refuses") {
  for (const int code : {test::kServerFailure, test::kRefused}) {
    CAPTURE(code);
    auto loop = make();
    DnsServer first(*loop);
    DnsServer second(*loop);
    first.answer = [code](const DnsQuestion&) { return DnsReply{.code = code}; };
    second.answer = both;
    auto resolver = Resolver::make(
        *loop, {.servers = {first.address(), second.address()}, .resolv_conf = "/dev/null"});
    REQUIRE(resolver);
    Told told;
    (*resolver)->resolve("x.example", 80, [&](const Resolved& resolved) { told(resolved); });
    REQUIRE(run_until(*loop, [&] { return told.last; }));
    CHECK(told.results[0].error.empty());
    CHECK(told.results[1].error.empty());
    CHECK_FALSE(first.asked.empty());
    CHECK(second.asked.size() == 2);
  }
}

TEST_CASE("resolver names the trouble where all its servers fail") {
  auto loop = make();
  DnsServer first(*loop);
  DnsServer second(*loop);
  const auto fail = [](const DnsQuestion&) { return DnsReply{.code = test::kServerFailure}; };
  first.answer = fail;
  second.answer = fail;
  auto resolver = Resolver::make(
      *loop, {.servers = {first.address(), second.address()}, .resolv_conf = "/dev/null"});
  REQUIRE(resolver);
  Told told;
  (*resolver)->resolve("x.example", 80, [&](const Resolved& resolved) { told(resolved); });
  REQUIRE(run_until(*loop, [&] { return told.last; }));
  CHECK(told.results[0].error == "server failure at the resolver (" + first.address().text() +
                                     ", " + second.address().text() + ")");
  CHECK_FALSE(second.asked.empty());
}

TEST_CASE("resolver says where no server listens") {
  std::optional<DnsServer> gone;
  const auto elsewhere = make();
  gone.emplace(*elsewhere);
  const SocketAddress address = gone->address();
  gone.reset();
  Rig rig({.servers = {address}, .timeout = seconds(5), .rounds = 2});
  const std::string refused = "no resolver answers at " + address.text() + ": connection refused";
  CHECK(rig.resolve("x.example") == "6: " + refused + " | 4: " + refused);
}

TEST_CASE("resolver times out where no server answers, after all rounds") {
  Rig rig({.timeout = milliseconds(40), .rounds = 2});
  rig.server.answer = [](const DnsQuestion&) { return DnsReply{.silent = true}; };
  const std::string late = "the resolver timed out (" + rig.server_text() + ")";
  const Instant before = std::chrono::steady_clock::now();
  CHECK(rig.resolve("x.example") == "6: " + late + " | 4: " + late);
  CHECK(std::chrono::steady_clock::now() - before >= milliseconds(40 + 80));
  CHECK(rig.server.asked.size() == 4);
}

TEST_CASE("resolver asks again where an answer is lost, and takes the second") {
  Rig rig({.timeout = milliseconds(40)});
  int asked = 0;
  rig.server.answer = [&](const DnsQuestion& question) {
    DnsReply reply = both(question);
    reply.silent = ++asked <= 2;
    return reply;
  };
  Told told;
  rig.start("lossy.example", told);
  REQUIRE(run_until(*rig.loop, [&] { return told.last; }));
  CHECK(told.results[0].error.empty());
  CHECK(told.results[1].error.empty());
}

TEST_CASE("resolver ignores answers to other questions, and garbage") {
  Rig rig({.timeout = milliseconds(60), .rounds = 1});
  for (const bool wrong_id : {true, false}) {
    rig.server.answer = [wrong_id](const DnsQuestion& question) {
      DnsReply reply = both(question);
      reply.wrong_id = wrong_id;
      if (!wrong_id) reply.garbage = std::string(100, '\xff');
      return reply;
    };
    const std::string late = "the resolver timed out (" + rig.server_text() + ")";
    CHECK(rig.resolve("x.example") == "6: " + late + " | 4: " + late);
  }
}

TEST_CASE("resolver says that an answer is malformed") {
  Rig rig;
  rig.server.answer = [](const DnsQuestion& question) {
    DnsReply reply = both(question);
    reply.cut = true;
    return reply;
  };
  const std::string malformed = "the resolver's answer is malformed (" + rig.server_text() + ")";
  CHECK(rig.resolve("x.example") == "6: " + malformed + " | 4: " + malformed);
}

TEST_CASE("resolver asks over TCP where an answer was cut short [RFC 7766 5]") {
  Rig rig;
  rig.server.answer = [](const DnsQuestion& question) {
    DnsReply reply = both(question);
    reply.truncated = true;
    return reply;
  };
  Told told;
  rig.start("big.example", told);
  REQUIRE(run_until(*rig.loop, [&] { return told.last; }));
  CHECK(told.results[0].error.empty());
  CHECK(told.results[1].error.empty());
  int over_tcp = 0;
  for (const DnsQuestion& question : rig.server.asked) over_tcp += question.tcp ? 1 : 0;
  CHECK(over_tcp == 2);
}

TEST_CASE("resolver takes as many addresses as it may, of thousands") {
  Rig rig({.addresses_max = 5});
  rig.server.answer = [](const DnsQuestion& question) {
    DnsReply reply{.truncated = true};
    for (int i = 0; i < 2000; ++i) {
      const std::string low = std::to_string(i / 250) + "." + std::to_string(i % 250 + 1);
      const std::string host =
          question.type == kTypeA ? "10.1." + low : "2001:db8::" + std::to_string(i + 1);
      reply.records.push_back(address_record(question.name, host));
    }
    return reply;
  };
  Told told;
  rig.start("many.example", told);
  REQUIRE(run_until(*rig.loop, [&] { return told.last; }));
  CHECK(told.results[0].addresses.size() == 5);
  CHECK(told.results[1].addresses.size() == 5);
}

TEST_CASE("resolver follows a chain of aliases and takes each address once [RFC 1034 3.6.2]") {
  Rig rig;
  rig.server.answer = [](const DnsQuestion& question) {
    if (question.type != kTypeA)
      return DnsReply{.records = {alias_record(question.name, "b.test")}};
    return DnsReply{
        .records = {alias_record(question.name, "b.test"), alias_record("b.test", "c.test"),
                    address_record("c.test", "192.0.2.3"), address_record("c.test", "192.0.2.3"),
                    address_record("c.test", "192.0.2.4")}};
  };
  CHECK(rig.resolve("a.test") == "6: no address of that kind | 4: 192.0.2.3:80 192.0.2.4:80");
}

TEST_CASE("resolver survives aliases that lead in a circle") {
  Rig rig;
  rig.server.answer = [](const DnsQuestion& question) {
    return DnsReply{
        .records = {alias_record(question.name, "b.test"), alias_record("b.test", question.name)}};
  };
  CHECK(rig.resolve("a.test") == "6: no address of that kind | 4: no address of that kind");
}

// -- configuration --

TEST_CASE(
    "resolver searches the domains of its configuration, but not for a name with a dot at "
    "its end") {
  const TemporaryFile conf("search", "search corp.example lab.example\n");
  Rig rig({.resolv_conf = conf.path()});
  rig.server.answer = [](const DnsQuestion& question) {
    return question.name == "box.lab.example" ? both(question)
                                              : DnsReply{.code = test::kNoSuchName};
  };
  const std::string told = rig.resolve("box");
  CHECK(told.find("4: 192.0.2.1:80") != std::string::npos);
  CHECK(told.find("6: [2001:db8::1]:80") != std::string::npos);
  rig.server.asked.clear();
  CHECK(rig.resolve("box.") == "6: no such name | 4: no such name");
  CHECK(rig.server.asked.size() == 2);
}

TEST_CASE("resolver reads its configuration again when it changes, while questions are open") {
  const TemporaryFile conf("changing", "search one.example\n");
  Rig rig({.timeout = milliseconds(100), .rounds = 1, .resolv_conf = conf.path()});
  rig.server.answer = [](const DnsQuestion& question) {
    DnsReply reply = both(question);
    reply.silent = question.name.starts_with("open");
    return reply;
  };
  Told open;
  rig.start("open.example", open);
  REQUIRE(run_until(*rig.loop, [&] { return rig.server.asked.size() == 2; }));
  conf.write("search changed.example\n");
  Told again;
  rig.start("open.example", again);
  REQUIRE(run_until(*rig.loop, [&] { return rig.server.asked.size() == 4; }));
  Told box;
  rig.start("box", box);
  REQUIRE(run_until(*rig.loop, [&] { return box.last; }));
  CHECK(rig.server.asked.back().name == "box.changed.example");
  REQUIRE(run_until(*rig.loop, [&] { return open.last; }));
  REQUIRE(run_until(*rig.loop, [&] { return again.last; }));
  CHECK(open.results[0].error.starts_with("the resolver timed out"));
  CHECK(idle(*rig.loop));
}

// -- ending early --

TEST_CASE("a cancelled query is not told, and others go on") {
  Rig rig;
  rig.server.answer = both;
  Told cancelled;
  Told other;
  const auto query = rig.start("a.example", cancelled);
  rig.start("b.example", other);
  rig.resolver->cancel(query);
  rig.resolver->cancel(query);
  Told numeric;
  rig.resolver->cancel(rig.start("192.0.2.1", numeric));
  REQUIRE(run_until(*rig.loop, [&] { return other.last; }));
  run_turns(*rig.loop, 3);
  CHECK(cancelled.lines.empty());
  CHECK(numeric.lines.empty());
}

TEST_CASE("a query may be cancelled inside its own callback, and then is told no more") {
  Rig rig;
  std::vector<int> families;
  const auto keeps_alive = std::make_shared<int>(7);
  Resolver::Query query = 0;
  query = rig.resolver->resolve("192.0.2.1", 80, [&, keeps_alive](const Resolved& resolved) {
    rig.resolver->cancel(query);
    families.push_back(resolved.family);
    CHECK(*keeps_alive == 7);
  });
  run_turns(*rig.loop, 3);
  CHECK(families.size() == 1);
  CHECK(keeps_alive.use_count() == 1);
}

TEST_CASE("a callback may ask again, cancel another query and destroy the resolver") {
  Rig rig;
  rig.server.answer = both;
  Told again;
  Told other;
  Told never;
  const auto asked_too = rig.start("192.0.2.2", other);
  const auto also = rig.resolver->resolve("192.0.2.3", 80, [&](const Resolved& resolved) {
    if (resolved.last) {
      rig.start("d.example", never);
      rig.resolver.reset();
    } else {
      rig.start("192.0.2.9", again);
    }
  });
  rig.resolver->cancel(asked_too);
  CHECK(also != asked_too);
  run_turns(*rig.loop, 5);
  CHECK_FALSE(rig.resolver);
  CHECK(other.lines.empty());
  CHECK(again.lines.empty());
  CHECK(never.lines.empty());
  CHECK(idle(*rig.loop));
}

TEST_CASE("a resolver may be destroyed when the first family is told") {
  Rig rig;
  int calls = 0;
  const auto keeps_alive = std::make_shared<int>(7);
  rig.resolver->resolve("192.0.2.1", 80, [&, keeps_alive](const Resolved&) {
    rig.resolver.reset();
    ++calls;
    CHECK(*keeps_alive == 7);
  });
  run_turns(*rig.loop, 3);
  CHECK(calls == 1);
  CHECK(keeps_alive.use_count() == 1);
}

TEST_CASE("a resolver is destroyed with queries open, over UDP and over TCP") {
  for (const bool tcp : {false, true}) {
    CAPTURE(tcp);
    Rig rig;
    rig.server.answer = [tcp](const DnsQuestion& question) {
      return DnsReply{.silent = !tcp || question.tcp, .truncated = true};
    };
    Told told;
    rig.start("a.example", told);
    rig.start("192.0.2.1", told);
    const auto last_asked_over = [&](bool over_tcp) {
      return rig.server.asked.size() >= 2 && rig.server.asked.back().tcp == over_tcp;
    };
    REQUIRE(run_until(*rig.loop, [&] { return last_asked_over(tcp); }));
    told = {};
    rig.resolver.reset();
    run_turns(*rig.loop, 5);
    CHECK(told.lines.empty());
  }
}

// -- many at once --

bool all_told(const std::vector<Told>& told) {
  return std::all_of(told.begin(), told.end(), [](const Told& each) { return each.last; });
}

TEST_CASE("queries for a name that is being looked up share the look-up, each with its own port") {
  Rig rig;
  rig.server.answer = [](const DnsQuestion& question) {
    DnsReply reply = both(question);
    if (question.type == kTypeA) reply.delay = milliseconds(50);
    return reply;
  };
  std::vector<Told> told(100);
  for (Told& each : told) rig.start("Shared.example", each);
  REQUIRE(run_until(*rig.loop, [&] { return told[99].lines.size() == 1; }));
  Told late;
  rig.resolver->resolve("shared.EXAMPLE", 443, [&](const Resolved& resolved) { late(resolved); });
  CHECK(late.lines.empty());
  REQUIRE(run_until(*rig.loop, [&] { return all_told(told) && late.last; }));
  CHECK(told[50].text() == "6: [2001:db8::1]:80 | 4: 192.0.2.1:80");
  CHECK(late.text() == "6: [2001:db8::1]:443 | 4: 192.0.2.1:443");
  CHECK(rig.server.asked.size() == 2);
  CHECK(rig.resolve("shared.example") == "6: [2001:db8::1]:80 | 4: 192.0.2.1:80");
  CHECK(rig.server.asked.size() == 4);
}

TEST_CASE("names beyond the limit end in an error, and room comes back") {
  Rig rig({.names_max = 2});
  rig.server.answer = both;
  std::vector<Told> told(4);
  for (const std::size_t i : {0U, 1U, 2U, 3U})
    rig.start(std::vector{"a.example", "b.example", "c.example", "a.example"}[i], told[i]);
  REQUIRE(run_until(*rig.loop, [&] { return all_told(told); }));
  const std::string full = "too many names are being looked up at once (2)";
  CHECK(told[1].results[0].error.empty());
  CHECK(told[2].text() == "6: " + full + " | 4: " + full);
  CHECK(told[3].results[0].error.empty());
  CHECK(rig.resolve("d.example") == "6: [2001:db8::1]:80 | 4: 192.0.2.1:80");
}

TEST_CASE("names wait where enough are in flight, and those that nobody wants are not asked for") {
  Rig rig({.in_flight_max = 1});
  rig.server.answer = both;
  std::vector<Told> told(2);
  Told cancelled;
  rig.start("a.example", told[0]);
  const auto query = rig.start("b.example", cancelled);
  rig.start("c.example", told[1]);
  rig.resolver->cancel(query);
  REQUIRE(run_until(*rig.loop, [&] { return all_told(told); }));
  REQUIRE(rig.server.asked.size() == 4);
  CHECK(rig.server.asked[1].name == "a.example");
  CHECK(rig.server.asked[2].name == "c.example");
  CHECK(cancelled.lines.empty());
}

TEST_CASE("cancelled queries that are still in flight keep their place until they end") {
  Rig rig({.timeout = milliseconds(50), .rounds = 1, .in_flight_max = 1});
  rig.server.answer = [](const DnsQuestion& question) {
    DnsReply reply = both(question);
    reply.silent = question.name == "silent.example";
    return reply;
  };
  Told cancelled;
  rig.resolver->cancel(rig.start("silent.example", cancelled));
  CHECK(rig.resolve("192.0.2.1") == "6: no address of that kind | 4: 192.0.2.1:80");
  const Instant before = std::chrono::steady_clock::now();
  CHECK(rig.resolve("b.example") == "6: [2001:db8::1]:80 | 4: 192.0.2.1:80");
  CHECK(std::chrono::steady_clock::now() - before >= milliseconds(40));
}

TEST_CASE("a thousand names at once are all answered, without a question asked twice") {
  Rig rig;
  rig.server.answer = both;
  std::vector<Told> told(1000);
  for (std::size_t i = 0; i < told.size(); ++i)
    rig.start("n" + std::to_string(i) + ".example", told[i]);
  REQUIRE(run_until(*rig.loop, [&] { return all_told(told); }));
  for (const Told& each : told) REQUIRE(each.text() == "6: [2001:db8::1]:80 | 4: 192.0.2.1:80");
  CHECK(rig.server.asked.size() == 2000);
}

}  // namespace
}  // namespace walkie::io
