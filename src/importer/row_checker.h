// Rows of a table compared with what the texts of its commits say they have to be.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "deltalakedb/result.h"
#include "importer/compare_source.h"
#include "log/body_index.h"
#include "log/sql_log_writer.h"
#include "store/metadata_store.h"
#include "store/rows.h"

namespace deltalakedb::importer {

// A sink that looks each row up instead of writing it. Rows that are there and should not be, rows
// that are missing, and columns that differ become differences.
// Errors of its members: those of the database.
class RowChecker final : public log::RowSink {
 public:
  // All outlive this; `store` is in a read transaction.
  RowChecker(store::MetadataStore& store, const store::TableRow& table, Differences& differences);

  // Opens the relations. Has to come first.
  Result<void> Start();

  Result<void> PutText(const log::ChunkRows& chunk) override;
  Result<void> PutRows(store::Relation relation, std::span<const store::Value> rows) override;
  Result<FileTotals> EndFiles(Version, std::span<const log::FileMention* const>) override {
    return FileTotals();  // told by the rows themselves: see ends_
  }
  Result<void> FinishVersion(Version version, const store::VersionIndex& index,
                             const CommitInfo* info) override;

  // After the last version: what is left over, and what only the whole shows.
  Result<void> Finish(const log::IndexResult& result);

  std::int64_t rows_compared() const { return rows_compared_; }

 private:
  struct Rows {
    std::unique_ptr<store::Cursor> cursor;
    bool has_row = false;
    std::int64_t seen = 0;
  };

  Result<void> Advance(Rows& rows);
  Result<void> CompareRow(store::Relation relation, std::span<const store::Value> expected);
  void CompareColumns(store::Relation relation, const store::Cursor& actual,
                      std::span<const store::Value> expected);
  void CompareEnd(const store::Cursor& actual, std::span<const store::Value> expected);
  Result<void> SkipExtra(store::Relation relation);
  void CompareVersion(const store::VersionRow& row, store::VersionIndex expected);
  Result<void> CompareTable(const log::IndexResult& result);
  Result<void> CompareIntervals();

  void Differ(std::string_view where, std::optional<Version> version, std::string message) {
    differences_.Add(std::string(where), version, std::move(message));
  }

  store::MetadataStore& store_;
  const store::TableRow& table_;
  Differences& differences_;
  std::array<Rows, store::kRelations.size()> relations_;
  log::BodyHash hash_;
  std::optional<std::string> body_hash_;  // of the current version's commit
  std::int64_t body_bytes_ = 0;
  std::int64_t body_parts_ = 0;
  std::int64_t parts_seen_ = 0;
  // What the rows of earlier versions say ends with each version to come.
  std::map<Version, FileTotals> ends_;
  FileTotals ended_;  // up to the current version
  std::int64_t rows_compared_ = 0;
};

}  // namespace deltalakedb::importer
