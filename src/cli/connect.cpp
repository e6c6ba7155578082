// SPDX-License-Identifier: MIT
// `walkie connect`: a WebSocket from the terminal or from scripts.
#include <array>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include <cli/commands.hpp>
#include <cli/connect_options.hpp>
#include <cli/exit_codes.hpp>
#include <cli/history_path.hpp>
#include <cli/stream_session.hpp>
#include <cli/terminal_text.hpp>
#include <cli/trace_lines.hpp>
#include <cli/units.hpp>
#include <walkie/client.hpp>

namespace walkie::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: walkie connect URL [OPTION...]\n\n"
    "Connects to a WebSocket (ws:// or wss://). At a terminal: what you type is sent, what "
    "arrives\n"
    "appears above, /help lists the commands; Ctrl-C closes. In pipes: each line of stdin is a\n"
    "message, each message that arrives is a line on stdout, and the end of stdin closes.\n\n";

class ConnectSession final : public StreamSession {
 public:
  ConnectSession(ConnectPlan plan, std::string history_file)
      : StreamSession(plan.stream, ConsoleKind::connect, std::move(history_file)),
        client_(loop_, plan.url, with_handlers(std::move(plan.client))) {
    if (this->plan().one) set_messages_max(1);
  }

  ExitCode run_to_end() {
    run();
    if (verdict()) return *verdict();
    if (!error_) return exit_code_;
    // We gave up ourselves: how the last connection ended counts, where there was one.
    if (error_->fault == ConnectFault::cancelled && asked())
      return was_open_ ? exit_code_ : ExitCode::interrupted;
    console().complain(error_->message);
    if (plan().interactive || plan().verbose) show_body();
    return exit_code_of(error_->fault);
  }

 private:
  ClientOptions with_handlers(ClientOptions options) {
    options.on_open = [this](Client&, const Opened& opened) { on_open(opened); };
    options.on_message = [this](Client&, MessageView message) { received(message); };
    options.on_close = [this](Client&, const CloseInfo& close) { on_close(close); };
    options.on_state = [this](Client&, const StateChange& change) { on_state(change); };
    options.on_drain = [this](Client&) { input_goes_on(); };
    options.on_pong = [this](Client&, BytesView payload) { on_pong(payload); };
    options.on_undelivered = [this](Client&, MessageView message, Undelivered why) {
      console().complain(
          fmt::format("a message of {} bytes was not delivered: {}", message.size(), name_of(why)));
    };
    if (plan().verbose) options.on_trace = [this](Client&, const Trace& trace) { on_trace(trace); };
    options.log = {LogLevel::warning,
                   [this](const LogRecord& record) { console().complain(record.event); }};
    return options;
  }

  void on_open(const Opened& opened) {
    was_open_ = true;
    std::string text = fmt::format("connected to {}", opened.url);
    if (!opened.subprotocol.empty()) text += fmt::format(", subprotocol {}", opened.subprotocol);
    if (opened.compressed) text += ", compressed";
    if (!opened.tls.empty()) text += fmt::format(", {}", opened.tls);
    console().note(text);
    const std::array<EventField, 5> fields{{{"url", json_string(opened.url)},
                                            {"subprotocol", json_string(opened.subprotocol)},
                                            {"compressed", opened.compressed ? "true" : "false"},
                                            {"address", json_string(opened.remote_address)},
                                            {"tls", json_string(opened.tls)}}};
    console().event("open", fields);
    for (const std::string& message : plan().first) send(message);
  }

  void on_close(const CloseInfo& close) {
    exit_code_ = exit_code_of(close, asked());
    const std::string text = close_text(close);
    if (exit_code_ == ExitCode::success)
      console().note(text);
    else
      console().complain(text);
    const std::array<EventField, 3> fields{
        {{"code", std::to_string(static_cast<unsigned>(close.code))},
         {"reason", json_string(close.reason)},
         {"clean", close.clean ? "true" : "false"}}};
    console().event("close", fields);
  }

  void on_state(const StateChange& change) {
    error_.reset();
    if (change.error != nullptr) error_ = *change.error;
    if (change.state == ClientState::closed) return end();
    if (change.state != ClientState::reconnecting) return;
    const std::string why = error_ ? error_->message + "; " : std::string{};
    console().note(fmt::format("{}trying again in {} (attempt {})", why,
                               format_duration(change.delay), change.attempt));
  }

  void on_pong(BytesView payload) {
    if (!pinged_) return;
    const std::chrono::duration<double, std::milli> trip =
        std::chrono::steady_clock::now() - *std::exchange(pinged_, std::nullopt);
    std::string text = "pong";
    if (!payload.empty()) text += fmt::format(" \"{}\"", harmless_line(text_of(payload)));
    console().note(fmt::format("{} after {:.1f} ms", text, trip.count()));
  }

  void on_trace(const Trace& trace) {
    const bool is_sent = trace.step == TraceStep::request || trace.step == TraceStep::frame_sent;
    const TraceDirection direction = is_sent ? TraceDirection::sent : TraceDirection::received;
    if (trace.step == TraceStep::dial)
      console().note(fmt::format("dialling: {}", trace.text));
    else if (trace.step == TraceStep::request || trace.step == TraceStep::answer)
      console().trace(head_lines(direction, trace.text));
    else
      console().trace(frame_line(direction, {.opcode = trace.frame.opcode,
                                             .fin = trace.frame.fin,
                                             .compressed = trace.frame.rsv1,
                                             .payload_bytes = trace.frame.payload_bytes,
                                             .payload = trace.frame.payload}));
  }

  /// What the server said with its refusal.
  void show_body() {
    constexpr std::size_t kBodyBytesMax = 2000;
    if (!error_->answer || error_->answer->body.empty()) return;
    std::string text = harmless(error_->answer->body.substr(0, kBodyBytesMax));
    if (!text.ends_with('\n')) text += '\n';
    console().answer(text);
  }

  int wake_descriptor() const override { return loop_.descriptor(); }
  std::optional<std::chrono::milliseconds> wake_timeout() const override { return loop_.timeout(); }
  void on_wake() override { loop_.run_once(std::chrono::milliseconds(0)); }
  bool takes_input() const override { return client_.state() == ClientState::open; }

  Sent send(MessageView message) override {
    switch (client_.send(message)) {
      case SendStatus::queued:
        return Sent::yes;
      case SendStatus::overflow:
      case SendStatus::busy:
        return Sent::later;
      default:
        break;
    }
    console().complain("not sent: the connection is closing");
    return Sent::no;
  }

  void run_command(const ConsoleCommand& command) override {
    if (command.verb == ConsoleVerb::close) {
      set_asked();
      return client_.close(command.code, command.text);
    }
    if (client_.ping(command.text) == SendStatus::queued)
      pinged_ = std::chrono::steady_clock::now();
    else
      console().complain("not sent: there is no connection");
  }

  void close_politely() override { client_.close(); }

  ExitCode exit_code_ = ExitCode::success;
  std::optional<ConnectError> error_;
  bool was_open_ = false;
  std::optional<std::chrono::steady_clock::time_point> pinged_;  ///< By /ping.
  ClientLoop loop_;
  Client client_;
};

}  // namespace

ExitCode run_connect(CommandArguments arguments) {
  const auto parsed = parse_arguments(connect_options(), arguments);
  if (!parsed) return complain(parsed.error().message, ExitCode::usage);
  if (parsed->help) {
    fmt::print("{}{}\n{}", kUsage, options_help(connect_options()), exit_codes_help());
    return ExitCode::success;
  }
  const Environment environment = process_environment();
  auto plan = connect_plan(*parsed, process_surroundings(environment));
  if (!plan) return complain(plan.error().message, ExitCode::usage);
  ConnectSession session(std::move(*plan),
                         history_path(environment, "connect_history").value_or(""));
  return session.run_to_end();
}

}  // namespace walkie::cli
