// SPDX-License-Identifier: MIT
// Thousands of client connections on one loop.
#include <cli/load_crew.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include <fmt/core.h>

#include <http/head.hpp>
#include <proto/handshake.hpp>

namespace walkie::cli {
namespace {

std::string fresh_key() {
  std::array<std::byte, 16> nonce{};
  std::random_device random;
  for (std::byte& byte : nonce) byte = static_cast<std::byte>(random() & 0xFF);
  return proto::key_of_nonce(nonce);
}

/// The status line, for an error in one line.
std::string_view first_line(std::string_view head) { return head.substr(0, head.find('\r')); }

std::string close_text(std::string_view payload) {
  if (payload.size() < 2) return "a Close frame without a code";
  const auto high = static_cast<unsigned char>(payload[0]);
  const auto low = static_cast<unsigned char>(payload[1]);
  return fmt::format("a Close frame: {} {}", high << 8 | low, payload.substr(2));
}

}  // namespace

Result<LoadTarget> parse_target(std::string_view url) {
  const auto fault = [url](std::string_view what) {
    return std::unexpected(Error{fmt::format("\"{}\": {}", url, what), {}});
  };
  LoadTarget target;
  target.secure = url.starts_with("wss://");
  if (!target.secure && !url.starts_with("ws://"))
    return fault("expected ws://HOST:PORT/PATH or wss://HOST:PORT/PATH");
  const std::string_view rest = url.substr(url.find("//") + 2);
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  target.authority = rest.substr(0, slash);
  target.path = slash < rest.size() ? rest.substr(slash) : "/";
  const bool has_port =
      target.authority.find(':', target.authority.rfind(']') + 1) != std::string::npos;
  const std::string_view port = target.secure ? ":443" : ":80";
  const auto addresses =
      io::parse_endpoint(has_port ? target.authority : target.authority + std::string(port));
  if (!addresses) return fault(addresses.error().message);
  target.address = addresses->front();
  return target;
}

// -- one connection --

LoadSocket::LoadSocket(LoadCrew& crew, std::size_t index)
    : crew_(crew), index_(index), transport_(crew.loop_, *this) {}

void LoadSocket::on_connected() {
  if (!crew_.tls_) return shake_hands();
  transport_.secure(std::make_unique<tls::Filter>(*crew_.tls_, "localhost",
                                                  crew_.session_place(index_), crew_.buffers_));
}

void LoadSocket::on_secured() {
  if (transport_.tls()->session().resumed) ++crew_.resumed_;
  shake_hands();
}

void LoadSocket::on_insecure(std::string_view reason) {
  if (state_ != State::closing) fail(reason);
  end();
}

void LoadSocket::shake_hands() {
  if (crew_.options_.raw) {
    state_ = State::open;
    ++crew_.open_;
    return;
  }
  state_ = State::shaking_hands;
  queue(bytes_of(crew_.request_));
  flush();
}

void LoadSocket::on_received(MutableBytes received) {
  BytesView bytes = received;
  crew_.batch_time_ = std::chrono::steady_clock::now();
  if (state_ == State::shaking_hands) take_response(bytes);
  if (state_ != State::open && state_ != State::closing) return;
  if (crew_.options_.raw)
    take_raw(bytes);
  else
    take_frames(bytes);
  if (state_ == State::open) flush();
}

void LoadSocket::take_response(BytesView& bytes) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::size_t had = text_.size();
  text_ += text_of(bytes);
  const std::size_t end = text_.find(kEnd, had < kEnd.size() ? 0 : had - kEnd.size());
  if (end == std::string::npos) return;
  http::ResponseHead head;
  http::HeadProgress progress;
  const auto status = http::parse_response(text_, {}, progress, head);
  if (status != http::HeadStatus::complete)
    return fail(fmt::format("the answer is not HTTP: {}", first_line(text_)));
  const auto agreed =
      proto::judge_response(head.status, head.fields, crew_.key_, {}, {.enabled = false});
  if (!agreed) return fail(fmt::format("{} ({})", agreed.error().text, first_line(text_)));
  bytes = bytes.subspan(progress.head_bytes - had);
  text_ = {};
  state_ = State::open;
  ++crew_.open_;
}

void LoadSocket::take_frames(BytesView bytes) {
  while (const auto piece = reader_.next(bytes)) {
    if (proto::is_control(piece->opcode))
      take_control(*piece);
    else if (state_ == State::open)
      crew_.scenario_.on_piece(*this, piece->bytes, piece->frame_ends && piece->fin);
  }
  if (reader_.failed()) fail("the server sent a frame that is none");
}

void LoadSocket::take_raw(BytesView bytes) {
  const std::size_t answer_bytes = crew_.options_.raw_answer_bytes;
  while (!bytes.empty() && state_ == State::open) {
    const std::size_t taken = std::min(bytes.size(), answer_bytes - raw_taken_);
    raw_taken_ = (raw_taken_ + taken) % answer_bytes;
    crew_.scenario_.on_piece(*this, bytes.first(taken), raw_taken_ == 0);
    bytes = bytes.subspan(taken);
  }
}

void LoadSocket::take_control(const FramePiece& piece) {
  text_ += text_of(piece.bytes);
  if (!piece.frame_ends) return;
  const std::string payload = std::exchange(text_, {});
  if (piece.opcode == proto::Opcode::close) {
    if (state_ == State::open) fail("the server sent " + close_text(payload));
  } else if (piece.opcode == proto::Opcode::ping && state_ == State::open) {
    queue(masked_frame(proto::Opcode::pong, bytes_of(payload), crew_.options_.mask_key));
  }
}

void LoadSocket::flush() {
  if (!writing_.empty() || waiting_.empty() || state_ == State::ended) return;
  writing_.swap(waiting_);
  written_ = 0;
  write();
}

void LoadSocket::write() {
  const BytesView rest = BytesView(writing_).subspan(written_);
  written_ += transport_.send({&rest, 1});
  if (written_ == writing_.size()) writing_.clear();
}

void LoadSocket::on_sent(std::size_t bytes) {
  written_ += bytes;
  if (written_ < writing_.size()) return write();
  writing_.clear();
  flush();
}

void LoadSocket::on_end() {
  if (state_ != State::closing) fail("the server ended the connection");
  end();
}

void LoadSocket::on_error(std::error_code error) {
  if (state_ != State::closing) fail(error.message());
  end();
}

void LoadSocket::start_closing() {
  if (state_ == State::ended) return;
  if (state_ != State::open || crew_.options_.raw) return end();
  state_ = State::closing;
  queue(crew_.close_frame_);
  flush();
}

void LoadSocket::end() {
  if (state_ == State::ended) return;
  state_ = State::ended;
  ++crew_.ended_;
  transport_.release(base::OutputQueue(crew_.buffers_), false);
}

void LoadSocket::fail(std::string_view what) {
  crew_.fail(fmt::format("connection {} of {}: {}", index_ + 1, crew_.options_.connections, what));
}

// -- all of them --

LoadCrew::LoadCrew(io::Loop& loop, LoadCrewOptions options, LoadScenario& scenario)
    : loop_(loop), options_(std::move(options)), scenario_(scenario) {
  key_ = fresh_key();
  request_ = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: {}\r\nSec-WebSocket-Version: 13\r\n\r\n",
      options_.target.path, options_.target.authority, key_);
  constexpr std::array<std::byte, 2> kNormal{std::byte{0x03}, std::byte{0xE8}};  // 1000
  close_frame_ = masked_frame(proto::Opcode::close, kNormal, options_.mask_key);
  sockets_.reserve(options_.connections);
}

LoadCrew::~LoadCrew() {
  for (const auto& socket : sockets_) socket->end();
}

std::uint16_t LoadCrew::session_place(std::size_t index) const noexcept {
  // A place comes again when the connection that had it before is open, with a session to resume.
  constexpr std::size_t kPlaces = 200;
  static_assert(kPlaces > kHandshakesMax && kPlaces <= tls::ClientContext::kSessionsMax);
  return static_cast<std::uint16_t>(options_.resume ? index % kPlaces : index);
}

Result<void> LoadCrew::make_tls() {
  if (!options_.target.secure) return {};
  constexpr std::array<std::string_view, 1> kProtocols{"http/1.1"};
  auto made = tls::ClientContext::make(
      {.system_trust = false, .insecure_accept_any_certificate = true}, kProtocols);
  if (!made) return std::unexpected(std::move(made.error()));
  tls_ = *std::move(made);
  return {};
}

Result<void> LoadCrew::connect_next() {
  const std::size_t index = sockets_.size();
  sockets_.push_back(std::make_unique<LoadSocket>(*this, index));
  std::optional<io::SocketAddress> source;
  // One source address has some 28,000 ports; the loopback network has more addresses.
  if (const std::size_t block = index / kConnectionsPerSource; block > 0) {
    const auto addresses = io::parse_endpoint(fmt::format("127.0.0.{}:0", 1 + block));
    if (!addresses) return std::unexpected(addresses.error());
    source = addresses->front();
  }
  auto connecting =
      sockets_.back()->transport_.connect(options_.target.address, source ? &*source : nullptr);
  if (!connecting) sockets_.pop_back();
  return connecting;
}

Result<void> LoadCrew::turn(Duration wait_max) {
  if (auto turned = loop_.run_turn(wait_max); !turned) return turned;
  if (failure_) return std::unexpected(*failure_);
  return {};
}

Result<void> LoadCrew::open_all() {
  if (auto made = make_tls(); !made) return made;
  std::size_t open_before = 0;
  Instant moved_at = std::chrono::steady_clock::now();
  while (open_ < options_.connections) {
    while (sockets_.size() < options_.connections && sockets_.size() - open_ < kHandshakesMax)
      if (auto connected = connect_next(); !connected) return connected;
    if (auto turned = turn(std::chrono::milliseconds(100)); !turned) return turned;
    options_.on_progress(open_);
    const Instant now = std::chrono::steady_clock::now();
    if (open_ != std::exchange(open_before, open_)) moved_at = now;
    if (now - moved_at > std::chrono::seconds(10))
      return std::unexpected(
          Error{fmt::format("no answer: {} of {} connections are open, and nothing moved for 10 s",
                            open_, options_.connections),
                {}});
  }
  return {};
}

Result<void> LoadCrew::run_for(Duration time) {
  Instant now = std::chrono::steady_clock::now();
  const Instant end = now + time;
  while (now < end) {
    const Duration wait = std::min<Duration>(scenario_.on_turn(now), end - now);
    if (auto turned = turn(wait); !turned) return turned;
    now = std::chrono::steady_clock::now();
  }
  return {};
}

void LoadCrew::close_all() {
  for (const auto& socket : sockets_) socket->start_closing();
  const Instant end = std::chrono::steady_clock::now() + std::chrono::seconds(2);
  while (ended_ < sockets_.size() && std::chrono::steady_clock::now() < end)
    if (!loop_.run_turn(std::chrono::milliseconds(50))) return;
}

void LoadCrew::fail(std::string message) {
  if (!failure_) failure_ = Error{std::move(message), {}};
}

}  // namespace walkie::cli
