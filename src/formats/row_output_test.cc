#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/c/bridge.h>
#include <arrow/ipc/reader.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "formats/row_formats_fixture.h"

namespace deltalakedb::formats {
namespace {

using arrow::field;

// Rows of every type, made from JSON lines.
constexpr std::string_view kEveryType = R"json({"type":"struct","fields":[
  {"name":"i","type":"long"},{"name":"f","type":"float"},{"name":"d","type":"double"},
  {"name":"m","type":"decimal(38,10)"},{"name":"t","type":"boolean"},{"name":"s","type":"string"},
  {"name":"x","type":"binary"},{"name":"day","type":"date"},{"name":"at","type":"timestamp"},
  {"name":"wall","type":"timestamp_ntz"},
  {"name":"l","type":{"type":"array","elementType":"string","containsNull":true}},
  {"name":"st","type":{"type":"struct","fields":[{"name":"p q","type":"integer"},{"name":"x","type":"binary"}]}},
  {"name":"mp","type":{"type":"map","keyType":"integer","valueType":"date","valueContainsNull":true}}]})json";
constexpr std::string_view kRows =
    R"({"i":-9223372036854775808,"f":0.1,"d":-Infinity,"m":-1234567890123456789012345678.0000000001,"t":false,"s":"a,\"b\"\n","x":"AP8=","day":"0001-01-01","at":"1969-12-31T23:59:59.999999Z","wall":"9999-12-31T23:59:59","l":["",null,"é"],"st":{"p q":-1,"x":""},"mp":{"-5":"2024-02-29","7":null}}
{"i":null,"f":null,"d":null,"m":null,"t":null,"s":null,"x":null,"day":null,"at":null,"wall":null,"l":null,"st":null,"mp":null}
{"i":0,"f":1e+20,"d":"NaN","m":0.0000000000,"t":true,"s":"","x":"","day":"1970-01-01","at":"1970-01-01T00:00:00Z","wall":"1970-01-01T00:00:00","l":[],"st":{"p q":null,"x":null},"mp":{}}
)";

std::string WithQuotedInfinity(std::string text) {
  constexpr std::string_view kBare = "\"d\":-Infinity";
  return text.replace(text.find(kBare), kBare.size(), "\"d\":\"-Infinity\"");
}

TEST_F(RowFormatsTest, RowsOfEveryType_ComeBackFromEveryFormat) {
  const std::string expected = WithQuotedInfinity(std::string(kRows));
  const std::string source = Write("source.jsonl", expected);
  const RowInputOptions typed{
      .format = {}, .columns = nullptr, .schema_json = std::string(kEveryType)};
  const auto first = Read({source}, typed);
  ASSERT_TRUE(first) << first.error().message();
  for (const char* const name : {"t.jsonl", "t.csv", "t.parquet", "t.arrow", "t.arrows"}) {
    RowStream rows;
    ASSERT_TRUE(OpenRowFiles({source}, typed, rows.get()));
    const auto written = WriteRowFile(rows.get(), *FormatOfName(name), PathOf(name));
    ASSERT_TRUE(written) << written.error().message();
    EXPECT_EQ(*written, 3);
    const auto read = Read({PathOf(name)}, typed);
    ASSERT_TRUE(read) << name << ": " << read.error().message();
    EXPECT_EQ(read->rows, first->rows) << name;
    EXPECT_TRUE(read->schema->Equals(first->schema)) << name << ": " << read->schema->ToString();
  }
  EXPECT_EQ(ContentOf(PathOf("t.jsonl")), expected);
}

TEST_F(RowFormatsTest, Csv_HasALineOfNamesAndQuotesOnlyWhereNeeded) {
  RowStream rows;
  ASSERT_TRUE(OpenRowFiles({Write("t.jsonl", R"({"a b":1,"c,d":"x","e":"","f":null,"g":[1,"2"]})"
                                             "\n")},
                           {}, rows.get()));
  // A list of two kinds is none, so that the stream fails before anything appears.
  EXPECT_FALSE(WriteRowFile(rows.get(), RowFormat::kCsv, PathOf("t.csv")));
  EXPECT_FALSE(std::filesystem::exists(PathOf("t.csv")));
  ASSERT_TRUE(OpenRowFiles({Write("t.jsonl", R"({"a b":1,"c,d":"x","e":"","f":null,"g":["1"]})"
                                             "\n")},
                           {}, rows.get()));
  ASSERT_TRUE(WriteRowFile(rows.get(), RowFormat::kCsv, PathOf("t.csv")));
  EXPECT_EQ(ContentOf(PathOf("t.csv")), "a b,\"c,d\",e,f,g\n1,x,\"\",,\"[\"\"1\"\"]\"\n");
}

TEST_F(RowFormatsTest, MomentsFarFromNow_HaveSignsAndNoGaps) {
  arrow::TimestampBuilder builder(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                                  arrow::default_memory_pool());
  ASSERT_TRUE(builder
                  .AppendValues({std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max(), -62167219200000001,
                                 253402300800000000})
                  .ok());
  const auto array = *builder.Finish();
  std::string text;
  for (int i = 0; i < 4; ++i) AppendJsonValue(*array, i, text);
  EXPECT_EQ(text, R"("-290308-12-21T19:59:05.224192Z""+294247-01-10T04:00:54.775807Z")"
                  R"("-0001-12-31T23:59:59.999999Z""+10000-01-01T00:00:00Z")");
}

TEST_F(RowFormatsTest, StreamThatFails_LeavesTheFileThatWasThere) {
  const std::string path = Write("out.csv", "before\n");
  std::string text = "a\n";
  for (int i = 0; i < 200'000; ++i) text += "1\n";
  RowStream rows;
  ASSERT_TRUE(OpenRowFiles({Write("t.csv", text + "x\n")}, {}, rows.get()));
  const auto written = WriteRowFile(rows.get(), RowFormat::kCsv, path);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(ContentOf(path), "before\n");
  // Nothing else is left behind.
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(path).parent_path())) {
    ++files;
  }
  EXPECT_EQ(files, 2U);
}

TEST_F(RowFormatsTest, FileBehindALink_IsReplacedAndTheLinkStays) {
  const std::string path = Write("real.csv", "before\n");
  std::filesystem::create_symlink(path, PathOf("link.csv"));
  RowStream rows;
  ASSERT_TRUE(OpenRowFiles({Write("t.csv", "a\n1\n")}, {}, rows.get()));
  ASSERT_TRUE(WriteRowFile(rows.get(), RowFormat::kCsv, PathOf("link.csv")));
  EXPECT_TRUE(std::filesystem::is_symlink(PathOf("link.csv")));
  EXPECT_EQ(ContentOf(path), "a\n1\n");
}

TEST_F(RowFormatsTest, PlacesThatCannotBeWritten_AreToldApart) {
  struct Case {
    std::string path;
    ErrorCode code;
  };
  for (const auto& [path, code] :
       {Case{PathOf("none/t.csv"), ErrorCode::kNotFound},
        Case{PathOf("."), ErrorCode::kInvalidArgument}, Case{"/dev/full", ErrorCode::kIo}}) {
    RowStream rows;
    ASSERT_TRUE(OpenRowFiles({Write("t.csv", "a\n1\n")}, {}, rows.get()));
    const auto written = WriteRowFile(rows.get(), RowFormat::kCsv, path);
    ASSERT_FALSE(written) << path;
    EXPECT_EQ(written.error().code(), code) << written.error().message();
    EXPECT_EQ(FactOf(written.error(), "file"), path);
    EXPECT_EQ(rows.get()->release, nullptr);
  }
}

TEST_F(RowFormatsTest, PipeThatNobodyReads_IsAnErrorAndNoSignal) {
  RowStream rows;
  ASSERT_TRUE(OpenRowFiles({Write("t.csv", "a\n1\n")}, {}, rows.get()));
  int ends[2] = {};
  ASSERT_EQ(::pipe(ends), 0);
  const int before = ::dup(STDOUT_FILENO);
  ::dup2(ends[1], STDOUT_FILENO);
  ::close(ends[0]);
  ::close(ends[1]);
  const auto written = WriteRowFile(rows.get(), RowFormat::kCsv, "-");
  ::dup2(before, STDOUT_FILENO);
  ::close(before);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kIo);
  EXPECT_EQ(FactOf(written.error(), "errno"), std::to_string(EPIPE));
}

TEST_F(RowFormatsTest, TypeThatHasNoText_IsNamed) {
  arrow::HalfFloatBuilder builder;
  ASSERT_TRUE(builder.Append(std::uint16_t{1}).ok());
  const auto table =
      arrow::Table::Make(arrow::schema({field("h", arrow::float16())}), {*builder.Finish()});
  ArrowArrayStream rows = {};
  ExportTable(table, &rows);
  const auto written = WriteRowFile(&rows, RowFormat::kJsonLines, PathOf("t.jsonl"));
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(FactOf(written.error(), "column"), "h");
}

}  // namespace
}  // namespace deltalakedb::formats
