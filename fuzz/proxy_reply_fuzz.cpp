// SPDX-License-Identifier: MIT
// Fuzzes what a proxy may answer to CONNECT, and what may stand in the variables that choose one.
//
//   input: [ what: one byte ] [ how it is cut: one byte ] [ bytes from the proxy, or text ]
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <base/assert.hpp>
#include <client/connect_proxy.hpp>
#include <client/proxy.hpp>

#include "answers.hpp"

namespace {

using namespace walkie;
using fuzz::Cuts;

bool is_line(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c != '\n' && c != '\r' && c != 27; });
}

std::string outcome(std::string_view input, Cuts cuts, std::uint8_t bits) {
  const auto proxy = *http::parse_url(bits & 2 ? "http://u:secret@proxy:3128" : "https://proxy");
  const auto url = *http::parse_url("wss://example.com/");
  std::string judgement;
  const std::string record =
      fuzz::feed("CONNECT", input, cuts, (bits & 4) != 0, [&](const http::ClientEvent& event) {
        const auto error = client::judge_connect_answer(proxy, url, event);
        const bool tunnel =
            event.kind == http::ClientEvent::Kind::answered && event.head->status / 100 == 2;
        WALKIE_ASSERT(error.has_value() == !tunnel);
        if (!error) return;
        WALKIE_ASSERT(error->fault == ConnectFault::proxy);
        WALKIE_ASSERT(is_line(error->message));
        judgement = error->message;
      });
  return record + judgement;
}

/// The text as a proxy's variable and as NO_PROXY.
void check_variables(std::string_view text) {
  for (const std::string_view host : {"www.example.com", "192.0.2.1", "2001:db8::1"}) {
    const bool covered = client::covers(text, host, 80);
    // Whatever else stands in a list, one more entry can only cover more.
    WALKIE_ASSERT(!covered || client::covers(std::string(text) + ",other", host, 80));
    WALKIE_ASSERT(client::covers(std::string(text) + "," + std::string(host), host, 80));
  }
  const auto variable = [text](std::string_view name) -> std::optional<std::string> {
    return name == "all_proxy" ? std::optional<std::string>(text) : std::nullopt;
  };
  const auto proxy = client::proxy_for(*http::parse_url("ws://h/"), "", variable);
  if (!proxy) {
    WALKIE_ASSERT(is_line(proxy.error().message));
  } else if (*proxy) {
    base::BufferPool pool;
    http::ClientConnection connection(fuzz::kAnswerOptions, pool);
    const auto request = client::connect_request(**proxy, *http::parse_url("ws://h/"));
    WALKIE_ASSERT(request.send(connection));
    connection.output().clear();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2 || size > 4096) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  if (bytes[0] & 1) {
    check_variables(input);
  } else {
    WALKIE_ASSERT(outcome(input, Cuts(true, 0), bytes[0]) ==
                  outcome(input, Cuts(false, bytes[1]), bytes[0]));
  }
  return 0;
}
