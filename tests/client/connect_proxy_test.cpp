// SPDX-License-Identifier: MIT
// CONNECT through an HTTP proxy: the request, and each answer judged.
#include <client/connect_proxy.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include <client/answer_rig.hpp>

using namespace walkie;
using client::connect_request;

namespace {

http::Url url_of(std::string_view text) { return *http::parse_url(text); }

std::optional<ConnectError> judged(std::string_view answer,
                                   std::string_view proxy = "http://p:3128") {
  const test::AnswerRig rig(answer, "CONNECT");
  return client::judge_connect_answer(url_of(proxy), url_of("wss://example.com/x"), rig.event());
}

std::string message_for(std::string_view answer, std::string_view proxy = "http://p:3128") {
  const auto error = judged(answer, proxy);
  REQUIRE(error);
  CHECK(error->fault == ConnectFault::proxy);
  return error->message;
}

}  // namespace

TEST_CASE("client asks a proxy for a tunnel to host and port [RFC 9110 9.3.6]") {
  const auto request = connect_request(url_of("http://p"), url_of("wss://Example.com/x?y"));
  CHECK(request.method == "CONNECT");
  CHECK(request.target == "example.com:443");
  const std::vector<std::pair<std::string, std::string>> expected{{"Host", "example.com:443"},
                                                                  {"User-Agent", "walkie"}};
  CHECK(request.fields == expected);
  CHECK(connect_request(url_of("http://p"), url_of("ws://[::1]/")).target == "[::1]:80");
}

TEST_CASE("client sends a proxy its own credentials, and not the server's [RFC 9110 11.7.1]") {
  const auto request =
      connect_request(url_of("http://Aladdin:open%20sesame@p"), url_of("wss://other:word@h/"));
  REQUIRE(request.fields.size() == 3);
  CHECK(request.fields.back() == std::pair<std::string, std::string>(
                                     "Proxy-Authorization", "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="));
}

TEST_CASE("client takes any 2xx as a tunnel [RFC 9110 9.3.6]") {
  CHECK_FALSE(judged("HTTP/1.1 200 Connection established\r\n\r\n"));
  CHECK_FALSE(judged("HTTP/1.0 204 \r\n\r\n"));
}

TEST_CASE("client says which credentials a proxy wants [RFC 9110 15.5.8]") {
  const std::string basic =
      "HTTP/1.1 407 P\r\nProxy-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\n\r\n";
  CHECK(message_for(basic) ==
        "the proxy p:3128 answered 407 P to CONNECT example.com:443: it wants a user and a "
        "password: put them into the proxy's URL, as in http://user:password@p:3128");
  CHECK(message_for(basic, "http://u:secret@p")
            .ends_with(": it does not take that user and password"));
  CHECK_FALSE(message_for(basic, "http://u:secret@p").contains("secret"));
  CHECK(message_for("HTTP/1.0 401 Unauthorized\r\n\r\n", "http://u:secret@p")
            .ends_with(": it does not take that user and password"));
  CHECK(message_for("HTTP/1.1 407 P\r\nProxy-Authenticate: NTLM\r\n"
                    "Proxy-Authenticate: Negotiate\r\nContent-Length: 0\r\n\r\n")
            .ends_with("it wants NTLM, Negotiate authentication, and only Basic is spoken here"));
}

TEST_CASE("client names what else a proxy answers, and keeps the answer") {
  const auto error = judged("HTTP/1.1 403 Filtered\r\nContent-Length: 2\r\n\r\nno");
  REQUIRE(error);
  CHECK(error->message ==
        "the proxy p:3128 answered 403 Filtered to CONNECT example.com:443: its rules do not allow "
        "that host or port");
  REQUIRE(error->answer);
  CHECK(error->answer->body == "no");
  const auto answer = [](int status) {
    return "HTTP/1.1 " + std::to_string(status) + " R\r\nContent-Length: 0\r\n\r\n";
  };
  for (const int status : {502, 503, 504})
    CHECK(message_for(answer(status)).ends_with("it could not reach the server"));
  for (const int status : {400, 404, 405, 501})
    CHECK(message_for(answer(status)).ends_with("is perhaps no proxy, or does not do CONNECT"));
  CHECK(message_for(answer(302)) == "the proxy p:3128 answered 302 R to CONNECT example.com:443");
  CHECK(message_for("HTTP/1.1 101 S\r\n\r\n").contains("answered 101 S"));
}

TEST_CASE("client says when a proxy answers nothing, or nonsense [RFC 9112 4]") {
  CHECK(message_for("") ==
        "the proxy p:3128 ended the connection without an answer to CONNECT example.com:443");
  CHECK(message_for("\x05\xff").contains("p:3128 gave a broken answer: this is not HTTP"));
}
