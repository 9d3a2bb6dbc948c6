#include "log/append_queue.h"

#include <set>
#include <string_view>
#include <utility>

#include "base/try.h"

namespace deltalakedb::log {

namespace {

std::size_t FileCount(const store::TableCommit& commit) { return commit.ending.size(); }

// What two appends of one transaction must not have in common.
class Names {
 public:
  // False, and nothing is noted, where one of the commit's names is there.
  bool Take(const store::TableCommit& commit) {
    if (commits_.contains(commit.commit_id)) return false;
    const auto& app = commit.app_transaction;
    if (app && apps_.contains(app->first)) return false;
    for (const store::EndingFile& file : commit.ending) {
      if (paths_.contains(file.path_key)) return false;
    }
    commits_.insert(commit.commit_id);
    if (app) apps_.insert(app->first);
    for (const store::EndingFile& file : commit.ending) paths_.insert(file.path_key);
    return true;
  }

 private:
  std::set<std::string_view> commits_;
  std::set<std::string_view> apps_;
  std::set<std::string_view> paths_;
};

}  // namespace

bool AppendQueue::Takes(const store::TableCommit& commit) {
  return !commit.expected && !commit.is_in_commit && commit.removes.empty() && commit.cdc.empty() &&
         commit.metadata.empty() && commit.protocol.empty() && commit.domains.empty() &&
         commit.body_parts.empty() && FileCount(commit) <= kAppendedFilesMax &&
         commit.body.size() <= kAppendedBytesMax;
}

std::vector<AppendQueue::Member*> AppendQueue::TakeGroup() {
  std::vector<Member*> group;
  std::deque<Member*> left;
  Names names;
  std::size_t files = 0;
  std::size_t bytes = 0;
  for (Member* const member : waiting_) {
    const store::TableCommit& commit = *member->commit;
    const bool fits = group.empty() || (group.size() < kAppendsMax &&
                                        files + FileCount(commit) <= kAppendedFilesMax &&
                                        bytes + commit.body.size() <= kAppendedBytesMax);
    if (!fits || !names.Take(commit)) {
      left.push_back(member);
      continue;
    }
    group.push_back(member);
    files += FileCount(commit);
    bytes += commit.body.size();
  }
  waiting_ = std::move(left);
  return group;
}

void AppendQueue::Lead(std::unique_lock<std::mutex>& lock) {
  const std::vector<Member*> group = TakeGroup();
  lock.unlock();
  std::vector<const store::TableCommit*> commits;
  commits.reserve(group.size());
  for (const Member* const member : group) commits.push_back(member->commit);
  if (group.size() == 1) {
    auto answer = RunAlone(*commits.front());
    lock.lock();
    group.front()->answer = std::move(answer);
  } else {
    const auto answers = RunTogether(commits);
    lock.lock();
    for (std::size_t i = 0; i < group.size(); ++i) {
      if (answers) {
        group[i]->answer = (*answers)[i];
      } else {
        group[i]->is_alone = true;  // one of them may be at fault
      }
      group[i]->woken.notify_one();
    }
  }
  if (waiting_.empty()) {
    is_led_ = false;
  } else {
    waiting_.front()->leads = true;
    waiting_.front()->woken.notify_one();
  }
}

Result<store::CommitAnswer> AppendQueue::RunAlone(const store::TableCommit& commit) {
  return database_.Retry([&]() -> Result<store::CommitAnswer> {
    DELTALAKEDB_ASSIGN(const auto connection, database_.Acquire());
    return store::RunCommit(*connection, commit);
  });
}

Result<std::vector<store::CommitAnswer>> AppendQueue::RunTogether(
    std::span<const store::TableCommit* const> commits) {
  DELTALAKEDB_ASSIGN(const auto connection, database_.Acquire());
  return store::RunAppends(*connection, commits);
}

Result<store::CommitAnswer> AppendQueue::Run(const store::TableCommit& commit) {
  Member member;
  member.commit = &commit;
  std::unique_lock lock(mutex_);
  waiting_.push_back(&member);
  if (!std::exchange(is_led_, true)) {
    member.leads = true;
  } else {
    member.woken.wait(lock,
                      [&] { return member.leads || member.is_alone || member.answer.has_value(); });
  }
  if (member.leads) Lead(lock);
  lock.unlock();
  return member.answer ? *std::move(member.answer) : RunAlone(commit);
}

}  // namespace deltalakedb::log
