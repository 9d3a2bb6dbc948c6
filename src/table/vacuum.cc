#include "table/vacuum.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "data/data_folder.h"
#include "protocol/features.h"
#include "protocol/interval.h"
#include "protocol/paths.h"
#include "protocol/table_rules.h"
#include "storage/checkpoint_parquet.h"
#include "table/needed_files.h"

namespace deltalakedb::table {

namespace {

constexpr std::string_view kRetentionProperty = "delta.deletedFileRetentionDuration";
// Where it is not set (PROTOCOL.md, Table properties).
constexpr std::chrono::milliseconds kRetentionDefault = std::chrono::weeks(1);

constexpr std::string_view kLogFolder = "_delta_log";
constexpr std::string_view kChangeDataFolder = "_change_data";

// ---- the retention ------------------------------------------------------------------------------

std::string Hours(std::int64_t ms) {
  return fmt::format("{:g} hours", static_cast<double>(ms) / 3'600'000.0);
}

// What the table asks for.
Result<std::int64_t> RetentionOf(const Metadata& metadata) {
  const auto found = metadata.configuration.find(std::string(kRetentionProperty));
  if (found == metadata.configuration.end()) return kRetentionDefault.count();
  const auto retention = protocol::ParseInterval(found->second);
  if (retention) return retention->count();
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("the table's {} is \"{}\", which is no interval; set it, or give a "
                                "retention and force it",
                                kRetentionProperty, found->second))
                  .With("property", std::string(kRetentionProperty)));
}

Result<std::int64_t> FindRetention(const Metadata& metadata, const VacuumOptions& options) {
  const std::int64_t given = options.retention_ms.value_or(0);
  if (given < 0) {
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("a retention cannot be negative, as {} ms is", given))
                    .With("retentionMs", given));
  }
  if (options.retention_ms && options.force) return given;
  DELTALAKEDB_ASSIGN(const std::int64_t least, RetentionOf(metadata));
  if (!options.retention_ms || given >= least) return options.retention_ms.value_or(least);
  return Fail(Error(ErrorCode::kInvalidArgument,
                    fmt::format("a retention of {} is shorter than the {} that the table asks for "
                                "({}): readers and writers may still use files that would go; "
                                "force it where you know that nobody does",
                                Hours(given), Hours(least), kRetentionProperty))
                  .With("retentionMs", given)
                  .With("tableRetentionMs", least));
}

// ---- what is needed -----------------------------------------------------------------------------

// Adds what commits since `cutoff` name. Answers whether the log has all of these, so that what
// went before it does not know went before the cutoff.
Result<bool> AddRecentCommits(const TransactionLog& log, Version latest, Timestamp cutoff,
                              NeededFiles& needed) {
  HistoryOptions recent;
  recent.since = cutoff;
  DELTALAKEDB_ASSIGN(const auto history, log.LoadHistory(recent));
  bool is_complete = history.empty() || history.front().version >= latest;
  Version next = history.empty() ? latest.next() : history.front().version.next();
  for (const HistoryEntry& entry : history) {
    is_complete = is_complete && entry.version.next() == next;
    next = entry.version;
    auto text = log.LoadCommitText(entry.version);
    if (!text && text.error().code() == ErrorCode::kNotFound) {
      is_complete = false;
      continue;
    }
    if (!text) return Fail(std::move(text).error());
    DELTALAKEDB_TRY(needed.AddCommit(*std::move(text), entry.version));
  }
  if (next == Version(0) || !is_complete) return is_complete;
  HistoryOptions before;
  before.until = Timestamp(cutoff.ms() - 1);
  before.limit = 1;
  DELTALAKEDB_ASSIGN(const auto older, log.LoadHistory(before));
  return !older.empty() && older.front().version.next() == next;
}

Result<void> AddLiveFiles(const Snapshot& snapshot, NeededFiles& needed) {
  DELTALAKEDB_ASSIGN(const auto files, snapshot.OpenFiles({.with_stats = false}));
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files->Next());
    if (!batch) return {};
    for (const AddFile& add : batch->files()) {
      DELTALAKEDB_TRY(needed.Add(add.path, add.deletion_vector));
    }
  }
}

// `has_all_commits`: AddRecentCommits has answered so.
Result<void> AddTombstones(const TransactionLog& log, Version version, Timestamp cutoff,
                           bool has_all_commits, NeededFiles& needed) {
  const Timestamp expiry(has_all_commits ? cutoff.ms() - 1 : -1);
  return log.VisitTombstones(
      version, expiry, [&](const storage::RemoveBatch& batch) -> Result<void> {
        for (const RemoveFile& remove : batch.files) {
          const bool is_needed = remove.deletion_timestamp
                                     ? Timestamp(*remove.deletion_timestamp) >= cutoff
                                     : !has_all_commits;
          if (is_needed) DELTALAKEDB_TRY(needed.Add(remove.path, remove.deletion_vector));
        }
        return {};
      });
}

// ---- what is there ------------------------------------------------------------------------------

// Which names below a table's folder vacuum looks at.
class Names {
 public:
  explicit Names(const protocol::TableRules& rules) {
    for (const auto& column : rules.partition_columns) {
      columns_.insert(column.name);
      columns_.insert(column.physical_name);
    }
  }

  bool IsFile(std::string_view below) const { return !IsHidden(NameOf(below)); }
  bool IsFolder(std::string_view below) const {
    const std::string_view name = NameOf(below);
    return !IsHidden(name) || below == kChangeDataFolder || IsPartition(name);
  }
  // The folder of a table whose log the folder `below` is.
  static std::optional<std::string_view> FindTable(std::string_view below) {
    if (NameOf(below) != kLogFolder || below == kLogFolder) return std::nullopt;
    return below.substr(0, below.size() - kLogFolder.size() - 1);
  }

 private:
  static std::string_view NameOf(std::string_view below) {
    return below.substr(below.rfind('/') + 1);
  }
  static bool IsHidden(std::string_view name) {
    return name.starts_with('_') || name.starts_with('.');
  }
  bool IsPartition(std::string_view name) const {
    const std::size_t end = name.find('=');
    return end != std::string_view::npos &&
           columns_.contains(protocol::PercentDecode(name.substr(0, end)));
  }

  std::set<std::string, std::less<>> columns_;  // as people know them, and physical names
};

// Folders, and single files, that are not this table's.
class Places {
 public:
  void Add(std::string_view below) { places_.emplace(below); }
  bool Has(std::string_view below) const {
    if (places_.empty()) return false;
    for (std::size_t at = below.find('/'); at != std::string_view::npos;
         at = below.find('/', at + 1)) {
      if (places_.contains(below.substr(0, at))) return true;
    }
    return places_.contains(below);
  }

 private:
  std::set<std::string, std::less<>> places_;
};

struct Candidate {
  std::string path;
  std::int64_t size_bytes = 0;
};

class Vacuum {
 public:
  Vacuum(const VacuumInput& input, const VacuumOptions& options)
      : log_(input.log),
        file_system_(input.file_system),
        options_(options),
        table_root_(log_.table_root()),
        folder_(data::DataFolder::OfRoot(table_root_).path()),
        needed_(table_root_) {}

  Result<VacuumReport> Run();

 private:
  Result<void> FindNeeded(const Snapshot& snapshot, Timestamp cutoff);
  Result<void> FindOtherPlaces();
  // What is there, below the folder, that nothing needs.
  Result<std::vector<Candidate>> FindCandidates(const Names& names, Timestamp cutoff);
  Result<void> Remove(const std::vector<Candidate>& candidates);
  // Takes up what was committed since the last look.
  Result<void> LookAtLog();

  const TransactionLog& log_;
  const storage::FileSystem& file_system_;
  const VacuumOptions& options_;
  std::string table_root_;
  std::string folder_;
  NeededFiles needed_;
  Places places_;
  Version looked_at_;  // the version up to which `needed_` or `late_` has all commits
  std::optional<NeededFiles> late_;
  VacuumReport report_;
};

Result<void> Vacuum::FindNeeded(const Snapshot& snapshot, Timestamp cutoff) {
  looked_at_ = snapshot.version();
  DELTALAKEDB_TRY(AddLiveFiles(snapshot, needed_));
  DELTALAKEDB_ASSIGN(const bool has_all_commits,
                     AddRecentCommits(log_, snapshot.version(), cutoff, needed_));
  return AddTombstones(log_, snapshot.version(), cutoff, has_all_commits, needed_);
}

Result<void> Vacuum::FindOtherPlaces() {
  DELTALAKEDB_ASSIGN(const auto places, log_.ListOtherPlaces());
  for (const std::string& place : places) {
    const auto below = needed_.FindBelow(place);
    // A mirror's place may be the folder itself.
    if (below && !below->empty()) places_.Add(*below);
  }
  return {};
}

Result<std::vector<Candidate>> Vacuum::FindCandidates(const Names& names, Timestamp cutoff) {
  std::vector<Candidate> found;
  std::vector<std::string> links;
  storage::TreeVisitor visitor;
  visitor.enters = [&](std::string_view folder) {
    if (const auto table = Names::FindTable(folder)) places_.Add(*table);
    return names.IsFolder(folder);
  };
  visitor.visit = [&](storage::TreeFile file) -> Result<void> {
    if (!names.IsFile(file.path)) return {};
    ++report_.files_kept;
    if (file.is_link) {
      links.push_back(std::move(file.path));
    } else if (file.modified < cutoff && !needed_.Has(file.path)) {
      found.emplace_back(std::move(file.path), file.size_bytes);
    }
    return {};
  };
  const auto listed = file_system_.ListTree(folder_, visitor);
  // A table that has no file yet may have no folder either.
  if (!listed && listed.error().code() != ErrorCode::kNotFound) return Fail(listed.error());
  for (const std::string& link : links) {
    if (const auto target = needed_.Resolve(link)) places_.Add(*target);
  }
  std::erase_if(found, [&](const Candidate& file) { return places_.Has(file.path); });
  std::ranges::sort(found, {}, &Candidate::path);
  return found;
}

Result<void> Vacuum::LookAtLog() {
  DELTALAKEDB_ASSIGN(const Version latest, log_.LoadLatestVersion());
  if (latest <= looked_at_) return {};
  if (!late_) late_.emplace(table_root_);
  for (; looked_at_ < latest; looked_at_ = looked_at_.next()) {
    DELTALAKEDB_ASSIGN(auto text, log_.LoadCommitText(looked_at_.next()));
    DELTALAKEDB_TRY(late_->AddCommit(std::move(text), looked_at_.next()));
  }
  return {};
}

Result<void> Vacuum::Remove(const std::vector<Candidate>& candidates) {
  std::size_t looked_up = 0;
  for (const auto& [path, size_bytes] : candidates) {
    Result<void> done;
    if (looked_up++ % kVacuumFilesAtOnce == 0) done = LookAtLog();
    if (done && late_ && late_->Has(path)) continue;
    if (done) done = file_system_.Remove(folder_ + "/" + path);
    if (!done) {
      return Fail(std::move(done)
                      .error()
                      .In(fmt::format("vacuum stopped after it had removed {} of {} files",
                                      report_.files.size(), candidates.size()))
                      .With("removed", std::ssize(report_.files)));
    }
    report_.files.push_back(path);
    report_.size_in_bytes += size_bytes;
  }
  return {};
}

Result<VacuumReport> Vacuum::Run() {
  DELTALAKEDB_ASSIGN(const auto snapshot, log_.LoadSnapshot(TableVersion::Latest()));
  DELTALAKEDB_TRY(protocol::CheckManagedByFiles(snapshot->protocol()));
  DELTALAKEDB_TRY(protocol::CheckWritable(snapshot->protocol(), snapshot->metadata()));
  DELTALAKEDB_ASSIGN(const std::int64_t retention, FindRetention(snapshot->metadata(), options_));
  DELTALAKEDB_ASSIGN(const Timestamp now, log_.LoadClock());
  const Timestamp cutoff(retention < now.ms() ? now.ms() - retention : 0);
  DELTALAKEDB_TRY(FindNeeded(*snapshot, cutoff));
  DELTALAKEDB_TRY(FindOtherPlaces());
  DELTALAKEDB_ASSIGN(const auto rules,
                     protocol::TableRules::Make(snapshot->protocol(), snapshot->metadata()));
  DELTALAKEDB_ASSIGN(const auto candidates, FindCandidates(Names(rules), cutoff));
  if (options_.is_dry_run) {
    for (const auto& [path, size_bytes] : candidates) {
      report_.files.push_back(path);
      report_.size_in_bytes += size_bytes;
    }
  } else {
    DELTALAKEDB_TRY(Remove(candidates));
  }
  report_.files_kept -= std::ssize(report_.files);
  return std::move(report_);
}

}  // namespace

Result<VacuumReport> VacuumTable(const VacuumInput& input, const VacuumOptions& options) {
  return Vacuum(input, options).Run();
}

}  // namespace deltalakedb::table
