// SPDX-License-Identifier: MIT
// A server that answers "I failed" or "I refuse" is passed over by c-ares in silence, and when all
// do, it only says that it reached none. So the first channel takes such an answer as the answer;
// where there are more servers, a second one, which passes over them, then asks the same again.
#include <io/dns_channel.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <system_error>
#include <utility>

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <base/reason.hpp>

namespace walkie::io {
namespace {

Error ares_error(std::string_view doing, int status) {
  return {std::string(doing) + ": " + ares_strerror(status), {}};
}

bool first_of_process() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status == ARES_SUCCESS;
}

ares_addr_port_node node_of(const SocketAddress& server) noexcept {
  ares_addr_port_node node{};
  node.family = server.family();
  node.udp_port = node.tcp_port = server.port();
  if (server.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(server.storage);
    std::copy_n(v6.sin6_addr.s6_addr, sizeof node.addr.addr6._S6_un._S6_u8,
                node.addr.addr6._S6_un._S6_u8);
  } else {
    node.addr.addr4 = reinterpret_cast<const sockaddr_in&>(server.storage).sin_addr;
  }
  return node;
}

SocketAddress address_of(const ares_addr_port_node& node) noexcept {
  constexpr int kDnsPort = 53;
  const auto port = static_cast<std::uint16_t>(node.udp_port != 0 ? node.udp_port : kDnsPort);
  if (node.family == AF_INET) return ip_address(node.addr.addr4, port);
  in6_addr host{};
  std::copy_n(node.addr.addr6._S6_un._S6_u8, sizeof host.s6_addr, host.s6_addr);
  return ip_address(host, port);
}

int set_servers(ares_channel channel, const std::vector<SocketAddress>& servers) {
  if (servers.empty()) return ARES_SUCCESS;
  std::vector<ares_addr_port_node> nodes;
  nodes.reserve(servers.size());
  for (const SocketAddress& server : servers) nodes.push_back(node_of(server));
  for (std::size_t i = 1; i < nodes.size(); ++i) nodes[i - 1].next = &nodes[i];
  return ares_set_servers_ports(channel, nodes.data());
}

std::vector<SocketAddress> servers_of(ares_channel channel) {
  std::vector<SocketAddress> servers;
  ares_addr_port_node* nodes = nullptr;
  if (ares_get_servers_ports(channel, &nodes) != ARES_SUCCESS) return servers;
  for (const ares_addr_port_node* node = nodes; node; node = node->next)
    servers.push_back(address_of(*node));
  ares_free_data(nodes);
  return servers;
}

/// At most `max` addresses of a message, each once.
int parse_a(const unsigned char* bytes, int length, std::size_t max,
            std::vector<SocketAddress>& addresses) {
  std::vector<ares_addrttl> records(max);
  int count = static_cast<int>(max);
  const int status = ares_parse_a_reply(bytes, length, nullptr, records.data(), &count);
  if (status != ARES_SUCCESS) return status;
  for (int i = 0; i < count; ++i)
    addresses.push_back(ip_address(records[static_cast<std::size_t>(i)].ipaddr, 0));
  return status;
}

int parse_aaaa(const unsigned char* bytes, int length, std::size_t max,
               std::vector<SocketAddress>& addresses) {
  std::vector<ares_addr6ttl> records(max);
  int count = static_cast<int>(max);
  const int status = ares_parse_aaaa_reply(bytes, length, nullptr, records.data(), &count);
  if (status != ARES_SUCCESS) return status;
  for (int i = 0; i < count; ++i) {
    in6_addr host{};
    std::copy_n(records[static_cast<std::size_t>(i)].ip6addr._S6_un._S6_u8, sizeof host.s6_addr,
                host.s6_addr);
    addresses.push_back(ip_address(host, 0));
  }
  return status;
}

void drop_repeated(std::vector<SocketAddress>& addresses) {
  std::vector<SocketAddress> once;
  for (const SocketAddress& address : addresses) {
    const auto same = [&](const SocketAddress& other) { return other.host() == address.host(); };
    if (std::none_of(once.begin(), once.end(), same)) once.push_back(address);
  }
  addresses = std::move(once);
}

/// The server answered, but with its own trouble; another may do better.
bool servers_trouble(int status) noexcept {
  return status == ARES_ESERVFAIL || status == ARES_ENOTIMP || status == ARES_EREFUSED ||
         status == ARES_EFORMERR || status == ARES_EBADRESP;
}

}  // namespace

/// c-ares' sockets, ours so that we see why a server cannot be reached.
struct DnsSockets {
  static int noted(void* channel, int error) noexcept {
    if (error != EAGAIN && error != EINPROGRESS && error != EINTR)
      static_cast<DnsChannel*>(channel)->socket_error_ = error;
    errno = error;
    return -1;
  }
  static int open(int family, int type, int protocol, void* channel) noexcept {
    const int fd = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    return fd >= 0 ? fd : noted(channel, errno);
  }
  static int close(int fd, void*) noexcept { return ::close(fd); }
  static int connect(int fd, const sockaddr* to, ares_socklen_t length, void* channel) noexcept {
    return ::connect(fd, to, length) == 0 ? 0 : noted(channel, errno);
  }
  static ares_ssize_t receive(int fd, void* bytes, std::size_t size, int flags, sockaddr* from,
                              ares_socklen_t* length, void* channel) noexcept {
    const ssize_t count = ::recvfrom(fd, bytes, size, flags, from, length);
    return count >= 0 ? count : noted(channel, errno);
  }
  static ares_ssize_t send(int fd, const iovec* pieces, int count, void* channel) noexcept {
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(pieces);
    message.msg_iovlen = static_cast<std::size_t>(count);
    const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
    return sent >= 0 ? sent : noted(channel, errno);
  }
  static constexpr ares_socket_functions kFunctions{open, close, connect, receive, send};
};

/// Owned by c-ares from ask() to its answer.
struct DnsChannel::Question {
  DnsChannel* channel = nullptr;
  std::string name{};
  int family = 0;
  Answered answered{};
  int first_status = ARES_SUCCESS;  ///< Of the first channel, where the second was asked too.
};

// -- making and ending --

Result<std::unique_ptr<DnsChannel>> DnsChannel::make(Loop& loop, const ResolverOptions& options) {
  std::unique_ptr<DnsChannel> made(new DnsChannel(loop, options.addresses_max));
  auto first = made->make_channel(options, ARES_FLAG_NOCHECKRESP);
  if (!first) return std::unexpected(std::move(first.error()));
  made->first_ = std::move(*first);
  if (servers_of(made->first_.get()).size() < 2) return made;
  auto others = made->make_channel(options, 0);
  if (!others) return std::unexpected(std::move(others.error()));
  made->others_ = std::move(*others);
  return made;
}

Result<DnsChannel::Channel> DnsChannel::make_channel(const ResolverOptions& options, int flags) {
  constexpr std::string_view kDoing = "setting up the resolver";
  if (!first_of_process()) return std::unexpected(ares_error(kDoing, ARES_ENOMEM));
  std::string resolv_conf = options.resolv_conf;
  std::string lookups = "b";  // DNS only: the hosts file is read elsewhere
  ares_options ares{};
  ares.flags = flags;
  ares.timeout =
      static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(options.timeout).count());
  ares.tries = options.rounds;
  ares.lookups = lookups.data();
  ares.sock_state_cb = &DnsChannel::on_socket;
  ares.sock_state_cb_data = this;
  ares.resolvconf_path = resolv_conf.data();
  ares_channel made = nullptr;
  const int status =
      ares_init_options(&made, &ares,
                        ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                            ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF);
  if (status != ARES_SUCCESS) return std::unexpected(ares_error(kDoing, status));
  Channel channel(made);
  ares_set_socket_functions(made, &DnsSockets::kFunctions, this);
  const int set = set_servers(made, options.servers);
  if (set != ARES_SUCCESS) return std::unexpected(ares_error(kDoing, set));
  return channel;
}

DnsChannel::~DnsChannel() {
  closing_ = true;
  first_.reset();
  others_.reset();
}

// -- questions --

void DnsChannel::ask(const std::string& name, int family, Answered answered) {
  ++open_;
  auto question = std::make_unique<Question>();
  question->channel = this;
  question->name = name;
  question->family = family;
  question->answered = std::move(answered);
  send(first_.get(), std::move(question));
}

// on_answer() takes the question back, perhaps before ares_search() returns.
void DnsChannel::send(ares_channel channel, std::unique_ptr<Question> question) {
  const std::string name = question->name;
  const int type = question->family == AF_INET6 ? ns_t_aaaa : ns_t_a;
  ares_search(channel, name.c_str(), ns_c_in, type, &DnsChannel::on_answer, question.release());
  arm();
}

void DnsChannel::on_answer(void* argument, int status, int, unsigned char* bytes,
                           int length) noexcept {
  std::unique_ptr<Question> question(static_cast<Question*>(argument));
  DnsChannel& self = *question->channel;
  if (self.closing_) return;
  std::vector<SocketAddress> addresses;
  if (status == ARES_SUCCESS)
    status = question->family == AF_INET6
                 ? parse_aaaa(bytes, length, self.addresses_max_, addresses)
                 : parse_a(bytes, length, self.addresses_max_, addresses);
  drop_repeated(addresses);
  self.finish(std::move(question), status, std::move(addresses));
}

void DnsChannel::finish(std::unique_ptr<Question> question, int status,
                        std::vector<SocketAddress> addresses) {
  const bool again = question->first_status != ARES_SUCCESS;
  if (others_ && !again && servers_trouble(status)) {
    question->first_status = status;
    send(others_.get(), std::move(question));
    return;
  }
  // The second channel passes over what the first one could name.
  if (again && status == ARES_ECONNREFUSED) status = question->first_status;
  if (status == ARES_SUCCESS && addresses.empty()) status = ARES_ENODATA;
  --open_;
  question->answered({.addresses = std::move(addresses),
                      .error = status == ARES_SUCCESS ? std::string() : reason(status)});
}

std::string DnsChannel::servers() const {
  std::string texts;
  for (const SocketAddress& server : servers_of(first_.get()))
    texts += (texts.empty() ? "" : ", ") + server.text();
  return texts;
}

std::string DnsChannel::reason(int status) const {
  switch (status) {
    case ARES_ENOTFOUND:
      return "no such name";
    case ARES_ENODATA:
      return "no address of that kind";
    case ARES_ETIMEOUT:
      return "the resolver timed out (" + servers() + ")";
    case ARES_ECONNREFUSED: {
      const std::error_code error(socket_error_, std::system_category());
      return "no resolver answers at " + servers() +
             (error ? ": " + base::reason_of(error) : std::string());
    }
    case ARES_ESERVFAIL:
      return "server failure at the resolver (" + servers() + ")";
    case ARES_EREFUSED:
      return "the resolver refuses to answer (" + servers() + ")";
    case ARES_ENOTIMP:
    case ARES_EFORMERR:
      return "the resolver does not understand the question (" + servers() + ")";
    case ARES_EBADRESP:
      return "the resolver's answer is malformed (" + servers() + ")";
    case ARES_EBADNAME:
      return "not a name";
    default:
      return "the resolver failed: " + std::string(ares_strerror(status));
  }
}

// -- on the loop --

// Where watching fails, the question times out.
void DnsChannel::on_socket(void* self, int fd, int readable, int writable) noexcept {
  auto& channel = *static_cast<DnsChannel*>(self);
  [[maybe_unused]] const auto watched =
      channel.loop_.watch(fd, readable != 0, writable != 0, channel);
}

void DnsChannel::on_ready(int fd, bool readable, bool writable) {
  process(readable ? fd : ARES_SOCKET_BAD, writable ? fd : ARES_SOCKET_BAD);
}

void DnsChannel::on_timer(Instant) { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }

// Which of the two has that descriptor, c-ares knows: the other one ignores it.
void DnsChannel::process(int readable_fd, int writable_fd) {
  ares_process_fd(first_.get(), readable_fd, writable_fd);
  if (others_) ares_process_fd(others_.get(), readable_fd, writable_fd);
  arm();
}

// c-ares counts from its own clock's now, which may be later than the turn's.
void DnsChannel::arm() {
  Duration wait = Duration::max();
  for (ares_channeldata* const channel : {first_.get(), others_.get()}) {
    timeval left{};
    if (channel && ares_timeout(channel, nullptr, &left))
      wait = std::min<Duration>(
          wait, std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec));
  }
  if (wait == Duration::max()) return loop_.timers().cancel(*this);
  loop_.timers().arm(*this, std::chrono::steady_clock::now() + wait);
}

}  // namespace walkie::io
