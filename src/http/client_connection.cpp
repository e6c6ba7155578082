// SPDX-License-Identifier: MIT
// The client's end of an HTTP/1.1 connection.
#include <http/client_connection.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include <base/assert.hpp>
#include <http/characters.hpp>
#include <http/framing.hpp>

namespace walkie::http {
namespace {

bool is_writable(const HeaderField& field) noexcept {
  return is_token(field.name) && all_are(kValueChar, field.value);
}

}  // namespace

ClientConnection::ClientConnection(const ClientConnectionOptions& options, base::BufferPool& pool)
    : options_(options), input_(pool), output_(pool) {}

bool ClientConnection::request(std::string_view method, std::string_view target,
                               std::span<const HeaderField> fields) {
  WALKIE_ASSERT(method_.empty());
  const bool line = is_token(method) && !target.empty() && all_are(kTargetChar, target);
  if (!line || !std::ranges::all_of(fields, is_writable)) return false;
  method_ = method;
  std::string head;
  head.reserve(512);
  head.append(method).append(" ").append(target).append(" HTTP/1.1\r\n");
  for (const auto& [name, value] : fields)
    head.append(name).append(": ").append(value).append("\r\n");
  output_.append(bytes_of(head.append("\r\n")));
  return true;
}

void ClientConnection::receive(BytesView bytes) {
  if (state_ == State::finished || bytes.empty()) return;
  input_.append(bytes);
  if (state_ == State::reading_head) read_head();
  if (state_ == State::reading_body) read_body();
}

void ClientConnection::receive_end() {
  if (state_ == State::reading_head) fail(HeadError::none, true);
  // A body that ends with the connection is whole; any other is not (RFC 9112 §8).
  if (state_ == State::reading_body) answer(!until_close_);
}

std::optional<ClientEvent> ClientConnection::poll_event() {
  return std::exchange(event_, std::nullopt);
}

MutableBytes ClientConnection::leftover() noexcept {
  return state_ == State::switched ? input_.unread() : MutableBytes{};
}

void ClientConnection::read_head() {
  while (state_ == State::reading_head && !input_.empty()) {
    const HeadStatus status =
        parse_response(text_of(input_.unread()), options_.limits, progress_, head_);
    if (status == HeadStatus::failed) return fail(progress_.error);
    if (status == HeadStatus::incomplete) return;
    take_head();
  }
}

/// Interim answers are read over (RFC 9110 §15.2); the final one stays where it is, so that its
/// views live while its body comes.
void ClientConnection::take_head() {
  input_.take(progress_.head_bytes);
  progress_ = {};
  if (head_.status >= 200 || head_.status == 101) return begin_body();
  if (++interim_answers_ > options_.interim_answers_max)
    return fail(HeadError::too_many_interim_answers);
  input_.release();
}

void ClientConnection::begin_body() {
  if (head_.status == 101 || (method_ == "CONNECT" && head_.status < 300)) {
    state_ = State::switched;
    event_ = ClientEvent{.head = &head_};
    return;
  }
  BodyFraming framing;
  if (const HeadError error = response_body(head_, method_, framing); error != HeadError::none)
    return fail(error);
  // What is too long is cut here, not refused there.
  body_ = BodyReader(framing, std::numeric_limits<std::uint64_t>::max());
  until_close_ = framing.kind == BodyFraming::Kind::until_close;
  state_ = State::reading_body;
}

void ClientConnection::read_body() {
  bool cut = false;
  if (const HeadError error = take_content(cut); error != HeadError::none) return fail(error);
  // The reader took all there is, or no more is wanted: what was no content need not be kept.
  input_.truncate(body_bytes_);
  if (cut || body_.done()) answer(cut);
}

/// Moves the content of what was received together, at the front.
HeadError ClientConnection::take_content(bool& cut) {
  const MutableBytes in = input_.unread();
  for (std::size_t at = body_bytes_; !body_.done() && !cut && at < in.size();) {
    const BodyReader::Step step = body_.step(in.subspan(at));
    if (step.error != HeadError::none) return step.error;
    const std::size_t kept = std::min(step.content.size(), options_.body_bytes_max - body_bytes_);
    cut = kept < step.content.size();
    if (kept > 0) std::memmove(in.data() + body_bytes_, step.content.data(), kept);
    body_bytes_ += kept;
    at += step.used;
  }
  return HeadError::none;
}

void ClientConnection::answer(bool body_cut) {
  state_ = State::finished;
  event_ =
      ClientEvent{.head = &head_, .body = input_.unread().first(body_bytes_), .body_cut = body_cut};
}

void ClientConnection::fail(HeadError error, bool ended_early) {
  state_ = State::finished;
  event_ =
      ClientEvent{.kind = ClientEvent::Kind::failed, .error = error, .ended_early = ended_early};
}

}  // namespace walkie::http
