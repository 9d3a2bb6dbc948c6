// Random conditions over random rows: what is decided without looking at the rows is held to what
// DuckDB computes from them. DELTALAKEDB_SEED repeats a run, DELTALAKEDB_SOAK=1 makes it long.
#include <arrow/array/array_primitive.h>
#include <arrow/util/decimal.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <map>
#include <optional>
#include <random>
#include <utility>

#include "expr/evaluator.h"
#include "expr/predicate.h"
#include "expr/rows_for_tests.h"

namespace deltalakedb::expr {
namespace {

using protocol::ColumnFacts;
using protocol::PartitionDate;
using protocol::PartitionDecimal;
using protocol::PartitionTimestamp;
using FactValue = protocol::PartitionValue::Value;

constexpr int kCases = 2'000;
constexpr int kCasesInSoak = 100'000;
constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

struct ColumnKind {
  std::string name;
  std::string delta_type;
  std::shared_ptr<arrow::DataType> type;
};

std::vector<ColumnKind> Kinds() {
  return {{"t", "\"byte\"", arrow::int8()},
          {"i", "\"integer\"", arrow::int32()},
          {"l", "\"long\"", arrow::int64()},
          {"f", "\"float\"", arrow::float32()},
          {"r", "\"double\"", arrow::float64()},
          {"dec", "\"decimal(9,2)\"", arrow::decimal128(9, 2)},
          {"wide", "\"decimal(38,10)\"", arrow::decimal128(38, 10)},
          {"s", "\"string\"", arrow::utf8()},
          {"b", "\"boolean\"", arrow::boolean()},
          {"day", "\"date\"", arrow::date32()},
          {"ts", "\"timestamp\"", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")},
          {"ntz", "\"timestamp_ntz\"", arrow::timestamp(arrow::TimeUnit::MICRO)}};
}

// A value of a column: as JSON for Arrow, and as facts have it.
struct Cell {
  std::string json;
  FactValue value;
};

class Generator {
 public:
  explicit Generator(std::uint64_t seed) : random_(seed) {}

  std::int64_t Below(std::int64_t limit) {
    return std::uniform_int_distribution<std::int64_t>(0, limit - 1)(random_);
  }
  bool OneIn(std::int64_t n) { return Below(n) == 0; }
  template <typename T>
  const T& Among(const std::vector<T>& values) {
    return values[static_cast<std::size_t>(Below(static_cast<std::int64_t>(values.size())))];
  }

  Cell MakeCell(const std::string& column);
  std::string MakeConstant(const std::string& column);
  std::string MakeCondition(int depth);
  ColumnFacts MakeFacts(const std::string& column, const std::vector<Cell>& cells);

 private:
  std::string MakeLeaf();
  FactValue Widen(const FactValue& value, bool upwards);

  std::mt19937_64 random_;
};

// Few values, close to each other and to what constants are made of, and those at the edges.
Cell Generator::MakeCell(const std::string& column) {
  if (OneIn(6)) return {"null", std::monostate()};
  const std::int64_t small = Below(7) - 3;
  if (column == "t" || column == "i") return {fmt::to_string(small), small};
  if (column == "l") {
    const std::int64_t value = OneIn(3) ? 9'007'199'254'740'992 + small : small;
    return {fmt::to_string(value), value};
  }
  if (column == "f" || column == "r") {
    const std::vector<double> odd = {
        std::nan(""), std::numeric_limits<double>::infinity(), -0.0, 0.1, 0.3, 1e15};
    const double value = OneIn(2) ? Among(odd) : static_cast<double>(small) / 2;
    const std::string json = std::isnan(value)   ? "NaN"
                             : std::isinf(value) ? "Inf"
                                                 : fmt::format("{:.17g}", value);
    if (column == "f") return {json, static_cast<float>(value)};
    return {json, value};
  }
  if (column == "dec") {
    const std::int64_t unscaled = small * 25;
    return {fmt::format("\"{}\"", arrow::Decimal128(unscaled).ToString(2)),
            PartitionDecimal{unscaled, 2}};
  }
  if (column == "wide") {
    const arrow::Decimal128 unscaled =
        arrow::Decimal128(small * 2'500'000'000 + Below(2)) *
        (OneIn(4) ? arrow::Decimal128("1000000000000000000") : arrow::Decimal128(1));
    const auto number =
        static_cast<protocol::Int128>(unscaled.high_bits()) << 64 | unscaled.low_bits();
    return {fmt::format("\"{}\"", unscaled.ToString(10)), PartitionDecimal{number, 10}};
  }
  if (column == "s") {
    const std::string text =
        Among<std::string>({"", "a", "ab", "abc", "b", "B", "ä", "a%", "1", "true"});
    return {fmt::format("\"{}\"", text), text};
  }
  if (column == "b") return OneIn(2) ? Cell{"true", true} : Cell{"false", false};
  const std::int64_t day = 19723 + small;
  if (column == "day") return {fmt::to_string(day), PartitionDate{static_cast<std::int32_t>(day)}};
  const std::int64_t micros = day * kMicrosPerDay + (OneIn(2) ? 0 : small);
  return {fmt::to_string(micros), PartitionTimestamp{micros}};
}

std::string Generator::MakeConstant(const std::string& column) {
  const std::int64_t small = Below(9) - 4;
  if (OneIn(15)) return "NULL";
  if (column == "s") {
    return Among<std::string>(
        {"'a'", "'ab'", "''", "'abd'", "'ä'", "'b' || ''", "'B'", "'1'", "1", "upper('a')"});
  }
  if (column == "b")
    return Among<std::string>({"true", "false", "'true'", "'f'", "1", "NOT true", "1 = 2"});
  if (column == "day" || column == "ts" || column == "ntz") {
    const std::string day = fmt::format("2024-01-{:02}", 5 + small);
    return Among<std::string>(
        {fmt::format("'{}'", day), fmt::format("DATE '{}'", day),
         fmt::format("TIMESTAMP '{} 00:00:00'", day), fmt::format("'{} 00:00:00.000001'", day),
         fmt::format("TIMESTAMP '{} 12:00:00'", day),
         fmt::format("TIMESTAMPTZ '{} 02:00:00+02'", day), fmt::format("CAST('{}' AS DATE)", day),
         fmt::format("DATE '{}' + INTERVAL 1 DAY", day), fmt::format("DATE '{}' + 1", day),
         "'infinity'", "DATE '-infinity'"});
  }
  return Among<std::string>({fmt::to_string(small),
                             fmt::to_string(small),
                             fmt::format("{}.5", small),
                             fmt::format("{}.25", small),
                             fmt::format("{}e0", small),
                             fmt::format("'{}'", small),
                             fmt::format("'{}.5'", small),
                             "0.1",
                             "0.3",
                             "0.1::double",
                             "0.3::float",
                             "'NaN'::double",
                             "'inf'::double",
                             "-0.0",
                             "9007199254740993",
                             "9007199254740993e0",
                             "1e15",
                             "1000000000000000",
                             "99999999999999999999",
                             fmt::format("{} + 1", small),
                             fmt::format("-({})", small),
                             "0.00000000010",
                             "127",
                             "1000::smallint",
                             "2.5::decimal(20,4)"});
}

std::string Generator::MakeLeaf() {
  const std::vector<ColumnKind> kinds = Kinds();
  const std::string column = Among(kinds).name;
  if (column == "b" && OneIn(2)) return "b";
  const std::string name = OneIn(10) ? "\"" + column + "\"" : column;
  switch (Below(9)) {
    case 0:
      return fmt::format("{} IS {}NULL", name, OneIn(2) ? "NOT " : "");
    case 1: {
      std::vector<std::string> values;
      for (std::int64_t n = 1 + Below(4); n > 0; --n) values.push_back(MakeConstant(column));
      return fmt::format("{} {}IN ({})", name, OneIn(2) ? "NOT " : "", fmt::join(values, ", "));
    }
    case 2:
      return fmt::format("{} {}BETWEEN {} AND {}", name, OneIn(3) ? "NOT " : "",
                         MakeConstant(column), MakeConstant(column));
    case 3:
      if (column == "s") {
        return fmt::format(
            "s {}LIKE '{}'", OneIn(3) ? "NOT " : "",
            Among<std::string>({"a%", "ab%", "%", "ab", "a_", "b%", "a\\%", "", "ä%", "c%"}));
      }
      break;
    case 4:
      return fmt::format("{} IS {}DISTINCT FROM {}", name, OneIn(2) ? "NOT " : "",
                         MakeConstant(column));
    default:
      break;
  }
  const std::string sign = Among<std::string>({"=", "<>", "<", "<=", ">", ">="});
  if (OneIn(4)) return fmt::format("{} {} {}", MakeConstant(column), sign, name);
  return fmt::format("{} {} {}", name, sign, MakeConstant(column));
}

std::string Generator::MakeCondition(int depth) {
  if (depth == 0 || OneIn(4)) return MakeLeaf();
  switch (Below(5)) {
    case 0:
      return fmt::format("NOT ({})", MakeCondition(depth - 1));
    case 1:
      return fmt::format("({}) IS {}{}", MakeCondition(depth - 1), OneIn(2) ? "NOT " : "",
                         Among<std::string>({"TRUE", "FALSE", "NULL"}));
    case 2:
      return fmt::format("({}) AND ({})", MakeCondition(depth - 1), MakeCondition(depth - 1));
    default:
      return fmt::format("({}) OR ({})", MakeCondition(depth - 1), MakeCondition(depth - 1));
  }
}

bool IsNan(const FactValue& value) {
  const auto* const single = std::get_if<float>(&value);
  const auto* const twice = std::get_if<double>(&value);
  return (single != nullptr && std::isnan(*single)) || (twice != nullptr && std::isnan(*twice));
}

bool IsLess(const FactValue& a, const FactValue& b) {
  return std::visit(
      [](const auto& x, const auto& y) {
        if constexpr (!std::is_same_v<decltype(x), decltype(y)>) {
          return false;
        } else if constexpr (requires { x.unscaled; }) {
          return x.unscaled < y.unscaled;
        } else if constexpr (requires { x.days; }) {
          return x.days < y.days;
        } else if constexpr (requires { x.micros; }) {
          return x.micros < y.micros;
        } else {
          return x < y;
        }
      },
      a, b);
}

FactValue Generator::Widen(const FactValue& value, bool upwards) {
  const std::int64_t step = (upwards ? 1 : -1) * Below(3);
  FactValue widened = value;
  if (auto* const number = std::get_if<std::int64_t>(&widened)) *number += step;
  if (auto* const real = std::get_if<double>(&widened)) *real += static_cast<double>(step);
  if (auto* const decimal = std::get_if<PartitionDecimal>(&widened)) decimal->unscaled += step;
  if (auto* const day = std::get_if<PartitionDate>(&widened))
    day->days += static_cast<std::int32_t>(step);
  if (auto* const moment = std::get_if<PartitionTimestamp>(&widened)) moment->micros += step;
  if (auto* const text = std::get_if<std::string>(&widened)) {
    if (upwards) {
      *text += '~';
    } else if (!text->empty()) {
      text->pop_back();
      // Not through the middle of a character: only bytes count here, and a shorter text is less.
    }
  }
  return widened;
}

// What is true of these values, exactly or not, or nothing.
ColumnFacts Generator::MakeFacts(const std::string& column, const std::vector<Cell>& cells) {
  ColumnFacts facts;
  std::int64_t nulls = 0;
  bool has_nan = false;
  for (const Cell& cell : cells) {
    if (std::holds_alternative<std::monostate>(cell.value)) {
      ++nulls;
    } else if (IsNan(cell.value)) {
      has_nan = true;
    } else {
      if (!facts.min || IsLess(cell.value, *facts.min)) facts.min = cell.value;
      if (!facts.max || IsLess(*facts.max, cell.value)) facts.max = cell.value;
    }
  }
  facts.null_count = nulls;
  facts.num_rows = static_cast<std::int64_t>(cells.size());
  facts.may_have_nan = has_nan || OneIn(3);
  const bool is_widened = OneIn(2);
  if (is_widened && facts.min) facts.min = Widen(*facts.min, /*upwards=*/false);
  if (is_widened && facts.max) facts.max = Widen(*facts.max, /*upwards=*/true);
  if (has_nan && OneIn(3) && column == "r") facts.max = std::nan("");
  if (OneIn(5)) facts.min.reset();
  if (OneIn(5)) facts.max.reset();
  if (OneIn(5)) facts.null_count.reset();
  if (OneIn(5)) facts.num_rows.reset();
  return facts;
}

struct Table {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::map<std::string, ColumnFacts> facts;
};

Table MakeTable(Generator& generator) {
  Table table;
  const std::int64_t rows = 1 + generator.Below(4);
  std::vector<TestColumn> columns;
  for (const ColumnKind& kind : Kinds()) {
    std::vector<Cell> cells;
    std::vector<std::string> jsons;
    // Often the same again, so that bounds meet.
    const bool is_constant = generator.OneIn(4);
    for (std::int64_t i = 0; i < rows; ++i) {
      cells.push_back(is_constant && !cells.empty() ? cells.front()
                                                    : generator.MakeCell(kind.name));
      jsons.push_back(cells.back().json);
    }
    table.facts[kind.name] = generator.MakeFacts(kind.name, cells);
    columns.push_back({kind.name, kind.type, fmt::format("[{}]", fmt::join(jsons, ", "))});
  }
  table.rows = BatchOf(columns);
  return table;
}

Schema SchemaOfKinds() {
  std::vector<std::string> fields;
  for (const ColumnKind& kind : Kinds()) {
    fields.push_back(fmt::format(R"({{"name":"{}","type":{},"nullable":true,"metadata":{{}}}})",
                                 kind.name, kind.delta_type));
  }
  return *Schema::Parse(
      fmt::format(R"({{"type":"struct","fields":[{}]}})", fmt::join(fields, ",")));
}

std::uint64_t SeedOfRun() {
  const char* const given = std::getenv("DELTALAKEDB_SEED");
  const std::uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device()();
  std::cout << "DELTALAKEDB_SEED=" << seed << '\n';
  return seed;
}

struct Tally {
  int none = 0;
  int all = 0;
  int some = 0;
};

void Check(const Predicate& predicate, Evaluator& evaluator, const Table& table, Tally& tally) {
  const std::string& text = predicate.text();
  const Match match =
      predicate.Evaluate([&](const auto& path) { return table.facts.at(path.front()); });
  ++(match == Match::kNone ? tally.none : match == Match::kAll ? tally.all : tally.some);
  const auto computed = evaluator.Evaluate(table.rows);
  // A condition that cannot be computed is true for no row; nobody gets wrong rows by it.
  if (!computed) return;
  const auto& truth = static_cast<const arrow::BooleanArray&>(*(*computed)->column(0));
  for (std::int64_t i = 0; i < truth.length(); ++i) {
    const bool is_true = truth.IsValid(i) && truth.Value(i);
    ASSERT_FALSE(is_true && match == Match::kNone) << text << "\n"
                                                   << table.rows->Slice(i, 1)->ToString();
    ASSERT_FALSE(!is_true && match == Match::kAll) << text << "\n"
                                                   << table.rows->Slice(i, 1)->ToString();
  }
}

TEST(PredicateRandomTest, Decisions_AgreeWithTheRows) {
  Generator generator(SeedOfRun());
  const Schema schema = SchemaOfKinds();
  const auto columns = MakeTable(generator).rows->schema();
  const int cases = std::getenv("DELTALAKEDB_SOAK") != nullptr ? kCasesInSoak : kCases;
  Tally tally;
  int refused = 0;
  // Several tables for each condition, which takes longer to parse than to decide.
  constexpr int kTables = 4;
  for (int i = 0; i < cases / kTables; ++i) {
    const std::string text = generator.MakeCondition(2);
    const auto predicate = Predicate::Parse(text, schema);
    // DuckDB computes constants when it checks, and not all of them have a value.
    if (!predicate) {
      ASSERT_EQ(predicate.error().code(), ErrorCode::kInvalidArgument) << text;
      ++refused;
      continue;
    }
    const auto evaluator = Evaluator::Make(columns, {{"x", text, arrow::boolean()}});
    ASSERT_TRUE(evaluator) << text << ": " << evaluator.error().message();
    for (int j = 0; j < kTables; ++j) {
      Check(*predicate, **evaluator, MakeTable(generator), tally);
      if (HasFatalFailure()) return;
    }
  }
  std::cout << fmt::format("none {}, all {}, some {}, refused {}\n", tally.none, tally.all,
                           tally.some, refused);
  // What is never decided is never wrong either.
  EXPECT_GT(tally.none, cases / 10);
  EXPECT_GT(tally.all, cases / 50);
  EXPECT_LT(refused, cases / kTables / 2);
}

}  // namespace
}  // namespace deltalakedb::expr
