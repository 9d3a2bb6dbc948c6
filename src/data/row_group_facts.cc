#include <arrow/util/utf8.h>
#include <parquet/schema.h>
#include <parquet/statistics.h>
#include <parquet/types.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "data/row_group_facts_internal.h"
#include "protocol/partition_value.h"

namespace deltalakedb::data {

namespace {

using protocol::Int128;
using protocol::PartitionDate;
using protocol::PartitionDecimal;
using protocol::PartitionTimestamp;
using Value = protocol::PartitionValue::Value;

// Days since 1970 of 0001-01-01 and 9999-12-31, between which values of dates and moments are.
constexpr std::int64_t kFirstDay = -719'162;
constexpr std::int64_t kLastDay = 2'932'896;
constexpr std::int64_t kMicrosPerDay = 86'400'000'000;

enum class Bound : std::uint8_t { kMin, kMax };

// A bound as the file has it.
struct Stored {
  Bound bound;
  const parquet::ColumnDescriptor& column;
  const DataType& type;
};

bool IsOf(const parquet::ColumnDescriptor& column, parquet::LogicalType::Type::type kind) {
  const auto& type = column.logical_type();
  return type != nullptr && type->is_valid() && type->type() == kind;
}

bool IsUnannotated(const parquet::ColumnDescriptor& column) {
  return IsOf(column, parquet::LogicalType::Type::NONE) || column.logical_type() == nullptr;
}

std::optional<Value> DecimalOf(Int128 unscaled, int scale, const DataType& type) {
  if (scale > type.scale()) return std::nullopt;
  for (; scale < type.scale(); ++scale) {
    // 64 bits times 10^38 may be more than 128 hold.
    if (__builtin_mul_overflow(unscaled, Int128{10}, &unscaled)) return std::nullopt;
  }
  return PartitionDecimal{.unscaled = unscaled, .scale = type.scale()};
}

std::optional<Value> DateOf(std::int64_t days) {
  if (days < kFirstDay || days > kLastDay) return std::nullopt;
  return PartitionDate{static_cast<std::int32_t>(days)};
}

std::optional<Value> MomentOf(std::int64_t micros) {
  if (micros < kFirstDay * kMicrosPerDay || micros >= (kLastDay + 1) * kMicrosPerDay) {
    return std::nullopt;
  }
  return PartitionTimestamp{.micros = micros};
}

std::optional<Value> TimestampOf(std::int64_t stored, const Stored& from) {
  const auto& timestamp =
      static_cast<const parquet::TimestampLogicalType&>(*from.column.logical_type());
  switch (timestamp.time_unit()) {
    case parquet::LogicalType::TimeUnit::MILLIS: {
      std::int64_t micros = 0;
      if (__builtin_mul_overflow(stored, std::int64_t{1000}, &micros)) return std::nullopt;
      return MomentOf(micros);
    }
    case parquet::LogicalType::TimeUnit::MICROS:
      return MomentOf(stored);
    case parquet::LogicalType::TimeUnit::NANOS: {
      // Rows are cut to microseconds, towards zero: both bounds go outwards.
      const std::int64_t micros = stored / 1000;
      const std::int64_t rest = stored % 1000;
      if (from.bound == Bound::kMin) return MomentOf(rest < 0 ? micros - 1 : micros);
      return MomentOf(rest > 0 ? micros + 1 : micros);
    }
    default:
      return std::nullopt;
  }
}

bool IsInteger(const parquet::ColumnDescriptor& column) {
  return IsUnannotated(column) || IsOf(column, parquet::LogicalType::Type::INT);
}

// A whole number of 32 or 64 bits, as which dates, moments and decimals are stored too.
std::optional<Value> WholeValueOf(std::int64_t stored, const Stored& from) {
  const bool is_wide = from.column.physical_type() == parquet::Type::INT64;
  switch (from.type.kind()) {
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
    case TypeKind::kLong:
      if (!IsInteger(from.column)) return std::nullopt;
      return stored;
    case TypeKind::kDouble:
      // A double holds all numbers of 32 bits.
      if (is_wide || !IsInteger(from.column)) return std::nullopt;
      return static_cast<double>(stored);
    case TypeKind::kDecimal:
      if (IsInteger(from.column)) return DecimalOf(stored, 0, from.type);
      if (!IsOf(from.column, parquet::LogicalType::Type::DECIMAL)) return std::nullopt;
      return DecimalOf(stored, from.column.type_scale(), from.type);
    case TypeKind::kDate:
      if (!IsOf(from.column, parquet::LogicalType::Type::DATE)) return std::nullopt;
      return DateOf(stored);
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz:
      if (IsOf(from.column, parquet::LogicalType::Type::TIMESTAMP)) {
        return TimestampOf(stored, from);
      }
      if (!IsOf(from.column, parquet::LogicalType::Type::DATE)) return std::nullopt;
      return MomentOf(stored * kMicrosPerDay);
    default:
      return std::nullopt;
  }
}

std::optional<Value> ValueOf(std::int32_t stored, const Stored& from) {
  const auto& type = from.column.logical_type();
  const bool is_unsigned = IsOf(from.column, parquet::LogicalType::Type::INT) &&
                           !static_cast<const parquet::IntLogicalType&>(*type).is_signed();
  const std::int64_t whole =
      is_unsigned ? std::int64_t{static_cast<std::uint32_t>(stored)} : std::int64_t{stored};
  return WholeValueOf(whole, from);
}

std::optional<Value> ValueOf(std::int64_t stored, const Stored& from) {
  const auto& type = from.column.logical_type();
  if (IsOf(from.column, parquet::LogicalType::Type::INT) &&
      !static_cast<const parquet::IntLogicalType&>(*type).is_signed() && stored < 0) {
    return std::nullopt;  // above 2^63
  }
  return WholeValueOf(stored, from);
}

std::optional<Value> ValueOf(bool stored, const Stored& from) {
  if (from.type.kind() != TypeKind::kBoolean) return std::nullopt;
  return stored;
}

std::optional<Value> ValueOf(float stored, const Stored& from) {
  if (std::isnan(stored)) return std::nullopt;
  if (from.type.kind() == TypeKind::kFloat) return stored;
  if (from.type.kind() == TypeKind::kDouble) return static_cast<double>(stored);
  return std::nullopt;
}

std::optional<Value> ValueOf(double stored, const Stored& from) {
  if (std::isnan(stored) || from.type.kind() != TypeKind::kDouble) return std::nullopt;
  return stored;
}

std::optional<Value> ValueOf(const parquet::ByteArray& stored, const Stored& from) {
  const TypeKind kind = from.type.kind();
  if (kind != TypeKind::kString && kind != TypeKind::kBinary) return std::nullopt;
  if (!IsUnannotated(from.column) && !IsOf(from.column, parquet::LogicalType::Type::STRING)) {
    return std::nullopt;
  }
  std::string text(reinterpret_cast<const char*>(stored.ptr), stored.len);
  if (kind == TypeKind::kBinary) return text;
  // Bounds may be cut within a character.
  arrow::util::InitializeUTF8();
  if (!arrow::util::ValidateUTF8(text)) return std::nullopt;
  return text;
}

template <typename Physical>
void AddBounds(const parquet::Statistics& statistics, const parquet::ColumnDescriptor& column,
               const DataType& type, protocol::ColumnFacts& facts) {
  const auto& typed = static_cast<const parquet::TypedStatistics<Physical>&>(statistics);
  facts.min = ValueOf(typed.min(), {Bound::kMin, column, type});
  facts.max = ValueOf(typed.max(), {Bound::kMax, column, type});
}

}  // namespace

protocol::ColumnFacts FactsOfLeaf(const parquet::RowGroupMetaData& group, int leaf,
                                  const DataType& type) {
  protocol::ColumnFacts facts;
  facts.num_rows = group.num_rows();
  const auto chunk = group.ColumnChunk(leaf);
  const auto statistics = chunk->statistics();
  if (statistics == nullptr) return facts;
  if (statistics->HasNullCount()) {
    const std::int64_t nulls = statistics->null_count();
    if (nulls >= 0 && nulls <= group.num_rows()) facts.null_count = nulls;
  }
  const parquet::ColumnDescriptor& column = *statistics->descr();
  if (!statistics->HasMinMax()) return facts;
  // Older writers compared all values as if they were signed, and did not say so.
  const bool has_order =
      column.column_order().get_order() == parquet::ColumnOrder::TYPE_DEFINED_ORDER;
  if (!has_order && column.sort_order() != parquet::SortOrder::SIGNED) return facts;
  switch (column.physical_type()) {
    case parquet::Type::BOOLEAN:
      AddBounds<parquet::BooleanType>(*statistics, column, type, facts);
      break;
    case parquet::Type::INT32:
      AddBounds<parquet::Int32Type>(*statistics, column, type, facts);
      break;
    case parquet::Type::INT64:
      AddBounds<parquet::Int64Type>(*statistics, column, type, facts);
      break;
    case parquet::Type::FLOAT:
      AddBounds<parquet::FloatType>(*statistics, column, type, facts);
      break;
    case parquet::Type::DOUBLE:
      AddBounds<parquet::DoubleType>(*statistics, column, type, facts);
      break;
    case parquet::Type::BYTE_ARRAY:
      AddBounds<parquet::ByteArrayType>(*statistics, column, type, facts);
      break;
    default:
      break;
  }
  return facts;
}

}  // namespace deltalakedb::data
