// SPDX-License-Identifier: MIT
// Keeping both sides of each subscription in step.
#include <server/topics.hpp>

#include <algorithm>

namespace walkie::server {
namespace {

std::size_t position_of(const std::vector<Membership>& list, const Topic* topic) {
  const auto found = std::ranges::find(list, topic, &Membership::topic);
  return static_cast<std::size_t>(found - list.begin());
}

}  // namespace

void Topics::subscribe(Session& session, Memberships& memberships, std::string_view name) {
  auto found = topics_.find(name);
  if (found == topics_.end()) {
    auto topic = std::make_unique<Topic>();
    topic->name = name;
    found = topics_.emplace(std::string(name), std::move(topic)).first;
  }
  Topic& topic = *found->second;
  if (!memberships.list_) memberships.list_ = std::make_unique<std::vector<Membership>>();
  auto& list = *memberships.list_;
  if (position_of(list, &topic) != list.size()) return;
  const auto index = static_cast<std::uint32_t>(topic.members.size());
  topic.members.push_back({&session, &memberships, static_cast<std::uint32_t>(list.size())});
  list.push_back({&topic, index});
  ++subscriptions_;
}

void Topics::unsubscribe(Memberships& memberships, std::string_view name) {
  const auto found = topics_.find(name);
  if (found == topics_.end() || !memberships.list_) return;
  const std::size_t position = position_of(*memberships.list_, found->second.get());
  if (position == memberships.list_->size()) return;
  remove(memberships, position);
}

void Topics::unsubscribe_all(Memberships& memberships) {
  while (memberships.size() > 0) remove(memberships, memberships.size() - 1);
}

const Topic* Topics::find(std::string_view name) const {
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

/// Both lists fill the gap with their last entry, whose other side is told its new place.
void Topics::remove(Memberships& memberships, std::size_t position) {
  auto& list = *memberships.list_;
  const Membership gone = list[position];
  auto& members = gone.topic->members;
  members[gone.index] = members.back();
  members.pop_back();
  if (gone.index < members.size()) {
    const Topic::Member& moved = members[gone.index];
    (*moved.memberships->list_)[moved.back].index = gone.index;
  }
  list[position] = list.back();
  list.pop_back();
  if (position < list.size())
    list[position].topic->members[list[position].index].back = static_cast<std::uint32_t>(position);
  if (list.empty()) memberships.list_.reset();
  --subscriptions_;
  if (members.empty()) topics_.erase(topics_.find(std::string_view(gone.topic->name)));
}

}  // namespace walkie::server
