#include "data/data_writer.h"

#include <arrow/compute/api_vector.h>
#include <arrow/io/memory.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <parquet/arrow/reader.h>
#include <parquet/file_reader.h>
#include <parquet/schema.h>
#include <parquet/types.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <numeric>
#include <set>
#include <thread>

#include "data/data_folder.h"
#include "data/test_rows_internal.h"
#include "storage/memory_file_system.h"

namespace deltalakedb::data {
namespace {

using storage::FileOperation;
using storage::MemoryFileSystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Pair;
using ::testing::StartsWith;
using testing_files::ArrayJson;
using testing_files::FieldJson;
using testing_files::MapJson;
using testing_files::MappedJson;
using testing_files::RowsOf;
using testing_files::ShapeOf;
using testing_files::StructJson;
using testing_files::TableOf;

constexpr const char* kRoot = "file:/table";

// The paths of all files.
std::vector<std::string> PathsIn(const MemoryFileSystem& files) {
  std::vector<std::string> paths;
  const auto listed =
      files.ListTree("/table", {.enters = [](std::string_view) { return true; },
                                .visit = [&](storage::TreeFile file) -> Result<void> {
                                  paths.push_back(std::move(file.path));
                                  return {};
                                }});
  static_cast<void>(listed);  // no folder, no file
  return paths;
}

// A table in memory and a writer for it.
struct TestTable {
  MemoryFileSystem files;
  Metadata metadata;
  std::shared_ptr<const TableShape> shape;

  explicit TestTable(Metadata of) : metadata(std::move(of)), shape(ShapeOf(metadata)) {}

  Result<std::unique_ptr<DataWriter>> Open(DataWriterOptions options = {}) {
    options.root = kRoot;
    options.file_system = &files;
    return DataWriter::Make({}, metadata, shape, std::move(options));
  }
  std::unique_ptr<DataWriter> MakeWriter(DataWriterOptions options = {}) {
    auto writer = Open(std::move(options));
    if (!writer) throw std::runtime_error(writer.error().message());
    return *std::move(writer);
  }
  // Writes the rows and keeps the files.
  std::vector<WrittenFile> Write(const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches,
                                 DataWriterOptions options = {}) {
    const auto writer = MakeWriter(std::move(options));
    for (const auto& rows : batches) {
      const auto written = writer->Write(rows);
      EXPECT_TRUE(written) << written.error().message();
    }
    auto finished = writer->Finish();
    EXPECT_TRUE(finished) << finished.error().message();
    writer->Keep();
    return *std::move(finished);
  }
  std::vector<WrittenFile> Write(const std::string& json, DataWriterOptions options = {}) {
    return Write({RowsOf(*shape, json)}, std::move(options));
  }
  std::shared_ptr<arrow::Buffer> Content(const WrittenFile& file) const {
    return arrow::Buffer::FromString(files.Content(DataFolder("/table").PathOf(file.path)));
  }
  std::shared_ptr<parquet::FileMetaData> Footer(const WrittenFile& file) const {
    return parquet::ParquetFileReader::Open(
               std::make_shared<arrow::io::BufferReader>(Content(file)))
        ->metadata();
  }
  std::shared_ptr<arrow::Table> Read(const WrittenFile& file) const {
    const auto reader =
        parquet::arrow::OpenFile(std::make_shared<arrow::io::BufferReader>(Content(file)),
                                 arrow::default_memory_pool())
            .ValueOrDie();
    const auto table = reader->ReadTable().ValueOrDie();
    EXPECT_TRUE(table->ValidateFull().ok());
    return table->CombineChunks().ValueOrDie();
  }
};

std::shared_ptr<arrow::Array> Column(const arrow::Table& table, const std::string& name) {
  const auto column = table.GetColumnByName(name);
  if (column == nullptr) throw std::runtime_error("no column " + name);
  return column->num_chunks() == 1 ? column->chunk(0)
                                   : arrow::Concatenate(column->chunks()).ValueOrDie();
}

// n, p = n / `rows_each`, as one batch.
std::shared_ptr<arrow::RecordBatch> Numbers(const TableShape& shape, std::int64_t first,
                                            std::int64_t count, std::int64_t rows_each) {
  arrow::Int64Builder n;
  arrow::Int64Builder p;
  for (std::int64_t i = first; i < first + count; ++i) {
    EXPECT_TRUE(n.Append(i).ok());
    EXPECT_TRUE(p.Append(i / rows_each).ok());
  }
  return arrow::RecordBatch::Make(shape.arrow_schema(), count,
                                  {n.Finish().ValueOrDie(), p.Finish().ValueOrDie()});
}

Metadata NumbersTable(const std::vector<std::string>& partition_columns = {}) {
  return TableOf({FieldJson("n", "long"), FieldJson("p", "long")}, partition_columns);
}

// ---- one file -----------------------------------------------------------------------------------

TEST(DataWriterTest, RowsOfEveryType_AreReadBackEqual) {
  const std::string inner = StructJson({FieldJson("x", "string"), FieldJson("nothing", "void")});
  TestTable table(TableOf(
      {FieldJson("b", "boolean"), FieldJson("i8", "byte"), FieldJson("i16", "short"),
       FieldJson("i32", "integer"), FieldJson("i64", "long"), FieldJson("f", "float"),
       FieldJson("d", "double"), FieldJson("d9", "decimal(9,2)"),
       FieldJson("d38", "decimal(38,10)"), FieldJson("s", "string"), FieldJson("bi", "binary"),
       FieldJson("da", "date"), FieldJson("ts", "timestamp"), FieldJson("tn", "timestamp_ntz"),
       FieldJson("st", StructJson({FieldJson("a", "integer"), FieldJson("in", inner)})),
       FieldJson("ar", ArrayJson(inner)), FieldJson("m", MapJson(ArrayJson("integer"))),
       FieldJson("v", "void"), FieldJson("var", "variant")}));
  const auto rows = RowsOf(*table.shape, R"([
      {"b":true,"i8":-128,"i16":32767,"i32":-2147483648,"i64":9223372036854775807,"f":1.5,"d":-0.0,
       "d9":"-1234567.89","d38":"1234567890123456789012345678.0123456789","s":"日本 😀","bi":"\u0000x",
       "da":-719162,"ts":-1,"tn":1,"st":{"a":1,"in":{"x":"q"}},"ar":[{"x":"r"},null,{"x":null}],
       "m":[["k",[1,null]],["l",null]],"var":{"metadata":"m","value":"v"}},
      {"f":NaN,"d":Inf,"s":"","st":{"a":null,"in":null},"ar":[],"m":[]},
      {}])");
  const auto files = table.Write({rows});
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].num_rows, 3);
  EXPECT_EQ(files[0].size_bytes, table.Content(files[0])->size());
  EXPECT_TRUE(files[0].partition_values.empty());
  const auto read = table.Read(files[0]);
  EXPECT_EQ(read->GetColumnByName("v"), nullptr);
  const auto nan_equal = arrow::EqualOptions::Defaults().nans_equal(true);
  for (int i = 0; i < rows->num_columns(); ++i) {
    const std::string name = rows->column_name(i);
    if (name == "v" || name == "st" || name == "ar") continue;
    EXPECT_TRUE(Column(*read, name)->Equals(*rows->column(i), nan_equal))
        << name << Column(*read, name)->ToString();
  }
  // Without what is void in them.
  const auto x = arrow::struct_({arrow::field("x", arrow::utf8())});
  EXPECT_TRUE(Column(*read, "ar")
                  ->Equals(testing_files::ArrayOf(arrow::list(arrow::field("element", x)),
                                                  R"([[{"x":"r"},null,{"x":null}],[],null])")));
  EXPECT_TRUE(Column(*read, "st")
                  ->Equals(testing_files::ArrayOf(
                      arrow::struct_({arrow::field("a", arrow::int32()), arrow::field("in", x)}),
                      R"([{"a":1,"in":{"x":"q"}},{"a":null,"in":null},null])")));
}

TEST(DataWriterTest, File_HasTheTypesAndNamesThatSparkGives) {
  Metadata metadata = TableOf({FieldJson("i", "long"), FieldJson("ts", "timestamp"),
                               FieldJson("tn", "timestamp_ntz"), FieldJson("d", "decimal(9,2)")});
  metadata.schema_string->replace(metadata.schema_string->find("true"), 4, "false");
  TestTable table(metadata);
  const auto files = table.Write(R"([{"i":1,"ts":1,"tn":2,"d":"1.00"}])");
  ASSERT_EQ(files.size(), 1U);
  EXPECT_THAT(
      files[0].path,
      MatchesRegex("part-00000-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}-c000.zstd.parquet"));
  const auto footer = table.Footer(files[0]);
  EXPECT_TRUE(footer->schema()->Column(0)->schema_node()->is_required());
  EXPECT_EQ(footer->schema()->Column(0)->schema_node()->field_id(), -1);
  EXPECT_EQ(footer->schema()->Column(3)->physical_type(), parquet::Type::INT32);
  for (const int i : {1, 2}) {
    EXPECT_TRUE(footer->schema()->Column(i)->schema_node()->is_optional());
    const auto& type = static_cast<const parquet::TimestampLogicalType&>(
        *footer->schema()->Column(i)->logical_type());
    EXPECT_EQ(type.time_unit(), parquet::LogicalType::TimeUnit::MICROS);
    EXPECT_EQ(type.is_adjusted_to_utc(), i == 1);
  }
  const auto column = footer->RowGroup(0)->ColumnChunk(0);
  EXPECT_EQ(column->compression(), parquet::Compression::ZSTD);
  ASSERT_TRUE(column->is_stats_set());
}

TEST(DataWriterTest, CodecOfTheTable_IsTaken) {
  for (const auto& [name, codec, suffix] :
       {std::tuple("snappy", parquet::Compression::SNAPPY, "-c000.snappy.parquet"),
        std::tuple("GZIP", parquet::Compression::GZIP, "-c000.gz.parquet"),
        std::tuple("uncompressed", parquet::Compression::UNCOMPRESSED, "-c000.parquet"),
        std::tuple("lz4_raw", parquet::Compression::LZ4, "-c000.lz4raw.parquet")}) {
    TestTable table(
        TableOf({FieldJson("i", "long")}, {}, {{"delta.parquet.compression.codec", name}}));
    const auto files = table.Write(R"([{"i":1}])");
    EXPECT_EQ(table.Footer(files[0])->RowGroup(0)->ColumnChunk(0)->compression(), codec);
    EXPECT_TRUE(files[0].path.ends_with(suffix)) << files[0].path;
  }
  TestTable table(
      TableOf({FieldJson("i", "long")}, {}, {{"delta.parquet.compression.codec", "lzo"}}));
  const auto writer = table.Open();
  ASSERT_FALSE(writer);
  EXPECT_EQ(writer.error().code(), ErrorCode::kUnsupported);
}

TEST(DataWriterTest, MappedColumns_HavePhysicalNamesAndIdsAtEveryDepth) {
  const std::string inner = StructJson({MappedJson("x", "long", 4, "p4")});
  TestTable table(
      TableOf({MappedJson("day", "date", 1, "p1"),
               MappedJson("st", StructJson({MappedJson("a", "string", 3, "p3")}), 2, "p2"),
               MappedJson("l", ArrayJson(inner), 5, "p5")},
              {"day"}, {{"delta.columnMapping.mode", "id"}}));
  const auto files = table.Write(R"([{"day":0,"st":{"a":"q"},"l":[{"x":7}]}])");
  ASSERT_EQ(files.size(), 1U);
  EXPECT_THAT(files[0].partition_values, ElementsAre(Pair("p1", "1970-01-01")));
  EXPECT_THAT(files[0].path, MatchesRegex("[A-Za-z0-9]{2}/part-00000-.*"));
  EXPECT_THAT(files[0].stats, HasSubstr(R"("minValues":{"p2":{"p3":"q"}})"));
  const auto footer = table.Footer(files[0]);
  const auto* const root = footer->schema()->group_node();
  ASSERT_EQ(root->field_count(), 2);
  EXPECT_EQ(root->field(0)->name(), "p2");
  EXPECT_EQ(root->field(0)->field_id(), 2);
  EXPECT_EQ(footer->schema()->Column(0)->schema_node()->field_id(), 3);
  EXPECT_EQ(footer->schema()->Column(1)->path()->ToDotString(), "p5.list.element.p4");
  EXPECT_EQ(footer->schema()->Column(1)->schema_node()->field_id(), 4);
  EXPECT_EQ(root->field(1)->field_id(), 5);
}

TEST(DataWriterTest, RowIds_AreStoredUnderTheNamesOfTheTable) {
  TestTable table(
      TableOf({FieldJson("n", "long")}, {},
              {{"delta.rowTracking.materializedRowIdColumnName", "_row-id"},
               {"delta.rowTracking.materializedRowCommitVersionColumnName", "_version"}}));
  arrow::FieldVector fields = table.shape->arrow_schema()->fields();
  fields.push_back(arrow::field(std::string(kRowId), arrow::int64()));
  fields.push_back(arrow::field(std::string(kRowCommitVersion), arrow::int64()));
  const auto rows = RowsOf(arrow::schema(fields), R"([
      {"n":1,"__deltalakedb_row_id":100,"__deltalakedb_row_commit_version":7},{"n":2}])");
  const auto files = table.Write({rows}, {.with_row_ids = true});
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(files[0].stats,
            R"({"numRecords":2,"minValues":{"n":1},"maxValues":{"n":2},"nullCount":{"n":0}})");
  const auto read = table.Read(files[0]);
  EXPECT_TRUE(Column(*read, "_row-id")->Equals(rows->column(1)));
  EXPECT_TRUE(Column(*read, "_version")->Equals(rows->column(2)));

  TestTable unnamed(NumbersTable());
  EXPECT_EQ(unnamed.Open({.with_row_ids = true}).error().code(), ErrorCode::kCorrupt);
}

TEST(DataWriterTest, TablesOfWhichNoFileCanHoldAColumn_AreUnsupportedByName) {
  const auto column_of = [](const Metadata& metadata) {
    TestTable table(metadata);
    const auto writer = table.Open();
    EXPECT_FALSE(writer);
    EXPECT_EQ(writer.error().code(), ErrorCode::kUnsupported);
    return std::get<std::string>(*writer.error().FindFact("column"));
  };
  EXPECT_EQ(column_of(TableOf({FieldJson("v", "void"), FieldJson("p", "long")}, {"p"})), "p");
  EXPECT_EQ(column_of(TableOf({FieldJson("l", ArrayJson("void"))})), "l.element");
  EXPECT_EQ(column_of(TableOf({FieldJson("s", StructJson({FieldJson("v", "void")}))})), "s");
  EXPECT_EQ(column_of(TableOf({FieldJson("x", "long"), FieldJson("l", ArrayJson("long"))}, {"l"})),
            "l");
}

TEST(DataWriterTest, NoRows_AreNoFile) {
  TestTable table(NumbersTable());
  EXPECT_TRUE(table.Write(std::vector<std::shared_ptr<arrow::RecordBatch>>()).empty());
  EXPECT_TRUE(table.Write("[]").empty());
  EXPECT_TRUE(PathsIn(table.files).empty());
}

// ---- partitions ---------------------------------------------------------------------------------

TEST(DataWriterTest, Partitions_HaveTheirFilesAndValues) {
  TestTable table(
      TableOf({FieldJson("x", "long"), FieldJson("city", "string"), FieldJson("day", "date")},
              {"day", "city"}));
  const auto files = table.Write(R"([{"x":1,"city":"a b/ü","day":0},{"x":2,"city":"","day":0},
                                     {"x":3,"city":"a b/ü","day":0}])");
  ASSERT_EQ(files.size(), 2U);
  EXPECT_THAT(files[0].path, StartsWith("day=1970-01-01/city=__HIVE_DEFAULT_PARTITION__/part-"));
  EXPECT_THAT(files[0].partition_values,
              ElementsAre(Pair("day", "1970-01-01"), Pair("city", std::nullopt)));
  EXPECT_THAT(files[1].path, StartsWith("day=1970-01-01/city=a%20b%252Fü/part-"));
  EXPECT_THAT(files[1].partition_values,
              ElementsAre(Pair("day", "1970-01-01"), Pair("city", "a b/ü")));
  const auto read = table.Read(files[1]);
  EXPECT_EQ(read->num_columns(), 1);
  EXPECT_TRUE(Column(*read, "x")->Equals(testing_files::ArrayOf(arrow::int64(), "[1,3]")));
  for (const std::string& path : PathsIn(table.files)) {
    EXPECT_THAT(path, ::testing::AnyOf(StartsWith("day=1970-01-01/city=a b%2Fü/part-"),
                                       StartsWith("day=1970-01-01/city=__HIVE_")));
  }
}

TEST(DataWriterTest, FolderAndRandomPrefix_ComeBeforeTheName) {
  Metadata metadata = NumbersTable({"p"});
  metadata.configuration = {{"delta.randomizeFilePrefixes", "true"},
                            {"delta.randomPrefixLength", "5"}};
  TestTable table(metadata);
  const auto files = table.Write(R"([{"n":1,"p":2}])", {.folder = "_change_data"});
  EXPECT_THAT(files[0].path, MatchesRegex("_change_data/[A-Za-z0-9]{5}/part-00000-.*"));
  EXPECT_THAT(files[0].partition_values, ElementsAre(Pair("p", "2")));
}

TEST(DataWriterTest, PartitionWhoseFolderWouldHaveTooLongAName_GetsAnother) {
  TestTable table(TableOf({FieldJson("p", "string"), FieldJson("x", "long")}, {"p"}));
  const std::string long_text(400, 'y');
  const auto files = table.Write(R"([{"p":")" + long_text + R"(","x":1}])");
  EXPECT_THAT(files[0].path, MatchesRegex("[A-Za-z0-9]{2}/part-00000-.*"));
  EXPECT_THAT(files[0].partition_values, ElementsAre(Pair("p", long_text)));
}

TEST(DataWriterTest, MorePartitionsThanFilesThatMayBeOpen_AreAllWritten) {
  constexpr std::int64_t kPartitions = 3 * kOpenFilesMax;
  TestTable table(NumbersTable({"p"}));
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  // Each batch has rows of all partitions.
  for (std::int64_t i = 0; i < 50; ++i) {
    const auto rows = Numbers(*table.shape, 0, kPartitions, 1);
    batches.push_back(rows);
  }
  const auto files = table.Write(batches);
  ASSERT_EQ(files.size(), kPartitions);
  std::set<std::string> values;
  for (const WrittenFile& file : files) {
    EXPECT_EQ(file.num_rows, 50);
    values.insert(*file.partition_values.at(0).second);
  }
  EXPECT_EQ(values.size(), kPartitions);
  EXPECT_EQ(PathsIn(table.files).size(), kPartitions);
  EXPECT_TRUE(std::ranges::is_sorted(files, {}, &WrittenFile::partition_values));
}

TEST(DataWriterTest, PartitionsWhoseFilesAreOpen_StayWithinTheLimit) {
  // A target so small that each batch is a row group of a file that stays open.
  constexpr std::int64_t kPartitions = kOpenFilesMax + 20;
  TestTable table(NumbersTable({"p"}));
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (int round = 0; round < 2; ++round) {
    for (std::int64_t p = 0; p < kPartitions; ++p) {
      batches.push_back(Numbers(*table.shape, p * 1000, 1000, 1000));
    }
  }
  const auto files = table.Write(batches, {.target_file_bytes = 8'000});
  std::map<std::string, std::int64_t> rows;
  for (const WrittenFile& file : files) {
    rows[*file.partition_values.at(0).second] += file.num_rows;
  }
  ASSERT_EQ(rows.size(), kPartitions);
  for (const auto& [partition, count] : rows) EXPECT_EQ(count, 2000) << partition;
}

// ---- several files ------------------------------------------------------------------------------

// All of column n, from all files.
std::vector<std::int64_t> NumbersIn(const TestTable& table, const std::vector<WrittenFile>& files) {
  std::vector<std::int64_t> numbers;
  for (const WrittenFile& file : files) {
    const auto n = std::static_pointer_cast<arrow::Int64Array>(Column(*table.Read(file), "n"));
    EXPECT_EQ(n->length(), file.num_rows);
    numbers.insert(numbers.end(), n->raw_values(), n->raw_values() + n->length());
  }
  std::ranges::sort(numbers);
  return numbers;
}

std::vector<std::int64_t> UpTo(std::int64_t end) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(end));
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

TEST(DataWriterTest, ManyRows_AreCutIntoFilesOfAboutTheTarget) {
  Metadata metadata = NumbersTable();
  metadata.configuration = {{"delta.parquet.compression.codec", "uncompressed"}};
  TestTable table(metadata);
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  constexpr std::int64_t kRows = 400'000;
  for (std::int64_t first = 0; first < kRows; first += 10'000) {
    batches.push_back(Numbers(*table.shape, first, 10'000, 1));
  }
  constexpr std::int64_t kTarget = 500'000;
  const auto files = table.Write(batches, {.target_file_bytes = kTarget, .threads = 1});
  const std::int64_t total =
      std::transform_reduce(files.begin(), files.end(), std::int64_t{0}, std::plus(),
                            [](const WrittenFile& file) { return file.size_bytes; });
  EXPECT_GE(std::ssize(files), total / kTarget);
  EXPECT_LE(std::ssize(files), total / kTarget + 2);
  for (const WrittenFile& file : files) EXPECT_LT(file.size_bytes, kTarget * 5 / 4);
  EXPECT_EQ(NumbersIn(table, files), UpTo(kRows));
}

TEST(DataWriterTest, TargetOfTheTable_IsTakenUnlessTheCallerHasOne) {
  Metadata metadata = NumbersTable();
  metadata.configuration = {{"delta.targetFileSize", "100kb"}};
  TestTable table(metadata);
  const auto rows = Numbers(*table.shape, 0, 100'000, 1);
  EXPECT_GT(table.Write({rows}, {.threads = 1}).size(), 3U);
  EXPECT_EQ(table.Write({rows}, {.target_file_bytes = 100'000'000}).size(), 1U);
}

TEST(DataWriterTest, SmallInputs_AreOneFileWhateverTheThreads) {
  TestTable table(NumbersTable());
  std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
  for (std::int64_t i = 0; i < 500; ++i) batches.push_back(Numbers(*table.shape, 10 * i, 10, 1));
  const auto files = table.Write(batches, {.threads = 8});
  ASSERT_EQ(files.size(), 1U);
  EXPECT_EQ(table.Footer(files[0])->num_row_groups(), 1);
  EXPECT_EQ(NumbersIn(table, files), UpTo(5000));
}

TEST(DataWriterTest, SeveralRowGroups_GoToSeveralFilesAtOnce) {
  TestTable table(NumbersTable());
  constexpr std::int64_t kRows = 4 * kRowGroupRows;
  const auto files = table.Write({Numbers(*table.shape, 0, kRows, 1)}, {.threads = 4});
  EXPECT_GE(files.size(), 2U);
  EXPECT_LE(files.size(), 4U);
  for (const WrittenFile& file : files) {
    const auto footer = table.Footer(file);
    for (int i = 0; i < footer->num_row_groups(); ++i) {
      EXPECT_LE(footer->RowGroup(i)->num_rows(), kRowGroupRows);
    }
  }
  EXPECT_EQ(NumbersIn(table, files), UpTo(kRows));
}

TEST(DataWriterTest, FilesThatAreCut_GetNoFurtherRows) {
  TestTable table(NumbersTable());
  const auto writer = table.MakeWriter();
  ASSERT_TRUE(writer->Write(Numbers(*table.shape, 0, 10, 1)));
  ASSERT_TRUE(writer->CutFiles());
  ASSERT_TRUE(writer->CutFiles());
  ASSERT_TRUE(writer->Write(Numbers(*table.shape, 10, 5, 1)));
  const auto files = writer->Finish();
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ(files->at(0).num_rows, 10);
  EXPECT_EQ(files->at(1).num_rows, 5);
  EXPECT_THAT(files->at(0).stats, HasSubstr(R"("maxValues":{"n":9,"p":9})"));
  EXPECT_THAT(files->at(1).stats, HasSubstr(R"("minValues":{"n":10,"p":10})"));
}

// ---- failure ------------------------------------------------------------------------------------

TEST(DataWriterTest, FilesThatAreNotKept_AreRemoved) {
  TestTable table(NumbersTable({"p"}));
  {
    const auto writer = table.MakeWriter();
    ASSERT_TRUE(writer->Write(Numbers(*table.shape, 0, 10, 2)));
    ASSERT_TRUE(writer->Finish());
    EXPECT_EQ(PathsIn(table.files).size(), 5U);
  }
  EXPECT_TRUE(PathsIn(table.files).empty());
  {
    const auto writer = table.MakeWriter();
    ASSERT_TRUE(writer->Write(Numbers(*table.shape, 0, 10, 2)));
    ASSERT_TRUE(writer->CutFiles());
  }
  EXPECT_TRUE(PathsIn(table.files).empty());
}

TEST(DataWriterTest, FileThatCannotBeFinished_IsAnErrorAndLeavesNothing) {
  TestTable table(NumbersTable({"p"}));
  std::atomic<int> puts = 0;
  table.files.SetFault([&](FileOperation operation, const std::string&) {
    return operation == FileOperation::kPut && ++puts == 3
               ? std::optional(Error(ErrorCode::kIo, "the disk is full").With("file", "f"))
               : std::nullopt;
  });
  {
    const auto writer = table.MakeWriter();
    ASSERT_TRUE(writer->Write(Numbers(*table.shape, 0, 100, 5)));
    const auto finished = writer->Finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code(), ErrorCode::kIo);
    EXPECT_FALSE(writer->Write(Numbers(*table.shape, 0, 1, 1)));
    EXPECT_FALSE(writer->Finish());
  }
  EXPECT_TRUE(PathsIn(table.files).empty());
}

// A limit on the size of files, which the system answers as it does a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int);
};

TEST(DataWriterTest, DiskThatTakesNoMore_IsIoWithTheFileNamedAndLeavesNothing) {
  const base::TempFolder folder;
  const Metadata metadata = NumbersTable();
  const auto shape = ShapeOf(metadata);
  {
    auto writer = DataWriter::Make({}, metadata, shape, {.root = "file:" + folder.path().string()});
    ASSERT_TRUE(writer);
    const FileSizeLimit limit(20'000);
    Result<void> written = (*writer)->Write(Numbers(*shape, 0, 300'000, 1));
    if (written) {
      const auto finished = (*writer)->Finish();
      ASSERT_FALSE(finished);
      written = Fail(finished.error());
    }
    EXPECT_EQ(written.error().code(), ErrorCode::kIo);
    ASSERT_NE(written.error().FindFact("file"), nullptr);
    EXPECT_THAT(std::get<std::string>(*written.error().FindFact("file")),
                StartsWith(folder.path().string() + "/part-00000-"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(DataWriterTest, NullWhereNoneMayBe_IsInvalidArgumentAndLeavesNothing) {
  Metadata metadata = NumbersTable();
  metadata.schema_string->replace(metadata.schema_string->find("true"), 4, "false");
  TestTable table(metadata);
  const auto nullable =
      arrow::schema({arrow::field("n", arrow::int64()), arrow::field("p", arrow::int64())});
  {
    const auto writer = table.MakeWriter();
    ASSERT_TRUE(writer->Write(RowsOf(nullable, R"([{"n":1,"p":1},{"p":1}])")));
    const auto finished = writer->Finish();
    ASSERT_FALSE(finished);
    EXPECT_EQ(finished.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(std::get<std::string>(*finished.error().FindFact("column")), "n");
  }
  EXPECT_TRUE(PathsIn(table.files).empty());
}

TEST(DataWriterTest, FieldThatMayNotBeNullInAStructThatMay_IsWritten) {
  const std::string inner =
      R"({"type":"struct","fields":[{"name":"a","type":"long","nullable":false,"metadata":{}}]})";
  TestTable table(TableOf({FieldJson("s", inner)}));
  const auto files = table.Write(R"([{"s":null},{"s":{"a":1}},{"s":null},{"s":{"a":2}}])");
  ASSERT_EQ(files.size(), 1U);
  const auto read = table.Read(files[0]);
  EXPECT_EQ(Column(*read, "s")->null_count(), 2);
  EXPECT_TRUE(Column(*read, "s")
                  ->Equals(testing_files::ArrayOf(
                      arrow::struct_({arrow::field("a", arrow::int64(), false)}),
                      R"([null,{"a":1},null,{"a":2}])")));
}

TEST(DataWriterTest, WriterThatIsDroppedAmidWriting_Ends) {
  TestTable table(NumbersTable({"p"}));
  {
    const auto writer = table.MakeWriter({.target_file_bytes = 10'000, .threads = 2});
    for (std::int64_t i = 0; i < 20; ++i) {
      ASSERT_TRUE(writer->Write(Numbers(*table.shape, 0, 50'000, 10'000)));
    }
  }
  EXPECT_TRUE(PathsIn(table.files).empty());
}

}  // namespace
}  // namespace deltalakedb::data
