// SPDX-License-Identifier: MIT
// OpenSSL reads straight from the bytes that receive() was given and writes straight into the
// output queue, through a BIO of our own: no buffer stays with a connection that waits.
#include <tls/filter.hpp>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <base/assert.hpp>
#include <tls/context_state.hpp>

namespace walkie::tls {
namespace {

/// What one event brings at most: four full records.
constexpr std::size_t kPlainBytes = 64 * 1024;
constexpr std::size_t kRecordBytes = SSL3_RT_MAX_PLAIN_LENGTH;
constexpr std::byte kHandshakeRecord{22};
constexpr std::byte kAlertRecord{21};

/// The alert for one who speaks HTTP without TLS.
constexpr std::string_view kPlainAnswer =
    "HTTP/1.1 400 Bad Request\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "Content-Length: 50\r\n"
    "Connection: close\r\n\r\n"
    "This port speaks TLS only: use https:// or wss://\n";

constexpr std::string_view kEndedOpen = "the peer ended the connection without ending TLS";
constexpr std::string_view kEndedInHandshake = "the peer ended the connection in the TLS handshake";

enum class Stop : std::uint8_t { none, ended, failed, told };

/// Cuts a list of chunks into what goes into one record each: long pieces as they are, short ones
/// joined in a borrowed block.
class RecordSource {
 public:
  RecordSource(std::span<const BytesView> chunks, base::BufferPool& pool) noexcept
      : chunks_(chunks), pool_(pool) {}
  ~RecordSource() {
    if (block_.data) pool_.release(block_);
  }
  RecordSource(const RecordSource&) = delete;
  RecordSource& operator=(const RecordSource&) = delete;

  /// At most kRecordBytes, which live until the next call; empty at the end.
  [[nodiscard]] BytesView next() {
    skip_empty();
    if (chunks_.empty()) return {};
    if (front().size() >= kRecordBytes || chunks_.size() == 1) return take(kRecordBytes);
    if (!block_.data) block_ = pool_.acquire(kRecordBytes);
    std::size_t filled = 0;
    while (filled < kRecordBytes && !chunks_.empty()) {
      const BytesView piece = take(kRecordBytes - filled);
      std::memcpy(block_.data + filled, piece.data(), piece.size());
      filled += piece.size();
      skip_empty();
    }
    return {block_.data, filled};
  }

 private:
  [[nodiscard]] BytesView front() const noexcept { return chunks_.front().subspan(offset_); }
  [[nodiscard]] BytesView take(std::size_t bytes_max) noexcept {
    const BytesView piece = front().first(std::min(front().size(), bytes_max));
    offset_ += piece.size();
    return piece;
  }
  void skip_empty() noexcept {
    while (!chunks_.empty() && front().empty()) {
      chunks_ = chunks_.subspan(1);
      offset_ = 0;
    }
  }

  std::span<const BytesView> chunks_;
  std::size_t offset_ = 0;  ///< Into the front chunk.
  base::BufferPool& pool_;
  base::Block block_{};
};

}  // namespace

struct Filter::State : Connection {
  State(base::BufferPool& buffers, bool server_side) noexcept
      : output(buffers), pool(buffers), is_server(server_side) {}
  ~State();
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  void start(SSL_CTX* context);
  void fail(Failure why, std::string text);
  void note_stop(int result);
  void check_first_byte();
  void note_session();
  [[nodiscard]] bool shake_hands();
  [[nodiscard]] std::size_t read();
  [[nodiscard]] std::optional<Event> tell_stop();
  [[nodiscard]] std::size_t send_records(std::span<const BytesView> plain,
                                         std::size_t output_bytes_max);
  [[nodiscard]] std::size_t send_ssl(std::span<const BytesView> plain,
                                     std::size_t output_bytes_max);
  [[nodiscard]] bool write(BytesView bytes);
  void detach();
  void free_ssl() noexcept;
  [[nodiscard]] std::size_t read_records();
  [[nodiscard]] std::size_t read_ssl();
  void lend_scratch();
  void return_scratch() noexcept;

  std::shared_ptr<const ServerContext> server_context;
  std::shared_ptr<const TicketKeys> server_tickets;
  SslPtr ssl;                            ///< Null once detached.
  std::unique_ptr<RecordLayer> records;  ///< What takes over then.
  Session session{};                     ///< Known from the handshake's end on.
  std::string protocol;
  std::string subject;
  base::OutputQueue output;
  base::BufferPool& pool;
  BytesView input;
  base::Block scratch{};  ///< Borrowed while bytes pass through.
  std::string reason;
  std::size_t handshake_bytes = 0;
  Failure failure = Failure::violation;
  Stop stop = Stop::none;
  const bool is_server;
  bool open = false;
  bool input_ended = false;
  bool shut = false;
  bool dead = false;  ///< Failed: nothing goes out any more but what is queued.
};

// -- the BIO: OpenSSL's view of us --

namespace {

Filter::State& state_of(BIO* bio) { return *static_cast<Filter::State*>(BIO_get_data(bio)); }

int read_wire(BIO* bio, char* to, std::size_t wanted, std::size_t* count) {
  Filter::State& state = state_of(bio);
  BIO_clear_retry_flags(bio);
  *count = std::min(wanted, state.input.size());
  if (!state.open) {
    state.handshake_bytes += *count;
    if (state.handshake_bytes > Filter::kHandshakeBytesMax) return 0;
  }
  if (*count == 0) {
    BIO_set_retry_read(bio);
    return 0;
  }
  std::memcpy(to, state.input.data(), *count);
  state.input = state.input.subspan(*count);
  return 1;
}

int write_wire(BIO* bio, const char* from, std::size_t bytes, std::size_t* count) {
  BIO_clear_retry_flags(bio);
  state_of(bio).output.append({reinterpret_cast<const std::byte*>(from), bytes});
  *count = bytes;
  return 1;
}

long control_wire(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

int create_wire(BIO* bio) {
  BIO_set_init(bio, 1);
  return 1;
}

using MethodPtr = std::unique_ptr<BIO_METHOD, FreedBy<BIO_meth_free>>;

MethodPtr make_method() {
  MethodPtr method(BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "walkie"));
  BIO_meth_set_read_ex(method.get(), read_wire);
  BIO_meth_set_write_ex(method.get(), write_wire);
  BIO_meth_set_ctrl(method.get(), control_wire);
  BIO_meth_set_create(method.get(), create_wire);
  return method;
}

const BIO_METHOD* wire_method() {
  static const MethodPtr method = make_method();
  return method.get();
}

}  // namespace

Filter::State::~State() {
  return_scratch();
  free_ssl();
}

void Filter::State::free_ssl() noexcept {
  // An end without close_notify would else make OpenSSL spoil the session for resumption.
  if (ssl) SSL_set_shutdown(ssl.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  ssl.reset();
}

void Filter::State::start(SSL_CTX* context) {
  clear_errors();
  ssl.reset(SSL_new(context));
  BIO* wire = BIO_new(wire_method());
  if (!ssl || !wire) {
    BIO_free(wire);
    throw std::bad_alloc();
  }
  BIO_set_data(wire, this);
  SSL_set_bio(ssl.get(), wire, wire);
  SSL_set_app_data(ssl.get(), static_cast<Connection*>(this));
}

void Filter::State::lend_scratch() {
  if (!scratch.data) scratch = pool.acquire(kPlainBytes);
}

void Filter::State::return_scratch() noexcept {
  if (scratch.data) pool.release(std::exchange(scratch, {}));
}

// -- in --

void Filter::State::fail(Failure why, std::string text) {
  stop = Stop::failed;
  failure = why;
  reason = std::move(text);
  input = {};
  dead = true;
}

/// OpenSSL wants to wait, or never again.
void Filter::State::note_stop(int result) {
  switch (SSL_get_error(ssl.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return;
    case SSL_ERROR_ZERO_RETURN:
      if (!open) return fail(Failure::cut, std::string(kEndedInHandshake));
      stop = Stop::ended;
      input = {};
      return;
    default:
      break;
  }
  Fault fault = take_fault(refusal);
  if (!open && handshake_bytes > kHandshakeBytesMax)
    fault = {Failure::flood, "the handshake is longer than any honest one"};
  fail(fault.failure, std::move(fault.reason));
}

/// Every TLS connection begins with a handshake record, or an alert. OpenSSL would wait for five
/// bytes, and not say as much.
void Filter::State::check_first_byte() {
  if (handshake_bytes > 0 || input.empty()) return;
  const std::byte first = input.front();
  if (first == kHandshakeRecord || first == kAlertRecord) return;
  const bool letter = first >= std::byte{'A'} && first <= std::byte{'Z'};
  if (!letter) return fail(Failure::not_tls, "the peer does not speak TLS");
  if (!is_server)
    return fail(Failure::plain_http, "the server does not speak TLS here, but perhaps plain HTTP");
  output.append(bytes_of(kPlainAnswer));
  fail(Failure::plain_http, "the client speaks plain HTTP to a TLS port");
}

/// True where the handshake is complete now.
bool Filter::State::shake_hands() {
  check_first_byte();
  if (stop != Stop::none) return false;
  const int result = SSL_do_handshake(ssl.get());
  if (result != 1) {
    note_stop(result);
    return false;
  }
  open = true;
  refusal = {};
  note_session();
  detach();
  return true;
}

void Filter::State::note_session() {
  const unsigned char* name = nullptr;
  unsigned int bytes = 0;
  SSL_get0_alpn_selected(ssl.get(), &name, &bytes);
  if (bytes > 0) protocol.assign(reinterpret_cast<const char*>(name), bytes);
  const char* cipher = SSL_get_cipher_name(ssl.get());
  session = {.version = SSL_get_version(ssl.get()),
             .cipher = cipher ? cipher : "",
             .protocol = protocol,
             .resumed = SSL_session_reused(ssl.get()) == 1};
  if (X509* certificate = SSL_get0_peer_certificate(ssl.get()))
    subject = text_of_name(X509_get_subject_name(certificate));
}

/// A server's TLS 1.3 goes on without OpenSSL's state, which is most of an idle connection's
/// memory. A client's stays: it still has tickets to take. So does that of a client with a smaller
/// limit to records (RFC 6066 §4).
void Filter::State::detach() {
  const auto kept = std::move(secrets);
  if (!kept || SSL_version(ssl.get()) != TLS1_3_VERSION || SSL_has_pending(ssl.get()) == 1 ||
      SSL_SESSION_get_max_fragment_length(SSL_get_session(ssl.get())) != 0)
    return;
  const Suite* suite = find_suite(SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl.get())));
  if (!suite) return;
  auto layer =
      std::make_unique<RecordLayer>(*suite, kept->server, kept->client, kept->server_records, pool);
  if (!layer->ready()) return;
  records = std::move(layer);
  free_ssl();
}

/// Decrypts what there is into the scratch, as far as it goes; returns how many bytes that gave.
std::size_t Filter::State::read() {
  lend_scratch();
  return records ? read_records() : read_ssl();
}

std::size_t Filter::State::read_records() {
  std::size_t filled = 0;
  const MutableBytes room(scratch.data, scratch.capacity);
  while (!input.empty() && stop == Stop::none &&
         room.size() - filled >= RecordLayer::kSealedBytesMax) {
    filled += records->read(input, room.subspan(filled), output);
    if (records->stop() == RecordLayer::Stop::ended) {
      stop = Stop::ended;
      input = {};
    } else if (records->stop() == RecordLayer::Stop::failed) {
      fail(records->fault().failure, records->fault().reason);
    }
  }
  return filled;
}

std::size_t Filter::State::read_ssl() {
  std::size_t filled = 0;
  while (filled < scratch.capacity && (!input.empty() || SSL_pending(ssl.get()) > 0)) {
    std::size_t more = 0;
    const int result =
        SSL_read_ex(ssl.get(), scratch.data + filled, scratch.capacity - filled, &more);
    filled += more;
    if (result == 1) continue;
    note_stop(result);
    break;
  }
  return filled;
}

std::optional<Event> Filter::State::tell_stop() {
  Event event;
  if (stop == Stop::ended) {
    stop = Stop::told;
    event.kind = Event::Kind::ended;
    return event;
  }
  if (stop != Stop::failed) return std::nullopt;
  stop = Stop::told;
  event.kind = Event::Kind::failed;
  event.failure = failure;
  event.reason = reason;
  return event;
}

// -- out --

std::size_t Filter::State::send_records(std::span<const BytesView> plain,
                                        std::size_t output_bytes_max) {
  std::size_t sent = 0;
  std::size_t offset = 0;  // into the front chunk
  while (output.size() < output_bytes_max) {
    const std::size_t taken = records->write(plain, offset, output);
    if (taken == 0) break;
    sent += taken;
    offset += taken;
    while (!plain.empty() && offset >= plain.front().size()) {
      offset -= plain.front().size();
      plain = plain.subspan(1);
    }
  }
  return sent;
}

std::size_t Filter::State::send_ssl(std::span<const BytesView> plain,
                                    std::size_t output_bytes_max) {
  RecordSource source(plain, pool);
  std::size_t sent = 0;
  while (output.size() < output_bytes_max) {
    const BytesView record = source.next();
    if (record.empty() || !write(record)) break;
    sent += record.size();
  }
  return sent;
}

bool Filter::State::write(BytesView bytes) {
  std::size_t written = 0;
  const int result = SSL_write_ex(ssl.get(), bytes.data(), bytes.size(), &written);
  if (result == 1) return true;
  note_stop(result);
  return false;
}

// -- the filter --

Filter::Filter(std::shared_ptr<const ServerContext> context,
               std::shared_ptr<const TicketKeys> tickets, base::BufferPool& pool)
    : state_(std::make_unique<State>(pool, true)) {
  state_->server_context = std::move(context);
  state_->server_tickets = std::move(tickets);
  state_->tickets = state_->server_tickets.get();
  state_->secrets = std::make_unique<HandshakeSecrets>();
  state_->start(state_->server_context->state().shown.front().context.get());
  SSL_set_accept_state(state_->ssl.get());
}

Filter::Filter(ClientContext& context, std::string_view host, std::uint16_t port,
               base::BufferPool& pool)
    : state_(std::make_unique<State>(pool, false)) {
  ClientContext::State& client = context.state();
  state_->sessions = &client.sessions;
  state_->server = std::string(host) + ":" + std::to_string(port);
  state_->host = client.server_name.empty() ? std::string(host) : client.server_name;
  if (state_->host.ends_with('.')) state_->host.pop_back();
  state_->start(client.context.get());
  SSL* ssl = state_->ssl.get();
  SSL_set_connect_state(ssl);
  const char* name = state_->host.c_str();
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named =
      is_ip_address(state_->host)
          ? X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1
          : SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
  if (state_->host.empty() || !named) {
    clear_errors();
    state_->fail(Failure::certificate, "'" + state_->host + "' is no host name");
    return;
  }
  SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
  if (const SessionPtr session = client.sessions.take(state_->server))
    SSL_set_session(ssl, session.get());
  state_->note_stop(SSL_do_handshake(ssl));
}

Filter::~Filter() = default;

void Filter::receive(BytesView cipher) {
  WALKIE_ASSERT(state_->input.empty());
  if (state_->stop == Stop::none && !state_->input_ended) state_->input = cipher;
}

void Filter::receive_end() { state_->input_ended = true; }

std::optional<Event> Filter::poll_event() {
  State& state = *state_;
  if (state.stop == Stop::none && !state.input.empty()) clear_errors();
  if (state.stop == Stop::none && !state.open && !state.input.empty() && state.shake_hands()) {
    Event event;
    event.kind = Event::Kind::opened;
    return event;
  }
  if (state.stop == Stop::none && state.open)
    if (const std::size_t bytes = state.read()) {
      Event event;
      event.bytes = {state.scratch.data, bytes};
      return event;
    }
  state.return_scratch();
  if (state.stop == Stop::none && state.input_ended)
    state.fail(Failure::cut, std::string(state.open ? kEndedOpen : kEndedInHandshake));
  return state.tell_stop();
}

std::size_t Filter::send(std::span<const BytesView> plain) { return send(plain, kOutputBytesMax); }

std::size_t Filter::send(std::span<const BytesView> plain, std::size_t output_bytes_max) {
  State& state = *state_;
  if (!state.open || state.shut || state.dead) return 0;
  clear_errors();
  return state.records ? state.send_records(plain, output_bytes_max)
                       : state.send_ssl(plain, output_bytes_max);
}

void Filter::shutdown() {
  State& state = *state_;
  if (!state.open || state.shut || state.dead) return;
  clear_errors();
  state.shut = true;
  if (state.records) return state.records->write_close_notify(state.output);
  if (SSL_shutdown(state.ssl.get()) < 0) clear_errors();
}

base::OutputQueue& Filter::output() noexcept { return state_->output; }

bool Filter::open() const noexcept { return state_->open; }

std::optional<Failure> Filter::failure() const noexcept {
  return state_->dead ? std::optional(state_->failure) : std::nullopt;
}

Session Filter::session() const { return state_->session; }

std::string Filter::peer_subject() const { return state_->subject; }

}  // namespace walkie::tls
