// SPDX-License-Identifier: MIT
// A loop and a resolver without a network: tests say what becomes of each connect and each name,
// and what time it is.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/eventfd.h>

#include <doctest/doctest.h>
#include <io/loop.hpp>
#include <io/resolver.hpp>

namespace walkie::test {

/// Connects only.
class FakeNetwork final : public io::Loop {
 public:
  struct Connect {
    io::SocketAddress to;
    io::SocketHandler* handler = nullptr;
    bool open = true;  ///< Neither detached nor released.
  };
  /// All connects so far, by order.
  std::vector<Connect> connects;
  /// connect() itself fails, for so many calls.
  int refusals = 0;

  // -- what a test plays --

  void accept(std::size_t index) {
    if (connects[index].open) connects[index].handler->on_connected();
  }
  void fail(std::size_t index, int error) {
    if (connects[index].open) connects[index].handler->on_error({error, std::system_category()});
  }
  /// Timers that are due run at their own times, on the way.
  void pass(Duration time) {
    const Instant end = now_ + time;
    for (int i = 0; i < 100; ++i) {
      const auto next = timers_.next_deadline();
      if (!next || *next > end) break;
      now_ = std::max(now_, *next);
      timers_.advance(now_);
    }
    now_ = end;
    timers_.advance(now_);
  }

  [[nodiscard]] std::size_t open() const {
    std::size_t count = 0;
    for (const Connect& connect : connects) count += connect.open ? 1 : 0;
    return count;
  }
  /// "2001:db8::1 192.0.2.1": the hosts in the order of their starts.
  [[nodiscard]] std::string hosts() const {
    std::string all;
    for (const Connect& connect : connects) all += (all.empty() ? "" : " ") + connect.to.host();
    return all;
  }

  // -- io::Loop --

  [[nodiscard]] std::string_view backend() const noexcept override { return "fake"; }
  [[nodiscard]] Result<io::SocketId> listen(io::Fd, io::AcceptHandler&) override { return none(); }
  void stop_listening(io::SocketId) override {}
  [[nodiscard]] Result<io::SocketId> adopt(io::Fd, io::SocketHandler&) override { return none(); }
  [[nodiscard]] Result<io::SocketId> connect(const io::SocketAddress& to,
                                             io::SocketHandler& handler,
                                             const io::SocketAddress*) override {
    if (refusals > 0) {
      --refusals;
      return std::unexpected(
          system_error("creating a socket", std::make_error_code(std::errc::too_many_files_open)));
    }
    connects.push_back({.to = to, .handler = &handler});
    return io::SocketId{.slot = static_cast<std::uint32_t>(connects.size() - 1), .generation = 1};
  }
  void set_handler(io::SocketId, io::SocketHandler&) override {}
  void set_receiving(io::SocketId, bool) override {}
  [[nodiscard]] std::size_t send(io::SocketId, std::span<const BytesView>) override { return 0; }
  void shutdown_send(io::SocketId) override {}
  void release(io::SocketId, base::OutputQueue, bool) override {}
  [[nodiscard]] io::Fd detach(io::SocketId id) override {
    if (id.generation == 0 || !std::exchange(connects[id.slot].open, false)) return {};
    return io::Fd(::eventfd(0, EFD_CLOEXEC));
  }
  [[nodiscard]] Result<void> watch(int, bool, bool, io::ReadinessHandler&) override {
    return std::unexpected(Error{"the fake network does not watch", {}});
  }
  [[nodiscard]] Instant now() const noexcept override { return now_; }
  [[nodiscard]] base::TimerWheel& timers() noexcept override { return timers_; }
  void set_turn_handler(io::TurnHandler*) noexcept override {}
  [[nodiscard]] Result<void> run_turn(Duration) override { return {}; }
  [[nodiscard]] int descriptor() const noexcept override { return -1; }
  void wake() noexcept override {}
  [[nodiscard]] io::LoopStats stats() const noexcept override { return {}; }

 private:
  static std::unexpected<Error> none() {
    return std::unexpected(Error{"the fake network only connects", {}});
  }
  Instant now_{std::chrono::hours(1)};
  base::TimerWheel timers_{now_};
};

/// Answers when a test says so.
class FakeResolver final : public io::Resolver {
 public:
  std::string asked;  ///< "example.com:443", the last one.

  Query resolve(std::string_view host, std::uint16_t port,
                std::function<void(io::Resolved)> told) override {
    asked = std::string(host) + ":" + std::to_string(port);
    port_ = port;
    told_[++last_] = std::move(told);
    return last_;
  }
  void cancel(Query query) override { told_.erase(query); }

  [[nodiscard]] std::size_t open() const noexcept { return told_.size(); }

  /// Answers all queries for one family.
  void tell(int family, const std::vector<std::string>& hosts, const std::string& error,
            bool last) {
    io::Resolved resolved{.family = family, .addresses = {}, .error = error, .last = last};
    for (const std::string& host : hosts) {
      const auto address = io::numeric_address(host, port_);
      REQUIRE(address);
      resolved.addresses.push_back(*address);
    }
    const auto all = told_;  // a callback may cancel itself and others
    for (const auto& [query, told] : all) {
      if (!told_.contains(query)) continue;
      if (last) told_.erase(query);
      told(resolved);
    }
  }

 private:
  Query last_ = 0;
  std::uint16_t port_ = 0;
  std::map<Query, std::function<void(io::Resolved)>> told_;
};

}  // namespace walkie::test
