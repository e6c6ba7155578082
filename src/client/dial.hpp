// SPDX-License-Identifier: MIT
// From a name to a connected socket: the resolver, the address race and the loop in one call.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <base/timer_wheel.hpp>
#include <client/address_race.hpp>
#include <io/endpoint.hpp>
#include <io/loop.hpp>
#include <io/resolver.hpp>
#include <walkie/connect_error.hpp>

namespace walkie::client {

struct DialRequest {
  std::string host{};  ///< A name, or an address (IPv6 without brackets).
  std::uint16_t port = 0;
  std::string unix_path{};  ///< Where given, in place of host and port; "@NAME" is abstract.
  Duration resolve_timeout = std::chrono::seconds(5);  ///< Of each family; 0: the resolver's own.
  RaceOptions race{};
};

/// A connected socket, ready to be adopted.
struct Dialled {
  io::Fd fd;
  io::SocketAddress remote;  ///< The address that won.
};

/// One attempt to connect. Ends in one call of `told`, on the loop's thread, never from inside the
/// constructor; destroying it, also inside `told`, ends it at once: nothing is told any more and no
/// socket or query stays behind. Never moves. Loop and resolver outlive it.
///
/// Errors: resolve ("looking up example.com: no such name"), refused, timeout and unreachable
/// ("connecting to example.com: 192.0.2.1:443: connection refused"), bad_url for a path that no
/// unix socket can have. How long it may take in all is for the owner to say.
class Dial final : private base::Timer {
 public:
  using Result = std::expected<Dialled, ConnectError>;
  using Told = std::move_only_function<void(Result)>;

  Dial(io::Loop& loop, io::Resolver& resolver, DialRequest request, Told told);
  ~Dial();
  Dial(const Dial&) = delete;
  Dial& operator=(const Dial&) = delete;

 private:
  /// A socket that connects.
  struct Attempt final : io::SocketHandler {
    Attempt(Dial& in, std::size_t own, const io::SocketAddress& to) noexcept
        : dial(in), number(own), address(to) {}
    void on_received(MutableBytes) override {}
    void on_sent(std::size_t) override {}
    void on_end() override {}
    void on_connected() override { dial.connected(*this); }
    void on_error(std::error_code error) override { dial.failed(*this, error); }
    Dial& dial;
    std::size_t number;
    io::SocketAddress address;
    io::SocketId socket{};
  };

  void on_timer(Instant now) override;
  void begin(Instant now);
  void resolved(io::Resolved resolved);
  void give_up_resolving(Instant now);
  void stop_resolving();
  void connected(Attempt& attempt);
  void failed(Attempt& attempt, std::error_code error);

  void settle();
  void take_actions();
  void start(const RaceAction& action);
  void close(const Attempt& attempt);
  void arm();
  void finish(Result result);
  [[nodiscard]] ConnectError lost() const;

  io::Loop& loop_;
  io::Resolver& resolver_;
  const DialRequest request_;
  Told told_;
  AddressRace race_;
  bool begun_ = false;
  std::optional<io::Resolver::Query> query_;  ///< While a family is unknown.
  Instant resolve_deadline_ = kNever;
  std::vector<std::unique_ptr<Attempt>> attempts_;  ///< By their numbers.
};

}  // namespace walkie::client
