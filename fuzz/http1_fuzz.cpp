// SPDX-License-Identifier: MIT
// Fuzzes HTTP/1.1: heads of requests and responses, bodies, and the server's connection. Each is
// run whole and in pieces, and must give the same.
//
//   input: [ what: one byte ] [ how it is cut: one byte ] [ bytes from the network ]
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/assert.hpp>
#include <base/buffer_pool.hpp>
#include <http/body.hpp>
#include <http/characters.hpp>
#include <http/head.hpp>
#include <http/host.hpp>
#include <http/server_connection.hpp>

#include "pieces.hpp"

namespace {

using namespace walkie;
using fuzz::Cuts;
using fuzz::Exact;
using http::HeadError;
using http::HeadStatus;

constexpr http::HeadLimits kLimits{.head_bytes_max = 600, .target_bytes_max = 100, .fields_max = 8};
constexpr std::uint64_t kBodyBytesMax = 300;

void add(std::string& record, std::string_view text) {
  record.append(std::to_string(text.size())).append(":").append(text).append(",");
}

void add_fields(std::string& record, const std::vector<HeaderField>& fields) {
  WALKIE_ASSERT(fields.size() <= kLimits.fields_max);
  for (const HeaderField& field : fields) {
    WALKIE_ASSERT(is_token(field.name));
    WALKIE_ASSERT(http::all_are(http::kValueChar, field.value));
    WALKIE_ASSERT(trim(field.value) == field.value);
    add(record, field.name);
    add(record, field.value);
  }
}

void add_head(std::string& record, const http::RequestHead& head) {
  WALKIE_ASSERT(is_token(head.method));
  WALKIE_ASSERT(head.path.starts_with('/'));
  WALKIE_ASSERT(head.target.size() <= kLimits.target_bytes_max);
  WALKIE_ASSERT(head.host.empty() || http::is_authority(head.host));
  WALKIE_ASSERT(count_headers(head.fields, "Host") <= 1);
  for (const std::string_view part : {head.method, head.target, head.path, head.query, head.host})
    add(record, part);
  add(record, head.minor_version ? "1" : "0");
  add_fields(record, head.fields);
}

void add_head(std::string& record, const http::ResponseHead& head) {
  WALKIE_ASSERT(head.status >= 100 && head.status <= 999);
  add(record, std::to_string(head.status));
  add(record, head.reason);
  add_fields(record, head.fields);
}

HeadStatus parse(std::string_view in, http::HeadProgress& progress, http::RequestHead& head) {
  return http::parse_request(in, kLimits, progress, head);
}

HeadStatus parse(std::string_view in, http::HeadProgress& progress, http::ResponseHead& head) {
  return http::parse_response(in, kLimits, progress, head);
}

/// What came of parsing `input` in pieces, as text.
template <class Head>
std::string parse_record(std::string_view input, Cuts cuts) {
  http::HeadProgress progress;
  Head head;
  std::size_t end = 0;
  std::string record;
  while (end < input.size()) {
    end += cuts.next(input.size() - end);
    const Exact bytes(input.substr(0, end));
    const HeadStatus status = parse(bytes.view(), progress, head);
    if (status == HeadStatus::failed) return http::facts_of(progress.error).text.data();
    if (status == HeadStatus::incomplete) continue;
    WALKIE_ASSERT(progress.head_bytes <= std::min(end, kLimits.head_bytes_max));
    WALKIE_ASSERT(bytes.view().substr(0, progress.head_bytes).ends_with("\r\n\r\n"));
    add_head(record, head);
    add(record, std::to_string(progress.head_bytes));
    return record;
  }
  WALKIE_ASSERT(input.size() < kLimits.head_bytes_max);
  return "incomplete";
}

std::string body_record(std::string_view input, http::BodyFraming framing, Cuts cuts) {
  http::BodyReader reader(framing, kBodyBytesMax);
  std::string content;
  std::size_t used = 0;
  std::size_t at = 0;
  while (at < input.size() && !reader.done()) {
    const std::size_t piece = cuts.next(input.size() - at);
    const Exact bytes(input.substr(at, piece));
    BytesView rest = bytes_of(bytes.view());
    while (!rest.empty() && !reader.done()) {
      const http::BodyReader::Step step = reader.step(rest);
      if (step.error != HeadError::none) return http::facts_of(step.error).text.data();
      WALKIE_ASSERT(step.used > 0 && step.used <= rest.size());
      content += text_of(step.content);
      used += step.used;
      rest = rest.subspan(step.used);
    }
    at += piece;
  }
  WALKIE_ASSERT(content.size() <= kBodyBytesMax);
  add(content, std::to_string(used));
  add(content, reader.done() ? "done" : "more");
  return content;
}

void drain(http::ServerConnection& connection) {
  std::array<BytesView, 8> views;
  while (const std::size_t count = connection.output().gather(views))
    for (std::size_t i = 0; i < count; ++i) connection.output_written(views[i].size());
}

std::string request_record(const http::Request& request) {
  std::string record;
  add_head(record, *request.head);
  add(record, text_of(request.body));
  return record;
}

/// Serves what comes in `input`; with `late`, each answer waits until more was received.
class Server {
 public:
  explicit Server(bool late) : late_(late), connection_(kOptions, pool_, Instant{}) {}

  std::string serve(std::string_view input, Cuts cuts) {
    for (std::size_t at = 0; at < input.size();) {
      const std::size_t piece = cuts.next(input.size() - at);
      const Exact bytes(input.substr(at, piece));
      connection_.receive(bytes_of(bytes.view()), Instant{});
      at += piece;
      answer_pending();
      poll();
    }
    connection_.receive_end(Instant{});
    do answer_pending();
    while (poll());
    drain(connection_);
    WALKIE_ASSERT(upgraded_ || (connection_.finished() && pool_.lent_bytes() == 0));
    return record_;
  }

 private:
  static constexpr http::ServerConnectionOptions kOptions{
      .limits = kLimits, .body_bytes_max = kBodyBytesMax, .output_bytes_max = 100'000};

  bool poll() {
    bool any = false;
    while (!pending_) {
      const auto event = connection_.poll_event();
      if (!event) break;
      any = true;
      tell(*event);
      if (!late_) answer_pending();
    }
    return any;
  }

  void tell(const http::ServerEvent& event) {
    if (event.kind == http::ServerEvent::Kind::request) {
      pending_ = event.request;
      pending_record_ = request_record(event.request);
      record_ += pending_record_;
      return;
    }
    const bool failed = event.kind == http::ServerEvent::Kind::failed;
    record_ += failed ? http::facts_of(event.error).text : "ended";
  }

  void answer_pending() {
    if (!pending_) return;
    WALKIE_ASSERT(request_record(*pending_) == pending_record_);  // its views still live
    if (pending_->asks_for_websocket) {
      connection_.upgrade("accept", "", "", {});
      upgraded_ = true;
    } else {
      connection_.respond({.status = 200, .body = "answer", .headers = {}}, "");
    }
    pending_.reset();
    drain(connection_);
  }

  bool late_;
  bool upgraded_ = false;
  base::BufferPool pool_;
  http::ServerConnection connection_;
  std::optional<http::Request> pending_;
  std::string pending_record_;
  std::string record_;
};

std::string server_record(std::string_view input, Cuts cuts, bool late) {
  return Server(late).serve(input, cuts);
}

void check_texts(std::string_view input) {
  const auto decoded = http::percent_decoded(input);
  WALKIE_ASSERT(!decoded || decoded->size() <= input.size());
  static_cast<void>(http::query_value(input, "a"));
  const HeaderField cookie{"Cookie", input};
  static_cast<void>(http::cookie_value({&cookie, 1}, "a"));
  std::string head;
  const std::pair<std::string, std::string> field{input, input};
  http::write_response_head(head, {}, {&field, 1});
  // Whatever a handler gives, a response's head ends once: at its end.
  WALKIE_ASSERT(head.find("\r\n\r\n") == head.size() - 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size < 2 || size > 8192) return 0;
  const std::string_view input(reinterpret_cast<const char*>(bytes) + 2, size - 2);
  const Cuts whole(true, 0);
  const Cuts cut(false, bytes[1]);
  using Kind = http::BodyFraming::Kind;
  switch (bytes[0] % 6) {
    case 0:
      WALKIE_ASSERT(parse_record<http::RequestHead>(input, whole) ==
                    parse_record<http::RequestHead>(input, cut));
      break;
    case 1:
      WALKIE_ASSERT(parse_record<http::ResponseHead>(input, whole) ==
                    parse_record<http::ResponseHead>(input, cut));
      break;
    case 2:
      WALKIE_ASSERT(body_record(input, {Kind::chunked, 0}, whole) ==
                    body_record(input, {Kind::chunked, 0}, cut));
      break;
    case 3:
      WALKIE_ASSERT(body_record(input, {Kind::length, bytes[1]}, whole) ==
                    body_record(input, {Kind::length, bytes[1]}, cut));
      break;
    case 4:
      WALKIE_ASSERT(server_record(input, whole, false) == server_record(input, cut, false));
      WALKIE_ASSERT(server_record(input, whole, true) == server_record(input, cut, true));
      break;
    default:
      check_texts(input);
  }
  return 0;
}
