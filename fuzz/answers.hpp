// SPDX-License-Identifier: MIT
// How fuzzers feed an answer to the client's HTTP connection: whole, and cut.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <base/assert.hpp>
#include <base/buffer_pool.hpp>
#include <base/header_field.hpp>
#include <http/client_connection.hpp>

#include "pieces.hpp"

namespace walkie::fuzz {

inline constexpr http::ClientConnectionOptions kAnswerOptions{
    .limits = {.head_bytes_max = 800, .fields_max = 12},
    .body_bytes_max = 100,
    .interim_answers_max = 2};

/// What an event says, as text.
inline std::string record_of(const http::ClientEvent& event) {
  if (event.kind == http::ClientEvent::Kind::failed) {
    WALKIE_ASSERT(event.ended_early == (event.error == http::HeadError::none));
    return "failed: " + std::string(http::facts_of(event.error).text);
  }
  WALKIE_ASSERT(event.head->status == 101 || event.head->status >= 200);
  WALKIE_ASSERT(event.body.size() <= kAnswerOptions.body_bytes_max);
  std::string record = std::to_string(event.head->status);
  record.append(" ").append(event.head->reason);
  for (const HeaderField& field : event.head->fields)
    record.append("\n").append(field.name).append(":").append(field.value);
  record.append("\n\n").append(text_of(event.body));
  return event.body_cut ? record.append("...") : record;
}

/// Feeds `input`, then perhaps the connection's end, and calls `told` with the event, if one comes.
/// What came of it, with what is left over.
inline std::string feed(std::string_view method, std::string_view input, Cuts cuts, bool ends,
                        const std::function<void(const http::ClientEvent&)>& told) {
  base::BufferPool pool;
  std::string record;
  {
    http::ClientConnection connection(kAnswerOptions, pool);
    WALKIE_ASSERT(connection.request(method, "/", {}));
    const auto poll = [&] {
      const auto event = connection.poll_event();
      if (!event) return;
      WALKIE_ASSERT(record.empty());
      record = record_of(*event);
      told(*event);
    };
    for (std::size_t at = 0; at < input.size();) {
      const std::size_t piece = cuts.next(input.size() - at);
      const Exact bytes(input.substr(at, piece));
      connection.receive(bytes_of(bytes.view()));
      at += piece;
      poll();
    }
    if (ends) connection.receive_end();
    poll();
    WALKIE_ASSERT(!ends || !record.empty());
    const auto rest = text_of(connection.leftover());
    WALKIE_ASSERT(input.ends_with(rest));
    record.append("+").append(rest);
  }
  WALKIE_ASSERT(pool.lent_bytes() == 0);
  return record;
}

}  // namespace walkie::fuzz
