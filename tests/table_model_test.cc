// Random changes of a table's rows against the same changes of rows in memory: append, overwrite,
// delete, update, merge, optimize, restore, vacuum and reading old versions, on every kind of place
// that a table can be in.
//
// DELTALAKEDB_SEED repeats one run; DELTALAKEDB_SOAK asks for full counts and all databases.
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/c/bridge.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "base/temp_folder.h"
#include "deltalakedb/create.h"
#include "deltalakedb/table.h"
#include "tests/test_database.h"

namespace deltalakedb {
namespace {

using testing::TestDatabase;

struct Row {
  std::int64_t id = 0;
  std::optional<std::int64_t> n;
  std::optional<std::string> s;
  std::optional<std::string> p;

  auto operator<=>(const Row&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Row& row) {
  return out << row.id << '|' << (row.n ? std::to_string(*row.n) : "-") << '|'
             << row.s.value_or("-") << '|' << row.p.value_or("-");
}
using Rows = std::multiset<Row>;

std::shared_ptr<arrow::Schema> RowSchema() {
  return arrow::schema({arrow::field("id", arrow::int64()), arrow::field("n", arrow::int64()),
                        arrow::field("s", arrow::utf8()), arrow::field("p", arrow::utf8())});
}

template <typename Builder, typename T>
void Put(Builder& builder, const std::optional<T>& value) {
  ASSERT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
}

ArrowArrayStream StreamOf(const std::vector<Row>& rows) {
  arrow::Int64Builder id;
  arrow::Int64Builder n;
  arrow::StringBuilder s;
  arrow::StringBuilder p;
  for (const Row& row : rows) {
    Put(id, std::optional(row.id));
    Put(n, row.n);
    Put(s, row.s);
    Put(p, row.p);
  }
  const auto batch =
      arrow::RecordBatch::Make(RowSchema(), static_cast<std::int64_t>(rows.size()),
                               {*id.Finish(), *n.Finish(), *s.Finish(), *p.Finish()});
  const auto reader = *arrow::RecordBatchReader::Make({batch}, RowSchema());
  ArrowArrayStream stream = {};
  EXPECT_TRUE(arrow::ExportRecordBatchReader(reader, &stream).ok());
  return stream;
}

template <typename Array>
auto ValueAt(const arrow::RecordBatch& batch, const std::string& name, std::int64_t i) {
  const auto& array = static_cast<const Array&>(*batch.GetColumnByName(name));
  using Value = std::decay_t<decltype(array.GetView(i))>;
  using Owned = std::conditional_t<std::is_same_v<Value, std::string_view>, std::string, Value>;
  return array.IsNull(i) ? std::optional<Owned>() : std::optional<Owned>(array.GetView(i));
}

// A condition as SQL and as code.
struct Condition {
  std::string sql;
  std::function<bool(const Row&)> holds;
};

struct Place {
  std::string kind;  // of TestDatabase, or "folder"
  bool is_partitioned = false;
  bool has_vectors = false;
  std::string mapping;
  bool has_row_ids = false;
};

class Model {
 public:
  Model(const Place& place, std::uint64_t seed) : random_(seed), place_(place) {
    NewTable table;
    table.schema_json =
        R"({"type":"struct","fields":[{"name":"id","type":"long","nullable":true,"metadata":{}},)"
        R"({"name":"n","type":"long","nullable":true,"metadata":{}},)"
        R"({"name":"s","type":"string","nullable":true,"metadata":{}},)"
        R"({"name":"p","type":"string","nullable":true,"metadata":{}}]})";
    if (place.is_partitioned) table.partition_columns = {"p"};
    if (place.has_vectors) table.properties["delta.enableDeletionVectors"] = "true";
    if (!place.mapping.empty()) table.properties["delta.columnMapping.mode"] = place.mapping;
    if (place.has_row_ids) table.properties["delta.enableRowTracking"] = "true";
    if (place.kind == "folder") {
      uri_ = (folder_.path() / "t").string();
    } else {
      database_ = TestDatabase::Make(place.kind);
      uri_ = database_->UriText("t");
      table.location = (folder_.path() / "t").string();
    }
    const auto created = CreateTable(uri_, table);
    EXPECT_TRUE(created) << created.error().message();
    auto opened = DeltaTable::Open(uri_);
    EXPECT_TRUE(opened) << opened.error().message();
    if (opened) table_.emplace(*std::move(opened));
    versions_[0] = {};
  }

  void Step() {
    const std::vector<std::pair<int, void (Model::*)()>> steps = {
        {8, &Model::Append},         {1, &Model::Overwrite}, {2, &Model::OverwritePartitions},
        {2, &Model::OverwriteWhere}, {5, &Model::Delete},    {5, &Model::Update},
        {5, &Model::Merge},          {2, &Model::Optimize},  {1, &Model::Restore},
        {1, &Model::Vacuum}};
    int all = 0;
    for (const auto& [weight, step] : steps) all += weight;
    int chosen = Pick(0, all - 1);
    for (const auto& [weight, step] : steps) {
      chosen -= weight;
      if (chosen >= 0) continue;
      (this->*step)();
      break;
    }
    if (!::testing::Test::HasFailure()) Check();
  }

  const std::string& log() const { return log_; }

 private:
  int Pick(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  bool Maybe(int percent) { return Pick(1, 100) <= percent; }

  std::optional<std::string> RandomPartition() {
    const std::vector<std::string> some = {"a", "b b", "c/d", "ü", "%41"};
    if (Maybe(15)) return std::nullopt;
    return some[static_cast<std::size_t>(Pick(0, 4))];
  }
  Row RandomRow() {
    Row row{.id = Pick(0, 60), .n = {}, .s = {}, .p = RandomPartition()};
    if (Maybe(80)) row.n = Pick(-20, 20);
    if (Maybe(80)) row.s = std::string(static_cast<std::size_t>(Pick(0, 40)), 'x') + "é";
    return row;
  }
  std::vector<Row> RandomRows(int most) {
    std::vector<Row> rows;
    for (int i = Pick(0, most); i > 0; --i) rows.push_back(RandomRow());
    return rows;
  }
  Condition RandomCondition() {
    const std::int64_t k = Pick(0, 60);
    switch (Pick(0, 5)) {
      case 0:
        return {fmt::format("id < {}", k), [k](const Row& row) { return row.id < k; }};
      case 1:
        return {fmt::format("n > {} AND id % 2 = 0", k - 40),
                [k](const Row& row) { return row.n && *row.n > k - 40 && row.id % 2 == 0; }};
      case 2:
        return {"s IS NULL OR n IS NULL", [](const Row& row) { return !row.s || !row.n; }};
      case 3: {
        const auto p = RandomPartition().value_or("a");
        return {fmt::format("p = '{}'", p), [p](const Row& row) { return row.p == p; }};
      }
      case 4: {
        const auto p = RandomPartition().value_or("a");
        return {fmt::format("NOT (p = '{}') AND id BETWEEN {} AND {}", p, k, k + 10),
                [p, k](const Row& row) {
                  return row.p && *row.p != p && row.id >= k && row.id <= k + 10;
                }};
      }
      default:
        return {"p IS NULL", [](const Row& row) { return !row.p; }};
    }
  }

  // Takes a change over into the model.
  void Take(const std::string& what, const Result<ChangeReport>& report, Rows rows) {
    log_ += what + '\n';
    ASSERT_TRUE(report) << what << ": " << report.error().message();
    if (report->has_changed) {
      version_ = report->commit.version.value();
      versions_[version_] = rows;
    } else {
      ASSERT_EQ(rows, rows_) << what << " changed nothing";
    }
    rows_ = std::move(rows);
  }

  void Append() {
    const auto rows = RandomRows(30);
    auto stream = StreamOf(rows);
    Rows after = rows_;
    after.insert(rows.begin(), rows.end());
    Take(fmt::format("append {}", rows.size()), table_->Append(&stream), std::move(after));
  }
  void Overwrite() {
    const auto rows = RandomRows(60);
    auto stream = StreamOf(rows);
    Take("overwrite", table_->Overwrite(&stream), Rows(rows.begin(), rows.end()));
  }
  void OverwritePartitions() {
    const auto rows = RandomRows(4);
    std::set<std::optional<std::string>> partitions;
    for (const Row& row : rows) partitions.insert(row.p);
    Rows after(rows.begin(), rows.end());
    for (const Row& row : rows_) {
      if (place_.is_partitioned && !partitions.contains(row.p)) after.insert(row);
    }
    auto stream = StreamOf(rows);
    OverwriteOptions options;
    options.mode = OverwriteMode::kPartitions;
    Take("overwrite partitions", table_->Overwrite(&stream, options), std::move(after));
  }
  void OverwriteWhere() {
    const Condition condition = RandomCondition();
    std::vector<Row> rows;
    for (const Row& row : RandomRows(20)) {
      if (condition.holds(row)) rows.push_back(row);
    }
    Rows after(rows.begin(), rows.end());
    for (const Row& row : rows_) {
      if (!condition.holds(row)) after.insert(row);
    }
    auto stream = StreamOf(rows);
    OverwriteOptions options;
    options.mode = OverwriteMode::kWhere;
    options.where = condition.sql;
    Take("overwrite where " + condition.sql, table_->Overwrite(&stream, options), std::move(after));
  }
  void Delete() {
    const Condition condition = RandomCondition();
    Rows after;
    for (const Row& row : rows_) {
      if (!condition.holds(row)) after.insert(row);
    }
    Take("delete " + condition.sql, table_->Delete(condition.sql), std::move(after));
  }
  void Update() {
    const Condition condition = RandomCondition();
    const auto p = RandomPartition().value_or("b b");
    const bool moves = Maybe(30);
    Rows after;
    for (Row row : rows_) {
      if (condition.holds(row)) {
        if (row.n) row.n = *row.n + 1;
        row.s = fmt::format("u{}", row.id);
        if (moves) row.p = p;
      }
      after.insert(row);
    }
    std::vector<DeltaTable::ColumnValue> values = {{"n", "n + 1"},
                                                   {"s", "'u' || CAST(id AS VARCHAR)"}};
    if (moves) values.push_back({"p", fmt::format("'{}'", p)});
    Take("update " + condition.sql, table_->Update(values, condition.sql), std::move(after));
  }
  void Merge() {
    std::map<std::int64_t, Row> by_id;
    for (const Row& row : RandomRows(20)) by_id.emplace(row.id, row);
    std::vector<Row> rows;
    for (const auto& [id, row] : by_id) rows.push_back(row);
    Rows after;
    std::set<std::int64_t> matched;
    for (const Row& row : rows_) {
      const auto found = by_id.find(row.id);
      after.insert(found == by_id.end() ? row : found->second);
      if (found != by_id.end()) matched.insert(row.id);
    }
    for (const Row& row : rows) {
      if (!matched.contains(row.id)) after.insert(row);
    }
    auto stream = StreamOf(rows);
    Take(fmt::format("merge {}", rows.size()), table_->Merge(&stream, {"id"}), std::move(after));
  }
  void Optimize() { Take("optimize", table_->Optimize(), rows_); }
  void Restore() {
    const std::int64_t version =
        Pick(static_cast<int>(versions_.begin()->first), static_cast<int>(version_));
    Take(fmt::format("restore {}", version), table_->Restore(TableVersion::At(Version(version))),
         versions_.at(version));
  }
  void Vacuum() {
    log_ += "vacuum\n";
    VacuumOptions options;
    options.retention_ms = 0;
    options.force = true;
    const auto report = table_->Vacuum(options);
    ASSERT_TRUE(report) << report.error().message();
    // What only older versions needed is gone.
    versions_.erase(versions_.begin(), versions_.find(version_));
  }

  Rows Scan(const ScanOptions& options) {
    Rows rows;
    ArrowArrayStream stream = {};
    const auto scanned = table_->Scan(options, &stream);
    EXPECT_TRUE(scanned) << scanned.error().message();
    if (!scanned) return rows;
    const auto reader = *arrow::ImportRecordBatchReader(&stream);
    for (;;) {
      std::shared_ptr<arrow::RecordBatch> batch;
      const auto read = reader->ReadNext(&batch);
      EXPECT_TRUE(read.ok()) << read.ToString();
      if (!read.ok() || batch == nullptr) return rows;
      for (std::int64_t i = 0; i < batch->num_rows(); ++i) {
        rows.insert({.id = ValueAt<arrow::Int64Array>(*batch, "id", i).value_or(-1),
                     .n = ValueAt<arrow::Int64Array>(*batch, "n", i),
                     .s = ValueAt<arrow::StringArray>(*batch, "s", i),
                     .p = ValueAt<arrow::StringArray>(*batch, "p", i)});
      }
    }
  }

  void Check() {
    ASSERT_EQ(Scan({}), rows_);
    const Condition condition = RandomCondition();
    ScanOptions some;
    some.where = condition.sql;
    some.columns = {{"p", "s", "id", "n"}};
    some.in_order = Maybe(50);
    Rows matching;
    for (const Row& row : rows_) {
      if (condition.holds(row)) matching.insert(row);
    }
    ASSERT_EQ(Scan(some), matching) << condition.sql;
    const auto old = std::next(versions_.begin(), Pick(0, static_cast<int>(versions_.size()) - 1));
    ScanOptions earlier;
    earlier.version = TableVersion::At(Version(old->first));
    ASSERT_EQ(Scan(earlier), old->second) << "version " << old->first;
  }

  std::mt19937_64 random_;
  const Place place_;
  base::TempFolder folder_;
  std::unique_ptr<TestDatabase> database_;
  std::string uri_;
  std::optional<DeltaTable> table_;
  Rows rows_;
  std::int64_t version_ = 0;
  std::map<std::int64_t, Rows> versions_;  // that can still be read
  std::string log_;
};

bool IsSoak() { return std::getenv("DELTALAKEDB_SOAK") != nullptr; }

class TableModelTest : public ::testing::TestWithParam<std::string> {};

TEST_P(TableModelTest, RandomChanges_GiveTheRowsOfTheModel) {
  const char* const given = std::getenv("DELTALAKEDB_SEED");
  const int runs = given != nullptr ? 1 : IsSoak() ? 60 : 6;
  for (int run = 0; run < runs; ++run) {
    const std::uint64_t seed =
        given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
    Place place{.kind = GetParam(),
                .is_partitioned = seed % 2 == 0,
                .has_vectors = seed % 3 != 0,
                .mapping = seed % 5 == 0   ? "name"
                           : seed % 5 == 1 ? "id"
                                           : "",
                .has_row_ids = seed % 7 < 2};
    Model model(place, seed);
    for (int step = 0; step < (IsSoak() ? 60 : 30) && !HasFailure(); ++step) model.Step();
    ASSERT_FALSE(HasFailure()) << "DELTALAKEDB_SEED=" << seed << " of " << GetParam() << "\n"
                               << model.log();
  }
}

std::vector<std::string> Kinds() {
  if (IsSoak()) return {"folder", "sqlite", "duckdb", "postgres"};
  return {"folder", "sqlite"};
}
INSTANTIATE_TEST_SUITE_P(Places, TableModelTest, ::testing::ValuesIn(Kinds()),
                         [](const auto& place) { return place.param; });

}  // namespace
}  // namespace deltalakedb
