#include "expr/key_join.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/table.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <functional>
#include <utility>

#include "base/temp_folder.h"
#include "expr/rows_for_tests.h"

namespace deltalakedb::expr {
namespace {

using arrow::field;
using RowBatch = std::shared_ptr<arrow::RecordBatch>;

std::shared_ptr<arrow::RecordBatchReader> ReaderOf(const arrow::RecordBatchVector& batches) {
  return arrow::RecordBatchReader::Make(batches).ValueOrDie();
}

// Batches that a function makes, one after the other; null ends them.
class MadeReader final : public arrow::RecordBatchReader {
 public:
  using Function = std::function<arrow::Result<RowBatch>(int)>;
  MadeReader(std::shared_ptr<arrow::Schema> schema, Function make)
      : schema_(std::move(schema)), make_(std::move(make)) {}
  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(RowBatch* out) override { return make_(next_++).Value(out); }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  Function make_;
  int next_ = 0;
};

RowBatch Source() {
  return BatchOf({{"k", arrow::int64(), "[3, 1, null, 2, 9]"},
                  {"v", arrow::utf8(), R"(["c", "a", "n", "b", "z"])"}});
}

std::unique_ptr<KeyJoin> Join(const RowBatch& source, const std::vector<std::string>& keys) {
  auto join = KeyJoin::Make(ReaderOf({source}), keys);
  if (!join) throw std::runtime_error(join.error().message());
  return *std::move(join);
}

RowBatch Rest(KeyJoin& join, const RowBatch& like) {
  const auto reader = join.Unmatched();
  if (!reader) throw std::runtime_error(reader.error().message());
  EXPECT_TRUE((*reader)->schema()->Equals(*like->schema())) << (*reader)->schema()->ToString();
  const auto table = (*reader)->ToTable();
  if (!table.ok()) throw std::runtime_error(table.status().message());
  return (*table)->CombineChunksToBatch().ValueOrDie();
}

TEST(KeyJoinTest, RowsThatMatch_ComeInTheOrderOfTheTarget) {
  const auto join = Join(Source(), {"k"});
  const auto target = BatchOf({{"x", arrow::utf8(), R"(["", "", "", "", ""])"},
                               {"k", arrow::int64(), "[1, 7, null, 3, 1]"}});
  const auto matches = join->Match(target);
  ASSERT_TRUE(matches) << matches.error().message();
  const auto expected =
      BatchOf({{"k", arrow::int64(), "[1, 3, 1]"}, {"v", arrow::utf8(), R"(["a", "c", "a"])"}});
  ASSERT_EQ((*matches)->num_columns(), 3);
  EXPECT_EQ((*matches)->schema()->field(0)->name(), kTargetRow);
  EXPECT_TRUE((*matches)->column(0)->Equals(ArrayOf(arrow::int64(), "[0, 3, 4]")))
      << (*matches)->ToString();
  EXPECT_TRUE((*matches)->column(1)->Equals(expected->column(0)));
  EXPECT_TRUE((*matches)->column(2)->Equals(expected->column(1)));
  const auto more = join->Match(BatchOf({{"k", arrow::int64(), "[9]"}}));
  ASSERT_TRUE(more);
  EXPECT_EQ((*more)->num_rows(), 1);

  const auto rest = Rest(*join, Source());
  EXPECT_TRUE(rest->Equals(
      *BatchOf({{"k", arrow::int64(), "[null, 2]"}, {"v", arrow::utf8(), R"(["n", "b"])"}})))
      << rest->ToString();
}

TEST(KeyJoinTest, NothingThatMatches_IsAnEmptyBatch) {
  const auto join = Join(Source(), {"k"});
  for (const std::string keys : {"[]", "[null, 100]"}) {
    const auto matches = join->Match(BatchOf({{"k", arrow::int64(), keys}}));
    ASSERT_TRUE(matches) << matches.error().message();
    EXPECT_EQ((*matches)->num_rows(), 0);
    EXPECT_EQ((*matches)->num_columns(), 3);
  }
  EXPECT_TRUE(Rest(*join, Source())->Equals(*Source()));
}

TEST(KeyJoinTest, EmptySources_MatchNothing) {
  const auto empty = Source()->Slice(0, 0);
  const auto join = Join(empty, {"k"});
  const auto matches = join->Match(BatchOf({{"k", arrow::int64(), "[1]"}}));
  ASSERT_TRUE(matches) << matches.error().message();
  EXPECT_EQ((*matches)->num_rows(), 0);
  EXPECT_EQ(Rest(*join, empty)->num_rows(), 0);
  const auto bounds = join->Bounds("k");
  ASSERT_TRUE(bounds);
  EXPECT_EQ((*bounds)->column(0)->null_count(), 1);
}

TEST(KeyJoinTest, SeveralKeys_HaveToMatchTogether) {
  const auto source = BatchOf({{"a", arrow::utf8(), R"(["x", "x", "y", "x"])"},
                               {"b", arrow::date32(), "[1, 2, 1, null]"},
                               {"n", arrow::float64(), "[1.5, 2.5, NaN, 4.5]"}});
  const auto join = Join(source, {"b", "a"});
  const auto matches = join->Match(BatchOf(
      {{"a", arrow::utf8(), R"(["y", "y", "x"])"}, {"b", arrow::date32(), "[1, 2, null]"}}));
  ASSERT_TRUE(matches) << matches.error().message();
  EXPECT_TRUE((*matches)->column(0)->Equals(ArrayOf(arrow::int64(), "[0]")));
  EXPECT_TRUE(Rest(*join, source)->column(2)->Equals(ArrayOf(arrow::float64(), "[1.5, 2.5, 4.5]")));
}

TEST(KeyJoinTest, TwoRowsForOne_AreAnErrorWhereTheTargetHasIt) {
  const auto source = BatchOf({{"k", arrow::int64(), "[1, 2, 2, null, null]"},
                               {"j", arrow::utf8(), R"(["p", "q", "q", "r", "r"])"}});
  const auto join = Join(source, {"k", "j"});
  const auto good = join->Match(
      BatchOf({{"k", arrow::int64(), "[1, null]"}, {"j", arrow::utf8(), R"(["p", "r"])"}}));
  ASSERT_TRUE(good) << good.error().message();
  EXPECT_EQ((*good)->num_rows(), 1);
  const auto bad = join->Match(
      BatchOf({{"k", arrow::int64(), "[1, 2]"}, {"j", arrow::utf8(), R"(["p", "q"])"}}));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(std::get<std::string>(*bad.error().FindFact("keys")), "k = 2, j = q");
  EXPECT_EQ(Rest(*join, source)->num_rows(), 4);
}

TEST(KeyJoinTest, Bounds_AreThoseOfTheKey) {
  const auto day = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto join =
      Join(BatchOf({{"k", day, "[5, null, -7, 3]"},
                    {"d", arrow::decimal128(9, 2), R"(["1.50", null, "-2.25", "0.00"])"}}),
           {"k", "d"});
  const auto moments = join->Bounds("k");
  ASSERT_TRUE(moments) << moments.error().message();
  EXPECT_TRUE((*moments)->Equals(*BatchOf({{"min", day, "[-7]"}, {"max", day, "[5]"}})))
      << (*moments)->ToString();
  const auto numbers = join->Bounds("d");
  ASSERT_TRUE(numbers);
  EXPECT_TRUE((*numbers)->column(1)->Equals(ArrayOf(arrow::decimal128(9, 2), R"(["1.50"])")));
  EXPECT_FALSE(join->Bounds("other"));
}

TEST(KeyJoinTest, OddNamesAndNestedTypes_ComeBackAsTheyWere) {
  const auto nested =
      arrow::struct_({field("Ä \"q\"", arrow::list(field("element", arrow::int32(), false)))});
  const auto source = arrow::RecordBatch::Make(
      arrow::schema({field("row", arrow::int64()), field("ROWID", arrow::null()),
                     field("a.b \"c\"", nested),
                     field("c0", arrow::map(arrow::utf8(), arrow::int32())),
                     field("t0", arrow::binary(), false)}),
      2,
      {ArrayOf(arrow::int64(), "[1, 2]"), ArrayOf(arrow::null(), "[null, null]"),
       ArrayOf(nested, R"([{"Ä \"q\"": [1, 2]}, null])"),
       ArrayOf(arrow::map(arrow::utf8(), arrow::int32()), R"([[["k", 1]], null])"),
       ArrayOf(arrow::binary(), R"(["", "x"])")});
  const auto join = Join(source, {"row"});
  const auto matches = join->Match(BatchOf({{"row", arrow::int64(), "[2]"}}));
  ASSERT_TRUE(matches) << matches.error().message();
  const auto without = (*matches)->RemoveColumn(0).ValueOrDie();
  EXPECT_TRUE(without->Equals(*source->Slice(1, 1), /*check_metadata=*/true))
      << without->ToString();
  EXPECT_TRUE(Rest(*join, source)->Equals(*source->Slice(0, 1)));
}

TEST(KeyJoinTest, UnmatchedRows_OutliveTheJoin) {
  auto join = Join(Source(), {"k"});
  const auto reader = join->Unmatched();
  ASSERT_TRUE(reader);
  join.reset();
  EXPECT_EQ((*reader)->ToTable().ValueOrDie()->num_rows(), 5);
}

TEST(KeyJoinTest, ColumnsThatAreNotThere_AreNamed) {
  const auto made = KeyJoin::Make(ReaderOf({Source()}), {"k", "q"});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(std::get<std::string>(*made.error().FindFact("column")), "q");
  EXPECT_FALSE(KeyJoin::Make(ReaderOf({Source()}), {}));
  const auto join = Join(Source(), {"k"});
  EXPECT_FALSE(join->Match(BatchOf({{"other", arrow::int64(), "[1]"}})));
  EXPECT_TRUE(join->Match(BatchOf({{"k", arrow::int64(), "[1]"}})));
}

TEST(KeyJoinTest, SourcesThatFail_GiveTheirError) {
  const auto failing =
      std::make_shared<MadeReader>(Source()->schema(), [](int i) -> arrow::Result<RowBatch> {
        if (i < 3) return Source();
        return arrow::Status::IOError("the wire was cut");
      });
  const auto made = KeyJoin::Make(failing, {"k"});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kIo);
  EXPECT_NE(made.error().message().find("the wire was cut"), std::string::npos);
}

// 100 MB of texts with 64 MB of memory.
TEST(KeyJoinTest, RowsBeyondMemory_LieInAFolderThatGoes) {
  const base::TempFolder parent;
  const char* const before = ::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  ASSERT_EQ(::setenv("TMPDIR", parent.path().c_str(), 1), 0);
  constexpr int kBatches = 20;
  constexpr std::int64_t kRows = 10'000;
  const auto schema = arrow::schema({field("k", arrow::int64()), field("v", arrow::utf8())});
  const auto many = std::make_shared<MadeReader>(schema, [&](int i) -> arrow::Result<RowBatch> {
    if (i == kBatches) return RowBatch();
    arrow::Int64Builder keys;
    arrow::StringBuilder values;
    std::uint64_t state = static_cast<std::uint64_t>(i) + 1;
    for (std::int64_t row = 0; row < kRows; ++row) {
      ARROW_RETURN_NOT_OK(keys.Append(i * kRows + row));
      std::string text;
      while (text.size() < 500) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        text += fmt::format("{:x}", state);
      }
      ARROW_RETURN_NOT_OK(values.Append(text));
    }
    ARROW_ASSIGN_OR_RAISE(auto key_array, keys.Finish());
    ARROW_ASSIGN_OR_RAISE(auto value_array, values.Finish());
    return arrow::RecordBatch::Make(schema, kRows, {key_array, value_array});
  });
  {
    const auto join = KeyJoin::Make(many, {"k"}, {.memory_mib = 64});
    ASSERT_TRUE(join) << join.error().message();
    std::uintmax_t spilled = 0;
    for (const auto& each : std::filesystem::recursive_directory_iterator(parent.path())) {
      if (each.is_regular_file()) spilled += each.file_size();
    }
    EXPECT_GT(spilled, 1'000'000U);
    const auto matches = (*join)->Match(BatchOf({{"k", arrow::int64(), "[123456, 5, 199999]"}}));
    ASSERT_TRUE(matches) << matches.error().message();
    EXPECT_TRUE((*matches)->column(1)->Equals(ArrayOf(arrow::int64(), "[123456, 5, 199999]")));
    const auto rest = (*join)->Unmatched();
    ASSERT_TRUE(rest);
    std::int64_t count = 0;
    std::int64_t last = -1;
    for (const auto& batch : **rest) {
      ASSERT_TRUE(batch.ok()) << batch.status();
      const auto& keys = static_cast<const arrow::Int64Array&>(*(*batch)->column(0));
      for (std::int64_t i = 0; i < keys.length(); ++i, ++count) {
        ASSERT_LT(last, keys.Value(i));
        last = keys.Value(i);
      }
    }
    EXPECT_EQ(count, kBatches * kRows - 3);
  }
  EXPECT_TRUE(std::filesystem::is_empty(parent.path()));
  if (before == nullptr) {
    ::unsetenv("TMPDIR");
  } else {
    ::setenv("TMPDIR", kept.c_str(), 1);
  }
}

}  // namespace
}  // namespace deltalakedb::expr
