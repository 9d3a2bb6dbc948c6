#include "log/body_index.h"

#include <fmt/format.h>
#include <tsl/robin_set.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "base/try.h"
#include "log/commit_scan.h"
#include "log/state_rows.h"
#include "protocol/paths.h"

namespace deltalakedb::log {

namespace {

using store::InfoOf;
using store::Origin;
using store::Relation;
using store::ToValue;
using store::Value;

// Files that were added so far, so that those that come for the first time are not looked up among
// the rows. It may forget nothing, but may say of a file that it was there when it was not.
class SeenFiles {
 public:
  // `is_complete` tells whether it sees all adds from the table's first on.
  explicit SeenFiles(bool is_complete) : is_complete_(is_complete) {}

  bool MayHold(const protocol::FileKey& key) const {
    return !is_complete_ || halves_.contains(key.low);
  }
  void Insert(const protocol::FileKey& key) {
    if (!is_complete_) return;
    halves_.insert(key.low);
    if (halves_.size() < kSeenFilesMax) return;
    is_complete_ = false;
    halves_ = {};
  }

 private:
  bool is_complete_;
  tsl::robin_set<std::uint64_t> halves_;  // a half of a hash is good enough
};

class Indexer {
 public:
  Indexer(BodySource& source, RowSink& sink, const IndexOptions& options)
      : source_(source),
        sink_(sink),
        options_(options),
        index_(options.start),
        seen_(!options.has_start) {}

  Result<IndexResult> Run() {
    base::OrderedPipeline<ChunkRows> pipeline([this] { return source_.Next(); },
                                              std::min(kIndexThreadsMax, base::PipelineThreads()));
    for (;;) {
      DELTALAKEDB_ASSIGN(std::optional<ChunkRows> chunk, pipeline.Next());
      if (!chunk) break;
      DELTALAKEDB_TRY(Take(*chunk));
    }
    if (current_) DELTALAKEDB_TRY(FinishVersion());
    return result_;
  }

 private:
  Result<void> Take(ChunkRows& chunk);
  Result<void> StartBody(const ChunkRows& chunk);
  Result<void> TakeRemoves(ChunkRows& chunk, const OverruledLines& overruled);
  Result<void> TakeAdds(ChunkRows& chunk, const OverruledLines& overruled);
  Result<void> TakeCdc(ChunkRows& chunk);
  void TakeState(ChunkRows& chunk);
  Result<void> PutState();
  Result<void> FinishVersion();

  // Whether a text only tells what happened, as the state it led to is there already.
  bool IsTold(const BodyId& body) const {
    return body.origin == Origin::kCommit && options_.base_version == body.version;
  }
  // Whether files that were live before can end here.
  bool CanEnd(const BodyId& body) const {
    return body.origin == Origin::kCommit && !IsTold(body) && (options_.has_start || versions_ > 0);
  }
  Result<void> EndEarlier(const BodyId& body, std::span<const FileMention* const> files);
  Result<void> CheckFileId(std::int64_t file_id) const;

  BodySource& source_;
  RowSink& sink_;
  const IndexOptions& options_;
  store::VersionIndex index_;
  IndexResult result_;

  std::optional<BodyId> current_;
  std::int64_t versions_ = 0;  // finished
  OverruledLines overruled_;   // of the current text when it has several chunks
  // A state names each file once; should it not, the first time counts.
  FileKeySet base_adds_;
  FileKeySet base_removes_;
  SeenFiles seen_;
  // Of the current version.
  std::optional<VerbatimFields> metadata_;
  std::optional<ProtocolText> protocol_;
  std::map<std::string, AppTransaction> app_transactions_;
  std::map<std::string, DomainMetadata> domains_;
  std::optional<CommitInfo> commit_info_;
};

Result<void> Indexer::Take(ChunkRows& chunk) {
  if (current_ != chunk.body) DELTALAKEDB_TRY(StartBody(chunk));
  DELTALAKEDB_TRY(sink_.PutText(chunk));
  const OverruledLines& overruled = chunk.is_whole_body ? chunk.overruled : overruled_;
  if (chunk.body.origin == Origin::kCommit) {
    index_.num_added += static_cast<std::int64_t>(chunk.adds.size());
    index_.num_removed += static_cast<std::int64_t>(chunk.removes.size());
    index_.num_cdc += static_cast<std::int64_t>(chunk.cdc.size());
  }
  DELTALAKEDB_TRY(TakeRemoves(chunk, overruled));
  DELTALAKEDB_TRY(TakeAdds(chunk, overruled));
  DELTALAKEDB_TRY(TakeCdc(chunk));
  TakeState(chunk);
  return {};
}

Result<void> Indexer::StartBody(const ChunkRows& chunk) {
  if (current_ && current_->version != chunk.body.version) DELTALAKEDB_TRY(FinishVersion());
  current_ = chunk.body;
  overruled_ = {};
  if (chunk.is_whole_body || chunk.body.origin == Origin::kBase) return {};
  DELTALAKEDB_ASSIGN(const auto text, source_.Reopen(chunk.body));
  OverruledFinder finder;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto next, text->Next());
    if (!next) break;
    DELTALAKEDB_TRY(TakeMentions(*next, options_.chunk, finder));
  }
  overruled_ = finder.Finish();
  return {};
}

Result<void> Indexer::CheckFileId(std::int64_t file_id) const {
  // Ids start at a multiple of the room that a table has.
  if ((file_id + 1) % store::kFileIdsPerTable != 0) return {};
  return Fail(ErrorCode::kLimitExceeded,
              fmt::format("a table has room for {} rows of files", store::kFileIdsPerTable - 1));
}

Result<void> Indexer::EndEarlier(const BodyId& body, std::span<const FileMention* const> files) {
  if (files.empty()) return {};
  DELTALAKEDB_ASSIGN(const FileTotals ended, sink_.EndFiles(body.version, files));
  index_.num_files -= ended.num_files;
  index_.size_in_bytes -= ended.size_in_bytes;
  return {};
}

Result<void> Indexer::TakeRemoves(ChunkRows& chunk, const OverruledLines& overruled) {
  const std::size_t columns = InfoOf(Relation::kRemoveFiles).columns;
  const bool is_base = chunk.body.origin == Origin::kBase;
  const bool can_end = CanEnd(chunk.body);
  std::vector<Value>& rows = chunk.remove_rows;
  std::vector<const FileMention*> ending;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < chunk.removes.size(); ++i) {
    const FileMention& file = chunk.removes[i];
    if (is_base ? !base_removes_.insert(file.key).second : overruled.IsDropped(file.line)) continue;
    if (can_end && seen_.MayHold(file.key)) ending.push_back(&file);
    if (kept != i) {
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(i * columns), columns,
                  rows.begin() + static_cast<std::ptrdiff_t>(kept * columns));
    }
    DELTALAKEDB_TRY(CheckFileId(index_.last_remove_id + 1));
    rows[kept * columns] = ++index_.last_remove_id;
    ++kept;
  }
  DELTALAKEDB_TRY(EndEarlier(chunk.body, ending));
  return sink_.PutRows(Relation::kRemoveFiles, std::span(rows).first(kept * columns));
}

Result<void> Indexer::TakeAdds(ChunkRows& chunk, const OverruledLines& overruled) {
  const std::size_t columns = InfoOf(Relation::kAddFiles).columns;
  const bool is_base = chunk.body.origin == Origin::kBase;
  const bool is_told = IsTold(chunk.body);
  const bool can_end = CanEnd(chunk.body);
  std::vector<Value>& rows = chunk.add_rows;
  std::vector<const FileMention*> ending;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < chunk.adds.size(); ++i) {
    const FileMention& file = chunk.adds[i];
    if (is_base ? !base_adds_.insert(file.key).second : overruled.IsDropped(file.line)) continue;
    if (can_end && seen_.MayHold(file.key)) ending.push_back(&file);
    if (kept != i) {
      std::copy_n(rows.begin() + static_cast<std::ptrdiff_t>(i * columns), columns,
                  rows.begin() + static_cast<std::ptrdiff_t>(kept * columns));
    }
    DELTALAKEDB_TRY(CheckFileId(index_.last_add_id + 1));
    rows[kept * columns] = ++index_.last_add_id;
    if (!is_told) seen_.Insert(file.key);
    // Tombstones of a base are older than its adds, whatever the order of their lines.
    if (is_told || (!is_base && overruled.IsDead(file.line))) {
      rows[kept * columns + columns - 1] = ToValue(chunk.body.version);
    } else {
      ++index_.num_files;
      if (__builtin_add_overflow(index_.size_in_bytes, file.size_bytes, &index_.size_in_bytes)) {
        return Fail(Error(ErrorCode::kCorrupt,
                          fmt::format("the sizes of the table's files at version {} add up to "
                                      "more than 63 bits",
                                      chunk.body.version.value()))
                        .With("version", chunk.body.version.value()));
      }
    }
    ++kept;
  }
  DELTALAKEDB_TRY(EndEarlier(chunk.body, ending));
  return sink_.PutRows(Relation::kAddFiles, std::span(rows).first(kept * columns));
}

Result<void> Indexer::TakeCdc(ChunkRows& chunk) {
  if (chunk.cdc.empty()) return {};
  const std::size_t columns = InfoOf(Relation::kCdcFiles).columns;
  for (std::size_t i = 0; i < chunk.cdc.size(); ++i) {
    DELTALAKEDB_TRY(CheckFileId(index_.last_cdc_id + 1));
    chunk.cdc_rows[i * columns] = ++index_.last_cdc_id;
  }
  return sink_.PutRows(Relation::kCdcFiles, chunk.cdc_rows);
}

void Indexer::TakeState(ChunkRows& chunk) {
  if (chunk.body.origin == Origin::kCommit && chunk.commit_info && !commit_info_) {
    commit_info_ = std::move(chunk.commit_info);
  }
  if (IsTold(chunk.body)) return;
  if (chunk.metadata) metadata_ = std::move(chunk.metadata);
  if (chunk.protocol) protocol_ = std::move(chunk.protocol);
  for (AppTransaction& transaction : chunk.app_transactions) {
    std::string key = transaction.app_id;
    app_transactions_.insert_or_assign(std::move(key), std::move(transaction));
  }
  for (DomainMetadata& domain : chunk.domain_metadata) {
    std::string key = domain.domain;
    domains_.insert_or_assign(std::move(key), std::move(domain));
  }
}

Result<void> Indexer::PutState() {
  const Version version = current_->version;
  const Value table = ToValue(options_.chunk.table);
  std::vector<Value> rows;
  if (metadata_) {
    AppendMetadataRows(table, version, *metadata_, rows);
    result_.metadata_version = version;
    DELTALAKEDB_TRY(sink_.PutRows(Relation::kMetadataUpdates, rows));
    rows.clear();
  }
  if (protocol_) {
    AppendProtocolRows(table, version, *protocol_, rows);
    result_.protocol_version = version;
    DELTALAKEDB_TRY(sink_.PutRows(Relation::kProtocolUpdates, rows));
    rows.clear();
  }
  for (const auto& [app_id, transaction] : app_transactions_) {
    AppendTransactionRow(table, version, transaction, rows);
  }
  DELTALAKEDB_TRY(sink_.PutRows(Relation::kTxnActions, rows));
  rows.clear();
  for (const auto& [name, domain] : domains_) AppendDomainRow(table, version, domain, rows);
  return sink_.PutRows(Relation::kDomainMetadata, rows);
}

Result<void> Indexer::FinishVersion() {
  base_adds_ = {};
  base_removes_ = {};
  DELTALAKEDB_TRY(PutState());
  if (commit_info_) {
    index_.commit_info = commit_info_->raw;
    index_.operation = commit_info_->operation;
  }
  DELTALAKEDB_TRY(
      sink_.FinishVersion(current_->version, index_, commit_info_ ? &*commit_info_ : nullptr));
  ++versions_;
  index_.num_added = index_.num_removed = index_.num_cdc = 0;
  index_.commit_info.reset();
  index_.operation.reset();
  metadata_.reset();
  protocol_.reset();
  app_transactions_.clear();
  domains_.clear();
  commit_info_.reset();
  return {};
}

}  // namespace

IndexOptions OptionsFromStart(const store::TableRow& table) {
  IndexOptions options;
  options.chunk.table = table.table_id;
  options.chunk.table_root = protocol::CanonicalRootOfLocation(table.location);
  options.base_version = table.base_version;
  options.start.last_add_id = options.start.last_remove_id = options.start.last_cdc_id =
      table.first_file_id - 1;
  return options;
}

Result<IndexResult> IndexBodies(BodySource& source, RowSink& sink, const IndexOptions& options) {
  return Indexer(source, sink, options).Run();
}

}  // namespace deltalakedb::log
