#include "txn/conflict.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <variant>

#include "base/try.h"
#include "log/line_chunks.h"
#include "protocol/arena.h"
#include "protocol/excerpt.h"
#include "protocol/features.h"
#include "protocol/paths.h"
#include "protocol/table_rules.h"
#include "txn/metadata_diff_internal.h"
#include "txn/rebase.h"

namespace deltalakedb::txn {

namespace {

using protocol::Excerpt;

// Operations that give row ids to all files of a table, and take them away again; they change no
// data (Delta Spark's names).
constexpr std::string_view kBackfill = "ROW TRACKING BACKFILL";
constexpr std::string_view kUnbackfill = "ROW TRACKING UNBACKFILL";

bool IsBackfill(std::string_view operation) {
  return operation == kBackfill || operation == kUnbackfill;
}

std::string_view OperationOf(const CommitSummary& winner) {
  if (!winner.commit_info || !winner.commit_info->operation) return {};
  return *winner.commit_info->operation;
}

// A commit that does not say whether it is a blind append is none.
bool IsBlindAppend(const CommitSummary& winner) {
  return winner.commit_info && winner.commit_info->is_blind_append.value_or(false);
}

// One contender against one winner.
class ConflictCheck {
 public:
  ConflictCheck(const Contender& mine, const CommitSummary& winner)
      : mine_(mine),
        winner_(winner),
        isolation_(EffectiveIsolation(mine.staged, mine.isolation)),
        rebase_(mine.base) {}

  // In Delta Spark's order; the numbers are the section's.
  Result<Rebase> Run() {
    DELTALAKEDB_TRY(CheckProtocol());      // 1
    DELTALAKEDB_TRY(CheckMetadata());      // 2
    DELTALAKEDB_TRY(CheckDomains());       // 3
    DELTALAKEDB_TRY(CheckApplications());  // 4
    DELTALAKEDB_TRY(ResolveRowIds());      // 5
    DELTALAKEDB_TRY(CheckAdds());          // 6
    DELTALAKEDB_TRY(CheckReadFiles());     // 7
    DELTALAKEDB_TRY(CheckRemovedFiles());  // 8
    ResolveTimestamp();                    // 9
    rebase_.version = winner_.version;
    return std::move(rebase_);
  }

 private:
  std::unexpected<Error> Conflict(std::string_view name, std::string what) const {
    std::string message =
        fmt::format("version {}, committed meanwhile, {}; read the table again and redo the commit",
                    winner_.version.value(), what);
    return Fail(Error(ErrorCode::kConflict, std::move(message))
                    .With("conflict", std::string(name))
                    .With("version", winner_.version.value()));
  }
  std::unexpected<Error> Conflict(std::string_view name, std::string what, std::string_view fact,
                                  std::string_view value) const {
    std::unexpected<Error> conflict = Conflict(name, std::move(what));
    conflict.error().AddFact(std::string(fact), std::string(value));
    return conflict;
  }
  std::unexpected<Error> FileConflict(std::string_view name, std::string_view does,
                                      const WinnerFile& file) const {
    return Conflict(name, fmt::format("{} {}", does, Excerpt(file.path)), "file", file.path);
  }

  bool IsPartitioned() const { return !rebase_.metadata->partition_columns.empty(); }

  // Whether a file could have what the contender looked for.
  bool CouldMatch(const WinnerFile& file) const {
    if (mine_.reads.whole_table) return true;
    if (!mine_.reads.may_match) return false;
    return !IsPartitioned() || !file.partition_values ||
           mine_.reads.may_match(*file.partition_values);
  }

  std::vector<std::string> FeaturesMissingIn(const Protocol& of, const Protocol& in) const {
    std::vector<std::string> missing;
    const auto there = protocol::FeaturesOf(in);
    for (const std::string& feature : protocol::FeaturesOf(of)) {
      if (!there.contains(feature)) missing.push_back(Excerpt(feature));
    }
    return missing;
  }

  Result<void> CheckProtocol() {
    if (!winner_.protocol) return {};
    const Protocol& theirs = *winner_.protocol;
    const Metadata& metadata = winner_.metadata ? *winner_.metadata : *rebase_.metadata;
    if (auto writable = protocol::CheckWritable(theirs, metadata); !writable) {
      auto conflict = Conflict("ProtocolChanged",
                               fmt::format("changed the protocol: {}", writable.error().message()));
      for (const Error::Fact& fact : writable.error().facts()) {
        conflict.error().AddFact(fact.first, fact.second);
      }
      return conflict;
    }
    if (mine_.staged.protocol()) {
      return Conflict("ProtocolChanged", "changed the protocol, which this commit changes too");
    }
    const auto changed = [&](std::string_view how, const std::vector<std::string>& features) {
      const std::string names = fmt::format("{}", fmt::join(features, ", "));
      return Conflict("ProtocolChanged", fmt::format("{} {}", how, names), "features", names);
    };
    const auto dropped = FeaturesMissingIn(*rebase_.protocol, theirs);
    if (!dropped.empty()) return changed("dropped the features", dropped);
    auto added = FeaturesMissingIn(theirs, *rebase_.protocol);
    std::erase_if(added,
                  [](const std::string& name) { return protocol::MayPassAddedFeature(name); });
    if (!added.empty()) return changed("added features that ask something of this commit:", added);
    rebase_.protocol = std::make_shared<const Protocol>(theirs);
    return {};
  }

  Result<void> CheckMetadata() {
    if (!winner_.metadata) return {};
    if (mine_.staged.metadata()) {
      return Conflict("MetadataChanged", "changed the metadata, which this commit changes too");
    }
    const Metadata& before = *rebase_.metadata;
    const Metadata& after = *winner_.metadata;
    DELTALAKEDB_ASSIGN(const bool is_identity, DifferOnlyInIdentity(before, after));
    if (!is_identity && !OnlyEnablesFeatures(before, after, *rebase_.protocol)) {
      return Conflict("MetadataChanged", "changed the metadata");
    }
    if (protocol::IsTrue(after, protocol::kEnableRowTracking) &&
        !protocol::IsTrue(before, protocol::kEnableRowTracking)) {
      rebase_.row_tracking_not_preserved = true;
    }
    rebase_.metadata = std::make_shared<const Metadata>(after);
    return {};
  }

  Result<void> CheckDomains() {
    for (const DomainMetadata& theirs : winner_.domain_metadata) {
      if (theirs.domain == kRowTrackingDomain) continue;  // ResolveRowIds
      for (const auto& mine : mine_.staged.domain_metadata()) {
        if (mine.action.domain != theirs.domain) continue;
        return Conflict("ConcurrentTransaction",
                        fmt::format("changed the domain {}, which this commit changes too",
                                    Excerpt(theirs.domain)),
                        "domain", theirs.domain);
      }
    }
    return {};
  }

  Result<void> CheckApplications() {
    for (const AppTransaction& theirs : winner_.app_transactions) {
      if (!mine_.reads.app_ids.contains(theirs.app_id)) continue;
      return Conflict("ConcurrentTransaction",
                      fmt::format("is of the application {}, whose progress this commit depends on",
                                  Excerpt(theirs.app_id)),
                      "appId", theirs.app_id);
    }
    return {};
  }

  Result<void> ResolveRowIds() {
    for (const DomainMetadata& theirs : winner_.domain_metadata) {
      if (theirs.domain != kRowTrackingDomain || theirs.removed) continue;
      DELTALAKEDB_ASSIGN(const std::int64_t mark, ParseRowIdHighWaterMark(theirs.configuration));
      rebase_.row_id_high_water_mark = std::max(rebase_.row_id_high_water_mark, mark);
    }
    if (IsBackfill(mine_.operation)) DELTALAKEDB_TRY(CheckOwnBackfill());
    if (OperationOf(winner_) == kBackfill) TakeOverRowIds();
    return {};
  }

  // Such a commit names every file that there is; files that changed meanwhile make it wrong.
  Result<void> CheckOwnBackfill() const {
    std::unordered_set<std::string> paths;
    for (const auto& add : mine_.staged.adds()) paths.insert(CanonicalPath(add.action.path));
    for (const WinnerFile& file : winner_.removes) {
      if (!paths.contains(file.path)) continue;
      return FileConflict("ConcurrentDeleteRead", "removed", file);
    }
    for (const WinnerFile& file : winner_.adds) {
      if (mine_.operation == kBackfill && !paths.contains(file.path)) continue;
      return FileConflict("ConcurrentAppend", "added", file);
    }
    return {};
  }

  void TakeOverRowIds() {
    std::unordered_set<std::string> paths;
    for (const auto& add : mine_.staged.adds()) paths.insert(CanonicalPath(add.action.path));
    for (const auto& remove : mine_.staged.removes()) {
      paths.insert(CanonicalPath(remove.action.path));
    }
    for (const WinnerFile& file : winner_.adds) {
      if (!paths.contains(file.path)) continue;
      rebase_.backfilled[file.path] = {file.base_row_id, file.default_row_commit_version};
    }
  }

  Result<void> CheckAdds() const {
    if (IsBackfill(mine_.operation) || IsBackfill(OperationOf(winner_))) return {};
    if (isolation_ == IsolationLevel::kSnapshotIsolation) return {};
    const bool may_come_before = isolation_ == IsolationLevel::kWriteSerializable &&
                                 !mine_.staged.metadata() && IsBlindAppend(winner_);
    if (may_come_before) return {};
    for (const WinnerFile& file : winner_.adds) {
      if (!CouldMatch(file)) continue;
      return FileConflict("ConcurrentAppend", "added a file that this commit should have read,",
                          file);
    }
    return {};
  }

  // Whether the removal changes data does not matter: who read the file may name it again.
  Result<void> CheckReadFiles() const {
    for (const WinnerFile& file : winner_.removes) {
      if (!mine_.reads.files.contains(file.path) && !CouldMatch(file)) continue;
      return FileConflict("ConcurrentDeleteRead", "removed a file that this commit has read,",
                          file);
    }
    return {};
  }

  Result<void> CheckRemovedFiles() const {
    if (winner_.removes.empty() || mine_.staged.removes().empty()) return {};
    std::unordered_set<std::string_view> theirs;
    for (const WinnerFile& file : winner_.removes) theirs.insert(file.path);
    std::string path;
    for (const auto& remove : mine_.staged.removes()) {
      path.clear();
      protocol::AppendCanonicalPath(remove.action.path, mine_.table_root, path);
      if (!theirs.contains(path)) continue;
      return Conflict("ConcurrentDeleteDelete",
                      fmt::format("removed {}, which this commit removes too", Excerpt(path)),
                      "file", path);
    }
    return {};
  }

  void ResolveTimestamp() {
    Timestamp theirs = winner_.timestamp;
    if (winner_.commit_info && winner_.commit_info->in_commit_timestamp) {
      theirs = std::max(theirs, Timestamp(*winner_.commit_info->in_commit_timestamp));
    }
    rebase_.timestamp = std::max(rebase_.timestamp, theirs);
  }

  std::string CanonicalPath(std::string_view path) const {
    std::string canonical;
    protocol::AppendCanonicalPath(path, mine_.table_root, canonical);
    return canonical;
  }

  const Contender& mine_;
  const CommitSummary& winner_;
  IsolationLevel isolation_;
  Rebase rebase_;
};

WinnerFile::PartitionValues Copy(StringMapView values) {
  WinnerFile::PartitionValues copy;
  for (const StringMapEntry& entry : values) {
    copy.insert_or_assign(std::string(entry.key), entry.value);
  }
  return copy;
}

}  // namespace

void TakeAction(protocol::Action action, std::string_view table_root, CommitSummary& summary) {
  const auto file_of = [&](const auto& mention) {
    WinnerFile file;
    protocol::AppendCanonicalPath(mention.path, table_root, file.path);
    if (mention.deletion_vector) file.dv_id = mention.deletion_vector->UniqueId();
    file.data_change = mention.data_change;
    file.base_row_id = mention.base_row_id;
    file.default_row_commit_version = mention.default_row_commit_version;
    return file;
  };
  if (const auto* const add = std::get_if<AddFile>(&action)) {
    summary.adds.push_back(file_of(*add));
    summary.adds.back().partition_values = Copy(add->partition_values);
  } else if (const auto* const remove = std::get_if<RemoveFile>(&action)) {
    summary.removes.push_back(file_of(*remove));
    if (remove->partition_values) {
      summary.removes.back().partition_values = Copy(*remove->partition_values);
    }
  } else if (auto* const metadata = std::get_if<Metadata>(&action)) {
    summary.metadata = std::move(*metadata);
  } else if (auto* const protocol = std::get_if<Protocol>(&action)) {
    summary.protocol = std::move(*protocol);
  } else if (auto* const transaction = std::get_if<AppTransaction>(&action)) {
    summary.app_transactions.push_back(std::move(*transaction));
  } else if (auto* const domain = std::get_if<DomainMetadata>(&action)) {
    summary.domain_metadata.push_back(std::move(*domain));
  } else if (auto* const info = std::get_if<CommitInfo>(&action); info && !summary.commit_info) {
    summary.commit_info = std::move(*info);
  }
}

Result<CommitSummary> SummarizeCommit(Version version, std::string_view body,
                                      std::string_view table_root) {
  CommitSummary summary;
  summary.version = version;
  protocol::ActionParser parser;
  protocol::Arena arena;
  std::vector<char> padded;
  std::int64_t next_line = 1;
  while (!body.empty()) {
    const std::string_view line = body.substr(0, log::FirstRecordSize(body));
    body.remove_prefix(std::min(line.size() + 1, body.size()));
    const std::int64_t first_line = next_line;
    next_line += 1 + std::ranges::count(line, '\n');
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    padded.resize(line.size() + protocol::kLinePaddingBytes);
    std::memcpy(padded.data(), line.data(), line.size());
    arena.Reset();
    auto action =
        parser.Parse({padded.data(), line.size()}, protocol::FileDetail::kWithoutStats, arena);
    if (!action) {
      return Fail(std::move(action).error().With("line", first_line));
    }
    TakeAction(*std::move(action), table_root, summary);
  }
  if (summary.commit_info && summary.commit_info->in_commit_timestamp) {
    summary.timestamp = Timestamp(*summary.commit_info->in_commit_timestamp);
  }
  return summary;
}

Result<Rebase> StandOn(const TableState& state) {
  Rebase base;
  base.version = state.version;
  base.timestamp = state.timestamp;
  base.protocol = std::make_shared<const Protocol>(state.protocol);
  base.metadata = std::make_shared<const Metadata>(state.metadata);
  const auto domain = state.domain_metadata.find(std::string(kRowTrackingDomain));
  if (domain != state.domain_metadata.end()) {
    DELTALAKEDB_ASSIGN(base.row_id_high_water_mark, ParseRowIdHighWaterMark(domain->second));
  }
  return base;
}

SummaryNeeds NeedsOf(const Contender& mine) {
  const bool is_backfill = IsBackfill(mine.operation);
  const bool looks = mine.reads.whole_table || mine.reads.may_match != nullptr;
  const bool names_files = !mine.staged.adds().empty() || !mine.staged.removes().empty();
  const bool minds_appends = looks && EffectiveIsolation(mine.staged, mine.isolation) !=
                                          IsolationLevel::kSnapshotIsolation;
  // Of a backfill, which tells who it is by its operation only.
  const bool minds_row_ids = names_files && protocol::Supports(*mine.base.protocol, "rowTracking");
  SummaryNeeds needs;
  needs.adds = minds_appends || is_backfill || minds_row_ids;
  needs.removes = mine.reads.DependsOnFiles() || is_backfill || !mine.staged.removes().empty();
  return needs;
}

bool IsBlindAppend(const protocol::StagedActions& staged, const TransactionReads& reads) {
  return staged.removes().empty() && staged.cdc().empty() && !reads.DependsOnFiles();
}

IsolationLevel EffectiveIsolation(const protocol::StagedActions& staged, IsolationLevel asked) {
  const auto changes_data = [](const auto& file) { return file.action.data_change; };
  const bool has_others = staged.metadata() || staged.protocol() ||
                          !staged.app_transactions().empty() || !staged.domain_metadata().empty() ||
                          !staged.unknown_lines().empty();
  if (has_others || std::ranges::any_of(staged.adds(), changes_data) ||
      std::ranges::any_of(staged.removes(), changes_data) ||
      std::ranges::any_of(staged.cdc(), changes_data)) {
    return asked;
  }
  return IsolationLevel::kSnapshotIsolation;
}

Result<Rebase> CheckConflicts(const Contender& mine, const CommitSummary& winner) {
  if (winner.version != mine.base.version.next()) {
    return Fail(Error(ErrorCode::kInternal,
                      fmt::format("version {} was compared with a commit that stands on version {}",
                                  winner.version.value(), mine.base.version.value())));
  }
  return ConflictCheck(mine, winner).Run();
}

}  // namespace deltalakedb::txn
