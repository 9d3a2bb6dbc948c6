#include "mirror/duckdb/publish.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/try.h"
#include "data/data_folder.h"
#include "deltalakedb/schema.h"
#include "mirror/duckdb/file_parts.h"
#include "mirror/duckdb/mirror_file.h"
#include "mirror/duckdb/mirrored_file.h"
#include "mirror/duckdb/view_text.h"
#include "protocol/features.h"

namespace deltalakedb::mirror {

namespace {

// Files that are put in at once where all are put in.
constexpr std::size_t kFilesAtOnce = 10'000;

// What a table is at the version that a step ends with.
struct Target {
  std::shared_ptr<const Snapshot> snapshot;
  Schema schema;

  const Metadata& metadata() const { return snapshot->metadata(); }
};

// One transaction of the mirror.
class Step {
 public:
  // `may_adopt`: nothing of the table was published yet.
  Step(const TableFeed& feed, const data::DataFolder& folder, MirrorFile& mirror, bool may_adopt)
      : feed_(feed), folder_(folder), mirror_(mirror), may_adopt_(may_adopt) {}

  // Brings the table forward as far as one transaction goes. Answers how far it is then; nothing is
  // left to be committed where it was there already.
  struct Outcome {
    Version version;
    bool has_changes = false;
  };
  Result<Outcome> Run();

 private:
  Result<void> CheckSameHistory() const;
  Result<Target> LoadTarget(Version version) const;
  Result<void> PutAll(const Target& target);
  // Answers whether it could: a commit may have no text.
  Result<bool> ReadCommits();
  Result<void> PutCommits(const Target& target);
  Result<void> PutVersions(Version from, Version to);
  Result<void> Insert(const Target& target, std::vector<MirroredFile>& files);
  Result<void> DefineView(const Target& target);
  bool is_new() const { return !before_; }

  const TableFeed& feed_;
  const data::DataFolder& folder_;
  MirrorFile& mirror_;
  bool may_adopt_;
  std::optional<MirroredTable> before_;
  MirroredTable table_;
  bool must_define_ = false;
  Version end_;
  std::vector<FileAction> actions_;
  FileParts parts_;
  std::int64_t next_file_id_ = 0;
};

Result<Step::Outcome> Step::Run() {
  DELTALAKEDB_ASSIGN(before_, mirror_.FindTable(feed_.table_id));
  const Version last = feed_.versions.last;
  if (!before_ && may_adopt_) {
    DELTALAKEDB_ASSIGN(before_, mirror_.AdoptTable(feed_.table, feed_.location, feed_.table_id));
    // Of its versions nothing is known to be this table's.
    if (before_) before_->version = Version(feed_.versions.first.value() - 1);
  }
  if (before_) {
    table_ = *before_;
    // Another publisher, which began later, may be further than this one.
    if (table_.version > last) return Outcome{.version = last};
    DELTALAKEDB_TRY(CheckSameHistory());
    DELTALAKEDB_ASSIGN(const bool has_view, mirror_.IsNameTaken(table_.view_name));
    must_define_ = !has_view || table_.view_name != feed_.table;
    if (table_.version == last && !must_define_) return Outcome{.version = last};
  }
  DELTALAKEDB_ASSIGN(const bool is_step, ReadCommits());
  if (!is_step) {
    end_ = last;
    actions_.clear();
  }
  DELTALAKEDB_ASSIGN(const Target target, LoadTarget(end_));
  DELTALAKEDB_TRY(CheckViewable(feed_.table, target.schema));
  const Version from = is_new() || !is_step ? feed_.versions.first : table_.version.next();
  table_.location = feed_.location;
  table_.version = end_;
  table_.timestamp = target.snapshot->timestamp();
  if (is_new()) {
    table_.view_name = feed_.table;
    DELTALAKEDB_TRY(mirror_.InsertTable(table_, feed_.table_id));
  }
  DELTALAKEDB_ASSIGN(parts_, FileParts::Load(mirror_, table_.table_no));
  DELTALAKEDB_ASSIGN(next_file_id_, mirror_.FindNextFileId());
  DELTALAKEDB_TRY(is_step ? PutCommits(target) : PutAll(target));
  DELTALAKEDB_TRY(PutVersions(from, end_));
  DELTALAKEDB_TRY(parts_.Write(mirror_, table_.table_no, is_new()));
  DELTALAKEDB_TRY(DefineView(target));
  DELTALAKEDB_TRY(mirror_.UpdateTable(table_));
  return Outcome{.version = end_, .has_changes = true};
}

// The catalog may have been put back to an earlier state, and gone on differently.
Result<void> Step::CheckSameHistory() const {
  if (table_.version < feed_.versions.first) return {};
  DELTALAKEDB_ASSIGN(const auto snapshot, feed_.load_snapshot(table_.version));
  if (snapshot->timestamp() == table_.timestamp) return {};
  return Fail(Error(ErrorCode::kConflict,
                    fmt::format("the mirror's version {} of table {} was committed at another time "
                                "than the catalog's ({} and {} ms since 1970): delete the mirror's "
                                "file to have it made anew",
                                table_.version.value(), feed_.table, table_.timestamp.ms(),
                                snapshot->timestamp().ms()))
                  .With("version", table_.version.value()));
}

Result<Target> Step::LoadTarget(Version version) const {
  DELTALAKEDB_ASSIGN(auto snapshot, feed_.load_snapshot(version));
  DELTALAKEDB_TRY(protocol::CheckReadable(snapshot->protocol()));
  if (!snapshot->metadata().schema_string) {
    return Fail(ErrorCode::kCorrupt, fmt::format("table {} has no schema", feed_.table));
  }
  DELTALAKEDB_ASSIGN(auto schema, Schema::Parse(*snapshot->metadata().schema_string));
  return Target{.snapshot = std::move(snapshot), .schema = std::move(schema)};
}

// ---- files --------------------------------------------------------------------------------------

Result<bool> Step::ReadCommits() {
  if (is_new() || table_.version < feed_.versions.first) return false;
  end_ = table_.version;
  const FileReader reader(folder_);
  while (end_ < feed_.versions.last && actions_.size() < kActionsPerStep &&
         end_.value() - table_.version.value() < kVersionsPerStep) {
    auto text = feed_.load_commit(end_.next());
    const bool is_too_long = !text && text.error().code() == ErrorCode::kLimitExceeded;
    if (is_too_long || (text && !*text)) return false;
    if (!text) return Fail(std::move(text).error());
    // What a damaged text did is in the state of the table.
    const auto read = reader.ReadCommit(**std::move(text), actions_);
    if (!read && read.error().code() == ErrorCode::kCorrupt) return false;
    if (!read) return Fail(read.error());
    end_ = end_.next();
  }
  return true;
}

// A path is live once at most: whatever vector it has then is that of its newest add.
Result<void> Step::PutCommits(const Target& target) {
  struct State {
    std::optional<LiveFile> before;
    std::optional<std::string> vector_id;  // while it is live
    bool is_live = false;
    MirroredFile* added = nullptr;
  };
  std::map<std::string_view, State> states;
  std::set<std::string_view> paths;
  for (const FileAction& action : actions_) paths.insert(action.file.path);
  DELTALAKEDB_ASSIGN(auto found, mirror_.FindFiles(table_.table_no, paths));
  for (const std::string_view path : paths) states.try_emplace(path);
  for (LiveFile& file : found) {
    State& state = states[*paths.find(file.path)];
    state.vector_id = file.vector_id;
    state.is_live = true;
    state.before = std::move(file);
  }
  for (FileAction& action : actions_) {
    State& state = states[action.file.path];
    auto vector_id = action.file.VectorId();
    if (action.is_add) {
      state.added = &action.file;
      state.is_live = true;
      state.vector_id = std::move(vector_id);
    } else if (state.is_live && state.vector_id == vector_id) {
      state.added = nullptr;
      state.is_live = false;
    }
  }
  std::vector<std::int64_t> gone;
  std::vector<MirroredFile> added;
  for (State& state : states | std::views::values) {
    if (state.before && (!state.is_live || state.added != nullptr)) {
      gone.push_back(state.before->file_id);
      parts_.Remove(state.before->part);
    }
    if (state.added != nullptr) added.push_back(*state.added);
  }
  DELTALAKEDB_TRY(mirror_.DeleteFiles(gone));
  return Insert(target, added);
}

Result<void> Step::PutAll(const Target& target) {
  if (!is_new()) {
    DELTALAKEDB_TRY(mirror_.DeleteAll(table_.table_no));
    parts_.RemoveAll();
  }
  const FileReader reader(folder_);
  DELTALAKEDB_ASSIGN(const auto stream, target.snapshot->OpenFiles({.with_stats = false}));
  std::vector<MirroredFile> files;
  std::unordered_set<std::string> paths;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, stream->Next());
    if (!batch) return Insert(target, files);
    for (const AddFile& add : batch->files()) {
      files.push_back(reader.Read(add));
      if (paths.insert(files.back().path).second) continue;
      return Fail(Error(ErrorCode::kUnsupported,
                        fmt::format("table {} has the file {} more than once, with different "
                                    "deletion vectors, which a view cannot show",
                                    feed_.table, add.path))
                      .With("file", std::string(add.path)));
    }
    if (files.size() >= kFilesAtOnce) {
      DELTALAKEDB_TRY(Insert(target, files));
      files.clear();
    }
  }
}

Result<void> Step::Insert(const Target& target, std::vector<MirroredFile>& files) {
  const bool has_timestamps = HasTimestamps(target.schema, target.metadata().partition_columns);
  const std::set<std::string> moments = ColumnsOfMoments(target.metadata(), target.schema);
  std::vector<NewFile> rows;
  std::vector<DeletedRow> deleted;
  for (MirroredFile& file : files) {
    DELTALAKEDB_TRY(NormalizePartitionValues(target.metadata(), target.schema, file));
    bool is_zoneless = false;
    if (has_timestamps) {
      DELTALAKEDB_ASSIGN(is_zoneless, data::DataFolder::HasZonelessTimestamps(file.path, moments));
    }
    const std::int64_t file_id = next_file_id_++;
    rows.push_back({.file = &file,
                    .file_id = file_id,
                    .is_zoneless = is_zoneless,
                    .part = parts_.Assign(is_zoneless ? FileGroup::kZoneless : FileGroup::kPlain)});
    if (!file.deletion_vector) continue;
    DELTALAKEDB_ASSIGN(const auto positions, folder_.LoadDeletedRows(file.deletion_vector->View()));
    for (const std::int64_t position : positions) {
      deleted.push_back({.file_id = file_id, .position = position});
    }
    if (deleted.size() < kActionsPerStep) continue;
    DELTALAKEDB_TRY(mirror_.InsertDeletedRows(deleted));
    deleted.clear();
  }
  DELTALAKEDB_TRY(mirror_.InsertDeletedRows(deleted));
  return mirror_.InsertFiles(table_.table_no, rows);
}

// ---- what stands beside them --------------------------------------------------------------------

Result<void> Step::PutVersions(Version from, Version to) {
  if (from > to) return {};
  HistoryOptions options;
  options.limit = feed_.versions.last.value() - from.value() + 1;
  DELTALAKEDB_ASSIGN(auto history, feed_.load_history(options));
  // The newest come first, and there may be newer ones by now than the feed's last.
  while (!history.empty() && std::ssize(history) == *options.limit &&
         history.back().version > from) {
    options.limit = 2 * *options.limit;
    DELTALAKEDB_ASSIGN(history, feed_.load_history(options));
  }
  std::vector<MirroredVersion> versions;
  for (const HistoryEntry& entry : history | std::views::reverse) {
    if (entry.version < from || entry.version > to) continue;
    versions.push_back(MirroredVersion::Of(entry));
  }
  return mirror_.InsertVersions(table_.table_no, versions);
}

Result<void> Step::DefineView(const Target& target) {
  DELTALAKEDB_ASSIGN(const bool has_deleted_rows, mirror_.HasDeletedRows(table_.table_no));
  const ViewText text = MakeViewText({.table_no = table_.table_no,
                                      .name = feed_.table,
                                      .metadata = target.metadata(),
                                      .schema = target.schema,
                                      .has_files = parts_.has_files(),
                                      .has_deleted_rows = has_deleted_rows});
  std::string definition = text.view + ";\n" + text.scan;
  if (!is_new() && !must_define_ && definition == table_.definition) return {};
  if (is_new() || table_.view_name != feed_.table) {
    if (!is_new()) DELTALAKEDB_TRY(mirror_.Define("view", DropViewText(table_.view_name)));
    DELTALAKEDB_ASSIGN(const bool is_taken, mirror_.IsNameTaken(feed_.table));
    if (is_taken) {
      return Fail(Error(ErrorCode::kConflict,
                        fmt::format("the file has something else that is called {}: mirror the "
                                    "table to another file, or rename one of them",
                                    feed_.table))
                      .With("view", feed_.table));
    }
    table_.view_name = feed_.table;
  }
  DELTALAKEDB_TRY(mirror_.Define("scan", text.stub));
  DELTALAKEDB_TRY(mirror_.Define("view", text.view));
  DELTALAKEDB_TRY(mirror_.Define("scan", text.scan));
  table_.definition = std::move(definition);
  return {};
}

}  // namespace

Result<void> PublishToDuckDb(const TableFeed& feed, const std::string& place,
                             const MirrorProgress& progress, const MirrorEngine::Note& note) {
  const data::DataFolder folder(feed.location);
  DELTALAKEDB_ASSIGN(auto mirror, MirrorFile::Open(place, /*may_create=*/true));
  for (;;) {
    DELTALAKEDB_TRY(mirror.Begin());
    auto outcome = Step(feed, folder, mirror, !progress.published.has_value()).Run();
    if (!outcome) {
      mirror.Rollback();
      return Fail(std::move(outcome).error().With("file", place));
    }
    if (outcome->has_changes) {
      DELTALAKEDB_TRY(mirror.Commit());
    } else {
      mirror.Rollback();
    }
    DELTALAKEDB_TRY(note({.published = outcome->version, .checkpoint = progress.checkpoint}));
    if (outcome->version >= feed.versions.last) return {};
  }
}

}  // namespace deltalakedb::mirror
