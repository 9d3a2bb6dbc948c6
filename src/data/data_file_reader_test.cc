#include "data/data_file_reader.h"

#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "data/test_files_internal.h"
#include "protocol/table_rules.h"

namespace deltalakedb::data {
namespace {

using namespace testing_files;
using testing::HasSubstr;

class DataFileReaderTest : public testing::Test {
 protected:
  // A file of `count` rows: 0, 1, 2, … and the same as text.
  std::string WriteNumbers(std::int64_t count, std::int64_t row_group_rows = 1000) const {
    arrow::Int64Builder numbers;
    arrow::StringBuilder texts;
    for (std::int64_t i = 0; i < count; ++i) {
      EXPECT_TRUE(numbers.Append(i).ok());
      EXPECT_TRUE(texts.Append("row " + std::to_string(i)).ok());
    }
    TestFolder::Options options;
    options.row_group_rows = row_group_rows;
    return folder_.Write({{"n", *numbers.Finish()}, {"t", *texts.Finish()}}, options);
  }

  TestFolder folder_;
  Metadata numbers_ = TableOf({FieldJson("n", "long"), FieldJson("t", "string")});
};

TEST_F(DataFileReaderTest, ColumnsAskedFor_ComeInThatOrder) {
  const std::string path = WriteNumbers(3);
  ReadOptions options;
  options.columns = {1, 0, 1};
  ExpectRows(ReadAll(numbers_, FileAt(path), options),
             R"([["row 0",0,"row 0"],["row 1",1,"row 1"],["row 2",2,"row 2"]])");
  options.columns = {1};
  ExpectRows(ReadAll(numbers_, FileAt(path), options), R"([["row 0"],["row 1"],["row 2"]])");
}

TEST_F(DataFileReaderTest, FileOlderThanColumns_HasNullsForThemAndItsOthersAreIgnored) {
  const std::string path = folder_.Write({{"gone", ArrayOf(arrow::int64(), "[7,8]")},
                                          {"_change_type", ArrayOf(arrow::utf8(), R"(["a","b"])")},
                                          {"a", ArrayOf(arrow::int64(), "[1,2]")}});
  const auto metadata =
      TableOf({FieldJson("new", "string"), FieldJson("a", "long"),
               FieldJson("s", StructJson({FieldJson("x", "date")})), FieldJson("v", "void")});
  ExpectRows(ReadAll(metadata, FileAt(path)), "[[null,1,null,null],[null,2,null,null]]");
}

TEST_F(DataFileReaderTest, NamesInAnotherCase_AreFoundUnlessOneIsExact) {
  const std::string path = folder_.Write({{"ID", ArrayOf(arrow::int64(), "[1]")},
                                          {"NAME", ArrayOf(arrow::int64(), "[2]")},
                                          {"name", ArrayOf(arrow::int64(), "[3]")}});
  ExpectRows(ReadAll(TableOf({FieldJson("Id", "long"), FieldJson("name", "long")}), FileAt(path)),
             "[[1,3]]");
}

TEST_F(DataFileReaderTest, RowsInSeveralGroupsAndBatches_AreAllThereInOrder) {
  const std::string path = WriteNumbers(2500, 1000);
  ReadOptions options;
  options.columns = {0};
  options.with_row_positions = true;
  options.batch_rows_max = 300;
  const auto rows = ReadAll(numbers_, FileAt(path), options);
  ASSERT_TRUE(rows.has_value()) << rows.error().message();
  ASSERT_EQ((*rows)->num_rows(), 2500);
  EXPECT_EQ((*rows)->field(1)->name(), kRowPosition);
  EXPECT_TRUE((*rows)->column(0)->Equals(*(*rows)->column(1)));
  const auto& chunk = static_cast<const arrow::Int64Array&>(*(*rows)->column(0)->chunks().back());
  EXPECT_EQ(chunk.Value(chunk.length() - 1), 2499);
}

TEST_F(DataFileReaderTest, DeletedRows_AreLeftOut) {
  DataFile file = FileAt(WriteNumbers(10, 4));
  file.deleted_rows = {0, 3, 4, 5, 6, 7, 9};
  ReadOptions options;
  options.columns = {0, 1};
  options.with_row_positions = true;
  ExpectRows(ReadAll(numbers_, file, options), R"([[1,"row 1",1],[2,"row 2",2],[8,"row 8",8]])");
  // Positions behind the end of the file delete nothing.
  file.deleted_rows = {2, 10, 4000};
  options.columns = {};
  options.batch_rows_max = 3;
  ExpectRows(ReadAll(numbers_, file, options), "[[0],[1],[3],[4],[5],[6],[7],[8],[9]]");
}

TEST_F(DataFileReaderTest, NothingToRead_GivesTheNumberOfRows) {
  DataFile file = FileAt(WriteNumbers(10, 4));
  file.deleted_rows = {1, 9};
  const auto shape = ShapeOf(numbers_);
  auto reader = DataFileReader::Open(shape, numbers_, file, {});
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  EXPECT_EQ((*reader)->num_row_groups(), 3);
  EXPECT_EQ((*reader)->num_rows(2), 2);
  std::int64_t rows = 0;
  for (int i = 0; i < 3; ++i) {
    auto stream = (*reader)->ReadRowGroup(i);
    ASSERT_TRUE(stream.has_value());
    while (true) {
      const auto batch = (*stream)->Next();
      ASSERT_TRUE(batch.has_value());
      if (*batch == nullptr) break;
      EXPECT_EQ((*batch)->num_columns(), 0);
      rows += (*batch)->num_rows();
    }
  }
  EXPECT_EQ(rows, 8);
  // Columns that the file does not have cost nothing to read either.
  ExpectRows(ReadAll(TableOf({FieldJson("new", "long")}), file),
             "[[null],[null],[null],[null],[null],[null],[null],[null]]");
}

TEST_F(DataFileReaderTest, EmptyFileAndEmptyRowGroup_GiveNoBatch) {
  const std::string path = WriteNumbers(0);
  const auto rows = ReadAll(numbers_, FileAt(path));
  ASSERT_TRUE(rows.has_value()) << rows.error().message();
  EXPECT_EQ((*rows)->num_rows(), 0);
}

TEST_F(DataFileReaderTest, PartitionValues_StandInEveryRow) {
  DataFile file = FileAt(folder_.Write(
      {{"p", ArrayOf(arrow::int64(), "[7,7]")}, {"a", ArrayOf(arrow::int64(), "[1,2]")}}));
  const struct {
    const char* type;
    std::optional<std::string> text;
    const char* json;
  } cases[] = {
      {"string", "a/b", R"("a/b")"},
      {"string", "", "null"},
      {"long", "-5", "-5"},
      {"integer", "2147483647", "2147483647"},
      {"short", "-32768", "-32768"},
      {"byte", "127", "127"},
      {"float", "1.5", "1.5"},
      {"double", "-1.0E10", "-10000000000"},
      {"decimal(5,2)", "-1.5", R"("-1.50")"},
      {"decimal(38,0)", "-99999999999999999999999999999999999999",
       R"("-99999999999999999999999999999999999999")"},
      {"boolean", "true", "true"},
      {"binary", "ab", R"("ab")"},
      {"date", "1969-12-31", "-1"},
      {"timestamp", "1970-01-01T00:00:01.5Z", "1500000"},
      {"timestamp_ntz", "1969-12-31 23:59:59", "-1000000"},
      {"date", std::nullopt, "null"},
  };
  for (const auto& each : cases) {
    const auto metadata = TableOf({FieldJson("p", each.type), FieldJson("a", "long")}, {"p"});
    file.partition_values = {{"p", each.text}};
    const std::string value = each.json;
    ExpectRows(ReadAll(metadata, file), "[[" + value + ",1],[" + value + ",2]]");
    ReadOptions only;
    only.columns = {0};
    ExpectRows(ReadAll(metadata, file, only), "[[" + value + "],[" + value + "]]");
  }
}

TEST_F(DataFileReaderTest, PartitionValueThatIsNone_IsCorrupt) {
  DataFile file = FileAt(WriteNumbers(1));
  file.partition_values = {{"p", "tomorrow"}};
  const auto rows = ReadAll(TableOf({FieldJson("p", "date"), FieldJson("n", "long")}, {"p"}), file);
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(FactOf(rows.error(), "column"), "p");
  EXPECT_EQ(FactOf(rows.error(), "file"), file.path);
}

TEST_F(DataFileReaderTest, LongPartitionValue_MakesBatchesSmaller) {
  DataFile file = FileAt(WriteNumbers(100));
  const std::string value(1024 * 1024, 'x');
  file.partition_values = {{"p", value}};
  const auto metadata = TableOf({FieldJson("p", "string"), FieldJson("n", "long")}, {"p"});
  const auto reader =
      DataFileReader::Open(ShapeOf(metadata), metadata, file, AllColumns(*ShapeOf(metadata)));
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  const auto stream = (*reader)->ReadRowGroup(0);
  const auto batch = (*stream)->Next();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ((*batch)->num_rows(), 16);
}

TEST_F(DataFileReaderTest, MappingByName_FindsPhysicalNamesAtEveryDepth) {
  const auto inner =
      arrow::struct_({arrow::field("col-y", arrow::utf8()), arrow::field("col-x", arrow::int64())});
  DataFile file = FileAt(folder_.Write({{"col-s", ArrayOf(inner, R"([["a",1],null])")},
                                        {"col-l", ArrayOf(arrow::list(inner), R"([[["b",2]],[]])")},
                                        {"id", ArrayOf(arrow::int64(), "[9,9]")},
                                        {"col-id", ArrayOf(arrow::int64(), "[5,6]")}}));
  file.partition_values = {{"col-p", "7"}};
  const std::string row =
      StructJson({MappedJson("x", "long", 5, "col-x"), MappedJson("y", "string", 6, "col-y")});
  const auto metadata =
      TableOf({MappedJson("id", "long", 1, "col-id"), MappedJson("s", row, 2, "col-s"),
               MappedJson("l", ArrayJson(row), 3, "col-l"), MappedJson("p", "long", 4, "col-p")},
              {"p"}, {{"delta.columnMapping.mode", "name"}});
  ExpectRows(ReadAll(metadata, file), R"([[5,[1,"a"],[[2,"b"]],7],[6,null,[],7]])");
}

TEST_F(DataFileReaderTest, MappingById_GoesByIdsWhateverTheNames) {
  const auto with_id = [](const std::string& name, const Type& type, int id) {
    return arrow::field(name, type)
        ->WithMetadata(arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(id)}));
  };
  const auto inner =
      arrow::struct_({with_id("a", arrow::int64(), 12), with_id("b", arrow::utf8(), 11)});
  const auto metadata = TableOf(
      {MappedJson("n", "long", 1, "one"), MappedJson("m", "long", 2, "two"),
       MappedJson(
           "s",
           StructJson({MappedJson("t", "string", 11, "t"), MappedJson("new", "string", 13, "b")}),
           3, "three")},
      {}, {{"delta.columnMapping.mode", "id"}});
  const DataFile file = FileAt(folder_.Write({{"two", ArrayOf(arrow::int64(), "[1]"), 1},
                                              {"other", ArrayOf(inner, R"([[4,"x"]])"), 3},
                                              {"n", ArrayOf(arrow::int64(), "[3]"), 7}}));
  ExpectRows(ReadAll(metadata, file), R"([[1,null,["x",null]]])");
  const DataFile without = FileAt(folder_.Write({{"one", ArrayOf(arrow::int64(), "[1]")}}));
  const auto refused = ReadAll(metadata, without);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kCorrupt);
  EXPECT_EQ(FactOf(refused.error(), "column"), "n");
}

TEST_F(DataFileReaderTest, RowIds_AreStoredOnesElseCounted) {
  Metadata metadata = TableOf({FieldJson("n", "long")}, {},
                              {{std::string(protocol::kMaterializedRowIdColumn), "_row-id"},
                               {std::string(protocol::kMaterializedRowCommitVersionColumn), "_v"}});
  DataFile file = FileAt(folder_.Write({{"n", ArrayOf(arrow::int64(), "[1,2,3,4]")},
                                        {"_row-id", ArrayOf(arrow::int64(), "[null,70,null,71]")},
                                        {"_v", ArrayOf(arrow::int64(), "[null,3,4,null]")}}));
  ReadOptions options;
  options.columns = {0};
  options.with_row_ids = true;
  ExpectRows(ReadAll(metadata, file, options), "[[1,null,null],[2,70,3],[3,null,4],[4,71,null]]");
  file.base_row_id = 1000;
  file.default_row_commit_version = 9;
  file.deleted_rows = {1};
  ExpectRows(ReadAll(metadata, file, options), "[[1,1000,9],[3,1002,4],[4,71,9]]");
  // A table without names for them, and so files without them.
  metadata.configuration.clear();
  options.columns = {};
  ExpectRows(ReadAll(metadata, file, options), "[[1000,9],[1002,9],[1003,9]]");
  file.base_row_id.reset();
  file.default_row_commit_version.reset();
  ExpectRows(ReadAll(metadata, file, options), "[[null,null],[null,null],[null,null]]");
}

TEST_F(DataFileReaderTest, OneReader_ServesSeveralThreads) {
  DataFile file = FileAt(WriteNumbers(20'000, 1000));
  file.deleted_rows = {1, 5000, 19'999};
  const auto reader =
      DataFileReader::Open(ShapeOf(numbers_), numbers_, file, AllColumns(*ShapeOf(numbers_)));
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  std::vector<std::int64_t> sums(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < sums.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int group = 0; group < (*reader)->num_row_groups(); ++group) {
        auto stream = (*reader)->ReadRowGroup(group);
        while (stream) {
          const auto batch = (*stream)->Next();
          if (!batch || *batch == nullptr) break;
          const auto& column = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
          for (std::int64_t i = 0; i < column.length(); ++i) sums[t] += column.Value(i);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::int64_t sum : sums) EXPECT_EQ(sum, 20'000LL * 19'999 / 2 - 1 - 5000 - 19'999);
}

TEST_F(DataFileReaderTest, StreamWithoutItsReader_GoesOn) {
  auto reader = DataFileReader::Open(ShapeOf(numbers_), numbers_, FileAt(WriteNumbers(5)),
                                     AllColumns(*ShapeOf(numbers_)));
  ASSERT_TRUE(reader.has_value());
  const auto stream = (*reader)->ReadRowGroup(0);
  reader->reset();
  const auto batch = (*stream)->Next();
  ASSERT_TRUE(batch.has_value());
  EXPECT_EQ((*batch)->num_rows(), 5);
}

TEST_F(DataFileReaderTest, FileThatIsGone_IsNotFoundWithItsName) {
  const auto rows = ReadAll(numbers_, FileAt(folder_.path("none.parquet")));
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(FactOf(rows.error(), "file"), folder_.path("none.parquet"));
}

TEST_F(DataFileReaderTest, DamagedFile_IsCorruptAndNeverACrash) {
  const std::string path = WriteNumbers(500, 100);
  std::string bytes;
  {
    std::ifstream in(path, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  int failed = 0;
  for (std::size_t i = 0; i < 400; ++i) {
    std::string damaged = bytes;
    if (i % 4 == 0) {
      damaged.resize(bytes.size() * i / 400);
    } else {
      const std::size_t at = (i * 7919) % bytes.size();
      damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1U << (i % 8)));
    }
    std::ofstream(path, std::ios::binary) << damaged;
    DataFile file = FileAt(path);
    file.deleted_rows = {3, 250};
    const auto reader =
        DataFileReader::Open(ShapeOf(numbers_), numbers_, file, AllColumns(*ShapeOf(numbers_)));
    bool is_whole = reader.has_value();
    for (int group = 0; is_whole && group < (*reader)->num_row_groups(); ++group) {
      static_cast<void>((*reader)->FactsOf(group, {"t"}));
      auto stream = (*reader)->ReadRowGroup(group);
      is_whole = stream.has_value();
      while (is_whole) {
        const auto batch = (*stream)->Next();
        if (!batch) is_whole = false;
        if (!batch || *batch == nullptr) break;
      }
    }
    if (!is_whole) ++failed;
    if (!reader) {
      EXPECT_EQ(reader.error().code(), ErrorCode::kCorrupt);
    }
  }
  EXPECT_GT(failed, 100);
}

TEST_F(DataFileReaderTest, FileThatIsNoParquet_IsCorrupt) {
  const std::string path = folder_.path("text.parquet");
  std::ofstream(path) << "this is a text and no Parquet file";
  const auto rows = ReadAll(numbers_, FileAt(path));
  ASSERT_FALSE(rows.has_value());
  EXPECT_EQ(rows.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(rows.error().message(), HasSubstr("text.parquet"));
  EXPECT_EQ(FactOf(rows.error(), "file"), path);
}

}  // namespace
}  // namespace deltalakedb::data
