// SPDX-License-Identifier: MIT
// Files served from memory.
#include <http/static_files.hpp>

#include <doctest/doctest.h>

#include <http/server_rig.hpp>

using namespace walkie;
using test::ServerRig;

namespace {

http::StaticFiles some_files() {
  return http::StaticFiles({{"/index.html", "", "<p>hello"},
                            {"/app.js", "", "run()"},
                            {"/a", "text/x-a", "first"},
                            {"/a", "", "second"}});
}

/// What a request for `path` with these field lines gets.
std::string get(std::string_view path, std::string_view lines = {},
                std::string_view method = "GET") {
  const http::StaticFiles files = some_files();
  ServerRig rig;
  std::string request{method};
  request.append(" ").append(path).append(" HTTP/1.1\r\nHost: x\r\n").append(lines).append("\r\n");
  rig.send(request);
  const auto event = rig.poll();
  REQUIRE(event);
  const http::ServedFile* file = files.find(event->request.head->path);
  REQUIRE(file);
  http::respond_file(rig.connection, *file, *event->request.head, ServerRig::kDate);
  return rig.take_output();
}

}  // namespace

TEST_CASE("files are found by their path, and '/' finds the index") {
  const http::StaticFiles files = some_files();
  REQUIRE(files.find("/"));
  CHECK(files.find("/") == files.find("/index.html"));
  CHECK(files.find("/app.js")->content == "run()");
  CHECK(files.find("/a")->content == "first");
  CHECK_FALSE(files.find("/app"));
  CHECK_FALSE(files.find("/app.jsx"));
  CHECK_FALSE(files.find(""));
  CHECK_FALSE(http::StaticFiles().find("/"));
  CHECK(http::StaticFiles().empty());
}

TEST_CASE("a file is sent with its type, tag and rules for caches [RFC 9110 8.8.3]") {
  CHECK(get("/") ==
        "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Content-Type: text/html; charset=utf-8\r\nContent-Length: 8\r\n"
        "ETag: " +
            http::entity_tag("<p>hello") +
            "\r\nCache-Control: no-cache\r\n"
            "X-Content-Type-Options: nosniff\r\n\r\n<p>hello");
  CHECK(get("/a").contains("Content-Type: text/x-a\r\n"));
}

TEST_CASE("HEAD gets a file's head alone [RFC 9110 9.3.2]") {
  const std::string output = get("/app.js", "", "HEAD");
  CHECK(output.starts_with("HTTP/1.1 200 OK\r\n"));
  CHECK(output.contains("Content-Length: 5\r\n"));
  CHECK(output.ends_with("\r\n\r\n"));
}

TEST_CASE("a client that has the file already gets 304 with its tag [RFC 9110 15.4.5]") {
  const std::string tag = http::entity_tag("run()");
  const std::string output = get("/app.js", "If-None-Match: \"x\", W/" + tag + "\r\n");
  CHECK(output.starts_with("HTTP/1.1 304 Not Modified\r\n"));
  CHECK(output.contains("ETag: " + tag + "\r\n"));
  CHECK(output.ends_with("\r\n\r\n"));
  CHECK(get("/app.js", "If-None-Match: \"x\"\r\n").starts_with("HTTP/1.1 200 OK\r\n"));
}

TEST_CASE("files answer other methods with 405 and those they take [RFC 9110 15.5.6]") {
  const std::string output = get("/app.js", "", "DELETE");
  CHECK(output.starts_with("HTTP/1.1 405 Method Not Allowed\r\n"));
  CHECK(output.contains("Allow: GET, HEAD\r\n"));
  CHECK(output.ends_with("\r\n\r\n405 Method Not Allowed\n"));
}
