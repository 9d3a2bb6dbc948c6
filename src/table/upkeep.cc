// What changes a table but none of its rows, or all at once: Optimize, Restore, AddColumns, Vacuum.
#include <arrow/record_batch.h>
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/try.h"
#include "data/row_stream.h"
#include "deltalakedb/table.h"
#include "protocol/schema_merge.h"
#include "table/change.h"
#include "table/delta_table_impl.h"
#include "table/file_scan.h"
#include "table/restore_plan.h"
#include "table/row_changes.h"
#include "table/vacuum.h"

namespace deltalakedb {

namespace {

using table::Change;
using table::JsonText;
using table::LiveFile;
using table::LiveFiles;

// A file that lost more of its rows is written again without them. Unit: percent.
constexpr std::int64_t kDeletedPercentMax = 5;

// ---- optimize -----------------------------------------------------------------------------------

using Bin = std::vector<LiveFile>;

bool HasManyDeleted(const AddFile& add) {
  if (!add.deletion_vector) return false;
  const auto rows = table::CountStoredRows(add);
  return !rows || add.deletion_vector->cardinality * 100 > *rows * kDeletedPercentMax;
}

// Puts the files of a partition together to about the target, the smallest first.
void FillBins(std::vector<LiveFile> files, std::int64_t target_bytes, std::vector<Bin>& bins) {
  std::ranges::sort(
      files, {}, [](const LiveFile& file) { return std::pair(file.add().size, file.add().path); });
  Bin bin;
  std::int64_t bytes = 0;
  const auto close = [&] {
    if (bin.size() > 1 || (bin.size() == 1 && HasManyDeleted(bin.front().add()))) {
      bins.push_back(std::move(bin));
    }
    bin.clear();
    bytes = 0;
  };
  for (LiveFile& file : files) {
    const std::int64_t size = file.add().size;
    if (!bin.empty() && bytes + size > target_bytes) close();
    bytes += size;
    bin.push_back(std::move(file));
  }
  close();
}

Result<std::vector<Bin>> PlanBins(const Change& change, const expr::Predicate* where) {
  DELTALAKEDB_ASSIGN(const auto snapshot, change.LoadSnapshot());
  DELTALAKEDB_ASSIGN(auto files,
                     LiveFiles::Open(*snapshot, LiveFiles::Stats::kWith, *change.shape(), where));
  std::map<std::string, std::vector<LiveFile>> partitions;
  const std::int64_t target = change.target_file_bytes();
  for (;;) {
    DELTALAKEDB_ASSIGN(auto file, files.Next());
    if (!file) break;
    if (file->add().size >= target && !HasManyDeleted(file->add())) continue;
    DELTALAKEDB_ASSIGN(auto key,
                       table::PartitionKey(*change.shape(), file->add().partition_values));
    partitions[std::move(key)].push_back(*std::move(file));
  }
  std::vector<Bin> bins;
  for (auto& [key, of_partition] : partitions) FillBins(std::move(of_partition), target, bins);
  return bins;
}

Result<void> RewriteBin(Change& change, const Bin& bin) {
  const data::ReadOptions whole = table::WholeRows(change);
  table::FileScanInput input(change.folder());
  input.shape = change.shape();
  input.metadata = change.metadata();
  input.columns = whole.columns;
  input.with_row_ids = whole.with_row_ids;
  input.threads = change.options().threads;
  input.next_file = [next = bin.begin(),
                     end = bin.end()]() mutable -> Result<std::optional<LiveFile>> {
    if (next == end) return std::optional<LiveFile>();
    return *next++;
  };
  DELTALAKEDB_ASSIGN(const auto rows, table::ScanFiles(std::move(input)));
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    if (const auto read = rows->ReadNext(&batch); !read.ok()) return Fail(data::ToError(read));
    if (batch == nullptr) break;
    DELTALAKEDB_TRY(change.Write(batch, Change::RowsAre::kCopies));
  }
  DELTALAKEDB_TRY(change.CutFiles());
  for (const LiveFile& file : bin) {
    change.NoteRead(file.add());
    DELTALAKEDB_TRY(change.Remove(file.add(), /*data_change=*/false));
  }
  return {};
}

// A condition that decides by partitions alone.
Result<std::shared_ptr<const expr::Predicate>> ParsePartitionWhere(const Change& change,
                                                                   const std::string& where) {
  if (where.empty()) return std::shared_ptr<const expr::Predicate>();
  DELTALAKEDB_ASSIGN(auto parsed, expr::Predicate::Parse(where, change.shape()->schema()));
  for (const std::string& name : parsed.columns()) {
    const auto position = change.shape()->FindColumn(name);
    if (position && change.shape()->columns()[static_cast<std::size_t>(*position)].is_partition) {
      continue;
    }
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("column {} is no partition column; only those can say which "
                                  "files are to be put together",
                                  name))
                    .With("column", name)
                    .With("expression", where));
  }
  return std::make_shared<const expr::Predicate>(std::move(parsed));
}

// Rows that are there have no value for a new column.
Result<void> CheckNullable(const nlohmann::json& fields) {
  for (const auto& field : fields) {
    if (field.value("nullable", true)) continue;
    const auto name = field.at("name").get<std::string>();
    return Fail(Error(ErrorCode::kInvalidArgument,
                      fmt::format("column {} cannot be added as one that may not be null: the rows "
                                  "that are there have no value for it",
                                  name))
                    .With("column", name));
  }
  return {};
}

}  // namespace

Result<ChangeReport> DeltaTable::Optimize(const OptimizeOptions& options) {
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  return table::MakeChange(*written, options, table::Attempts::kAsOptionsSay,
                           [&](Change& change) -> Result<ChangeReport> {
                             DELTALAKEDB_ASSIGN(const auto where,
                                                ParsePartitionWhere(change, options.where));
                             DELTALAKEDB_ASSIGN(const auto bins, PlanBins(change, where.get()));
                             for (const Bin& bin : bins) DELTALAKEDB_TRY(RewriteBin(change, bin));
                             nlohmann::json predicate = nlohmann::json::array();
                             if (!options.where.empty()) predicate.push_back(options.where);
                             return change.Commit({"OPTIMIZE",
                                                   {{"predicate", JsonText(predicate.dump())},
                                                    {"zOrderBy", JsonText("[]")},
                                                    {"auto", "false"}},
                                                   {}},
                                                  /*data_change=*/false);
                           });
}

Result<ChangeReport> DeltaTable::Restore(TableVersion version, const ChangeOptions& options) {
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  return table::MakeChange(
      *written, options, table::Attempts::kAsOptionsSay,
      [&](Change& change) -> Result<ChangeReport> {
        DELTALAKEDB_ASSIGN(const auto current, change.LoadSnapshot());
        DELTALAKEDB_ASSIGN(const auto restored, written->log().LoadSnapshot(version));
        DELTALAKEDB_ASSIGN(auto plan, table::PlanRestore({.current = *current,
                                                          .restored = *restored,
                                                          .table_root = written->log().table_root(),
                                                          .now = Timestamp(change.now_ms())}));
        ChangeReport& report = change.report();
        report.files_added = plan.num_restored_files;
        report.files_removed = plan.num_removed_files;
        report.bytes_added = plan.restored_files_size;
        report.bytes_removed = plan.removed_files_size;
        change.reads().whole_table = true;
        change.staged() = std::move(plan.actions);
        const std::string which = std::to_string(restored->version().value());
        return change.Commit(
            {"RESTORE", {{"version", which}, {"timestamp", "null"}}, plan.MetricsJson()});
      });
}

Result<ChangeReport> DeltaTable::AddColumns(std::string_view schema_json,
                                            const ChangeOptions& options) {
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  return table::MakeChange(
      *written, options, table::Attempts::kAsOptionsSay,
      [&](Change& change) -> Result<ChangeReport> {
        DELTALAKEDB_ASSIGN(const std::string schema,
                           protocol::MergeSchemas(change.metadata().schema_string.value_or(""),
                                                  schema_json, {.must_be_new = true}));
        const auto fields = nlohmann::json::parse(schema_json).at("fields");
        DELTALAKEDB_TRY(CheckNullable(fields));
        DELTALAKEDB_TRY(change.SetSchema(schema));
        return change.Commit({"ADD COLUMNS", {{"columns", JsonText(fields.dump())}}, {}});
      });
}

Result<VacuumReport> DeltaTable::Vacuum(const VacuumOptions& options) {
  DELTALAKEDB_ASSIGN(const auto* const written, impl_->OpenWritten());
  const auto folder = data::DataFolder::OfRoot(written->log().table_root());
  DELTALAKEDB_ASSIGN(const auto* const files, data::FileSystemOf(folder.path()));
  return table::VacuumTable({written->log(), *files}, options);
}

}  // namespace deltalakedb
