// SPDX-License-Identifier: MIT
// c-ares on the loop: questions to the servers of one configuration, over UDP and TCP.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ares.h>

#include <base/timer_wheel.hpp>
#include <io/loop.hpp>
#include <io/resolver.hpp>

namespace walkie::io {

/// What came of one question: addresses, or why there are none.
struct DnsAnswer {
  std::vector<SocketAddress> addresses;
  std::string error;
};

/// Not thread safe; never moves; not destroyed under its own callbacks.
class DnsChannel final : private ReadinessHandler, private base::Timer {
 public:
  using Answered = std::function<void(DnsAnswer)>;

  [[nodiscard]] static Result<std::unique_ptr<DnsChannel>> make(Loop& loop,
                                                                const ResolverOptions& options);
  /// Questions that are open are dropped without an answer.
  ~DnsChannel();
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;

  /// Asks for A (AF_INET) or AAAA (AF_INET6) records, through the search list where `name` calls
  /// for it. Calls `answered` once, perhaps before it returns. The addresses' ports are 0.
  void ask(const std::string& name, int family, Answered answered);

  /// Questions without an answer.
  [[nodiscard]] std::size_t open() const noexcept { return open_; }

 private:
  struct Question;
  struct Destroy {
    void operator()(ares_channel channel) const noexcept { ares_destroy(channel); }
  };
  using Channel = std::unique_ptr<ares_channeldata, Destroy>;
  friend struct DnsSockets;

  DnsChannel(Loop& loop, std::size_t addresses_max) noexcept
      : loop_(loop), addresses_max_(addresses_max) {}
  [[nodiscard]] Result<Channel> make_channel(const ResolverOptions& options, int flags);
  void send(ares_channel channel, std::unique_ptr<Question> question);
  static void on_answer(void* argument, int status, int, unsigned char* bytes, int length) noexcept;
  void finish(std::unique_ptr<Question> question, int status, std::vector<SocketAddress> addresses);
  [[nodiscard]] std::string reason(int status) const;
  [[nodiscard]] std::string servers() const;

  static void on_socket(void* self, int fd, int readable, int writable) noexcept;
  void on_ready(int fd, bool readable, bool writable) override;
  void on_timer(Instant now) override;
  void process(int readable_fd, int writable_fd);
  void arm();

  Loop& loop_;
  const std::size_t addresses_max_;
  std::size_t open_ = 0;
  int socket_error_ = 0;  ///< The last errno of a server's socket; 0: none.
  bool closing_ = false;
  Channel first_;
  Channel others_;  ///< Null where there is one server only.
};

}  // namespace walkie::io
