// SPDX-License-Identifier: MIT
// One connection of a server: its link, and what the application knows about it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <base/slab.hpp>
#include <io/endpoint.hpp>
#include <link/h1_link.hpp>
#include <proto/shared_frame.hpp>
#include <server/answers.hpp>
#include <server/route.hpp>
#include <server/router.hpp>
#include <server/topics.hpp>
#include <walkie/peer.hpp>

namespace walkie::server {

class Shard;

/// Lives in its shard's slab; never moves. Calls on the shard's thread only.
class Session final : private link::LinkHandler {
 public:
  /// `refusal` is the HTTP status that every request gets where the server is full; 0: none.
  Session(base::SlabKey key, Shard& shard, std::string remote, int refusal);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Under TLS where `filter` is given.
  [[nodiscard]] Result<void> start(io::Fd fd, std::unique_ptr<tls::Filter> filter) {
    return link_.start(std::move(fd), std::move(filter));
  }

  // -- what a Peer can do; the WebSocket is not open: `closing` --
  SendStatus send(MessageView message, Compression compression);
  SendStatus send_shared(proto::SharedFrame& frame);
  SendStatus send_piece(MessageKind kind, BytesView bytes, bool last, Compression compression);
  /// A piece of a message is lost, so the rest must not follow: ends the connection with 1013.
  void abandon_message();
  SendStatus ping(std::string_view payload);
  SendStatus close(CloseCode code, std::string_view reason);
  SendStatus subscribe(std::string_view topic);
  SendStatus unsubscribe(std::string_view topic);
  [[nodiscard]] std::size_t queued_bytes() const noexcept { return link_.queued_bytes(); }
  [[nodiscard]] std::optional<Duration> round_trip() const noexcept;
  [[nodiscard]] std::string_view remote() const noexcept { return remote_; }
  [[nodiscard]] void* state() const noexcept { return state_.get(); }

  /// Answers request `number`, where it still waits.
  void answer(std::uint32_t number, Answer answer);

  // -- drain --
  [[nodiscard]] bool is_websocket() const noexcept { return route_ != nullptr; }
  void finish_http() { link_.finish_http(); }
  void abort() { link_.abort(); }
  [[nodiscard]] const link::H1Link& link() const noexcept { return link_; }
  [[nodiscard]] bool refused() const noexcept { return refusal_ != 0; }
  /// Host of the remote address, as admission counts it; empty for unix sockets.
  [[nodiscard]] std::string remote_host() const;

 private:
  struct Pending;

  void on_secured() override;
  void on_insecure(std::string_view kind, std::string_view reason) override;
  void on_request(const http::Request& request) override;
  void on_bad_request(http::HeadError error) override;
  void on_answer_timeout() override;
  std::string_view date() override;
  void on_event(const proto::Event& event) override;
  void on_drain() override;
  void on_released() override;

  void dispatch(const http::Request& request);
  void begin_upgrade(const http::Request& request, const Route& route,
                     const Parameters& parameters);
  void handle_http(const http::Request& request, const HttpHandler& handler,
                   const Parameters& parameters);
  void apply_any(Answer& answer);
  void apply(UpgradeAccepted accepted);
  [[nodiscard]] bool make_state(const Route& route, std::shared_ptr<void>& state);
  void apply(Reject rejected);
  void apply(const HttpResponse& response);
  void respond(int status, std::string_view text,
               std::vector<std::pair<std::string, std::string>> fields = {});
  void reject_handshake(int status, std::string_view text, std::string_view clause,
                        std::vector<std::pair<std::string, std::string>> fields = {});
  void end(const proto::Event& event);
  [[nodiscard]] Peer peer() const noexcept;
  [[nodiscard]] proto::Connection* open_websocket() noexcept;
  void count_dropped(const proto::Connection& websocket) noexcept;
  SendStatus sent(const proto::Connection& websocket, SendStatus status, std::size_t payload_bytes);
  template <class Handler, class... Args>
  void call(const Handler& handler, Args&&... args);
  void warn_of_bad_field();
  void fail_handler(std::string_view what);

  Shard& shard_;
  link::H1Link link_;
  const Route* route_ = nullptr;  ///< Set once upgraded.
  std::shared_ptr<void> state_;
  Memberships memberships_;
  std::unique_ptr<Pending> pending_;  ///< A request without its answer.
  std::string remote_;
  base::SlabKey key_;
  std::uint32_t requests_ = 0;
  std::uint32_t dropped_counted_ = 0;
  std::uint16_t refusal_;
  bool ended_ = false;  ///< on_close was called.
};

}  // namespace walkie::server
