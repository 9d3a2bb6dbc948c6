#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "storage/parsed_stats_internal.h"

namespace deltalakedb::storage {
namespace {

// The JSON made of the one row of a struct with these fields.
std::string Stats(const std::vector<std::shared_ptr<arrow::Field>>& fields,
                  const arrow::ArrayVector& children) {
  const auto array = arrow::StructArray::Make(children, fields).ValueOrDie();
  std::string out = "kept ";
  AppendStatsJson(*array, 0, out);
  EXPECT_TRUE(out.starts_with("kept "));
  return out.substr(5);
}

// The JSON of one value in a field "x"; "{}" where it is left out.
std::string Value(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  const auto child = arrow::json::ArrayFromJSONString(type, "[" + json + "]").ValueOrDie();
  const std::string text = Stats({arrow::field("x", type)}, {child});
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  return text;
}

template <typename Type, typename C>
std::string Raw(const std::shared_ptr<arrow::DataType>& type, C value) {
  typename arrow::TypeTraits<Type>::BuilderType builder(type, arrow::default_memory_pool());
  EXPECT_TRUE(builder.Append(value).ok());
  const std::string text = Stats({arrow::field("x", type)}, {builder.Finish().ValueOrDie()});
  EXPECT_TRUE(nlohmann::json::accept(text)) << text;
  return text;
}

TEST(ParsedStatsTest, Integers_AreExact) {
  EXPECT_EQ(Value(arrow::int64(), "9223372036854775807"), R"({"x":9223372036854775807})");
  EXPECT_EQ(Value(arrow::int64(), "-9223372036854775808"), R"({"x":-9223372036854775808})");
  EXPECT_EQ(Value(arrow::int32(), "-2147483648"), R"({"x":-2147483648})");
  EXPECT_EQ(Value(arrow::int16(), "-32768"), R"({"x":-32768})");
  EXPECT_EQ(Value(arrow::int8(), "127"), R"({"x":127})");
  EXPECT_EQ(Value(arrow::boolean(), "true"), R"({"x":true})");
}

TEST(ParsedStatsTest, FloatingPoint_ReadsBackAsItWas) {
  for (const double value : {0.0, -0.0, 1.0, 0.1, -1.5e-300, 5e-324, 1e21, 1.7976931348623157e308,
                             123456789.123456789}) {
    const auto json = nlohmann::json::parse(Raw<arrow::DoubleType>(arrow::float64(), value));
    EXPECT_EQ(json["x"].get<double>(), value);
  }
  for (const float value : {0.0F, 1.0F, 0.1F, -3.4028235e38F, 1e-45F, 16777216.0F, 1e20F}) {
    const auto json = nlohmann::json::parse(Raw<arrow::FloatType>(arrow::float32(), value));
    EXPECT_EQ(static_cast<float>(json["x"].get<double>()), value);
  }
  EXPECT_EQ(Raw<arrow::FloatType>(arrow::float32(), 0.1F), R"({"x":0.1})");
}

TEST(ParsedStatsTest, FloatingPointThatJsonLacks_IsText) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Raw<arrow::DoubleType>(arrow::float64(), std::nan("")), R"({"x":"NaN"})");
  EXPECT_EQ(Raw<arrow::DoubleType>(arrow::float64(), kInfinity), R"({"x":"Infinity"})");
  EXPECT_EQ(Raw<arrow::DoubleType>(arrow::float64(), -kInfinity), R"({"x":"-Infinity"})");
  EXPECT_EQ(Raw<arrow::FloatType>(arrow::float32(), std::nanf("")), R"({"x":"NaN"})");
  EXPECT_EQ(Raw<arrow::FloatType>(arrow::float32(), -std::numeric_limits<float>::infinity()),
            R"({"x":"-Infinity"})");
}

TEST(ParsedStatsTest, Decimals_AreExactNumbers) {
  EXPECT_EQ(Value(arrow::decimal128(10, 2), "\"123.40\""), R"({"x":123.40})");
  EXPECT_EQ(Value(arrow::decimal128(10, 2), "\"-0.01\""), R"({"x":-0.01})");
  EXPECT_EQ(Value(arrow::decimal128(38, 0), "\"99999999999999999999999999999999999999\""),
            R"({"x":99999999999999999999999999999999999999})");
  const auto tiny =
      nlohmann::json::parse(Value(arrow::decimal128(38, 20), "\"0.00000000000000000001\""));
  EXPECT_EQ(tiny["x"].get<double>(), 1e-20);
}

TEST(ParsedStatsTest, Dates_AreIso) {
  EXPECT_EQ(Raw<arrow::Date32Type>(arrow::date32(), 0), R"({"x":"1970-01-01"})");
  EXPECT_EQ(Raw<arrow::Date32Type>(arrow::date32(), -1), R"({"x":"1969-12-31"})");
  EXPECT_EQ(Raw<arrow::Date32Type>(arrow::date32(), 19782), R"({"x":"2024-02-29"})");
  EXPECT_EQ(Raw<arrow::Date32Type>(arrow::date32(), -719528), R"({"x":"0000-01-01"})");
  EXPECT_EQ(Raw<arrow::Date32Type>(arrow::date32(), -719162), R"({"x":"0001-01-01"})");
  EXPECT_EQ(Raw<arrow::Date32Type>(arrow::date32(), 2932896), R"({"x":"9999-12-31"})");
}

TEST(ParsedStatsTest, Timestamps_AreCutToMilliseconds) {
  const auto micro = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
  const auto nano = arrow::timestamp(arrow::TimeUnit::NANO, "UTC");
  const auto local = arrow::timestamp(arrow::TimeUnit::MICRO);
  using Type = arrow::TimestampType;
  EXPECT_EQ(Raw<Type>(micro, 0), R"({"x":"1970-01-01T00:00:00.000Z"})");
  EXPECT_EQ(Raw<Type>(micro, 1704164645678999), R"({"x":"2024-01-02T03:04:05.678Z"})");
  EXPECT_EQ(Raw<Type>(nano, 1704164645678999999), R"({"x":"2024-01-02T03:04:05.678Z"})");
  EXPECT_EQ(Raw<Type>(local, 1704164645000001), R"({"x":"2024-01-02T03:04:05.000"})");
  EXPECT_EQ(Raw<Type>(arrow::timestamp(arrow::TimeUnit::MILLI, "UTC"), 1),
            R"({"x":"1970-01-01T00:00:00.001Z"})");
  EXPECT_EQ(Raw<Type>(arrow::timestamp(arrow::TimeUnit::SECOND, "UTC"), 59),
            R"({"x":"1970-01-01T00:00:59.000Z"})");
  // Cut towards the past, as a lower bound has to be.
  EXPECT_EQ(Raw<Type>(micro, -1), R"({"x":"1969-12-31T23:59:59.999Z"})");
  EXPECT_EQ(Raw<Type>(micro, -1001), R"({"x":"1969-12-31T23:59:59.998Z"})");
  EXPECT_EQ(Raw<Type>(nano, -1), R"({"x":"1969-12-31T23:59:59.999Z"})");
  EXPECT_EQ(Raw<Type>(micro, -62135596800000000), R"({"x":"0001-01-01T00:00:00.000Z"})");
  EXPECT_EQ(Raw<Type>(micro, 253402300799999999), R"({"x":"9999-12-31T23:59:59.999Z"})");
}

// A bound that cannot be said must be left out: a wrong one loses rows.
TEST(ParsedStatsTest, MomentsOutsideOfTheYearsThatTextCanSay_AreLeftOut) {
  using Limits64 = std::numeric_limits<std::int64_t>;
  using Limits32 = std::numeric_limits<std::int32_t>;
  for (const std::int32_t days : {Limits32::min(), -719529, 2932897, Limits32::max()}) {
    EXPECT_EQ(Raw<arrow::Date32Type>(arrow::date32(), days), "{}") << days;
  }
  for (const auto unit :
       {arrow::TimeUnit::SECOND, arrow::TimeUnit::MILLI, arrow::TimeUnit::MICRO}) {
    const auto type = arrow::timestamp(unit, "UTC");
    EXPECT_EQ(Raw<arrow::TimestampType>(type, Limits64::max()), "{}");
    EXPECT_EQ(Raw<arrow::TimestampType>(type, Limits64::min()), "{}");
  }
  // 64 bits of nanoseconds are the years 1677 to 2262.
  const auto nano = arrow::timestamp(arrow::TimeUnit::NANO, "UTC");
  EXPECT_EQ(Raw<arrow::TimestampType>(nano, Limits64::max()),
            R"({"x":"2262-04-11T23:47:16.854Z"})");
  EXPECT_EQ(Raw<arrow::TimestampType>(nano, Limits64::min()),
            R"({"x":"1677-09-21T00:12:43.145Z"})");
  EXPECT_EQ(Raw<arrow::TimestampType>(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"),
                                      253402300800000000),
            "{}");
}

TEST(ParsedStatsTest, Texts_AreEscaped) {
  EXPECT_EQ(Value(arrow::utf8(), R"("a\"\\\n\u00e9")"), "{\"x\":\"a\\\"\\\\\\n\u00e9\"}");
  EXPECT_EQ(Value(arrow::large_utf8(), R"("b")"), R"({"x":"b"})");
  EXPECT_EQ(Value(arrow::utf8(), R"("")"), R"({"x":""})");
}

TEST(ParsedStatsTest, TextThatIsNotUtf8_IsLeftOut) {
  EXPECT_EQ(Raw<arrow::StringType>(arrow::utf8(), "a\xff"), "{}");
  EXPECT_EQ(Raw<arrow::LargeStringType>(arrow::large_utf8(), "\xc3"), "{}");
}

TEST(ParsedStatsTest, ValuesWithoutAFormInJson_AreLeftOut) {
  EXPECT_EQ(Value(arrow::binary(), "\"ab\""), "{}");
  EXPECT_EQ(Value(arrow::fixed_size_binary(2), "\"ab\""), "{}");
  EXPECT_EQ(Value(arrow::list(arrow::int32()), "[1]"), "{}");
  EXPECT_EQ(Value(arrow::map(arrow::utf8(), arrow::int32()), "[[\"a\",1]]"), "{}");
  EXPECT_EQ(Value(arrow::null(), "null"), "{}");
  EXPECT_EQ(Value(arrow::int64(), "null"), "{}");
  EXPECT_EQ(Value(arrow::struct_({arrow::field("a", arrow::int64())}), "null"), "{}");
}

TEST(ParsedStatsTest, NestedColumns_KeepTheirShapeAndOrder) {
  const auto address = arrow::struct_(
      {arrow::field("zip", arrow::int32()), arrow::field("a.b \"c\"", arrow::utf8())});
  const auto columns =
      arrow::struct_({arrow::field("z", arrow::int64()), arrow::field("address", address),
                      arrow::field("photo", arrow::binary())});
  const auto type = arrow::struct_({arrow::field("numRecords", arrow::int64()),
                                    arrow::field("tightBounds", arrow::boolean()),
                                    arrow::field("minValues", columns)});
  const auto array = arrow::json::ArrayFromJSONString(type, R"([
      {"numRecords":3,"tightBounds":false,"minValues":
          {"z":1,"address":{"zip":null,"a.b \"c\"":"s"},"photo":"b"}},
      null,
      {"numRecords":4,"tightBounds":null,"minValues":null},
      {"numRecords":5,"tightBounds":true,"minValues":{"z":null,"address":null,"photo":null}}])")
                         .ValueOrDie();
  const auto row = [&](const arrow::Array& from, std::int64_t number) {
    std::string out;
    AppendStatsJson(from, number, out);
    return out;
  };
  EXPECT_EQ(
      row(*array, 0),
      R"({"numRecords":3,"tightBounds":false,"minValues":{"z":1,"address":{"a.b \"c\"":"s"}}})");
  EXPECT_EQ(row(*array, 2), R"({"numRecords":4})");
  EXPECT_EQ(row(*array, 3), R"({"numRecords":5,"tightBounds":true,"minValues":{}})");
  EXPECT_EQ(row(*array->Slice(2), 0), R"({"numRecords":4})");
}

}  // namespace
}  // namespace deltalakedb::storage
