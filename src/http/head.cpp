// SPDX-License-Identifier: MIT
// The head parser: stages that each take one element, resumable at any byte.
#include <http/head.hpp>

#include <algorithm>
#include <cstring>
#include <utility>

#include <http/characters.hpp>
#include <http/host.hpp>

namespace walkie::http {
namespace {

/// Longer than any registered method (RFC 9110 §16.1); what goes on like a word is not one.
constexpr std::size_t kMethodBytesMax = 32;

enum class Stage : std::uint8_t {
  request_start,
  empty_line_feed,
  method_start,
  method,
  target,
  request_version,
  request_line_end,
  response_version,
  status_space,
  status_code,
  reason_space,
  reason,
  line_feed,  // of the start line or a field
  field_start,
  name,
  value_start,
  value,
  last_line_feed,
  complete,
};

constexpr std::uint64_t kOnes = 0x0101010101010101U;

/// Whether none of eight bytes is below SP or DEL. HTAB counts as below: the slow path takes it.
bool eight_plain_bytes(const char* at) noexcept {
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  const std::uint64_t below_space = (word - kOnes * 0x20) & ~word;
  const std::uint64_t del = word ^ (kOnes * 0x7f);
  const std::uint64_t is_del = (del - kOnes) & ~del;
  return ((below_space | is_del) & (kOnes * 0x80)) == 0;
}

/// What a scan finds in the start line.
struct StartLine {
  std::string_view method;
  std::string_view target;
  std::string_view reason;
  int status = 0;
  int minor_version = 1;
};

class HeadScanner {
 public:
  HeadScanner(std::string_view in, const HeadLimits& limits, HeadProgress& progress,
              std::vector<HeaderField>& fields) noexcept
      : in_(in.substr(0, limits.head_bytes_max)),
        limits_(limits),
        progress_(progress),
        fields_(fields),
        at_(progress.scanned),
        stage_(Stage{progress.stage}) {}

  HeadStatus scan() {
    while (stage_ != Stage::complete) {
      if (at_ == in_.size()) return out_of_bytes();
      progress_.error = step();
      if (progress_.error != HeadError::none) return HeadStatus::failed;
    }
    progress_.head_bytes = at_;
    return HeadStatus::complete;
  }

  [[nodiscard]] const StartLine& line() const noexcept { return line_; }

 private:
  HeadStatus out_of_bytes() noexcept {
    if (in_.size() == limits_.head_bytes_max) {
      const bool in_target = stage_ == Stage::target;
      progress_.error = in_target ? HeadError::target_too_long : HeadError::head_too_large;
      return HeadStatus::failed;
    }
    progress_.scanned = at_;
    progress_.stage = std::to_underlying(stage_);
    return HeadStatus::incomplete;
  }

  /// Takes at least one byte, or one element; in_ has a byte at at_.
  HeadError step() {
    switch (stage_) {
      case Stage::request_start:
        return request_start();
      case Stage::empty_line_feed:
        return line_feed(Stage::method_start);
      case Stage::method_start:
        return method_start();
      case Stage::method:
        return method();
      case Stage::target:
        return target();
      case Stage::request_version:
        return version(HeadError::bad_request_line);
      case Stage::request_line_end:
        return line_end(HeadError::bad_request_line);
      case Stage::response_version:
        return version(HeadError::bad_status_line);
      case Stage::status_space:
        return status_space();
      case Stage::status_code:
        return status_code();
      case Stage::reason_space:
        return reason_space();
      case Stage::reason:
        return reason();
      case Stage::line_feed:
        return line_feed(Stage::field_start);
      case Stage::field_start:
        return field_start();
      case Stage::name:
        return name();
      case Stage::value_start:
        return value_start();
      case Stage::value:
        return value();
      case Stage::last_line_feed:
        return line_feed(Stage::complete);
      case Stage::complete:
        break;
    }
    std::unreachable();
  }

  // -- the request line --

  HeadError request_start() noexcept {
    if (in_[at_] != '\r') return method_start();
    return next(Stage::empty_line_feed);
  }

  HeadError method_start() noexcept {
    if (in_[at_] == '\n') return HeadError::bare_line_feed;
    if (!is_a(kTokenChar, in_[at_])) return HeadError::not_http;
    return begin(Stage::method);
  }

  HeadError method() noexcept {
    skip(kTokenChar, kMethodBytesMax);
    if (at_ == in_.size()) return HeadError::none;
    if (in_[at_] != ' ')
      return fault(in_[at_] == '\r' ? HeadError::bad_request_line : HeadError::bad_method);
    line_.method = element();
    ++at_;
    return begin(Stage::target);
  }

  HeadError target() noexcept {
    skip(kTargetChar, limits_.target_bytes_max);
    if (at_ == in_.size()) return HeadError::none;
    const char c = in_[at_];
    if (is_a(kTargetChar, c)) return HeadError::target_too_long;
    if (c != ' ') return fault(c == '\r' ? HeadError::bad_request_line : HeadError::bad_target);
    if (at_ == progress_.element_start) return HeadError::bad_request_line;
    line_.target = element();
    ++at_;
    return begin(Stage::request_version);
  }

  // -- the status line --

  HeadError status_space() noexcept {
    if (in_[at_] != ' ') return fault(HeadError::bad_status_line);
    ++at_;
    return begin(Stage::status_code);
  }

  HeadError status_code() noexcept {
    const char c = in_[at_];
    const bool first = at_ == progress_.element_start;
    if (!is_a(kDigitChar, c) || (first && c == '0')) return fault(HeadError::bad_status_line);
    ++at_;
    if (at_ - progress_.element_start < 3) return HeadError::none;
    for (const char digit : element()) line_.status = line_.status * 10 + (digit - '0');
    stage_ = Stage::reason_space;
    return HeadError::none;
  }

  /// A server that leaves out the space along with the reason is understood: nothing is ambiguous.
  HeadError reason_space() noexcept {
    if (in_[at_] != ' ') return line_end(HeadError::bad_status_line);
    ++at_;
    return begin(Stage::reason);
  }

  HeadError reason() noexcept {
    skip_value();
    if (at_ == in_.size()) return HeadError::none;
    line_.reason = element();
    return line_end(HeadError::control_byte);
  }

  // -- both --

  /// "HTTP/1." DIGIT, told apart byte by byte: HTTP/2's preface is known at its '2'.
  HeadError version(HeadError otherwise) noexcept {
    static constexpr std::string_view kPattern = "HTTP/1.";
    const std::size_t i = at_ - progress_.element_start;
    const char c = in_[at_];
    if (i == kPattern.size()) {
      if (!is_a(kDigitChar, c)) return fault(otherwise);
      line_.minor_version = c == '0' ? 0 : 1;
      const bool request = stage_ == Stage::request_version;
      return next(request ? Stage::request_line_end : Stage::status_space);
    }
    if (c == kPattern[i]) return next(stage_);
    if (i == 5 && is_a(kDigitChar, c)) return HeadError::unsupported_version;
    if (i == 0 && stage_ == Stage::response_version) return HeadError::not_http;
    return fault(otherwise);
  }

  HeadError line_end(HeadError otherwise) noexcept {
    if (in_[at_] != '\r') return fault(otherwise);
    return next(Stage::line_feed);
  }

  HeadError line_feed(Stage then) noexcept {
    if (in_[at_] != '\n') return HeadError::bare_carriage_return;
    return next(then);
  }

  HeadError field_start() noexcept {
    const char c = in_[at_];
    if (c == '\r') return next(Stage::last_line_feed);
    if (c == ' ' || c == '\t') return HeadError::folded_line;
    if (!is_a(kTokenChar, c)) return fault(HeadError::bad_field_name);
    if (progress_.fields == limits_.fields_max) return HeadError::head_too_large;
    ++progress_.fields;
    return begin(Stage::name);
  }

  HeadError name() noexcept {
    skip(kTokenChar, in_.size());
    if (at_ == in_.size()) return HeadError::none;
    const char c = in_[at_];
    if (c == ' ' || c == '\t') return HeadError::space_before_colon;
    if (c != ':') return fault(HeadError::bad_field_name);
    name_ = element();
    return next(Stage::value_start);
  }

  HeadError value_start() noexcept {
    if (in_[at_] == ' ' || in_[at_] == '\t') return next(Stage::value_start);
    return begin(Stage::value);
  }

  HeadError value() {
    skip_value();
    if (at_ == in_.size()) return HeadError::none;
    if (in_[at_] != '\r') return fault(HeadError::control_byte);
    fields_.push_back({name_, trim(element())});
    return next(Stage::line_feed);
  }

  // -- the small change --

  /// A bare LF is told as such wherever it stands.
  [[nodiscard]] HeadError fault(HeadError otherwise) const noexcept {
    return in_[at_] == '\n' ? HeadError::bare_line_feed : otherwise;
  }

  HeadError next(Stage stage) noexcept {
    ++at_;
    stage_ = stage;
    return HeadError::none;
  }

  HeadError begin(Stage stage) noexcept {
    progress_.element_start = at_;
    stage_ = stage;
    return HeadError::none;
  }

  [[nodiscard]] std::string_view element() const noexcept {
    return in_.substr(progress_.element_start, at_ - progress_.element_start);
  }

  /// Over characters of that class, up to `bytes_max` of the element: what stands behind them is
  /// judged the same whether all bytes are here or come one by one.
  void skip(CharacterClass accepted, std::size_t bytes_max) noexcept {
    const std::size_t room = in_.size() - progress_.element_start;
    const std::size_t end = progress_.element_start + std::min(room, bytes_max);
    while (at_ < end && is_a(accepted, in_[at_])) ++at_;
  }

  void skip_value() noexcept {
    while (in_.size() - at_ >= 8 && eight_plain_bytes(in_.data() + at_)) at_ += 8;
    while (at_ < in_.size() && is_a(kValueChar, in_[at_])) ++at_;
  }

  std::string_view in_;  ///< At most head_bytes_max of it.
  const HeadLimits& limits_;
  HeadProgress& progress_;
  std::vector<HeaderField>& fields_;
  StartLine line_;
  std::string_view name_;
  std::size_t at_;
  Stage stage_;
};

/// Scans on from where `progress` stands. The elements of a head that came in pieces were seen in
/// bytes that may have moved: then, once, at its end, the whole of it is scanned again.
HeadStatus scan(std::string_view in, const HeadLimits& limits, Stage start, HeadProgress& progress,
                std::vector<HeaderField>& fields, StartLine& line) {
  constexpr std::size_t kUsualFields = 16;
  const bool resumed = progress.scanned != 0;
  if (!resumed) progress = {.stage = std::to_underlying(start)};
  fields.clear();
  fields.reserve(std::min(kUsualFields, limits.fields_max));
  HeadScanner scanner(in, limits, progress, fields);
  const HeadStatus status = scanner.scan();
  if (status == HeadStatus::complete && resumed) {
    progress = {};
    return scan(in, limits, start, progress, fields, line);
  }
  line = scanner.line();
  return status;
}

/// Exactly one Host field in HTTP/1.1, at most one in HTTP/1.0, empty or an authority (RFC 9112
/// §3.2).
HeadError judge_host(const RequestHead& head) noexcept {
  const std::size_t hosts = count_headers(head.fields, "Host");
  if (hosts > 1) return HeadError::double_host;
  if (hosts == 0) return head.minor_version == 0 ? HeadError::none : HeadError::missing_host;
  return head.host.empty() || is_authority(head.host) ? HeadError::none : HeadError::bad_host;
}

/// What can be judged when the head is whole.
HeadError judge_request(RequestHead& head) noexcept {
  TargetParts parts;
  const HeadError error = parse_target(head.method, head.target, parts);
  if (error != HeadError::none) return error;
  head.path = parts.path;
  head.query = parts.query;
  head.host = find_header(head.fields, "Host").value_or("");
  const HeadError host_error = judge_host(head);
  if (host_error != HeadError::none || parts.authority.empty()) return host_error;
  // §3.2.2: the target's authority replaces the Host field, for all who ask the fields later.
  head.host = parts.authority;
  for (HeaderField& field : head.fields)
    if (equal_ignoring_case(field.name, "Host")) field.value = parts.authority;
  return HeadError::none;
}

}  // namespace

HeadStatus parse_request(std::string_view in, const HeadLimits& limits, HeadProgress& progress,
                         RequestHead& head) {
  StartLine line;
  const HeadStatus status = scan(in, limits, Stage::request_start, progress, head.fields, line);
  if (status != HeadStatus::complete) return status;
  head.method = line.method;
  head.target = line.target;
  head.minor_version = line.minor_version;
  progress.error = judge_request(head);
  return progress.error == HeadError::none ? HeadStatus::complete : HeadStatus::failed;
}

HeadStatus parse_response(std::string_view in, const HeadLimits& limits, HeadProgress& progress,
                          ResponseHead& head) {
  StartLine line;
  const HeadStatus status = scan(in, limits, Stage::response_version, progress, head.fields, line);
  if (status != HeadStatus::complete) return status;
  head.status = line.status;
  head.reason = line.reason;
  head.minor_version = line.minor_version;
  return HeadStatus::complete;
}

}  // namespace walkie::http
