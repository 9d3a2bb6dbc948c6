#include <arrow/c/bridge.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <thread>

#include "formats/found_type.h"
#include "formats/row_formats_fixture.h"

namespace deltalakedb::formats {
namespace {

using arrow::field;
using Rows = std::vector<std::string>;

arrow::FieldVector TwoColumns() { return {field("a", arrow::int64()), field("b", arrow::utf8())}; }

// How messages begin: errors of a stream keep their texts and codes, those of opening facts too.
std::string Place(std::string_view path, std::string_view line, std::string_view column) {
  return fmt::format("{}{}{}{}{}: ", path, line.empty() ? "" : ", line ", line,
                     column.empty() ? "" : ", column ", column);
}

TEST_F(RowFormatsTest, CsvFieldsThatAreEmptyWithAndWithoutQuotes_AreEmptyTextAndNull) {
  const auto read = ReadText("t.csv", "a,b\n1,\"\"\n,\n2,x y\n", TwoColumns());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rows, (Rows{R"(a=1 b="")", "a=null b=null", R"(a=2 b="x y")"}));
}

TEST_F(RowFormatsTest, CsvWithQuotesLinesAndEndingsOfAllKinds_IsReadAsItStands) {
  const auto read = ReadText(
      "t.csv", "\xEF\xBB\xBF\"a\",b\r\n1,\"x,\"\"y\"\"\r\nz\"\r\n\r\n2,5\" pipe\r\n3,a\rb", {});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rows,
            (Rows{R"(a=1 b="x,\"y\"\u000d\nz")", R"(a=2 b="5\" pipe")", R"(a=3 b="a\u000db")"}));
}

TEST_F(RowFormatsTest, CsvOfOneColumn_HasNullsInEmptyLines) {
  const auto read = ReadText("t.csv", "a\n1\n\n2\n", {field("a", arrow::int32())});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rows, (Rows{"a=1", "a=null", "a=2"}));
}

TEST_F(RowFormatsTest, CsvOfEveryType_IsReadExactly) {
  const auto read = ReadText(
      "t.csv",
      "b,s,i,f,d,m,t,x,day,at,wall,l,st,mp\n"
      "-128,32767,-2147483648,1.5,NaN,12345678901234567890123456789012345.678,TRUE,00ff,1969-12-31,"
      "2024-01-02T03:04:05.000006+01:00,2024-01-02 03:04:05,\"[1,null]\",\"{\"\"p\"\":\"\"q\"\"}\","
      "\"{\"\"k\"\":1}\"\n",
      {field("b", arrow::int8()), field("s", arrow::int16()), field("i", arrow::int32()),
       field("f", arrow::float32()), field("d", arrow::float64()),
       field("m", arrow::decimal128(38, 3)), field("t", arrow::boolean()),
       field("x", arrow::binary()), field("day", arrow::date32()),
       field("at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
       field("wall", arrow::timestamp(arrow::TimeUnit::MICRO)),
       field("l", arrow::list(field("element", arrow::int64()))),
       field("st", arrow::struct_({field("p", arrow::utf8()), field("o", arrow::int64())})),
       field("mp", arrow::map(arrow::utf8(), arrow::int64()))});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rows,
            (Rows{"b=-128 s=32767 i=-2147483648 f=1.5 d=\"NaN\" "
                  "m=12345678901234567890123456789012345.678 t=true x=\"AP8=\" day=\"1969-12-31\" "
                  "at=\"2024-01-02T02:04:05.000006Z\" wall=\"2024-01-02T03:04:05\" l=[1,null] "
                  "st={\"p\":\"q\",\"o\":null} mp={\"k\":1}"}));
}

struct BadCsv {
  const char* what;
  const char* content;
  std::shared_ptr<arrow::DataType> type;  // of column a
  const char* line;
  const char* column;
};

class BadCsvTest : public RowFormatsTest, public ::testing::WithParamInterface<BadCsv> {};

TEST_P(BadCsvTest, IsRefusedWithItsPlace) {
  const auto read = ReadText("t.csv", GetParam().content,
                             {field("a", GetParam().type), field("b", arrow::utf8())});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument) << read.error().message();
  EXPECT_TRUE(read.error().message().starts_with(
      Place(PathOf("t.csv"), GetParam().line, GetParam().column)))
      << read.error().message();
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BadCsvTest,
    ::testing::Values(BadCsv{"word", "a,b\n1,x\nabc,y\n", arrow::int64(), "3", "a"},
                      BadCsv{"fraction", "a,b\n1.5,x\n", arrow::int64(), "2", "a"},
                      BadCsv{"blank", "a,b\n 1,x\n", arrow::int64(), "2", "a"},
                      BadCsv{"range", "a,b\n\"x\ny\",\n", arrow::int8(), "2", "a"},
                      BadCsv{"behind lines", "a,b\n1,\"x\ny\"\n128,z\n", arrow::int8(), "4", "a"},
                      BadCsv{"digits", "a,b\n1.234,x\n", arrow::decimal128(5, 2), "2", "a"},
                      BadCsv{"day", "a,b\n2023-02-29,x\n", arrow::date32(), "2", "a"},
                      BadCsv{"zone", "a,b\n2023-02-28T00:00:00Z,x\n",
                             arrow::timestamp(arrow::TimeUnit::MICRO), "2", "a"},
                      BadCsv{"boolean", "a,b\nyes,x\n", arrow::boolean(), "2", "a"},
                      BadCsv{"quoted nothing", "a,b\n\"\",x\n", arrow::date32(), "2", "a"},
                      BadCsv{"odd digits", "a,b\nabc,x\n", arrow::binary(), "2", "a"},
                      BadCsv{"no JSON", "a,b\n[1,x\n", arrow::list(arrow::int64()), "2", "a"},
                      BadCsv{"two JSON", "a,b\n\"1,\"\"w\"\":2\",x\n", arrow::list(arrow::int64()),
                             "2", "a"},
                      BadCsv{"not UTF-8", "a,b\n1,\xFF\n", arrow::int64(), "2", "b"},
                      BadCsv{"too few", "a,b\n1\n", arrow::int64(), "2", ""},
                      BadCsv{"too many", "a,b\n1,2,3\n", arrow::int64(), "2", ""},
                      BadCsv{"open quote", "a,b\n1,\"x\n\n", arrow::int64(), "2", ""},
                      BadCsv{"behind a quote", "a,b\n1,\"x\"y\n", arrow::int64(), "2", ""},
                      BadCsv{"name twice", "a,a\n1,2\n", arrow::int64(), "1", ""},
                      BadCsv{"no name", "a,\n1,2\n", arrow::int64(), "1", ""},
                      BadCsv{"nothing", "", arrow::int64(), "", ""}),
    [](const auto& test) {
      std::string name = test.param.what;
      for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      }
      return name;
    });

TEST_F(RowFormatsTest, CsvColumnsThatNobodyTells_GetTheTypesOfTheirTexts) {
  const auto read =
      ReadText("t.csv",
               "i,big,d,zip,t,day,at,s,none\n"
               "1,12345678901234567890,1.5,01234,true,2024-01-02,2024-01-02 03:04:05,x,\n"
               ",1,NaN,1,false,,2024-01-02T03:04:05Z,1,\n");
  ASSERT_TRUE(read) << read.error().message();
  std::vector<std::string> types;
  for (const auto& column : read->schema->fields()) types.push_back(column->type()->ToString());
  EXPECT_EQ(types, (Rows{"int64", "decimal128(38, 0)", "double", "string", "bool", "date32[day]",
                         "timestamp[us, tz=UTC]", "string", "string"}));
  EXPECT_EQ(read->rows.front(),
            R"(i=1 big=12345678901234567890 d=1.5 zip="01234" t=true day="2024-01-02" )"
            R"(at="2024-01-02T03:04:05Z" s="x" none=null)");
}

TEST_F(RowFormatsTest, RowsBehindThoseThatTypesAreFoundBy_AreReadAsThese) {
  std::string text = "a\n";
  for (std::size_t i = 0; i < kSampleRowsMax; ++i) text += "1\n";
  const auto whole = ReadText("t.csv", text + "2\n");
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(whole->rows.size(), kSampleRowsMax + 1);
  EXPECT_EQ(whole->rows.back(), "a=2");
  const auto damaged = ReadText("t.csv", text + "2.5\n");
  ASSERT_FALSE(damaged);
  EXPECT_TRUE(
      damaged.error().message().contains(fmt::format(", line {}, column a:", kSampleRowsMax + 2)))
      << damaged.error().message();
}

TEST_F(RowFormatsTest, KnownColumns_AreFoundInAnyCase) {
  const auto read = ReadText("t.csv", "A,B,c\n1,2,3\n", TwoColumns());
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rows, (Rows{R"(A=1 B="2" c=3)"}));
}

TEST_F(RowFormatsTest, JsonLinesOfEveryType_AreReadExactly) {
  const auto read = ReadText(
      "t.jsonl",
      "\n{\"d\": 0.1234567890123456789012345678, \"f\": \"-Infinity\", \"x\": \"AP8=\", "
      "\"at\": \"2024-01-02T03:04:05Z\", \"m\": {\"2024-01-02\": [1]}, \"n\": null, "
      "\"s\": \"\\u00e9\\\"\"}\n"
      "{\"m\": [{\"key\": \"2024-01-02\", \"value\": null}], \"i\": 7}",
      {field("d", arrow::decimal128(38, 28)), field("f", arrow::float64()),
       field("x", arrow::binary()), field("at", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")),
       field("m", arrow::map(arrow::date32(), arrow::list(field("element", arrow::int16())))),
       field("i", arrow::int16())});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rows,
            (Rows{"d=0.1234567890123456789012345678 f=\"-Infinity\" x=\"AP8=\" "
                  "at=\"2024-01-02T03:04:05Z\" m={\"2024-01-02\":[1]} n=null s=\"é\\\"\" i=null",
                  "d=null f=null x=null at=null m={\"2024-01-02\":null} n=null s=null i=7"}));
}

TEST_F(RowFormatsTest, JsonColumnsThatNobodyTells_GetTheTypesOfTheirValues) {
  const auto read = ReadText("t.jsonl",
                             "{\"a\": 1, \"o\": {\"p\": true}, \"l\": [1.5], \"zip\": \"01\"}\n"
                             "{\"o\": {\"q\": \"2024-01-02\"}, \"a\": 2, \"z\": []}\n");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rows, (Rows{R"(a=1 o={"p":true,"q":null} l=[1.5] zip="01" z=null)",
                              R"(a=2 o={"p":null,"q":"2024-01-02"} l=null zip=null z=[])"}));
}

TEST_F(RowFormatsTest, BadJsonLines_AreRefusedWithTheirPlace) {
  struct Bad {
    std::string_view line;
    std::string_view column;
  };
  for (const auto& [line, column] : std::initializer_list<Bad>{{"[1]", ""},
                                                               {"{\"a\": 1", ""},
                                                               {"{\"a\": 1} {}", ""},
                                                               {"{\"a\": \"\xFF\"}", ""},
                                                               {"{\"a\": 1.5}", "a"},
                                                               {"{\"a\": true}", "a"},
                                                               {"{\"a\": [1]}", "a"},
                                                               {"{\"b\": 1}", "b"},
                                                               {"{\"a\": 1, \"a\": 2}", "a"}}) {
    const auto read =
        ReadText("t.jsonl", fmt::format("{{\"a\": 1, \"b\": \"x\"}}\n\n{}\n", line), TwoColumns());
    ASSERT_FALSE(read) << line;
    EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument) << read.error().message();
    EXPECT_TRUE(read.error().message().starts_with(Place(PathOf("t.jsonl"), "3", column)))
        << read.error().message();
  }
}

TEST_F(RowFormatsTest, FieldThatAStructDoesNotHave_IsNamed) {
  const auto read = ReadText(
      "t.jsonl", "{\"s\": {\"p\": {\"r\": 1}}}\n",
      {field("s", arrow::struct_({field("p", arrow::struct_({field("q", arrow::int8())}))}))});
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().message().contains("column s: p: the struct has no field r"))
      << read.error().message();
}

TEST_F(RowFormatsTest, MemberThatNoLineOfTheSampleHas_IsRefused) {
  std::string text;
  for (std::size_t i = 0; i < kSampleRowsMax; ++i) text += "{\"a\": 1}\n";
  const auto read = ReadText("t.jsonl", text + "{\"b\": 1}\n");
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().message().starts_with(
      Place(PathOf("t.jsonl"), std::to_string(kSampleRowsMax + 1), "b")))
      << read.error().message();
}

TEST_F(RowFormatsTest, SeveralFiles_HaveTheColumnsOfTheFirst) {
  const std::string first = Write("1.csv", "a,b\n1,x\n");
  const std::string second = Write("2.csv", "b,a\ny,2\n");
  const std::string third = Write("3.jsonl", "{\"b\": \"z\", \"a\": 3}\n{\"a\": 4}\n");
  const auto read = Read({first, second, third});
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->rows, (Rows{R"(a=1 b="x")", R"(a=2 b="y")", R"(a=3 b="z")", "a=4 b=null"}));
  for (const auto& [name, content] : std::initializer_list<std::pair<const char*, const char*>>{
           {"4.csv", "a\n1\n"}, {"4.csv", "a,b,c\n1,x,2\n"}, {"4.jsonl", "{\"c\": 1}\n"}}) {
    const auto bad = Read({first, Write(name, content)});
    ASSERT_FALSE(bad) << content;
    EXPECT_EQ(bad.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_TRUE(bad.error().message().starts_with(PathOf(name))) << bad.error().message();
    EXPECT_TRUE(bad.error().message().contains("column ")) << bad.error().message();
  }
}

TEST_F(RowFormatsTest, ContentTellsTheFormat_WhereTheNameDoesNot) {
  EXPECT_EQ(ReadText("t", "{\"a\": 1}\n")->rows, Rows{"a=1"});
  EXPECT_EQ(ReadText("t", "a\n1\n")->rows, Rows{"a=1"});
  for (const RowFormat format : {RowFormat::kParquet, RowFormat::kArrowIpc}) {
    RowStream rows;
    ASSERT_TRUE(OpenRowFiles({Write("t.csv", "a\n1\n")}, {}, rows.get()));
    ASSERT_TRUE(WriteRowFile(rows.get(), format, PathOf("binary")));
    EXPECT_EQ(Read({PathOf("binary")})->rows, Rows{"a=1"});
  }
}

TEST_F(RowFormatsTest, Pipes_AreReadInEveryFormat) {
  for (const RowFormat format :
       {RowFormat::kParquet, RowFormat::kArrowIpc, RowFormat::kCsv, RowFormat::kJsonLines}) {
    RowStream rows;
    ASSERT_TRUE(OpenRowFiles({Write("t.csv", "a\n1\n2\n")}, {}, rows.get()));
    ASSERT_TRUE(WriteRowFile(rows.get(), format, PathOf("content")));
    const std::string pipe = PathOf(fmt::format("pipe{}", static_cast<int>(format)));
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    std::jthread writer(
        [&] { std::ofstream(pipe, std::ios::binary) << ContentOf(PathOf("content")); });
    const auto read = Read({pipe});
    ASSERT_TRUE(read) << read.error().message();
    EXPECT_EQ(read->rows, (Rows{"a=1", "a=2"}));
  }
}

TEST_F(RowFormatsTest, DamagedParquetAndArrowFiles_AreRefusedByName) {
  for (const std::string_view name : {"t.parquet", "t.arrow", "t.arrows"}) {
    RowStream rows;
    ASSERT_TRUE(OpenRowFiles({Write("t.csv", "a,b\n1,x\n")}, {}, rows.get()));
    ASSERT_TRUE(WriteRowFile(rows.get(), *FormatOfName(name), PathOf(name)));
    const std::string whole = ContentOf(PathOf(name));
    for (std::size_t size = 0; size < whole.size(); size += 7) {
      const auto read = Read({Write(name, whole.substr(0, size))});
      // A stream may end anywhere between its messages.
      if (read) continue;
      EXPECT_TRUE(read.error().message().starts_with(PathOf(name))) << read.error().message();
      EXPECT_EQ(read.error().code(), ErrorCode::kInvalidArgument) << read.error().message();
    }
    for (std::size_t i = 0; i < whole.size(); i += 3) {
      std::string damaged = whole;
      damaged[i] = static_cast<char>(damaged[i] ^ 0x55);
      // Damage may be in bytes that nothing is read from.
      if (const auto read = Read({Write(name, damaged)}); !read) {
        EXPECT_TRUE(read.error().message().starts_with(PathOf(name))) << read.error().message();
      }
    }
    EXPECT_FALSE(Read({Write(name, "no such thing, but long enough to look like one")}));
  }
}

TEST_F(RowFormatsTest, FilesThatCannotBeRead_AreToldApart) {
  const auto missing = Read({PathOf("none.csv")});
  ASSERT_FALSE(missing);
  EXPECT_EQ(FactOf(missing.error(), "file"), PathOf("none.csv"));
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  const auto folder = Read({PathOf(".")});
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Read({}).error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(Read({"-", "-"}).error().code(), ErrorCode::kInvalidArgument);
}

TEST(RowFormatTest, Names_AreKnown) {
  EXPECT_EQ(ParseRowFormat("jsonl"), RowFormat::kJsonLines);
  EXPECT_EQ(ParseRowFormat("xlsx").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(FormatOfName("a/B.NDJSON"), RowFormat::kJsonLines);
  EXPECT_EQ(FormatOfName("a.feather"), RowFormat::kArrowIpc);
  EXPECT_EQ(FormatOfName("csv"), std::nullopt);
}

}  // namespace
}  // namespace deltalakedb::formats
