#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_dict.h>
#include <arrow/array/array_primitive.h>
#include <arrow/buffer.h>
#include <arrow/compute/api_vector.h>
#include <arrow/compute/initialize.h>
#include <arrow/datum.h>
#include <arrow/record_batch.h>
#include <arrow/util/decimal.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <span>
#include <unordered_map>
#include <utility>

#include "base/try.h"
#include "data/partition_split_internal.h"
#include "data/row_stream.h"
#include "protocol/excerpt.h"
#include "protocol/partition_value.h"

namespace deltalakedb::data {

namespace {

using protocol::Excerpt;
using protocol::PartitionValue;

Error NoValue(const Field& column, std::string_view problem) {
  return Error(ErrorCode::kInvalidArgument,
               fmt::format("partition column {} {}; no row was written", Excerpt(column.name()),
                           problem))
      .With("column", Excerpt(column.name()))
      .With("type", Excerpt(column.type().ToText()));
}

template <typename ArrowArray>
auto At(const arrow::Array& values, std::int64_t row) {
  return static_cast<const ArrowArray&>(values).Value(row);
}

PartitionValue::Value ValueAt(const DataType& type, const arrow::Array& values, std::int64_t row) {
  if (values.IsNull(row)) return std::monostate();
  switch (type.kind()) {
    case TypeKind::kBoolean:
      return At<arrow::BooleanArray>(values, row);
    case TypeKind::kByte:
      return std::int64_t{At<arrow::Int8Array>(values, row)};
    case TypeKind::kShort:
      return std::int64_t{At<arrow::Int16Array>(values, row)};
    case TypeKind::kInteger:
      return std::int64_t{At<arrow::Int32Array>(values, row)};
    case TypeKind::kLong:
      return std::int64_t{At<arrow::Int64Array>(values, row)};
    case TypeKind::kFloat:
      return At<arrow::FloatArray>(values, row);
    case TypeKind::kDouble:
      return At<arrow::DoubleArray>(values, row);
    case TypeKind::kDate:
      return protocol::PartitionDate{At<arrow::Date32Array>(values, row)};
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      return protocol::PartitionTimestamp{.micros = At<arrow::TimestampArray>(values, row)};
    case TypeKind::kDecimal: {
      const arrow::Decimal128 decimal(
          static_cast<const arrow::Decimal128Array&>(values).GetValue(row));
      const auto high = static_cast<protocol::Int128>(decimal.high_bits());
      return protocol::PartitionDecimal{
          (high * (static_cast<protocol::Int128>(1) << 64)) + decimal.low_bits(), type.scale()};
    }
    default:  // strings and binary, which have one layout
      return std::string(static_cast<const arrow::BinaryArray&>(values).GetView(row));
  }
}

// The text of a value; nullopt for null. Errors: as Split.
Result<std::optional<std::string>> TextAt(const Field& column, const arrow::Array& values,
                                          std::int64_t row) {
  PartitionValue::Value value = ValueAt(column.type(), values, row);
  if (const auto* const text = std::get_if<std::string>(&value)) {
    // JSON, and every reader of it, has no place for other bytes.
    if (!arrow::util::ValidateUTF8(*text)) {
      return Fail(NoValue(column, "has a value that is no UTF-8, which a log cannot hold"));
    }
  }
  DELTALAKEDB_ASSIGN(
      const PartitionValue typed,
      PartitionValue::Of({.name = column.name(), .type = column.type()}, std::move(value)));
  if (typed.is_null() && !column.nullable()) {
    return Fail(
        NoValue(column, values.IsNull(row)
                            ? "has a null, and the table's schema has none there"
                            : "has an empty value, which is read back as null, and the table's "
                              "schema has none there"));
  }
  return typed.NormalText();
}

// Numbers for the distinct values of rows: equal ones have equal numbers, from 0 without a gap.
struct Groups {
  std::vector<std::uint32_t> of_row;
  std::vector<std::int64_t> first_row;  // of each group

  // Divides the groups further by the values of a column.
  arrow::Status Divide(const std::shared_ptr<arrow::Array>& values);
};

arrow::Status Groups::Divide(const std::shared_ptr<arrow::Array>& values) {
  ARROW_ASSIGN_OR_RAISE(
      const arrow::Datum encoded,
      arrow::compute::DictionaryEncode(
          values, arrow::compute::DictionaryEncodeOptions(
                      arrow::compute::DictionaryEncodeOptions::NullEncodingBehavior::ENCODE)));
  const auto dictionary = std::static_pointer_cast<arrow::DictionaryArray>(encoded.make_array());
  const auto distinct = static_cast<std::uint64_t>(dictionary->dictionary()->length());
  const auto& codes = static_cast<const arrow::Int32Array&>(*dictionary->indices());
  if (distinct == 1) return arrow::Status::OK();
  std::unordered_map<std::uint64_t, std::uint32_t> numbers;
  first_row.clear();
  std::uint64_t last = 0;  // what the row before had, as rows often come sorted
  std::uint32_t last_number = 0;
  for (std::size_t row = 0; row < of_row.size(); ++row) {
    const auto at = static_cast<std::int64_t>(row);
    const std::uint64_t both =
        (of_row[row] * distinct) + static_cast<std::uint64_t>(codes.Value(at));
    if (row == 0 || both != last) {
      const auto [found, is_new] =
          numbers.try_emplace(both, static_cast<std::uint32_t>(first_row.size()));
      if (is_new) first_row.push_back(at);
      last = both;
      last_number = found->second;
    }
    of_row[row] = last_number;
  }
  return arrow::Status::OK();
}

// The rows of each group, all of them in one array: those of group i from ends[i - 1] to ends[i].
struct Order {
  std::shared_ptr<arrow::Array> rows;
  std::vector<std::int64_t> ends;
};

arrow::Result<Order> Sort(const Groups& groups) {
  Order order;
  order.ends.resize(groups.first_row.size());
  for (const std::uint32_t group : groups.of_row) ++order.ends[group];
  std::partial_sum(order.ends.begin(), order.ends.end(), order.ends.begin());
  std::vector<std::int64_t> next(order.ends.size());
  std::copy(order.ends.begin(), order.ends.end() - 1, next.begin() + 1);
  std::vector<std::int32_t> rows(groups.of_row.size());
  for (std::size_t row = 0; row < rows.size(); ++row) {
    rows[static_cast<std::size_t>(next[groups.of_row[row]]++)] = static_cast<std::int32_t>(row);
  }
  const auto count = static_cast<std::int64_t>(rows.size());
  order.rows =
      std::make_shared<arrow::Int32Array>(count, arrow::Buffer::FromVector(std::move(rows)));
  return order;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> Take(
    const std::shared_ptr<arrow::RecordBatch>& rows, const std::shared_ptr<arrow::Array>& which) {
  ARROW_ASSIGN_OR_RAISE(
      const arrow::Datum taken,
      arrow::compute::Take(rows, which, arrow::compute::TakeOptions::NoBoundsCheck()));
  return taken.record_batch();
}

}  // namespace

Result<PartitionSplit> PartitionSplit::Make(std::shared_ptr<const TableShape> shape) {
  static const arrow::Status initialized = arrow::compute::Initialize();
  if (!initialized.ok()) return Fail(ToError(initialized));
  arrow::util::InitializeUTF8();
  for (const int position : shape->partition_columns()) {
    const Field& column = *shape->columns()[static_cast<std::size_t>(position)].field;
    switch (column.type().kind()) {
      case TypeKind::kStruct:
      case TypeKind::kArray:
      case TypeKind::kMap:
      case TypeKind::kVariant:
      case TypeKind::kVoid:
      case TypeKind::kOther:
        return Fail(Error(ErrorCode::kUnsupported,
                          fmt::format("column {} of type {} cannot be written: no table is "
                                      "partitioned by such values",
                                      Excerpt(column.name()), Excerpt(column.type().ToText())))
                        .With("column", Excerpt(column.name()))
                        .With("type", Excerpt(column.type().ToText())));
      default:
        break;
    }
  }
  return PartitionSplit(std::move(shape));
}

Result<std::vector<PartitionRows>> PartitionSplit::Split(
    const std::shared_ptr<arrow::RecordBatch>& rows) const {
  std::vector<PartitionRows> parts;
  if (rows->num_rows() == 0) return parts;
  Groups groups{.of_row = std::vector<std::uint32_t>(static_cast<std::size_t>(rows->num_rows())),
                .first_row = {0}};
  for (const int column : shape_->partition_columns()) {
    if (const auto divided = groups.Divide(rows->column(column)); !divided.ok()) {
      return Fail(ToError(divided));
    }
  }
  parts.resize(groups.first_row.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (const int column : shape_->partition_columns()) {
      DELTALAKEDB_ASSIGN(parts[i].key.emplace_back(),
                         TextAt(*shape_->columns()[static_cast<std::size_t>(column)].field,
                                *rows->column(column), groups.first_row[i]));
    }
  }
  if (parts.size() == 1) {
    parts[0].rows = rows;
    return parts;
  }
  const auto order = Sort(groups);
  if (!order.ok()) return Fail(ToError(order.status()));
  std::int64_t begin = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    auto taken = Take(rows, order->rows->Slice(begin, order->ends[i] - begin));
    if (!taken.ok()) return Fail(ToError(taken.status()));
    parts[i].rows = *std::move(taken);
    begin = order->ends[i];
  }
  return parts;
}

}  // namespace deltalakedb::data
