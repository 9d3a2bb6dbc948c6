#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "data/statistics_internal.h"
#include "data/test_rows_internal.h"

namespace deltalakedb::data {
namespace {

using testing_files::ArrayJson;
using testing_files::FieldJson;
using testing_files::MapJson;
using testing_files::MappedJson;
using testing_files::RowsOf;
using testing_files::ShapeOf;
using testing_files::StructJson;
using testing_files::TableOf;

Protocol WithVectors() {
  Protocol protocol;
  protocol.min_reader_version = 3;
  protocol.min_writer_version = 7;
  protocol.reader_features = {{"deletionVectors"}};
  protocol.writer_features = {{"deletionVectors"}};
  return protocol;
}

// The statistics of files that get these rows, batch by batch.
std::string StatsOf(const Metadata& metadata, const std::vector<std::string>& batches,
                    const Protocol& protocol = {}) {
  const auto shape = ShapeOf(metadata);
  const StatsPlan plan = StatsPlan::Make(protocol, metadata, *shape);
  FileStatistics statistics(plan);
  for (const std::string& rows : batches) {
    EXPECT_TRUE(statistics.Add(*RowsOf(*shape, rows)).ok());
  }
  return statistics.ToJson();
}

std::string StatsOfColumns(const std::vector<std::string>& fields,
                           const std::vector<std::string>& batches) {
  return StatsOf(TableOf(fields), batches);
}

// The text was recorded from Delta Spark 4.4.0, which wrote the same two rows.
TEST(StatisticsTest, RowsOfEveryType_HaveTheTextThatSparkWrites) {
  const std::string inner = StructJson({FieldJson("x", "string")});
  const Metadata table = TableOf(
      {FieldJson("b", "boolean"), FieldJson("i8", "byte"), FieldJson("f", "float"),
       FieldJson("d", "double"), FieldJson("de", "decimal(10,2)"), FieldJson("dz", "decimal(38,0)"),
       FieldJson("s", "string"), FieldJson("bi", "binary"), FieldJson("da", "date"),
       FieldJson("ts", "timestamp"), FieldJson("tn", "timestamp_ntz"),
       FieldJson("st", StructJson({FieldJson("a", "integer"), FieldJson("n", inner)})),
       FieldJson("ar", ArrayJson("integer")), FieldJson("m", MapJson("integer")),
       FieldJson("allnull", "integer"), FieldJson("v", "void")});
  const std::string first = R"([{"b":true,"i8":1,"f":1.5,"d":1.5,"de":"1.10",
      "dz":"12345678901234567890123456789012345678","s":"abc","bi":"x","da":19724,
      "ts":1704164645123999,"tn":-315521754876001,"st":{"a":1,"n":{"x":"q"}},"ar":[1,null],
      "m":[["a",1]]}])";
  const std::string second = R"([{"i8":-5,"f":NaN,"d":Inf,"de":"-100.00","dz":"-1","s":"",
      "da":-1,"ts":-1}])";
  EXPECT_EQ(
      StatsOf(table, {first, second}, WithVectors()),
      R"({"numRecords":2,"minValues":{"i8":-5,"f":1.5,"d":1.5,"de":-100.00,"dz":-1,"s":"",)"
      R"("da":"1969-12-31","ts":"1969-12-31T23:59:59.999Z","tn":"1960-01-02T03:04:05.123",)"
      R"("st":{"a":1,"n":{"x":"q"}}},"maxValues":{"i8":1,"f":"NaN","d":"Infinity","de":1.10,)"
      R"("dz":12345678901234567890123456789012345678,"s":"abc","da":"2024-01-02",)"
      R"("ts":"2024-01-02T03:04:05.123Z","tn":"1960-01-02T03:04:05.123",)"
      R"("st":{"a":1,"n":{"x":"q"}}},"nullCount":{"b":1,"i8":0,"f":0,"d":0,"de":0,"dz":0,"s":0,)"
      R"("bi":1,"da":0,"ts":0,"tn":1,"st":{"a":1,"n":{"x":1}},"ar":1,"m":1,"allnull":2,"v":2},)"
      R"("tightBounds":true})");
}

// As above.
TEST(StatisticsTest, SpecialNumbersAndLongTexts_HaveTheTextThatSparkWrites) {
  const std::string a40(40, 'a');
  const std::string a32(32, 'a');
  EXPECT_EQ(
      StatsOfColumns({FieldJson("d", "double"), FieldJson("e", "double"), FieldJson("g", "double"),
                      FieldJson("h", "float"), FieldJson("z", "double"), FieldJson("s", "string"),
                      FieldJson("dn", "double")},
                     {R"([{"d":NaN,"e":1e300,"g":12345678.9,"h":16777216,"z":-0.0,"s":")" + a40 +
                      R"(","dn":NaN},{"d":1,"e":-Inf,"g":1e-5,"h":1,"z":-0.0,"s":")" + a40 +
                      R"(","dn":NaN}])"}),
      R"({"numRecords":2,"minValues":{"d":1.0,"e":"-Infinity","g":1.0E-5,"h":1.0,"z":-0.0,)"
      R"("s":")" +
          a32 +
          R"(","dn":"NaN"},"maxValues":{"d":"NaN","e":1.0E300,"g":1.23456789E7,)"
          R"("h":1.6777216E7,"z":-0.0,"s":")" +
          a32 + "\x7F" +
          R"(","dn":"NaN"},"nullCount":{"d":0,"e":0,"g":0,"h":0,"z":0,"s":0,"dn":0}})");
}

// As above, but for the names.
TEST(StatisticsTest, MappedColumns_GoByPhysicalNamesAndStructsOfNullsAreEmpty) {
  const std::string c = StructJson({MappedJson("d", "date", 5, "p5")});
  const std::string m =
      StructJson({MappedJson("a", "string", 3, "p3"),
                  MappedJson("b", ArrayJson("integer"), 4, "p4"), MappedJson("c", c, 6, "p6")});
  const Metadata table = TableOf({MappedJson("s", "string", 1, "p1"), MappedJson("m", m, 2, "p2"),
                                  MappedJson("nn", "integer", 7, "p7")},
                                 {}, {{"delta.columnMapping.mode", "name"}});
  EXPECT_EQ(StatsOf(table, {R"([{"m":{"b":[1],"c":{}},"nn":1}])"}),
            R"({"numRecords":1,"minValues":{"p2":{"p6":{}},"p7":1},)"
            R"("maxValues":{"p2":{"p6":{}},"p7":1},)"
            R"("nullCount":{"p1":1,"p2":{"p3":1,"p4":0,"p6":{"p5":1}},"p7":0}})");
}

TEST(StatisticsTest, NullsOfAStruct_AreNullsOfItsFields) {
  EXPECT_EQ(StatsOfColumns({FieldJson("st", StructJson({FieldJson("a", "integer")}))},
                           {R"([{"st":{"a":7}},{"st":null},{"st":{"a":null}},{"st":{"a":-7}}])"}),
            R"({"numRecords":4,"minValues":{"st":{"a":-7}},"maxValues":{"st":{"a":7}},)"
            R"("nullCount":{"st":{"a":2}}})");
}

TEST(StatisticsTest, ColumnsBeyondThoseThatAreIndexed_HaveNone) {
  const std::vector<std::string> fields = {FieldJson("p", "string"), FieldJson("a", "long"),
                                           FieldJson("b", "long"), FieldJson("c", "long")};
  const std::string rows = R"([{"p":"x","a":1,"b":2,"c":3}])";
  EXPECT_EQ(StatsOf(TableOf(fields, {"p"}, {{"delta.dataSkippingNumIndexedCols", "2"}}), {rows}),
            R"({"numRecords":1,"minValues":{"a":1,"b":2},"maxValues":{"a":1,"b":2},)"
            R"("nullCount":{"a":0,"b":0}})");
  EXPECT_EQ(StatsOf(TableOf(fields, {"p"}, {{"delta.dataSkippingStatsColumns", "c"}}), {rows}),
            R"({"numRecords":1,"minValues":{"c":3},"maxValues":{"c":3},"nullCount":{"c":0}})");
  EXPECT_EQ(StatsOf(TableOf(fields, {"p"}, {{"delta.dataSkippingNumIndexedCols", "0"}}), {rows}),
            R"({"numRecords":1,"minValues":{},"maxValues":{},"nullCount":{}})");
}

TEST(StatisticsTest, LengthOfTexts_IsThatOfTheProperty) {
  const Metadata table =
      TableOf({FieldJson("s", "string")}, {}, {{"delta.dataSkippingStringPrefixLength", "2"}});
  EXPECT_EQ(StatsOf(table, {R"([{"s":"abc"},{"s":"z\u00e9\u00e9"}])"}),
            R"({"numRecords":2,"minValues":{"s":"ab"},"maxValues":{"s":")"
            "z\u00e9\U0010FFFF"
            R"("},"nullCount":{"s":0}})");
}

TEST(StatisticsTest, TimesWithoutAText_AreNoBounds) {
  EXPECT_EQ(StatsOfColumns({FieldJson("d", "date"), FieldJson("t", "timestamp")},
                           {R"([{"d":0,"t":0},{"d":2932897,"t":-9223372036854775807}])"}),
            R"({"numRecords":2,"minValues":{"d":"1970-01-01"},)"
            R"("maxValues":{"t":"1970-01-01T00:00:00.000Z"},"nullCount":{"d":0,"t":0}})");
}

TEST(StatisticsTest, DecimalsAtTheirLimits_KeepAllDigits) {
  const std::string nines(38, '9');
  EXPECT_EQ(StatsOfColumns({FieldJson("d", "decimal(38,38)")},
                           {R"([{"d":"0.)" + nines + R"("},{"d":"-0.)" + nines + R"("}])"}),
            R"({"numRecords":2,"minValues":{"d":-0.)" + nines + R"(},"maxValues":{"d":0.)" + nines +
                R"(},"nullCount":{"d":0}})");
}

TEST(StatisticsTest, SliceOfRows_CountsItsOwnAlone) {
  const Metadata table = TableOf({FieldJson("i", "integer"), FieldJson("s", "string"),
                                  FieldJson("st", StructJson({FieldJson("a", "long")}))});
  const auto shape = ShapeOf(table);
  const StatsPlan plan = StatsPlan::Make({}, table, *shape);
  FileStatistics statistics(plan);
  const auto rows = RowsOf(*shape, R"([{"i":-9,"s":"a","st":{"a":1}},{"i":null,"s":"m"},
      {"i":3,"s":"n","st":{"a":2}},{"i":9,"s":"z"}])");
  ASSERT_TRUE(statistics.Add(*rows->Slice(1, 2)).ok());
  EXPECT_EQ(statistics.ToJson(),
            R"({"numRecords":2,"minValues":{"i":3,"s":"m","st":{"a":2}},)"
            R"("maxValues":{"i":3,"s":"n","st":{"a":2}},"nullCount":{"i":1,"s":0,"st":{"a":1}}})");
}

TEST(StatisticsTest, TextsOfOneBeginning_AreToldApartByTheRest) {
  EXPECT_EQ(StatsOfColumns({FieldJson("s", "string")},
                           {R"([{"s":"abcdefgh2"},{"s":"abcdefgh"},{"s":"abcdefgh10"}])",
                            R"([{"s":"abcdefgh\u0000"},{"s":"\u00e9"}])"}),
            R"({"numRecords":5,"minValues":{"s":"abcdefgh"},"maxValues":{"s":"é"},)"
            R"("nullCount":{"s":0}})");
}

}  // namespace
}  // namespace deltalakedb::data
