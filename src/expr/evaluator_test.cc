#include "expr/evaluator.h"

#include <arrow/array/array_binary.h>
#include <arrow/array/array_primitive.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/compare.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <thread>
#include <utility>

#include "expr/rows_for_tests.h"

namespace deltalakedb::expr {
namespace {

using arrow::field;
using RowBatch = std::shared_ptr<arrow::RecordBatch>;

Result<RowBatch> Compute(const RowBatch& rows, std::vector<NamedExpression> expressions) {
  auto evaluator = Evaluator::Make(rows->schema(), std::move(expressions));
  if (!evaluator) return Fail(evaluator.error());
  return (*evaluator)->Evaluate(rows);
}

// The values of one expression; a failure of the test when there are none.
std::shared_ptr<arrow::Array> ValuesOf(const RowBatch& rows, const std::string& sql,
                                       const std::shared_ptr<arrow::DataType>& type) {
  const auto computed = Compute(rows, {{.name = "x", .sql = sql, .type = type}});
  if (!computed) {
    ADD_FAILURE() << sql << ": " << computed.error().message();
    return arrow::MakeArrayOfNull(type, 0).ValueOrDie();
  }
  EXPECT_TRUE((*computed)->Validate().ok());
  return (*computed)->column(0);
}

void ExpectValues(const RowBatch& rows, const std::string& sql,
                  const std::shared_ptr<arrow::DataType>& type, const std::string& expected) {
  const auto values = ValuesOf(rows, sql, type);
  EXPECT_TRUE(values->Equals(ArrayOf(type, expected))) << sql << " gave " << values->ToString();
}

RowBatch Numbers() {
  return BatchOf(
      {{"a", arrow::int64(), "[1, 2, null]"}, {"s", arrow::utf8(), R"(["x", "y", null])"}});
}

TEST(EvaluatorTest, Expressions_GiveAColumnEachOfTheTypeAskedFor) {
  const auto computed = Compute(Numbers(), {{"next", "a + 1", arrow::int64()},
                                            {"small", "a", arrow::int8()},
                                            {"text", "s || '!'", arrow::utf8()},
                                            {"big", "a > 1", arrow::boolean()},
                                            {"free", "a + 1", nullptr}});
  ASSERT_TRUE(computed) << computed.error().message();
  const auto expected = BatchOf({{"next", arrow::int64(), "[2, 3, null]"},
                                 {"small", arrow::int8(), "[1, 2, null]"},
                                 {"text", arrow::utf8(), R"(["x!", "y!", null])"},
                                 {"big", arrow::boolean(), "[false, true, null]"},
                                 {"free", arrow::int64(), "[2, 3, null]"}});
  EXPECT_TRUE((*computed)->Equals(*expected)) << (*computed)->ToString();
}

// ---- values go in and come out as they are
// --------------------------------------------------------

struct TypeCase {
  std::shared_ptr<arrow::DataType> type;
  std::string json;
};

std::vector<TypeCase> TypeCases() {
  const auto named = arrow::struct_({field("x", arrow::int32()), field("Y z", arrow::utf8())});
  return {
      {arrow::int8(), "[-128, null, 127]"},
      {arrow::int16(), "[-32768, null, 32767]"},
      {arrow::int32(), "[-2147483648, null, 2147483647]"},
      {arrow::int64(), "[-9223372036854775808, null, 9223372036854775807]"},
      {arrow::float32(), "[1.5, null, Inf, -0.0]"},
      {arrow::float64(), "[1.5, null, -Inf, 0.1]"},
      {arrow::boolean(), "[true, null, false, true, true]"},
      {arrow::utf8(), R"(["", null, "ä", "a text that is longer than twelve bytes"])"},
      {arrow::binary(), R"(["", null, "abc", "bytes that are more than twelve"])"},
      {arrow::date32(), "[-719162, null, 0, 2932896]"},
      {arrow::timestamp(arrow::TimeUnit::MICRO),
       "[-62135596800000000, null, 1, 253402300799999999]"},
      {arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), "[-1, null, 0, 253402300799999999]"},
      {arrow::decimal128(4, 2), R"(["-99.99", null, "0.01"])"},
      {arrow::decimal128(9, 0), R"(["-999999999", null, "1"])"},
      {arrow::decimal128(18, 6), R"(["123456789012.123456", null])"},
      {arrow::decimal128(38, 10), R"(["9999999999999999999999999999.9999999999", null])"},
      {named, R"([{"x": 1, "Y z": "a"}, null, {"x": null, "Y z": "b"}])"},
      {arrow::list(field("element", arrow::int64(), false)), "[[1, 2], null, [], [3]]"},
      {arrow::list(field("element", arrow::utf8())), R"([["a", null], null, [], ["b"]])"},
      {arrow::list(field("element", named)), R"([[{"x": 1, "Y z": "q"}, null], null, []])"},
      {arrow::map(arrow::utf8(), arrow::int32()), R"([[["k", 1], ["l", null]], null, []])"},
      {arrow::struct_({field("l", arrow::list(field("element", arrow::boolean())))}),
       R"([{"l": [true, null]}, null, {"l": null}, {"l": []}])"},
      {arrow::null(), "[null, null]"},
  };
}

TEST(EvaluatorTest, ValuesOfEachType_PassThroughUnchanged) {
  for (const auto& [type, json] : TypeCases()) {
    ExpectValues(BatchOf({{"v", type, json}}), "v", type, json);
  }
}

TEST(EvaluatorTest, SlicesOfLargeBatches_PassThroughUnchanged) {
  for (const auto& [type, json] : TypeCases()) {
    const auto piece = ArrayOf(type, json);
    const auto whole =
        arrow::Concatenate(
            arrow::ArrayVector(5000 / static_cast<std::size_t>(piece->length()), piece))
            .ValueOrDie();
    // An offset that is no multiple of 8, and more rows than DuckDB takes at once.
    const auto sliced = whole->Slice(3, whole->length() - 4);
    const auto rows =
        arrow::RecordBatch::Make(arrow::schema({field("v", type)}), sliced->length(), {sliced});
    const auto values = ValuesOf(rows, "v", type);
    EXPECT_TRUE(values->Equals(sliced)) << type->ToString();
  }
}

TEST(EvaluatorTest, OtherFormsOfTexts_AreRead) {
  const auto dictionary = arrow::dictionary(arrow::int32(), arrow::utf8());
  const auto encoded =
      arrow::json::DictArrayFromJSONString(dictionary, "[0, 1, null, 0]", R"(["a", "b"])")
          .ValueOrDie();
  const auto rows = arrow::RecordBatch::Make(
      arrow::schema({field("d", dictionary), field("l", arrow::large_utf8()),
                     field("v", arrow::utf8_view())}),
      4,
      {encoded, ArrayOf(arrow::large_utf8(), R"(["p", null, "q", "r"])"),
       ArrayOf(arrow::utf8_view(), R"(["p", null, "q", "a text of more than twelve bytes"])")});
  ExpectValues(rows, "d", arrow::utf8(), R"(["a", "b", null, "a"])");
  ExpectValues(rows, "l", arrow::utf8(), R"(["p", null, "q", "r"])");
  ExpectValues(rows, "v", arrow::utf8(), R"(["p", null, "q", "a text of more than twelve bytes"])");
}

TEST(EvaluatorTest, ManyRows_KeepTheirOrder) {
  arrow::Int64Builder builder;
  for (std::int64_t i = 0; i < 100'000; ++i) ASSERT_TRUE(builder.Append(i).ok());
  const auto numbers = builder.Finish().ValueOrDie();
  const auto rows =
      arrow::RecordBatch::Make(arrow::schema({field("n", arrow::int64())}), 100'000, {numbers});
  EXPECT_TRUE(ValuesOf(rows, "n", arrow::int64())->Equals(numbers));
  const auto evaluator = Evaluator::Make(rows->schema(), {{"m", "n + 1", arrow::int64()}});
  ASSERT_TRUE(evaluator);
  for (const std::int64_t length : {0, 1, 2047, 2048, 2049, 70'000}) {
    const auto computed = (*evaluator)->Evaluate(rows->Slice(5, length));
    ASSERT_TRUE(computed) << computed.error().message();
    ASSERT_EQ((*computed)->num_rows(), length);
    const auto& column = static_cast<const arrow::Int64Array&>(*(*computed)->column(0));
    for (std::int64_t i = 0; i < length; ++i) ASSERT_EQ(column.Value(i), i + 6);
  }
}

TEST(EvaluatorTest, RowsWithoutColumns_GetConstants) {
  const auto rows = arrow::RecordBatch::Make(arrow::schema({}), 3000, arrow::ArrayVector{});
  const auto values = ValuesOf(rows, "1 + 1", arrow::int32());
  ASSERT_EQ(values->length(), 3000);
  EXPECT_EQ(static_cast<const arrow::Int32Array&>(*values).Value(2999), 2);
}

// ---- SQL
// --------------------------------------------------------------------------------------------

TEST(EvaluatorTest, Moments_AreUtc) {
  const auto rows = BatchOf(
      {{"t", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
        "[1704067200000000, 1704070800000000]"},
       {"n", arrow::timestamp(arrow::TimeUnit::MICRO), "[1704067200000000, 1704070800000000]"}});
  for (const std::string sql :
       {"t = '2024-01-01 00:00:00'", "t = timestamptz '2024-01-01 01:00:00+01'",
        "n = '2024-01-01 00:00:00'", "t = timestamp '2024-01-01 00:00:00'",
        "t = n AND n = date '2024-01-01'", "t <= date '2024-01-01'",
        "cast(t AS varchar) = '2024-01-01 00:00:00+00'", "hour(t) = 0"}) {
    ExpectValues(rows, sql, arrow::boolean(), "[true, false]");
  }
  ExpectValues(rows, "t", arrow::timestamp(arrow::TimeUnit::MICRO),
               "[1704067200000000, 1704070800000000]");
}

TEST(EvaluatorTest, OddNames_StandInQuotes) {
  const std::string name = "a \"b\" 'c';-- é";
  const auto rows = BatchOf({{name, arrow::int32(), "[1]"}, {"Select", arrow::int32(), "[2]"}});
  ExpectValues(rows, QuoteName(name) + " + \"select\"", arrow::int32(), "[3]");
}

TEST(EvaluatorTest, FunctionsAndLambdas_AreUnderstood) {
  const auto rows = BatchOf(
      {{"l", arrow::list(arrow::int64()), "[[1, 2]]"}, {"s", arrow::utf8(), R"(["{\"k\": 5}"])"}});
  ExpectValues(rows, "list_sum(list_transform(l, x -> x + 1))", arrow::int64(), "[5]");
  ExpectValues(rows, "list_sum(list_transform(l, lambda x: x * 2))", arrow::int64(), "[6]");
  ExpectValues(rows, "list_reduce(l, (x, y) -> x + y)", arrow::int64(), "[3]");
  ExpectValues(rows, "s -> '$.k'", arrow::utf8(), R"(["5"])");
  ExpectValues(rows, "nullif(l[1], 1) IS NULL -- why not", arrow::boolean(), "[true]");
  ExpectValues(rows, "CASE WHEN l[1] = 1 THEN 'one' END", arrow::utf8(), R"(["one"])");
}

TEST(EvaluatorTest, NestedValues_AreCastByName) {
  const auto type = arrow::struct_({field("x", arrow::int64()), field("y", arrow::utf8())});
  ExpectValues(Numbers(), "{'x': a, 'y': s}", type,
               R"([{"x": 1, "y": "x"}, {"x": 2, "y": "y"}, {"x": null, "y": null}])");
}

// ---- errors
// -----------------------------------------------------------------------------------------

TEST(EvaluatorTest, WhatIsNoExpressionOverARow_IsRefused) {
  for (const std::string sql : {"",
                                "  ",
                                "a +",
                                "a; DROP TABLE x",
                                "a, s",
                                "a) + (a",
                                "a FROM b",
                                "(SELECT 1)",
                                "a IN (SELECT 1)",
                                "EXISTS (SELECT 1)",
                                "sum(a)",
                                "max(a) OVER ()",
                                "row_number() OVER ()",
                                "*",
                                "$1",
                                "?",
                                "#1",
                                "unnest([1, 2])",
                                "random()",
                                "now()",
                                "current_date",
                                "nextval('q')",
                                "uuid()",
                                "current_setting('threads')",
                                "getenv('HOME')",
                                "read_text('/etc/passwd')",
                                "nope(a)",
                                "b",
                                "rowid",
                                "__deltalakedb_rows",
                                "age(t)",
                                "geomean(a)",
                                "a AS b",
                                "deltalakedb_rows(1)",
                                "format_type(1, 2)",
                                "a /*",
                                "'a",
                                "json_execute_serialized_sql('{}')",
                                "version()",
                                "a + 1 UNION SELECT 2",
                                "1) UNION SELECT (2",
                                "count(*)"}) {
    const auto made = Evaluator::Make(Numbers()->schema(), {{"x", sql, nullptr}});
    ASSERT_FALSE(made) << sql;
    EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument)
        << sql << ": " << made.error().message();
    EXPECT_NE(made.error().FindFact("expression"), nullptr) << sql;
  }
  EXPECT_FALSE(Evaluator::Make(Numbers()->schema(), {}));
}

TEST(EvaluatorTest, UnknownColumns_AreNamed) {
  const auto made = Evaluator::Make(Numbers()->schema(), {{"x", "b + 1", nullptr}});
  ASSERT_FALSE(made);
  EXPECT_EQ(std::get<std::string>(*made.error().FindFact("column")), "b");
  EXPECT_NE(made.error().message().find("a, s"), std::string::npos) << made.error().message();
}

TEST(EvaluatorTest, ValuesThatCannotBeCast_AreErrorsAndTheEvaluatorGoesOn) {
  const auto evaluator = Evaluator::Make(Numbers()->schema(), {{"x", "s", arrow::int64()}});
  ASSERT_TRUE(evaluator);
  const auto computed = (*evaluator)->Evaluate(Numbers());
  ASSERT_FALSE(computed);
  EXPECT_EQ(computed.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_NE(computed.error().message().find("Could not convert string 'x'"), std::string::npos)
      << computed.error().message();
  const auto good = BatchOf({{"a", arrow::int64(), "[0]"}, {"s", arrow::utf8(), R"(["7"])"}});
  const auto again = (*evaluator)->Evaluate(good);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_TRUE((*again)->column(0)->Equals(ArrayOf(arrow::int64(), "[7]")));
}

TEST(EvaluatorTest, BatchesOfOtherTypes_AreRefused) {
  const auto evaluator = Evaluator::Make(Numbers()->schema(), {{"x", "s", arrow::utf8()}});
  ASSERT_TRUE(evaluator);
  EXPECT_FALSE((*evaluator)->Evaluate(BatchOf({{"a", arrow::int64(), "[1]"}})));
  EXPECT_FALSE(
      (*evaluator)
          ->Evaluate(BatchOf({{"a", arrow::int64(), "[1]"}, {"s", arrow::int64(), "[1]"}})));
  EXPECT_TRUE((*evaluator)->Evaluate(Numbers()));
}

TEST(EvaluatorTest, ErrorsInLaterRows_AreErrors) {
  arrow::StringBuilder builder;
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(builder.Append(i == 9'999 ? "bad" : "1").ok());
  const auto rows = arrow::RecordBatch::Make(arrow::schema({field("s", arrow::utf8())}), 10'000,
                                             {builder.Finish().ValueOrDie()});
  const auto computed = Compute(rows, {{"x", "s", arrow::int64()}});
  ASSERT_FALSE(computed);
  EXPECT_NE(computed.error().message().find("bad"), std::string::npos)
      << computed.error().message();
}

TEST(EvaluatorTest, TypesThatNoTableHas_AreRefused) {
  const auto made = Evaluator::Make(Numbers()->schema(), {{"x", "a", arrow::uint8()}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), ErrorCode::kInvalidArgument);
  const auto twice = BatchOf({{"a", arrow::int64(), "[1]"}, {"A", arrow::int64(), "[1]"}});
  EXPECT_FALSE(Evaluator::Make(twice->schema(), {{"x", "a", nullptr}}));
}

TEST(EvaluatorTest, ThreadsWithTheirOwn_DoNotMeet) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      const auto rows = BatchOf({{"a", arrow::int64(), fmt::format("[{}]", t)}});
      for (int i = 0; i < 20; ++i)
        ExpectValues(rows, "a * 2", arrow::int64(), fmt::format("[{}]", 2 * t));
    });
  }
  for (std::thread& each : threads) each.join();
}

// ---- assignments
// ------------------------------------------------------------------------------------

std::vector<std::pair<std::string, std::string>> Assignments(const std::string& text) {
  std::vector<std::pair<std::string, std::string>> pairs;
  const auto parsed = ParseAssignments(text);
  if (!parsed) ADD_FAILURE() << text << ": " << parsed.error().message();
  for (const Assignment& each : parsed.value_or(std::vector<Assignment>())) {
    pairs.emplace_back(each.column, each.sql);
  }
  return pairs;
}

TEST(ParseAssignmentsTest, CommasAndSignsWithinExpressions_StayThere) {
  using Pairs = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(Assignments("a = a + 1"), (Pairs{{"a", "a + 1"}}));
  EXPECT_EQ(Assignments("a=1,b='x, y = z', c = coalesce(a, b)"),
            (Pairs{{"a", "1"}, {"b", "'x, y = z'"}, {"c", "coalesce(a, b)"}}));
  EXPECT_EQ(Assignments(R"("odd ""name"", =" = 'it''s', s.f = [1, 2][1])"),
            (Pairs{{"odd \"name\", =", "'it''s'"}, {"s.f", "[1, 2][1]"}}));
  EXPECT_EQ(Assignments("a /* , = /* , */ */ = 1 -- , b = 2\n, c = $$,=$$, d = a = 1"),
            (Pairs{{"a", "1 -- , b = 2"}, {"c", "$$,=$$"}, {"d", "a = 1"}}));
  EXPECT_EQ(Assignments(R"(a = E'\', b = 1', c = {'x': 1, 'y': 2})"),
            (Pairs{{"a", R"(E'\', b = 1')"}, {"c", "{'x': 1, 'y': 2}"}}));
}

TEST(ParseAssignmentsTest, AnythingElse_IsRefused) {
  for (const std::string text :
       {"",         "a",           "a = ",      "= 1",          "a == 1",       "a = 1,",
        ", a = 1",  "a = 1 b = 2", "a + 1 = 2", "a = 1, A = 2", "'a' = 1",      "\"\" = 1",
        "a. = 1",   "a = (1",      "a = 1)",    "a = 'x",       "a = 1; b = 2", "a = (SELECT 1)",
        "f(a) = 1", "a := 1",      "1a = 1",    "e'a' = 1",     "a = random()", "\"a = 1"}) {
    const auto parsed = ParseAssignments(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code(), ErrorCode::kInvalidArgument) << text;
    EXPECT_NE(parsed.error().FindFact("expression"), nullptr) << text;
  }
}

}  // namespace
}  // namespace deltalakedb::expr
