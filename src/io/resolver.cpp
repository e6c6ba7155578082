// SPDX-License-Identifier: MIT
// What is told is told from a timer of the loop, never under c-ares: so a callback may cancel and
// destroy what it likes.
#include <io/resolver.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <utility>

#include <netinet/in.h>
#include <sys/stat.h>

#include <base/header_field.hpp>
#include <base/timer_wheel.hpp>
#include <io/address_order.hpp>
#include <io/dns_channel.hpp>
#include <io/hosts_file.hpp>

namespace walkie::io {
namespace {

constexpr std::size_t kNameBytesMax = 253;
constexpr std::size_t kLabelBytesMax = 63;
constexpr std::string_view kNoAddress = "no address of that kind";

/// Why no DNS name is `label`; empty where it may be one.
std::string_view label_fault(std::string_view label) noexcept {
  if (label.empty()) return "it has an empty label";
  if (label.size() > kLabelBytesMax) return "a label of it is longer than 63 bytes";
  for (const char c : label) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) return "letters beyond ASCII are written as xn--...";
    if (byte <= ' ' || byte == 0x7f || c == '\\') return "it has characters that names do not have";
  }
  return {};
}

bool all_digits(std::string_view label) noexcept {
  return std::all_of(label.begin(), label.end(), [](char c) { return c >= '0' && c <= '9'; });
}

/// The same for a whole name, without the dot at its end. Names that end in a number would be IPv4
/// addresses.
std::string_view name_fault(std::string_view name) noexcept {
  if (name.empty()) return "it is empty";
  if (name.size() > kNameBytesMax) return "it is longer than 253 bytes";
  if (name.find(':') != std::string_view::npos) return "it is not an IPv6 address either";
  while (true) {
    const std::size_t dot = name.find('.');
    const std::string_view label = name.substr(0, dot);
    if (const auto fault = label_fault(label); !fault.empty()) return fault;
    if (dot != std::string_view::npos) {
      name.remove_prefix(dot + 1);
      continue;
    }
    return all_digits(label) ? "an IPv4 address has four numbers from 0 to 255" : "";
  }
}

std::string lower_case(std::string_view name) {
  std::string lower(name);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lower;
}

/// "localhost" and "*.localhost" (RFC 6761 §6.3).
bool is_localhost(std::string_view name) noexcept {
  constexpr std::string_view kLocalhost = "localhost";
  if (name.size() < kLocalhost.size()) return false;
  const std::size_t before = name.size() - kLocalhost.size();
  return equal_ignoring_case(name.substr(before), kLocalhost) &&
         (before == 0 || name[before - 1] == '.');
}

std::vector<SocketAddress> loopback(std::uint16_t port) {
  return {ip_address(in6addr_loopback, port), ip_address(in_addr{htonl(INADDR_LOOPBACK)}, port)};
}

/// Tells one version of a file from the next.
struct FileStamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = -1;
  timespec changed{};

  static FileStamp of(const std::string& path) noexcept {
    struct stat status{};
    if (::stat(path.c_str(), &status) != 0) return {};
    return {status.st_dev, status.st_ino, status.st_size, status.st_mtim};
  }
  friend bool operator==(const FileStamp& a, const FileStamp& b) noexcept {
    return a.device == b.device && a.inode == b.inode && a.size == b.size &&
           a.changed.tv_sec == b.changed.tv_sec && a.changed.tv_nsec == b.changed.tv_nsec;
  }
};

class DnsResolver final : public Resolver, private base::Timer {
 public:
  DnsResolver(Loop& loop, ResolverOptions options) : loop_(loop), options_(std::move(options)) {}
  ~DnsResolver() override {
    if (destroyed_) *destroyed_ = true;
  }

  [[nodiscard]] Result<void> set_up();
  Query resolve(std::string_view host, std::uint16_t port,
                std::function<void(Resolved)> told) override;
  void cancel(Query query) override;

 private:
  /// A name as DNS is asked for it, under one configuration.
  using Key = std::pair<std::uint64_t, std::string>;

  struct Request {
    std::function<void(Resolved)> told;
    std::uint16_t port = 0;
    int families_left = 2;
    Key lookup{};  ///< Where it waits for one.
  };
  /// A look-up, and who waits for it.
  struct Lookup {
    std::vector<Query> queries{};
    std::optional<DnsAnswer> v6{};
    std::optional<DnsAnswer> v4{};
    [[nodiscard]] std::optional<DnsAnswer>& of(int family) noexcept {
      return family == AF_INET6 ? v6 : v4;
    }
  };
  struct Finished {
    Query query;
    Resolved resolved;
  };

  void start(Query query, std::string_view host, std::uint16_t port);
  void look_up(Query query, std::string_view host);
  void join(Query query, Lookup& lookup);
  void ask(const Key& key);
  void ask_next();
  void answered(const Key& key, int family, DnsAnswer answer);
  void answer(Query query, int family, const DnsAnswer& answer);
  void fail(Query query, const std::string& error);
  void split(Query query, const std::vector<SocketAddress>& addresses);
  void finish(Query query, Resolved resolved);
  void on_timer(Instant now) override;
  void tell(Finished& finished, const bool& destroyed);
  void renew();
  void reap();

  Loop& loop_;
  const ResolverOptions options_;
  FileStamp resolv_conf_;
  Query last_query_ = 0;
  std::unordered_map<Query, Request> requests_;
  std::map<Key, Lookup> lookups_;
  std::deque<Key> waiting_;  ///< Look-ups that are not asked for yet.
  std::size_t in_flight_ = 0;
  std::vector<Finished> finished_;
  bool* destroyed_ = nullptr;        ///< Of the on_timer() under way.
  std::uint64_t configuration_ = 0;  ///< Counts changes.
  std::unique_ptr<DnsChannel> channel_;
  std::vector<std::unique_ptr<DnsChannel>> retired_;  ///< Of old configurations, still asking.
};

Result<void> DnsResolver::set_up() {
  resolv_conf_ = FileStamp::of(options_.resolv_conf);
  auto channel = DnsChannel::make(loop_, options_);
  if (!channel) return std::unexpected(std::move(channel.error()));
  channel_ = std::move(*channel);
  return {};
}

Resolver::Query DnsResolver::resolve(std::string_view host, std::uint16_t port,
                                     std::function<void(Resolved)> told) {
  const Query query = ++last_query_;
  requests_.emplace(query, Request{.told = std::move(told), .port = port});
  start(query, host, port);
  return query;
}

void DnsResolver::cancel(Query query) {
  const auto request = requests_.find(query);
  if (request == requests_.end()) return;
  if (const auto lookup = lookups_.find(request->second.lookup); lookup != lookups_.end())
    std::erase(lookup->second.queries, query);
  requests_.erase(request);
}

void DnsResolver::start(Query query, std::string_view host, std::uint16_t port) {
  if (const auto address = numeric_address(host, port)) return split(query, {*address});
  const std::string_view name = host.substr(0, host.size() - (host.ends_with('.') ? 1 : 0));
  if (const auto fault = name_fault(name); !fault.empty())
    return fail(query, "not a name: " + std::string(fault));
  if (is_localhost(name)) return split(query, loopback(port));
  const auto known = hosts_addresses(options_.hosts_file, name, port);
  if (!known.empty()) return split(query, known);
  look_up(query, host);
}

// -- asking servers --

// A thousand clients that lost one server ask one question, and a thousand names do not flood the
// resolver's socket buffer.
void DnsResolver::look_up(Query query, std::string_view host) {
  renew();
  const Key key{configuration_, lower_case(host)};
  const auto known = lookups_.find(key);
  if (known == lookups_.end() && lookups_.size() >= options_.names_max)
    return fail(query, "too many names are being looked up at once (" +
                           std::to_string(options_.names_max) + ")");
  requests_.find(query)->second.lookup = key;
  if (known != lookups_.end()) return join(query, known->second);
  lookups_[key].queries.push_back(query);
  if (in_flight_ < options_.in_flight_max)
    ask(key);
  else
    waiting_.push_back(key);
}

void DnsResolver::join(Query query, Lookup& lookup) {
  lookup.queries.push_back(query);
  for (const int family : {AF_INET6, AF_INET})
    if (const auto& known = lookup.of(family)) answer(query, family, *known);
}

// Nobody may wait any more when the answer comes: c-ares cannot cancel one question alone.
void DnsResolver::ask(const Key& key) {
  ++in_flight_;
  for (const int family : {AF_INET6, AF_INET})
    channel_->ask(key.second, family, [this, key, family](DnsAnswer answer) {
      answered(key, family, std::move(answer));
    });
}

void DnsResolver::ask_next() {
  while (in_flight_ < options_.in_flight_max && !waiting_.empty()) {
    const Key key = std::move(waiting_.front());
    waiting_.pop_front();
    if (lookups_[key].queries.empty())
      lookups_.erase(key);
    else
      ask(key);
  }
}

void DnsResolver::answered(const Key& key, int family, DnsAnswer came) {
  sort_destinations(came.addresses, system_source);
  const auto found = lookups_.find(key);
  Lookup& lookup = found->second;
  const DnsAnswer& kept = lookup.of(family).emplace(std::move(came));
  for (const Query query : lookup.queries) answer(query, family, kept);
  // Also where nothing is to be told: others wait for their turn, and old channels to be reaped.
  loop_.timers().arm(*this, Instant{});
  if (!lookup.v6 || !lookup.v4) return;
  lookups_.erase(found);
  --in_flight_;
}

void DnsResolver::answer(Query query, int family, const DnsAnswer& answer) {
  Resolved resolved{.family = family, .addresses = answer.addresses, .error = answer.error};
  const std::uint16_t port = requests_.find(query)->second.port;
  for (SocketAddress& address : resolved.addresses) address.set_port(port);
  finish(query, std::move(resolved));
}

// -- telling --

void DnsResolver::fail(Query query, const std::string& error) {
  for (const int family : {AF_INET6, AF_INET})
    finish(query, {.family = family, .addresses = {}, .error = error});
}

void DnsResolver::split(Query query, const std::vector<SocketAddress>& addresses) {
  for (const int family : {AF_INET6, AF_INET}) {
    Resolved resolved;
    resolved.family = family;
    for (const SocketAddress& address : addresses)
      if (address.family() == family && resolved.addresses.size() < options_.addresses_max)
        resolved.addresses.push_back(address);
    if (resolved.addresses.empty()) resolved.error = kNoAddress;
    sort_destinations(resolved.addresses, system_source);
    finish(query, std::move(resolved));
  }
}

void DnsResolver::finish(Query query, Resolved resolved) {
  finished_.push_back({.query = query, .resolved = std::move(resolved)});
  loop_.timers().arm(*this, Instant{});
}

void DnsResolver::on_timer(Instant) {
  bool destroyed = false;
  destroyed_ = &destroyed;
  std::vector<Finished> finished = std::exchange(finished_, {});
  for (Finished& one : finished) {
    tell(one, destroyed);
    if (destroyed) return;
  }
  destroyed_ = nullptr;
  ask_next();
  reap();
}

// The function is on the stack while it runs: it may cancel its own query, or destroy us.
void DnsResolver::tell(Finished& finished, const bool& destroyed) {
  const auto request = requests_.find(finished.query);
  if (request == requests_.end()) return;
  const std::function<void(Resolved)> told = std::move(request->second.told);
  finished.resolved.last = --request->second.families_left == 0;
  const bool last = finished.resolved.last;
  if (last) requests_.erase(request);
  told(std::move(finished.resolved));
  if (last || destroyed) return;
  if (const auto still = requests_.find(finished.query); still != requests_.end())
    still->second.told = told;
}

/// After a change of network the old servers may be out of reach.
void DnsResolver::renew() {
  const FileStamp now = FileStamp::of(options_.resolv_conf);
  if (now == resolv_conf_) return;
  resolv_conf_ = now;
  auto fresh = DnsChannel::make(loop_, options_);
  if (!fresh) return;  // the old ones are better than none
  ++configuration_;
  retired_.push_back(std::exchange(channel_, std::move(*fresh)));
}

// Not under a callback of c-ares.
void DnsResolver::reap() {
  std::erase_if(retired_, [](const auto& channel) { return channel->open() == 0; });
}

}  // namespace

Result<std::unique_ptr<Resolver>> Resolver::make(Loop& loop, ResolverOptions options) {
  auto resolver = std::make_unique<DnsResolver>(loop, std::move(options));
  if (auto ready = resolver->set_up(); !ready) return std::unexpected(std::move(ready.error()));
  return resolver;
}

}  // namespace walkie::io
