// SPDX-License-Identifier: MIT
// `walkie listen`: a server whose clients are the terminal.
#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <vector>

#include <fmt/core.h>

#include <cli/commands.hpp>
#include <cli/exit_codes.hpp>
#include <cli/history_path.hpp>
#include <cli/listen_events.hpp>
#include <cli/listen_options.hpp>
#include <cli/serve_tls.hpp>
#include <cli/stream_session.hpp>
#include <cli/terminal_text.hpp>
#include <walkie/server.hpp>

namespace walkie::cli {
namespace {

constexpr std::string_view kUsage =
    "Usage: walkie listen [ENDPOINT] [OPTION...]\n\n"
    "Takes WebSockets at any path of ENDPOINT: HOST:PORT, PORT, unix:PATH, by default\n"
    "127.0.0.1:8000. At a terminal: what you type goes to all clients, or to the one that /to N\n"
    "chooses; /help lists the commands. In pipes: each line of stdin goes to all clients (it "
    "waits\n"
    "for the first), each message that arrives is a line on stdout.\n\n";

constexpr std::size_t kQueueBytesMax = std::size_t{16} << 20;
/// Of input that is on its way to one client: more is read when it has gone.
constexpr std::size_t kWindowBytes = std::size_t{1} << 20;
/// Before a full mailbox is tried again.
constexpr std::chrono::milliseconds kBusyWait{5};
constexpr std::string_view kTopic = "all";

/// What a connection knows from its handshake.
struct Visitor {
  std::string path;
  std::string subprotocol;
};

class ListenSession final : public StreamSession {
 public:
  ListenSession(ListenPlan listen, std::string history_file)
      : StreamSession(listen.stream, ConsoleKind::listen, std::move(history_file)),
        listen_(std::move(listen)),
        events_(kQueueBytesMax),
        server_(options()) {
    // A parameter that takes the rest takes no empty one.
    for (const char* pattern : {"/", "/*path"}) server_.websocket(pattern, route());
    if (listen_.tls)
      server_.listen_tls(listen_.endpoint);
    else
      server_.listen(listen_.endpoint);
  }

  ~ListenSession() override { events_.stop(); }

  ExitCode run_to_end() {
    if (const auto started = server_.start(); !started)
      return complain(started.error().message, ExitCode::failure);
    for (const std::string& endpoint : server_.endpoints()) announce(endpoint);
    run();
    events_.stop();
    return verdict().value_or(exit_code_);
  }

 private:
  struct Client {
    Peer peer;
    std::string description;
    std::size_t waiting_bytes = 0;  ///< Sent since it last drained.
  };

  // -- on the server's thread ---------------------------------------------------------------------

  ServerOptions options() {
    ServerOptions options;
    options.handle_signals = false;
    options.tls = listen_.tls;
    options.drain_time = std::chrono::milliseconds(0);
    options.log = {plan().verbose ? LogLevel::debug : LogLevel::warning,
                   [this](const LogRecord& record) { push_log(record); }};
    return options;
  }

  WebSocketRouteOf<Visitor> route() {
    WebSocketRouteOf<Visitor> route;
    route.options = listen_.websocket;
    route.on_upgrade = [this](const UpgradeRequest& request, Upgrade upgrade) {
      answer_upgrade(request, std::move(upgrade));
    };
    route.on_open = [this](Peer& peer, Visitor& visitor) { push_open(peer, visitor); };
    route.on_message = [this](Peer& peer, Visitor&, MessageView message) {
      if (listen_.echo) peer.send(message);
      push(ListenEventKind::message, peer, message.to_owned());
    };
    route.on_pong = [this](Peer& peer, Visitor&, BytesView payload) {
      push(ListenEventKind::pong, peer, binary(payload).to_owned());
    };
    route.on_drain = [this](Peer& peer, Visitor&) { push(ListenEventKind::drained, peer, {}); };
    route.on_close = [this](Peer& peer, Visitor&, const CloseInfo& close) {
      push_close(peer, close);
    };
    return route;
  }

  void push(ListenEventKind kind, const Peer& peer, Message message) {
    ListenEvent event;
    event.kind = kind;
    event.peer = peer;
    event.message = std::move(message);
    events_.push(std::move(event));
  }

  void push_open(Peer& peer, const Visitor& visitor) {
    peer.subscribe(kTopic);
    for (const std::string& message : plan().first) peer.send(message);
    ListenEvent event;
    event.kind = ListenEventKind::opened;
    event.peer = peer;
    event.text = visitor.path;
    event.address = peer.remote_address();
    event.subprotocol = visitor.subprotocol;
    events_.push(std::move(event));
  }

  void answer_upgrade(const UpgradeRequest& request, Upgrade upgrade) {
    if (plan().one && taken_.exchange(true)) return upgrade.reject({503, "one client only\n"});
    Accept accept{.headers = listen_.headers};
    const auto offered = request.subprotocols();
    for (const std::string& wanted : listen_.websocket.subprotocols)
      if (accept.subprotocol.empty() && std::ranges::find(offered, wanted) != offered.end())
        accept.subprotocol = wanted;
    std::string path(request.path());
    if (!request.query_string().empty()) path.append("?").append(request.query_string());
    upgrade.set_state(Visitor{std::move(path), accept.subprotocol});
    upgrade.accept(std::move(accept));
  }

  void push_close(Peer& peer, const CloseInfo& close) {
    ListenEvent event;
    event.kind = ListenEventKind::closed;
    event.peer = peer;
    event.message.payload = close.reason;
    event.close = close;
    event.close.reason = {};  // it dies with this call
    events_.push(std::move(event));
  }

  void push_log(const LogRecord& record) {
    ListenEvent event;
    event.text = record.event;
    for (const LogField& field : record.fields)
      event.text.append(" ").append(field.key).append("=").append(field.value);
    events_.push(std::move(event));
  }

  // -- on the console's
  // -----------------------------------------------------------------------------

  void announce(const std::string& endpoint) {
    const std::string scheme = listen_.tls ? "wss://" : "ws://";
    const std::string where = endpoint.starts_with("unix:") ? endpoint : scheme + endpoint;
    if (plan().style.events) {
      const std::array<EventField, 1> fields{{{"url", json_string(where)}}};
      console().event("listening", fields);
    } else if (!plan().quiet) {
      console().answer(fmt::format("* listening on {}\n", where));
    }
  }

  int wake_descriptor() const override { return events_.descriptor(); }

  std::optional<std::chrono::milliseconds> wake_timeout() const override {
    if (!busy_) return std::nullopt;
    return kBusyWait;
  }

  void on_wake() override {
    if (std::exchange(busy_, false)) input_goes_on();
    for (const ListenEvent& event : events_.take()) take_event(event);
  }

  void take_event(const ListenEvent& event) {
    if (event.kind == ListenEventKind::log) return console().note(event.text);
    if (event.kind == ListenEventKind::opened) return on_opened(event);
    const auto found = std::ranges::find_if(
        clients_, [&event](const auto& entry) { return entry.second.peer == event.peer; });
    if (found == clients_.end()) return;
    auto& [number, client] = *found;
    switch (event.kind) {
      case ListenEventKind::message:
        return received(event.message, number);
      case ListenEventKind::pong:
        return on_pong(number, event.message.payload);
      case ListenEventKind::drained:
        client.waiting_bytes = 0;
        return;
      default:
        return on_closed(number, event);
    }
  }

  void on_opened(const ListenEvent& event) {
    const std::uint32_t number = ++last_number_;
    std::string description = fmt::format("{} {}", event.address, event.text);
    if (!event.subprotocol.empty())
      description += fmt::format(", subprotocol {}", event.subprotocol);
    console().note(fmt::format("#{} connected: {}", number, description));
    clients_[number] = {event.peer, std::move(description)};
    const std::array<EventField, 4> fields{{{"client", std::to_string(number)},
                                            {"address", json_string(event.address)},
                                            {"path", json_string(event.text)},
                                            {"subprotocol", json_string(event.subprotocol)}}};
    console().event("open", fields);
    if (asked()) event.peer.close(CloseCode::going_away);
  }

  void on_closed(std::uint32_t number, const ListenEvent& event) {
    CloseInfo close = event.close;
    close.reason = event.message.payload;
    console().note(fmt::format("#{} {}", number, close_text(close, "the client")));
    const std::array<EventField, 4> fields{
        {{"client", std::to_string(number)},
         {"code", std::to_string(static_cast<unsigned>(close.code))},
         {"reason", json_string(close.reason)},
         {"clean", close.clean ? "true" : "false"}}};
    console().event("close", fields);
    clients_.erase(number);
    if (chosen_ == number) choose(0);
    if (plan().one) exit_code_ = exit_code_of(close, asked());
    if (plan().one) ask_close();
    if (asked() && clients_.empty()) end();
  }

  void on_pong(std::uint32_t number, std::string_view payload) {
    if (pinged_.erase(number) == 0) return;
    std::string text = fmt::format("#{} pong", number);
    if (!payload.empty()) text += fmt::format(" \"{}\"", harmless_line(payload));
    console().note(text);
  }

  bool takes_input() const override {
    return !clients_.empty() && std::ranges::all_of(clients_, [](const auto& entry) {
      return entry.second.waiting_bytes < kWindowBytes;
    });
  }

  Sent send(MessageView message) override {
    if (clients_.empty()) {
      console().complain("not sent: nobody is connected");
      return Sent::no;
    }
    const SendStatus status =
        chosen_ == 0 ? server_.publish(kTopic, message) : clients_.at(chosen_).peer.send(message);
    busy_ = status == SendStatus::busy;
    if (busy_) return Sent::later;
    for (auto& [number, client] : clients_)
      if (chosen_ == 0 || chosen_ == number) client.waiting_bytes += message.size();
    return Sent::yes;
  }

  void run_command(const ConsoleCommand& command) override {
    switch (command.verb) {
      case ConsoleVerb::close:
        return for_chosen(
            [&command](Client& client) { client.peer.close(command.code, command.text); });
      case ConsoleVerb::ping:
        for (const auto& [number, client] : clients_)
          if (chosen_ == 0 || chosen_ == number) pinged_[number] = true;
        return for_chosen([&command](Client& client) { client.peer.ping(command.text); });
      case ConsoleVerb::to:
        if (command.client == 0 || is_known(command.client)) choose(command.client);
        return;
      case ConsoleVerb::kick:
        if (is_known(command.client))
          clients_.at(command.client).peer.close(CloseCode::policy_violation, command.text);
        return;
      default:
        return list_clients();
    }
  }

  template <class Act>
  void for_chosen(Act act) {
    if (clients_.empty()) console().complain("nobody is connected");
    for (auto& [number, client] : clients_)
      if (chosen_ == 0 || chosen_ == number) act(client);
  }

  bool is_known(std::uint32_t number) {
    if (clients_.contains(number)) return true;
    console().complain(fmt::format("there is no client #{}; /clients lists them", number));
    return false;
  }

  void choose(std::uint32_t number) {
    chosen_ = number;
    set_prompt(number == 0 ? "> " : fmt::format("#{}> ", number));
  }

  void list_clients() {
    std::string lines;
    for (const auto& [number, client] : clients_)
      lines += fmt::format("#{} {}\n", number, harmless_line(client.description));
    console().answer(lines.empty() ? "nobody is connected\n" : lines);
  }

  /// One by one, behind what was sent to them: stop() would not wait for that.
  void close_politely() override {
    for (const auto& [number, client] : clients_) client.peer.close(CloseCode::going_away);
    if (clients_.empty()) end();
  }

  ListenPlan listen_;
  ListenEvents events_;
  std::atomic<bool> taken_ = false;  ///< Of --one: the client is there.
  std::map<std::uint32_t, Client> clients_;
  std::map<std::uint32_t, bool> pinged_;  ///< By /ping: their Pong is worth a line.
  std::uint32_t last_number_ = 0;
  std::uint32_t chosen_ = 0;  ///< 0: all.
  bool busy_ = false;
  ExitCode exit_code_ = ExitCode::success;
  Server server_;  ///< Last: its threads use what is above.
};

}  // namespace

ExitCode run_listen(CommandArguments arguments) {
  const auto parsed = parse_arguments(listen_options(), arguments);
  if (!parsed) return complain(parsed.error().message, ExitCode::usage);
  if (parsed->help) {
    fmt::print("{}{}", kUsage, options_help(listen_options()));
    return ExitCode::success;
  }
  const Environment environment = process_environment();
  auto plan = listen_plan(*parsed, process_surroundings(environment));
  if (!plan) return complain(plan.error().message, ExitCode::usage);
  if (plan->self_signed) {
    auto made = development_certificate(environment);
    if (!made) return complain(made.error().message, ExitCode::failure);
    if (!plan->stream.quiet) fmt::print(stderr, "{}", how_to_trust(made->certificate_file));
    plan->tls.emplace();
    plan->tls->certificates.push_back(*std::move(made));
  }
  ListenSession session(std::move(*plan), history_path(environment, "listen_history").value_or(""));
  return session.run_to_end();
}

}  // namespace walkie::cli
