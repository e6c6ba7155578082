// SPDX-License-Identifier: MIT
// Who on this shard listens to what: topics and their members, both sides indexed, so that joining,
// leaving and ending are O(1) for each subscription.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace walkie::server {

class Session;
struct Topic;

/// A session's place in a topic.
struct Membership {
  Topic* topic;
  std::uint32_t index;  ///< In topic->members.
};

/// A session's subscriptions; allocates nothing while there are none.
class Memberships {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return list_ ? list_->size() : 0; }

 private:
  friend class Topics;
  std::unique_ptr<std::vector<Membership>> list_;
};

/// One topic's members, in no order.
struct Topic {
  struct Member {
    Session* session;
    Memberships* memberships;
    std::uint32_t back;  ///< Index of this topic in the session's list.
  };
  std::string name;
  std::vector<Member> members;
};

/// One shard's topics. Not thread safe.
class Topics {
 public:
  /// Does nothing where the session is a member already.
  void subscribe(Session& session, Memberships& memberships, std::string_view name);
  /// Does nothing where it is no member.
  void unsubscribe(Memberships& memberships, std::string_view name);
  void unsubscribe_all(Memberships& memberships);
  /// Null where nobody listens. Valid until the next change.
  [[nodiscard]] const Topic* find(std::string_view name) const;
  [[nodiscard]] std::size_t subscriptions() const noexcept { return subscriptions_; }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>{}(name);
    }
  };
  void remove(Memberships& memberships, std::size_t position);

  std::unordered_map<std::string, std::unique_ptr<Topic>, Hash, std::equal_to<>> topics_;
  std::size_t subscriptions_ = 0;
};

}  // namespace walkie::server
