// SPDX-License-Identifier: MIT
// A DNS server of the tests' own, on the loop that they drive: it answers as they say (RFC 1035).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <sys/socket.h>

#include <doctest/doctest.h>
#include <base/buffer_pool.hpp>
#include <io/loop.hpp>

namespace walkie::test {

inline constexpr int kTypeA = 1;
inline constexpr int kTypeCname = 5;
inline constexpr int kTypeAaaa = 28;
inline constexpr int kServerFailure = 2;
inline constexpr int kNoSuchName = 3;
inline constexpr int kRefused = 5;

struct DnsQuestion {
  std::string name;
  int type = 0;
  bool tcp = false;
};

inline std::string u16(std::size_t number) {
  return {static_cast<char>(number >> 8 & 0xff), static_cast<char>(number & 0xff)};
}

/// Labels with their lengths, and the root's.
inline std::string encoded_name(std::string_view name) {
  std::string bytes;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return bytes + '\0';
}

struct DnsRecord {
  std::string name;
  int type = 0;
  std::string value;
};

/// An address, of the type that its text has.
inline DnsRecord address_record(const std::string& name, const std::string& host) {
  const bool v6 = host.find(':') != std::string::npos;
  std::array<char, 16> bytes{};
  REQUIRE(::inet_pton(v6 ? AF_INET6 : AF_INET, host.c_str(), bytes.data()) == 1);
  return {name, v6 ? kTypeAaaa : kTypeA, std::string(bytes.data(), v6 ? 16 : 4)};
}

inline DnsRecord alias_record(const std::string& name, const std::string& target) {
  return {name, kTypeCname, encoded_name(target)};
}

struct DnsReply {
  int code = 0;
  std::vector<DnsRecord> records{};
  Duration delay{0};
  bool silent = false;
  bool truncated = false;  ///< Over UDP: ask again over TCP.
  bool cut = false;        ///< The message ends in the middle of its last record.
  bool wrong_id = false;   ///< Answers another question.
  std::string garbage{};   ///< In place of a message.
};

class DnsServer final : io::ReadinessHandler, io::AcceptHandler {
 public:
  /// Listens on 127.0.0.1, on the same free port for both protocols.
  explicit DnsServer(io::Loop& loop) : loop_(loop) {
    auto tcp = io::listen_on(io::parse_endpoint("127.0.0.1:0")->front(), {});
    REQUIRE(tcp);
    address_ = *io::local_address(*tcp);
    udp_ = io::Fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(udp_.get(), reinterpret_cast<const sockaddr*>(&address_.storage),
                   address_.length) == 0);
    auto listener = loop_.listen(std::move(*tcp), *this);
    REQUIRE(listener);
    listener_ = *listener;
    REQUIRE(loop_.watch(udp_.get(), true, false, *this));
  }
  ~DnsServer() {
    REQUIRE(loop_.watch(udp_.get(), false, false, *this));
    loop_.stop_listening(listener_);
  }
  DnsServer(const DnsServer&) = delete;
  DnsServer& operator=(const DnsServer&) = delete;

  [[nodiscard]] const io::SocketAddress& address() const noexcept { return address_; }

  /// Without it, all names are unknown.
  std::function<DnsReply(const DnsQuestion&)> answer;
  std::vector<DnsQuestion> asked;

 private:
  struct Delayed final : base::Timer {
    void on_timer(Instant) override { send(); }
    std::function<void()> send;
  };

  struct Client final : io::SocketHandler {
    void on_received(MutableBytes bytes) override {
      received += text_of(bytes);
      while (received.size() >= 2) {
        const std::size_t size = static_cast<unsigned char>(received[0]) * std::size_t{256} +
                                 static_cast<unsigned char>(received[1]);
        if (received.size() < 2 + size) return;
        answer_tcp(received.substr(2, size));
        received.erase(0, 2 + size);
      }
    }
    void answer_tcp(const std::string& query) {
      const auto [reply, how] = server->reply_to(query, true);
      if (how.silent) return;
      waiting += u16(reply.size()) + reply;
      flush();
    }
    void flush() {
      if (!sending.empty()) return;
      sending.swap(waiting);
      const BytesView chunk = bytes_of(sending);
      if (chunk.empty()) return;
      const std::size_t sent = server->loop_.send(id, {&chunk, 1});
      if (sent == sending.size()) sending.clear();
    }
    void on_sent(std::size_t bytes) override {
      if (bytes == 0 && !server->loop_.keeps_chunks()) return;
      CHECK(bytes == sending.size());
      sending.clear();
      flush();
    }
    void on_end() override { server->loop_.release(id, base::OutputQueue(server->pool_)); }
    void on_error(std::error_code) override { on_end(); }
    DnsServer* server = nullptr;
    io::SocketId id;
    std::string received;
    std::string sending;  ///< Given to the loop, which may keep it until on_sent().
    std::string waiting;
  };

  void on_ready(int, bool, bool) override {
    std::array<char, 2048> buffer;
    sockaddr_storage from{};
    socklen_t length = sizeof from;
    const ssize_t count = ::recvfrom(udp_.get(), buffer.data(), buffer.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &length);
    if (count < 12) return;
    auto [message, reply] = reply_to({buffer.data(), static_cast<std::size_t>(count)}, false);
    if (reply.silent) return;
    const auto send = [this, bytes = std::move(message), from, length] {
      static_cast<void>(::sendto(udp_.get(), bytes.data(), bytes.size(), 0,
                                 reinterpret_cast<const sockaddr*>(&from), length));
    };
    if (reply.delay <= Duration::zero()) return send();
    delayed_.push_back(std::make_unique<Delayed>());
    delayed_.back()->send = send;
    loop_.timers().arm(*delayed_.back(), loop_.now() + reply.delay);
  }

  void on_accepted(io::Fd fd, const io::SocketAddress&) override {
    clients_.push_back(std::make_unique<Client>());
    clients_.back()->server = this;
    auto id = loop_.adopt(std::move(fd), *clients_.back());
    REQUIRE(id);
    clients_.back()->id = *id;
  }
  void on_accept_failed(std::error_code) override {}

  std::pair<std::string, DnsReply> reply_to(const std::string& query, bool tcp) {
    DnsQuestion question{.name = {}, .type = 0, .tcp = tcp};
    std::size_t at = 12;
    while (query[at] != '\0') {
      const auto size = static_cast<std::size_t>(query[at]);
      question.name += (question.name.empty() ? "" : ".") + query.substr(at + 1, size);
      at += size + 1;
    }
    question.type = static_cast<unsigned char>(query[at + 2]);
    asked.push_back(question);
    DnsReply reply = answer ? answer(question) : DnsReply{.code = kNoSuchName};
    std::string message = reply.garbage;
    if (message.empty()) message = encode(query.substr(0, at + 5), reply, tcp);
    return {std::move(message), std::move(reply)};
  }

  static std::string encode(const std::string& asked_for, const DnsReply& reply, bool tcp) {
    const bool truncate = reply.truncated && !tcp;
    std::string message = asked_for.substr(0, 2);
    if (reply.wrong_id) message[0] = static_cast<char>(message[0] ^ 1);
    message += static_cast<char>(0x84 | (truncate ? 2 : 0));
    message += static_cast<char>(0x80 | reply.code);
    message += u16(1) + u16(truncate ? 0 : reply.records.size()) + u16(0) + u16(0);
    message += asked_for.substr(12);
    if (truncate) return message;
    const std::string own_name = asked_for.substr(12, asked_for.size() - 16);
    for (const DnsRecord& record : reply.records) {
      const std::string name = encoded_name(record.name);
      message += name == own_name ? "\xc0\x0c" : name;
      message += u16(static_cast<std::size_t>(record.type)) + u16(1) + u16(0) + u16(60);
      message += u16(record.value.size()) + record.value;
    }
    if (reply.cut) message.resize(message.size() - 2);
    return message;
  }

  io::Loop& loop_;
  base::BufferPool pool_;
  io::SocketAddress address_;
  io::Fd udp_;
  io::SocketId listener_;
  std::vector<std::unique_ptr<Delayed>> delayed_;
  std::vector<std::unique_ptr<Client>> clients_;
};

}  // namespace walkie::test
