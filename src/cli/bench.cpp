// SPDX-License-Identifier: MIT
// `walkie bench`: a load generator on one thread, and what the server spent meanwhile.
#include <array>
#include <chrono>
#include <cstring>
#include <functional>
#include <memory>
#include <random>

#include <fmt/core.h>
#include <unistd.h>

#include <cli/arguments.hpp>
#include <cli/commands.hpp>
#include <cli/load_crew.hpp>
#include <cli/load_scenarios.hpp>
#include <cli/process_stats.hpp>
#include <cli/report.hpp>
#include <cli/suggest.hpp>
#include <io/loop.hpp>

namespace walkie::cli {
namespace {

using enum OptionKind;
using std::chrono::nanoseconds;

constexpr std::string_view kUsage =
    "Usage: walkie bench echo|fanout|connect|idle [OPTION...]\n\n"
    "  echo    Every connection keeps messages under way; each answer is checked\n"
    "  fanout  The first connection publishes to a room (--url ws://.../chat/NAME), all receive\n"
    "  connect Opens connections as fast as it can, TLS and WebSocket handshakes included\n"
    "  idle    Opens connections and waits: memory per connection\n\n"
    "With --pid the server's processor time and user memory are measured too.\n\n";

constexpr std::int64_t kConnectionsMax = 1'000'000;

constexpr auto kBenchOptions = std::to_array<Option>({
    {.key = "url",
     .flag = "url",
     .preset = "ws://127.0.0.1:8000/echo",
     .help = "The server's address; wss:// measures TLS, and trusts any certificate",
     .value_name = "URL",
     .flag_only = true},
    {.key = "connections",
     .flag = "connections",
     .kind = number,
     .preset = "100",
     .help = "Connections",
     .min = 1,
     .max = kConnectionsMax,
     .flag_only = true},
    {.key = "size",
     .flag = "size",
     .kind = size,
     .preset = "32B",
     .help = "Payload of a message",
     .min = 0,
     .max = 1 << 30,
     .flag_only = true},
    {.key = "in-flight",
     .flag = "in-flight",
     .kind = number,
     .preset = "1",
     .help = "Messages under way on each connection (echo) or in all (fanout)",
     .min = 1,
     .max = 1024,
     .flag_only = true},
    {.key = "rate",
     .flag = "rate",
     .kind = number,
     .preset = "off",
     .help = "fanout: publish this many messages per second; off: the next when all have the last",
     .min = 1,
     .max = 1'000'000,
     .zero_word = "off",
     .flag_only = true},
    {.key = "binary",
     .flag = "binary",
     .kind = on_off,
     .preset = "off",
     .help = "Send binary messages, not text",
     .flag_only = true},
    {.key = "seconds",
     .flag = "seconds",
     .kind = number,
     .preset = "5",
     .help = "How long to measure",
     .min = 1,
     .max = 86'400,
     .flag_only = true},
    {.key = "warmup",
     .flag = "warmup",
     .kind = number,
     .preset = "1",
     .help = "Seconds of the same before that do not count",
     .min = 0,
     .max = 3600,
     .flag_only = true},
    {.key = "pid",
     .flag = "pid",
     .kind = number,
     .preset = "none",
     .help = "The server's process, to read what it spends",
     .min = 1,
     .max = 1 << 22,  // the kernel's PID_MAX_LIMIT
     .zero_word = "none",
     .flag_only = true},
    {.key = "raw",
     .flag = "raw",
     .kind = on_off,
     .preset = "off",
     .help = "echo: no handshake, the server echoes bytes; the same bytes are sent as otherwise",
     .flag_only = true},
    {.key = "resume",
     .flag = "resume",
     .kind = on_off,
     .preset = "on",
     .help = "wss: resume TLS sessions where the server offers it",
     .flag_only = true},
    {.key = "json",
     .flag = "json",
     .kind = on_off,
     .preset = "off",
     .help = "Print one JSON object",
     .flag_only = true},
});

std::size_t count_of(const Settings& settings, std::string_view key) {
  return static_cast<std::size_t>(settings.number(key));
}

nanoseconds own_cpu_time() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + nanoseconds(time.tv_nsec);
}

double microseconds(std::uint64_t time_ns) { return static_cast<double>(time_ns) / 1000; }

/// One line on a terminal that is rewritten; nothing elsewhere.
class ProgressLine {
 public:
  ~ProgressLine() { show(""); }
  void show(std::string_view text) {
    if (!terminal_ || text == shown_) return;
    fmt::print(stderr, "\r{:<60}{}", text, text.empty() ? "\r" : "");
    shown_ = text;
  }

 private:
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  std::string shown_;
};

/// Processor time spent, by the server (where its process is known) and by ourselves.
struct Spent {
  nanoseconds wall{};
  nanoseconds own{};
  nanoseconds server{};  ///< 0 where its process is not known.
};

Result<Spent> spent_until_now(pid_t server) {
  Spent spent{std::chrono::steady_clock::now().time_since_epoch(), own_cpu_time(), {}};
  if (server == 0) return spent;
  const auto time = process_cpu_time(server);
  if (!time) return std::unexpected(time.error());
  spent.server = *time;
  return spent;
}

/// One run of `walkie bench`.
class Bench {
 public:
  Bench(const Settings& settings, LoadTarget target, io::Loop& loop)
      : settings_(settings), target_(std::move(target)), loop_(loop) {}

  Result<std::vector<Figure>> echo() {
    EchoScenario scenario(message_options(), connections_, count_of(settings_, "in-flight"));
    return measure(scenario, "message", "messages");
  }

  Result<std::vector<Figure>> fanout() {
    FanoutScenario scenario(message_options(),
                            {.members = connections_,
                             .in_flight = count_of(settings_, "in-flight"),
                             .per_second = static_cast<std::uint64_t>(settings_.number("rate"))});
    return measure(scenario, "delivery", "deliveries");
  }

  Result<std::vector<Figure>> connect();
  Result<std::vector<Figure>> idle();

 private:
  NumberedMessageOptions message_options() {
    NumberedMessageOptions options;
    options.kind = settings_.on("binary") ? MessageKind::binary : MessageKind::text;
    options.payload_bytes = count_of(settings_, "size");
    options.raw = settings_.on("raw");
    options.mask_key = mask_key_;
    return options;
  }

  LoadCrewOptions crew_options() {
    LoadCrewOptions options;
    options.target = target_;
    options.connections = connections_;
    options.raw = settings_.on("raw");
    options.resume = settings_.on("resume");
    options.raw_answer_bytes = NumberedMessage(message_options()).frame_bytes();
    options.mask_key = mask_key_;
    options.on_progress = [this](std::size_t open) {
      progress_.show(fmt::format("{} of {} connections", open, connections_));
    };
    return options;
  }

  Result<void> run_seconds(LoadCrew& crew, std::int64_t seconds, std::string_view doing) {
    for (std::int64_t second = 0; second < seconds; ++second) {
      progress_.show(fmt::format("{} {}/{} s", doing, second, seconds));
      if (auto ran = crew.run_for(std::chrono::seconds(1)); !ran) return ran;
    }
    return {};
  }

  template <class Scenario>
  Result<std::vector<Figure>> measure(Scenario& scenario, std::string_view one,
                                      std::string_view many);
  [[nodiscard]] std::vector<Figure> figures_of(const LoadCounts& counts, const Spent& spent,
                                               std::string_view one, std::string_view many);

  const Settings& settings_;
  LoadTarget target_;
  io::Loop& loop_;
  std::size_t connections_ = count_of(settings_, "connections");
  pid_t server_ = static_cast<pid_t>(settings_.number("pid"));
  /// One key for all: a server cannot tell, and frames can be made beforehand. Not for use where
  /// intermediaries might be (RFC 6455 §10.3).
  proto::MaskKey mask_key_ = std::bit_cast<proto::MaskKey>(std::random_device{}() | 0x01010101U);
  ProgressLine progress_;
};

template <class Scenario>
Result<std::vector<Figure>> Bench::measure(Scenario& scenario, std::string_view one,
                                           std::string_view many) {
  LoadCrew crew(loop_, crew_options(), scenario);
  if (auto opened = crew.open_all(); !opened) return std::unexpected(opened.error());
  scenario.start(crew);
  if (auto ran = run_seconds(crew, settings_.number("warmup"), "warming up"); !ran)
    return std::unexpected(ran.error());
  scenario.counts().clear();
  const auto before = spent_until_now(server_);
  if (!before) return std::unexpected(before.error());
  if (auto ran = run_seconds(crew, settings_.number("seconds"), "measuring"); !ran)
    return std::unexpected(ran.error());
  const auto after = spent_until_now(server_);
  if (!after) return std::unexpected(after.error());
  const Spent spent{after->wall - before->wall, after->own - before->own,
                    after->server - before->server};
  auto figures = figures_of(scenario.counts(), spent, one, many);
  scenario.stop();
  crew.close_all();
  return figures;
}

std::vector<Figure> Bench::figures_of(const LoadCounts& counts, const Spent& spent,
                                      std::string_view one, std::string_view many) {
  const double messages = static_cast<double>(counts.messages);
  const double wall = static_cast<double>(spent.wall.count());
  const Histogram& latency = counts.latency_ns;
  std::vector<Figure> figures{
      {"connections", "connections", "", static_cast<double>(connections_), 0},
      {"payload_bytes", "payload", "bytes", static_cast<double>(count_of(settings_, "size")), 0},
      {std::string(many), std::string(many), "", messages, 0},
      {fmt::format("{}_per_second", many), fmt::format("{} per second", many), "",
       messages / wall * 1e9, 0},
      {"latency_p50_us", "latency p50", "us", microseconds(latency.quantile(0.5)), 1},
      {"latency_p99_us", "latency p99", "us", microseconds(latency.quantile(0.99)), 1},
      {"latency_p999_us", "latency p99.9", "us", microseconds(latency.quantile(0.999)), 1},
      {"latency_max_us", "latency max", "us", microseconds(latency.max()), 1},
      {"generator_cpu_percent", "this generator's CPU", "%",
       static_cast<double>(spent.own.count()) / wall * 100, 1},
  };
  if (server_ == 0) return figures;
  const double server = static_cast<double>(spent.server.count());
  figures.push_back({"server_cpu_percent", "server CPU", "%", server / wall * 100, 1});
  if (counts.messages > 0)
    figures.push_back({fmt::format("server_cpu_us_per_{}", one),
                       fmt::format("server CPU per {}", one), "us", server / messages / 1000, 3});
  return figures;
}

Result<std::vector<Figure>> Bench::connect() {
  IdleScenario scenario;
  LoadCrew crew(loop_, crew_options(), scenario);
  scenario.start(crew);
  const auto before = spent_until_now(server_);
  if (!before) return std::unexpected(before.error());
  if (auto opened = crew.open_all(); !opened) return std::unexpected(opened.error());
  const auto after = spent_until_now(server_);
  if (!after) return std::unexpected(after.error());
  crew.close_all();
  const auto count = static_cast<double>(connections_);
  const auto microseconds_each = [count](nanoseconds time) {
    return static_cast<double>(time.count()) / count / 1000;
  };
  std::vector<Figure> figures{
      {"connections", "connections", "", count, 0},
      {"resumed", "of these resumed a TLS session", "", static_cast<double>(crew.resumed()), 0},
      {"connections_per_second", "connections per second", "",
       1e6 / microseconds_each(after->wall - before->wall), 0},
      {"generator_cpu_us_per_connection", "this generator's CPU per connection", "us",
       microseconds_each(after->own - before->own), 1}};
  if (server_ != 0)
    figures.push_back({"server_cpu_us_per_connection", "server CPU per connection", "us",
                       microseconds_each(after->server - before->server), 1});
  return figures;
}

Result<std::vector<Figure>> Bench::idle() {
  if (server_ == 0) return std::unexpected(Error{"idle needs --pid, the server's process", {}});
  IdleScenario scenario;
  LoadCrew crew(loop_, crew_options(), scenario);
  scenario.start(crew);
  const auto before = process_memory(server_);
  if (!before) return std::unexpected(before.error());
  if (auto opened = crew.open_all(); !opened) return std::unexpected(opened.error());
  if (auto ran = run_seconds(crew, settings_.number("seconds"), "idle"); !ran)
    return std::unexpected(ran.error());
  const auto after = process_memory(server_);
  if (!after) return std::unexpected(after.error());
  crew.close_all();
  const auto each = [this](std::int64_t first, std::int64_t last) {
    return static_cast<double>(last - first) / static_cast<double>(connections_);
  };
  constexpr std::string_view kUnit = "bytes";
  return std::vector<Figure>{
      {"connections", "connections", "", static_cast<double>(connections_), 0},
      {"private_dirty_bytes_per_connection", "private dirty memory per connection", kUnit,
       each(before->private_dirty, after->private_dirty), 1},
      {"resident_bytes_per_connection", "resident memory per connection", kUnit,
       each(before->resident, after->resident), 1},
      {"proportional_bytes_per_connection", "proportional memory per connection", kUnit,
       each(before->proportional, after->proportional), 1},
      {"server_resident_bytes", "server's resident memory", kUnit,
       static_cast<double>(after->resident), 0},
  };
}

using Scenario = Result<std::vector<Figure>> (Bench::*)();

Scenario scenario_named(std::string_view name) {
  if (name == "echo") return &Bench::echo;
  if (name == "fanout") return &Bench::fanout;
  if (name == "connect") return &Bench::connect;
  if (name == "idle") return &Bench::idle;
  return nullptr;
}

ExitCode run_scenario(std::string_view name, Scenario scenario, const Settings& settings) {
  auto target = parse_target(settings.text("url"));
  if (!target) return complain(target.error().message, ExitCode::usage);
  constexpr std::size_t kOtherDescriptors = 32;
  if (const auto allowed = allow_descriptors(count_of(settings, "connections") + kOtherDescriptors);
      !allowed)
    return complain(allowed.error().message, ExitCode::failure);
  // A load that does not change with the kernel's features.
  const auto loop = io::make_loop(io::Backend::epoll);
  if (!loop) return complain(loop.error().message, ExitCode::failure);
  Bench bench(settings, std::move(*target), **loop);
  const auto figures = (bench.*scenario)();
  if (!figures) return complain(figures.error().message, ExitCode::failure);
  fmt::print("{}", settings.on("json") ? report_json(name, *figures) : report_text(*figures));
  return ExitCode::success;
}

}  // namespace

ExitCode run_bench(CommandArguments arguments) {
  const auto parsed = parse_arguments(kBenchOptions, arguments);
  if (!parsed) return complain(parsed.error().message, ExitCode::usage);
  if (parsed->help) {
    fmt::print("{}{}", kUsage, options_help(kBenchOptions));
    return ExitCode::success;
  }
  constexpr std::array<std::string_view, 4> kScenarios{"echo", "fanout", "connect", "idle"};
  if (parsed->words.size() != 1)
    return complain("bench needs one of echo, fanout, connect, idle; see `walkie bench --help`",
                    ExitCode::usage);
  const std::string& name = parsed->words.front();
  const Scenario scenario = scenario_named(name);
  if (scenario == nullptr)
    return complain(fmt::format("bench knows no \"{}\"{}", name, did_you_mean(name, kScenarios)),
                    ExitCode::usage);
  Settings settings(kBenchOptions);
  if (const auto applied = settings.apply_flags(parsed->flags); !applied)
    return complain(applied.error().message, ExitCode::usage);
  return run_scenario(name, scenario, settings);
}

}  // namespace walkie::cli
