#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/commands.h"
#include "apps/output_json.h"
#include "apps/output_text.h"
#include "apps/program.h"
#include "base/time_text.h"
#include "base/try.h"

namespace deltalakedb::cli {
namespace {

Result<void> PrintAsJson(FileStream& files, OutputStream& out) {
  protocol::JsonWriter writer(out.buffer());
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files.Next());
    if (!batch) return {};
    for (const AddFile& add : batch->files()) {
      writer.Reset(out.buffer());
      protocol::WriteAdd(add, writer);
      out.buffer().Put('\n');
      DELTALAKEDB_TRY(out.FlushWhenLarge());
    }
  }
}

std::string PartitionText(const AddFile& add) {
  std::vector<std::string> values;
  for (const StringMapEntry& entry : add.partition_values) {
    values.push_back(fmt::format("{}={}", entry.key, entry.value.value_or("null")));
  }
  return Printable(fmt::format("{}", fmt::join(values, ", ")));
}

// The table of files. There may be millions, so its widths are those that nearly all files need,
// and the partition's is the widest of the first batch's; a wider cell moves the rest of its line.
class FileRows {
 public:
  FileRows(bool partitioned, Console& console) : partitioned_(partitioned), console_(console) {}

  Result<void> Print(const std::vector<AddFile>& files) {
    if (!titled_) PrintTitles(files);
    for (const AddFile& add : files) {
      const std::string deleted =
          add.deletion_vector ? FormatCount(add.deletion_vector->cardinality) : "";
      PrintRow({FormatBytes(add.size), base::FormatRfc3339(Timestamp(add.modification_time)),
                deleted, partitioned_ ? PartitionText(add) : "", Printable(add.path)});
      DELTALAKEDB_TRY(console_.out().FlushWhenLarge());
    }
    return {};
  }

  void PrintTitles(const std::vector<AddFile>& first_files) {
    titled_ = true;
    for (const AddFile& add : first_files) {
      if (!partitioned_) break;
      const std::size_t columns = TextColumns(PartitionText(add));
      partition_columns_ = std::clamp(columns, partition_columns_, kPartitionColumnsMax);
    }
    console_.out().Append(console_.title_style().start);
    PrintRow({"SIZE", "MODIFIED", "DELETED ROWS", "PARTITION", "PATH"});
  }

 private:
  static constexpr std::size_t kPartitionColumnsMax = 40;

  struct Row {
    std::string size;
    std::string modified;
    std::string deleted;
    std::string partition;
    std::string path;
  };

  void PrintRow(const Row& row) {
    std::string line = fmt::format("{}  {}  {}  ", PaddedLeft(row.size, 10),
                                   PaddedRight(row.modified, 24), PaddedLeft(row.deleted, 12));
    if (partitioned_) line += PaddedRight(row.partition, partition_columns_) + "  ";
    console_.out().Append(line);
    console_.out().Append(row.path);
    if (std::exchange(title_ends_, false)) console_.out().Append(console_.title_style().end);
    console_.out().Append("\n");
  }

  bool partitioned_;
  Console& console_;
  bool titled_ = false;
  bool title_ends_ = true;
  std::size_t partition_columns_ = std::string_view("PARTITION").size();
};

Result<void> PrintAsTable(bool partitioned, FileStream& files, Console& console) {
  FileRows rows(partitioned, console);
  bool any = false;
  for (;;) {
    DELTALAKEDB_ASSIGN(const auto batch, files.Next());
    if (!batch) break;
    any = true;
    DELTALAKEDB_TRY(rows.Print(batch->files()));
  }
  if (!any) rows.PrintTitles({});
  return {};
}

Result<void> PrintFiles(const TableArguments& arguments, Console& console) {
  DELTALAKEDB_ASSIGN(const auto snapshot, LoadSnapshot(arguments, console));
  DELTALAKEDB_ASSIGN(const auto files, snapshot->OpenFiles({.order = FileOrder::kByPath,
                                                            .with_stats = console.json()}));
  if (console.json()) return PrintAsJson(*files, console.out());
  return PrintAsTable(!snapshot->metadata().partition_columns.empty(), *files, console);
}

}  // namespace

void AddFilesCommand(Program& program) {
  const auto arguments = std::make_shared<TableArguments>();
  CLI::App* const command =
      program.AddCommand({"files", "List the table's live files, ordered by path",
                          "deltalakedb files /data/orders --version 3 --json"},
                         [arguments](Console& console) { return PrintFiles(*arguments, console); });
  AddTableArguments(*command, *arguments);
}

}  // namespace deltalakedb::cli
