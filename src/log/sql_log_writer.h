// Puts texts, their rows and their versions into a catalog, within the caller's write transaction.
//
// Thread-safety: as the connection. What failure leaves behind goes with the transaction.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "deltalakedb/result.h"
#include "log/body_index.h"
#include "log/commit_times.h"
#include "protocol/hash128.h"
#include "store/metadata_store.h"
#include "store/rows.h"

namespace deltalakedb::log {

// The hash of a text that comes in chunks, one text after the other.
class BodyHash {
 public:
  void Take(const ChunkRows& chunk);
  const BodyId& body() const { return body_; }
  std::int64_t chunks() const { return chunks_; }
  std::int64_t text_bytes() const { return text_bytes_; }
  std::string Finish() const { return std::string(hash_.Finish().view()); }

 private:
  BodyId body_{Version(-1), store::Origin::kCommit};
  std::int64_t chunks_ = 0;
  std::int64_t text_bytes_ = 0;
  protocol::Hash128Builder hash_;
};

// Ends files' intervals in the database, sure that they are these files and no others of the same
// keys; answers what those that were live add up to.
// Errors: Unsupported (two paths of one key), those of the connection.
struct StoredTable {
  TableId table_id;
  std::string root;  // canonical
};
Result<FileTotals> EndStoredFiles(store::MetadataStore& store, const StoredTable& table,
                                  Version version, std::span<const FileMention* const> files);

// A sink for copied commits: new versions of a table.
class SqlLogWriter final : public RowSink {
 public:
  // When a version was committed.
  using FindTime = std::function<Result<CommitTime>(Version, const CommitInfo*)>;

  struct Options {
    store::TableRow table;  // as it is in the database
    std::string table_root;
    FindTime find_time;
    std::int64_t now_us = 0;    // the database's clock
    bool is_first_copy = true;  // ratified_at goes by the versions' own times then
  };

  SqlLogWriter(store::MetadataStore& store, Options options)
      : store_(store), options_(std::move(options)), table_(options_.table) {}

  Result<void> PutText(const ChunkRows& chunk) override;
  Result<void> PutRows(store::Relation relation, std::span<const store::Value> rows) override {
    return store_.InsertRows(relation, rows);
  }
  Result<FileTotals> EndFiles(Version version, std::span<const FileMention* const> files) override {
    return EndStoredFiles(store_, {table_.table_id, options_.table_root}, version, files);
  }
  Result<void> FinishVersion(Version version, const store::VersionIndex& index,
                             const CommitInfo* info) override;

  // The table's row as it has to be from now on; metadata_version and protocol_version are the
  // caller's to set.
  const store::TableRow& table() const { return table_; }
  // Of all versions put.
  std::int64_t commits() const { return commits_; }
  std::int64_t adds() const { return adds_; }
  std::int64_t removes() const { return removes_; }
  std::int64_t num_files() const { return num_files_; }

 private:
  std::int64_t NextRatifiedAt(Timestamp timestamp) const;
  Result<std::string> ChooseCommitId(const CommitInfo* info);

  store::MetadataStore& store_;
  Options options_;
  store::TableRow table_;
  BodyHash hash_;
  // The commit text of the version that is not finished.
  std::optional<std::string> body_hash_;
  std::optional<std::int64_t> body_bytes_;
  std::int64_t body_parts_ = 0;
  std::optional<std::string> compressed_;
  std::int64_t commits_ = 0;
  std::int64_t adds_ = 0;
  std::int64_t removes_ = 0;
  std::int64_t num_files_ = 0;
};

}  // namespace deltalakedb::log
