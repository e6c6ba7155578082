// SPDX-License-Identifier: MIT
// Endpoints as people write them, and listening sockets that do not share by accident.
#include <io/endpoint.hpp>

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

namespace walkie::io {
namespace {

std::string parsed(std::string_view text) {
  const auto addresses = parse_endpoint(text);
  if (!addresses) return addresses.error().message;
  std::string all;
  for (const SocketAddress& address : *addresses) all += address.text() + " ";
  return all;
}

SocketAddress one(std::string_view text) {
  const auto addresses = parse_endpoint(text);
  REQUIRE(addresses);
  return addresses->front();
}

bool has_ipv6() { return parse_endpoint("localhost:0")->size() == 2; }

TEST_CASE("endpoints parse and print back") {
  CHECK(parsed("127.0.0.1:80") == "127.0.0.1:80 ");
  CHECK(parsed("0.0.0.0:0") == "0.0.0.0:0 ");
  CHECK(parsed("[::1]:65535") == "[::1]:65535 ");
  CHECK(parsed("[2001:DB8::0:1]:443") == "[2001:db8::1]:443 ");
  CHECK(parsed("[fe80::1%1]:80") == "[fe80::1%1]:80 ");
  CHECK(parsed("[fe80::1%lo]:80") == "[fe80::1%1]:80 ");
  CHECK(parsed("unix:/run/walkie.sock") == "unix:/run/walkie.sock ");
  CHECK(parsed("unix:relative") == "unix:relative ");
  CHECK(parsed("unix:@abstract") == "unix:@abstract ");
}

std::string numeric(std::string_view host) {
  const auto address = numeric_address(host, 80);
  return address ? address->text() : "a name";
}

TEST_CASE("a host that is an address is told from a name") {
  CHECK(numeric("192.0.2.1") == "192.0.2.1:80");
  CHECK(numeric("2001:DB8::1") == "[2001:db8::1]:80");
  CHECK(numeric("fe80::1%lo") == "[fe80::1%1]:80");
  CHECK(numeric("fe80::1%7") == "[fe80::1%7]:80");
  using namespace std::string_view_literals;
  for (const std::string_view name :
       {""sv, "example.com"sv, "127.1"sv, "0x7f000001"sv, "192.0.2.1."sv, "192.0.2.256"sv,
        "[::1]"sv, ":::"sv, "fe80::1%"sv, "fe80::1%no-such-link"sv, "1::2::3"sv, "192.0.2.1 "sv,
        "192.0.2.1\0"sv, "::1\0"sv})
    CHECK(numeric(name) == "a name");
}

TEST_CASE("localhost is IPv4 and, where there is one, IPv6") {
  CHECK(parsed("localhost:80") == (has_ipv6() ? "127.0.0.1:80 [::1]:80 " : "127.0.0.1:80 "));
}

TEST_CASE("a star and an empty host are all addresses") {
  const std::string all = has_ipv6() ? "[::]:80 " : "0.0.0.0:80 ";
  CHECK(parsed("*:80") == all);
  CHECK(parsed(":80") == all);
}

TEST_CASE("a bad endpoint is refused in one line that quotes it") {
  const std::string forms = "expected HOST:PORT, [IPv6]:PORT or unix:PATH";
  CHECK(parsed("") == "address '': " + forms);
  CHECK(parsed("localhost") == "address 'localhost': " + forms);
  CHECK(parsed("[::1]") == "address '[::1]': " + forms);
  CHECK(parsed("foo:99999") == "address 'foo:99999': port must be 0 to 65535");
  for (const std::string port : {"", "x", "80x", "-1", "+1", " 80", "65536", "0x50"}) {
    CAPTURE(port);
    CHECK(parsed("127.0.0.1:" + port) ==
          "address '127.0.0.1:" + port + "': port must be 0 to 65535");
  }
  CHECK(parsed("foo:80") == "address 'foo:80': 'foo' is not an IP address, localhost or *");
  CHECK(parsed("127.1:80") == "address '127.1:80': '127.1' is not an IP address, localhost or *");
  CHECK(parsed("::1:80") == "address '::1:80': an IPv6 address needs brackets, as in [::1]:80");
  CHECK(parsed("[127.0.0.1]:80") == "address '[127.0.0.1]:80': '127.0.0.1' is not an IPv6 address");
  CHECK(parsed("[]:80") == "address '[]:80': '' is not an IPv6 address");
  CHECK(parsed("[fe80::1%nosuch]:80") ==
        "address '[fe80::1%nosuch]:80': 'fe80::1%nosuch' is not an IPv6 address");
  CHECK(parsed("unix:") == "address 'unix:': the path is empty");
  const std::string long_path(108, 'x');
  CHECK(parsed("unix:" + long_path) ==
        "address 'unix:" + long_path + "': the path is longer than 107 bytes");
  CHECK(parse_endpoint("unix:" + long_path.substr(1)));
  CHECK_FALSE(parse_endpoint(std::string_view("unix:a\0b", 8)));
}

TEST_CASE("a host is the address without its port, IPv4 in IPv6 as IPv4") {
  CHECK(one("127.0.0.1:80").host() == "127.0.0.1");
  CHECK(one("[::1]:80").host() == "::1");
  CHECK(one("[::ffff:10.1.2.3]:80").host() == "10.1.2.3");
  CHECK(one("[::ffff:10.1.2.3]:80").text() == "10.1.2.3:80");
  CHECK(one("unix:/x").host() == "unix");
  CHECK(one("unix:/x").port() == 0);
}

TEST_CASE("an address's port can be set, but not a unix path's") {
  for (const std::string_view text : {"127.0.0.1:80", "[fe80::1%1]:80", "unix:/x"}) {
    SocketAddress address = one(text);
    const std::string host = address.host();
    address.set_port(4660);
    CHECK(address.host() == host);
    CHECK(address.port() == (address.family() == AF_UNIX ? 0 : 4660));
  }
}

TEST_CASE("addresses without a name print as something") {
  SocketAddress unnamed;
  unnamed.storage.ss_family = AF_UNIX;
  unnamed.length = sizeof(sa_family_t);
  CHECK(unnamed.text() == "unix");
  CHECK(SocketAddress{}.host() == "unknown");
}

TEST_CASE("a descriptor has one owner and closes once") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  Fd first(ends[0]);
  Fd second(std::move(first));
  CHECK_FALSE(first);
  CHECK(second.get() == ends[0]);
  second = Fd(ends[1]);
  CHECK(::fcntl(ends[0], F_GETFD) == -1);
  CHECK(second.release() == ends[1]);
  CHECK(::close(ends[1]) == 0);
}

// -- listening --

bool connects(const SocketAddress& to) {
  const Fd fd(::socket(to.family(), SOCK_STREAM, 0));
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.length) == 0;
}

TEST_CASE("a listener on port 0 gets a port and takes connections") {
  const auto fd = listen_on(one("127.0.0.1:0"), {});
  REQUIRE(fd);
  const auto address = local_address(*fd);
  REQUIRE(address);
  CHECK(address->port() != 0);
  CHECK(connects(*address));
}

TEST_CASE("a second listener on the port fails, whether it would share the port or not") {
  const auto first = listen_on(one("127.0.0.1:0"), {});
  REQUIRE(first);
  const SocketAddress address = *local_address(*first);
  for (const bool reuse_port : {true, false}) {
    const auto second = listen_on(address, {.reuse_port = reuse_port});
    REQUIRE_FALSE(second);
    CHECK(second.error().message == "binding " + address.text() + ": Address already in use");
    CHECK(second.error().code.value() == EADDRINUSE);
  }
}

TEST_CASE("further shards share the port, and then nobody else gets it") {
  const auto first = listen_on(one("127.0.0.1:0"), {});
  REQUIRE(first);
  const SocketAddress address = *local_address(*first);
  const auto second = listen_on(address, {.exclusive = false});
  const auto third = listen_on(address, {.exclusive = false});
  CHECK(second);
  CHECK(third);
  CHECK_FALSE(listen_on(address, {}));
}

TEST_CASE("a listener that does not share refuses even those who would") {
  const auto first = listen_on(one("127.0.0.1:0"), {.reuse_port = false});
  REQUIRE(first);
  CHECK_FALSE(listen_on(*local_address(*first), {.exclusive = false}));
}

TEST_CASE("a port is free again as soon as its listener and connections are gone") {
  auto fd = listen_on(one("127.0.0.1:0"), {});
  REQUIRE(fd);
  const SocketAddress address = *local_address(*fd);
  {
    const Fd client(::socket(AF_INET, SOCK_STREAM, 0));
    REQUIRE(::connect(client.get(), reinterpret_cast<const sockaddr*>(&address.storage),
                      address.length) == 0);
    const Fd accepted(::accept(fd->get(), nullptr, nullptr));
    REQUIRE(accepted);
  }
  *fd = Fd();
  CHECK(listen_on(address, {}));
}

TEST_CASE("an address that is not ours is refused by name") {
  const auto fd = listen_on(one("192.0.2.1:80"), {});
  REQUIRE_FALSE(fd);
  CHECK(fd.error().message == "binding 192.0.2.1:80: Cannot assign requested address");
}

TEST_CASE("all addresses take IPv4 and IPv6; an explicit [::] takes IPv6 only") {
  if (!has_ipv6()) return;
  const auto all = listen_on(one("*:0"), {});
  REQUIRE(all);
  const std::string port = std::to_string(local_address(*all)->port());
  CHECK(connects(one("127.0.0.1:" + port)));
  CHECK(connects(one("[::1]:" + port)));
  const auto six = listen_on(one("[::]:0"), {});
  REQUIRE(six);
  const std::string six_port = std::to_string(local_address(*six)->port());
  CHECK(connects(one("[::1]:" + six_port)));
  CHECK_FALSE(connects(one("127.0.0.1:" + six_port)));
}

/// A directory of its own, removed with what is in it.
struct Directory {
  Directory() {
    std::string name = std::filesystem::temp_directory_path() / "walkie-test-XXXXXX";
    REQUIRE(::mkdtemp(name.data()));
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  std::filesystem::path path;
};

TEST_CASE("a stale unix socket file is replaced, one in use is an error") {
  const Directory directory;
  const std::string path = directory.path / "socket";
  const SocketAddress address = one("unix:" + path);
  auto first = listen_on(address, {});
  REQUIRE(first);
  CHECK(local_address(*first)->text() == "unix:" + path);
  const auto second = listen_on(address, {});
  REQUIRE_FALSE(second);
  CHECK(second.error().message == "binding unix:" + path + ": Address already in use");
  CHECK(connects(address));
  *first = Fd();
  CHECK_FALSE(connects(address));
  CHECK(listen_on(address, {}));
}

TEST_CASE("a unix socket does not replace a file of another kind") {
  const Directory directory;
  const std::string path = directory.path / "file";
  std::ofstream(path) << "precious";
  CHECK_FALSE(listen_on(one("unix:" + path), {}));
  CHECK(std::filesystem::file_size(path) == 8);
}

TEST_CASE("a unix socket gets the mode that was asked for") {
  const Directory directory;
  const std::string path = directory.path / "socket";
  const auto fd = listen_on(one("unix:" + path), {.unix_mode = 0620});
  REQUIRE(fd);
  struct stat status{};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0620);
}

TEST_CASE("a unix socket in a directory that does not exist is refused by name") {
  const auto fd = listen_on(one("unix:/no/such/directory/socket"), {});
  REQUIRE_FALSE(fd);
  CHECK(fd.error().message == "binding unix:/no/such/directory/socket: No such file or directory");
}

TEST_CASE("an abstract unix socket in use is an error and free afterwards") {
  const SocketAddress address = one("unix:@walkie-endpoint-test");
  {
    const auto first = listen_on(address, {});
    REQUIRE(first);
    CHECK(connects(address));
    CHECK_FALSE(listen_on(address, {}));
  }
  CHECK(listen_on(address, {}));
}

}  // namespace
}  // namespace walkie::io
