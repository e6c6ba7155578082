// SPDX-License-Identifier: MIT
// The server's end of an HTTP/1.1 connection.
#include <http/server_connection.hpp>

#include <cstring>
#include <utility>

#include <base/assert.hpp>
#include <proto/handshake.hpp>

namespace walkie::http {
namespace {

/// Only 100-continue is met; HTTP/1.0 knows no expectations (RFC 9110 §10.1.1).
HeadError judge_expectations(const RequestHead& head) noexcept {
  if (head.minor_version == 0) return HeadError::none;
  for (const HeaderField& field : head.fields) {
    if (!equal_ignoring_case(field.name, "Expect")) continue;
    std::string_view list = field.value;
    while (const auto expectation = next_list_element(list))
      if (!equal_ignoring_case(*expectation, "100-continue")) return HeadError::unknown_expectation;
  }
  return HeadError::none;
}

/// A response has no content by its status, whatever the handler gave (RFC 9110 §6.4.1, §15.3.6).
bool is_bodiless(int status) noexcept { return status == 204 || status == 205 || status == 304; }

/// "400 Bad Request: a line ends with a bare LF (RFC 9112 §2.2)"
std::string failure_text(const HeadErrorFacts& facts) {
  std::string text = std::to_string(facts.status);
  text.append(" ").append(reason_of(facts.status)).append(": ").append(facts.text);
  return text.append(" (").append(facts.clause).append(")\n");
}

}  // namespace

ServerConnection::ServerConnection(const ServerConnectionOptions& options, base::BufferPool& pool,
                                   Instant now)
    : options_(options), input_(pool), output_(pool), now_(now) {
  set_deadline(options_.head_timeout);
}

// -- in --

void ServerConnection::receive(BytesView bytes, Instant now) {
  now_ = now;
  if (state_ == State::closing || bytes.empty()) return;
  const bool first_of_head = state_ == State::reading_head && input_.empty();
  input_.append(bytes);
  if (first_of_head) set_deadline(options_.head_timeout);
  advance();
}

void ServerConnection::receive_end(Instant now) {
  now_ = now;
  input_ended_ = true;
  advance();
}

std::optional<ServerEvent> ServerConnection::poll_event(std::string_view date) {
  advance();
  if (state_ == State::request_ready) {
    state_ = State::answering;
    const auto body = BytesView{parsed_from_ + progress_.head_bytes, body_bytes_};
    const bool websocket = proto::asks_for_websocket(head_.fields);
    return ServerEvent{.request = {&head_, body, websocket}};
  }
  if (last_event_ && last_event_->kind == ServerEvent::Kind::failed)
    answer_failure(last_event_->error, date);
  return std::exchange(last_event_, std::nullopt);
}

bool ServerConnection::wants_input() const noexcept {
  if (input_ended_ || state_ == State::closing || state_ == State::upgraded) return false;
  const bool waiting = state_ == State::request_ready || state_ == State::answering;
  return !(waiting && input_.size() >= options_.limits.head_bytes_max) && !stalled();
}

void ServerConnection::advance() {
  if (state_ == State::reading_head) read_head();
  if (state_ == State::reading_body) read_body();
}

void ServerConnection::read_head() {
  if (stalled()) return;
  const auto in = text_of(input_.unread());
  const bool any = !in.empty();
  const HeadStatus status =
      any ? parse_request(in, options_.limits, progress_, head_) : HeadStatus::incomplete;
  if (status == HeadStatus::failed) return fail(progress_.error);
  if (status == HeadStatus::complete) return begin_body();
  if (input_ended_) end();
}

void ServerConnection::begin_body() {
  parsed_from_ = input_.unread().data();
  read_bytes_ = progress_.head_bytes;
  body_bytes_ = 0;
  without_content_ = head_.method == "HEAD";
  state_ = State::reading_body;
  // What follows a CONNECT that someone answered with 2xx would be a tunnel's, not a request.
  keep_alive_ = keeps_alive(head_.minor_version, head_.fields) && head_.method != "CONNECT";
  BodyFraming framing;
  if (const HeadError error = judge_body(framing); error != HeadError::none) return fail(error);
  body_ = BodyReader(framing, options_.body_bytes_max);
  set_deadline(options_.body_timeout);
  ask_for_body();
}

/// Everything that makes a body unacceptable before its first byte.
HeadError ServerConnection::judge_body(BodyFraming& framing) const noexcept {
  if (const HeadError error = request_body(head_, framing); error != HeadError::none) return error;
  if (framing.length > options_.body_bytes_max) return HeadError::body_too_large;
  return judge_expectations(head_);
}

/// A client that expects it is told to go on, but not where its body is on the way already.
void ServerConnection::ask_for_body() {
  const bool waits = !body_.done() && input_.size() == read_bytes_ && head_.minor_version > 0;
  if (waits && header_has_token(head_.fields, "Expect", "100-continue"))
    output_.append(bytes_of("HTTP/1.1 100 Continue\r\n\r\n"));
}

void ServerConnection::read_body() {
  if (const HeadError error = take_content(); error != HeadError::none) return fail(error);
  if (body_.done()) return complete_request();
  // The reader took all there is: what was no content need not be kept.
  read_bytes_ = progress_.head_bytes + body_bytes_;
  input_.truncate(read_bytes_);
  if (input_ended_) end();
}

/// Moves the content of what was received together, behind the head. One with a length lies there.
HeadError ServerConnection::take_content() {
  const MutableBytes in = input_.unread();
  while (!body_.done() && read_bytes_ < in.size()) {
    const BodyReader::Step step = body_.step(in.subspan(read_bytes_));
    if (step.error != HeadError::none) return step.error;
    std::byte* end = in.data() + progress_.head_bytes + body_bytes_;
    if (!step.content.empty() && step.content.data() != end)
      std::memmove(end, step.content.data(), step.content.size());
    body_bytes_ += step.content.size();
    read_bytes_ += step.used;
  }
  return HeadError::none;
}

void ServerConnection::complete_request() {
  const auto in = text_of(input_.unread());
  if (input_.unread().data() != parsed_from_) {  // the head moved while its body came
    parsed_from_ = input_.unread().data();
    progress_ = {};
    const HeadStatus status = parse_request(in, options_.limits, progress_, head_);
    WALKIE_ASSERT(status == HeadStatus::complete);
  }
  input_.take(read_bytes_);
  state_ = State::request_ready;
  deadline_ = kNever;
}

// -- out --

bool ServerConnection::respond(const HttpResponse& response, std::string_view date, bool close) {
  return answer(
      {response.status, response.content_type, bytes_of(response.body), response.headers, date},
      close);
}

bool ServerConnection::respond(int status, std::string_view content_type, BytesView content,
                               ResponseFields fields, std::string_view date) {
  return answer({status, content_type, content, fields, date}, false);
}

bool ServerConnection::answer(const Answer& answer, bool close) {
  WALKIE_ASSERT(state_ == State::answering);
  const bool last = input_ended_ && input_.empty();
  const bool final = answer.status >= 200 && answer.status <= 999;
  const bool bodiless = is_bodiless(answer.status);
  ResponseFraming framing{.status = final ? answer.status : 500,
                          .keep_alive = keep_alive_ && !finishing_ && !close && !last,
                          .minor_version = head_.minor_version,
                          .content_type = bodiless ? std::string_view{} : answer.content_type,
                          .date = answer.date};
  if (!bodiless) framing.content_length = answer.content.size();
  if (answer.status == 205) framing.content_length = 0;
  std::string head;
  head.reserve(512);
  const bool whole = write_response_head(head, framing, answer.fields);
  output_.append(bytes_of(head));
  if (!bodiless && !without_content_) output_.append(answer.content);
  begin_next(framing.keep_alive);
  return whole;
}

void ServerConnection::begin_next(bool keep_alive) noexcept {
  head_ = {};
  progress_ = {};
  input_.release();
  if (!keep_alive) return close();
  state_ = State::reading_head;
  set_deadline(input_.empty() || stalled() ? options_.idle_timeout : options_.head_timeout);
}

bool ServerConnection::upgrade(std::string_view accept, std::string_view subprotocol,
                               std::string_view extensions, ResponseFields fields) {
  WALKIE_ASSERT(state_ == State::answering);
  std::string head;
  head.reserve(512);
  const bool whole = write_upgrade_response(head, {accept, subprotocol, extensions}, fields);
  output_.append(bytes_of(head));
  state_ = State::upgraded;
  return whole;
}

void ServerConnection::output_written(std::size_t bytes) {
  output_.consume(bytes);
  wrote_ |= bytes != 0;
}

// -- the end --

/// Answers in the request's place and ends the connection: after a fault nobody knows where the
/// next request would begin (RFC 9112 §2.2, §6.3).
void ServerConnection::fail(HeadError error) {
  without_content_ = without_content_ && state_ == State::reading_body;
  last_event_ = ServerEvent{.kind = ServerEvent::Kind::failed, .error = error};
  close();
}

void ServerConnection::answer_failure(HeadError error, std::string_view date) {
  const HeadErrorFacts& facts = facts_of(error);
  const std::string text = failure_text(facts);
  std::string response;
  write_response_head(response,
                      {.status = facts.status,
                       .keep_alive = false,
                       .content_length = text.size(),
                       .content_type = "text/plain; charset=utf-8",
                       .date = date},
                      {});
  if (!without_content_) response.append(text);
  output_.append(bytes_of(response));
}

void ServerConnection::end() noexcept {
  last_event_ = ServerEvent{.kind = ServerEvent::Kind::ended};
  close();
}

void ServerConnection::close() noexcept {
  state_ = State::closing;
  deadline_ = kNever;
  input_.clear();
}

bool ServerConnection::finished() const noexcept {
  return state_ == State::closing && !last_event_;
}

bool ServerConnection::idle() const noexcept {
  return state_ == State::closing || (state_ == State::reading_head && input_.empty());
}

void ServerConnection::finish() noexcept {
  finishing_ = true;
  if (state_ == State::reading_head && input_.empty()) close();
}

// -- time --

std::optional<Instant> ServerConnection::next_deadline() const noexcept {
  return deadline_ == kNever ? std::nullopt : std::optional(deadline_);
}

void ServerConnection::on_deadline(Instant now) {
  now_ = now;
  advance();  // a request may have waited for its predecessors' answers to be written
  if (now < deadline_) return;
  if (state_ == State::reading_body) return fail(HeadError::body_timeout);
  if (input_.empty() || stalled()) return time_out_idle();
  fail(HeadError::head_timeout);
}

/// A peer that still takes what was answered is not idle; one that does not is given up, and with
/// it what it never took.
void ServerConnection::time_out_idle() noexcept {
  if (!output_.empty() && wrote_) return set_deadline(options_.idle_timeout);
  output_.clear();
  end();
}

void ServerConnection::set_deadline(Duration timeout) noexcept {
  deadline_ = timeout >= kNever - now_ ? kNever : now_ + timeout;
  wrote_ = false;
}

bool ServerConnection::stalled() const noexcept {
  return state_ == State::reading_head && output_.size() > options_.output_bytes_max;
}

}  // namespace walkie::http
