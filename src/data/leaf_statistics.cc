#include <arrow/array/array_binary.h>
#include <arrow/array/array_decimal.h>
#include <arrow/array/array_primitive.h>
#include <arrow/util/bit_run_reader.h>
#include <arrow/util/decimal.h>
#include <arrow/util/utf8.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "data/leaf_statistics_internal.h"
#include "protocol/action_writer.h"
#include "protocol/parsed_columns.h"
#include "protocol/partition_value.h"
#include "protocol/string_bounds.h"

namespace deltalakedb::data {

namespace {

using protocol::PartitionValue;

// each(first, count) for the rows that are not null.
template <typename Each>
void ForEachRun(const arrow::Array& values, Each&& each) {
  if (values.null_count() == 0) {
    each(std::int64_t{0}, values.length());
    return;
  }
  arrow::internal::VisitSetBitRunsVoid(values.null_bitmap_data(), values.offset(), values.length(),
                                       std::forward<Each>(each));
}

std::string Quoted(std::string_view text) {
  rapidjson::StringBuffer buffer;
  protocol::JsonWriter writer(buffer);
  protocol::WriteText(text, writer);
  return {buffer.GetString(), buffer.GetSize()};
}

// Of types without bounds.
class NullStatistics final : public LeafStatistics {
 public:
  void Add(const arrow::Array& values) override { null_count += values.null_count(); }
  std::string MinJson() const override { return {}; }
  std::string MaxJson() const override { return {}; }
};

// How values stand to each other: as Spark orders them, NaN above all others.
template <typename T>
bool IsLess(T a, T b) {
  if constexpr (std::floating_point<T>) {
    return a < b || (std::isnan(b) && !std::isnan(a));
  } else {
    return a < b;
  }
}

// Numbers, dates and times. `Text` makes JSON of a value.
template <typename ArrowType, typename Text>
class NumberStatistics final : public LeafStatistics {
 public:
  using T = typename ArrowType::c_type;

  void Add(const arrow::Array& values) override {
    null_count += values.null_count();
    if (values.null_count() == values.length()) return;
    const T* const all = static_cast<const arrow::NumericArray<ArrowType>&>(values).raw_values();
    ForEachRun(values, [&](std::int64_t first, std::int64_t count) {
      if (!has_value_) min_ = max_ = all[first];
      has_value_ = true;
      T min = min_;
      T max = max_;
      for (std::int64_t i = first; i < first + count; ++i) {
        min = IsLess(all[i], min) ? all[i] : min;
        max = IsLess(max, all[i]) ? all[i] : max;
      }
      min_ = min;
      max_ = max;
    });
  }
  std::string MinJson() const override { return has_value_ ? Text()(min_) : std::string(); }
  std::string MaxJson() const override { return has_value_ ? Text()(max_) : std::string(); }

 private:
  bool has_value_ = false;
  T min_{};
  T max_{};
};

struct IntegerText {
  std::string operator()(std::int64_t value) const { return fmt::to_string(value); }
};

// As Java writes floats, whose text Spark puts into statistics.
template <std::floating_point T>
struct FloatText {
  std::string operator()(T value) const {
    const DataType type =
        DataType::Simple(std::same_as<T, float> ? TypeKind::kFloat : TypeKind::kDouble);
    std::string text =
        PartitionValue::Of({.name = "", .type = type}, value)->NormalText().value_or("");
    if (!std::isfinite(value)) return Quoted(text);
    return value == 0 && std::signbit(value) ? "-" + text : text;
  }
};

// A date or time beyond those that have a text is no bound.
struct DateText {
  std::string operator()(std::int32_t days) const {
    const DataType type = DataType::Simple(TypeKind::kDate);
    const auto value =
        PartitionValue::Of({.name = "", .type = type}, protocol::PartitionDate{days});
    return value ? Quoted(value->NormalText().value_or("")) : std::string();
  }
};

// Cut to milliseconds towards the past: readers take that into account for the upper bound.
template <bool kWithZone>
struct TimeText {
  std::string operator()(std::int64_t micros) const {
    const DataType type = DataType::Simple(TypeKind::kTimestamp);
    const auto value = PartitionValue::Of({.name = "", .type = type},
                                          protocol::PartitionTimestamp{.micros = micros});
    if (!value) return {};
    std::string text = value->NormalText().value_or("");
    constexpr std::size_t kBelowMs = std::string_view("000Z").size();
    text.resize(text.size() - kBelowMs);
    return Quoted(text + (kWithZone ? "Z" : ""));
  }
};

class DecimalStatistics final : public LeafStatistics {
 public:
  explicit DecimalStatistics(int scale) : scale_(scale) {}

  void Add(const arrow::Array& values) override {
    null_count += values.null_count();
    const auto& decimals = static_cast<const arrow::Decimal128Array&>(values);
    ForEachRun(values, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = first; i < first + count; ++i) {
        const arrow::Decimal128 value(decimals.GetValue(i));
        if (!min_ || value < *min_) min_ = value;
        if (!max_ || value > *max_) max_ = value;
      }
    });
  }
  // All digits that the scale has: none is lost to a float, and no exponent is needed.
  std::string MinJson() const override { return Text(min_); }
  std::string MaxJson() const override { return Text(max_); }

 private:
  std::string Text(const std::optional<arrow::Decimal128>& value) const {
    if (!value) return {};
    const auto high = static_cast<protocol::Int128>(value->high_bits());
    const protocol::Int128 unscaled =
        (high * (static_cast<protocol::Int128>(1) << 64)) + value->low_bits();
    const DataType type = DataType::Decimal(kDecimalPrecisionMax, scale_);
    return PartitionValue::Of({.name = "", .type = type},
                              protocol::PartitionDecimal{unscaled, scale_})
        ->NormalText()
        .value_or("");
  }

  int scale_;
  std::optional<arrow::Decimal128> min_;
  std::optional<arrow::Decimal128> max_;
};

// A text with its first bytes as a number, which tells most texts apart by itself.
struct TextKey {
  std::string_view text;
  std::uint64_t head = 0;

  explicit TextKey(std::string_view of) : text(of) {
    if (!of.empty()) std::memcpy(&head, of.data(), std::min(of.size(), sizeof(head)));
    if constexpr (std::endian::native == std::endian::little) head = std::byteswap(head);
  }
  friend bool operator<(const TextKey& a, const TextKey& b) {
    return a.head != b.head ? a.head < b.head : a.text < b.text;
  }
};

class TextStatistics final : public LeafStatistics {
 public:
  explicit TextStatistics(std::size_t prefix_length) : prefix_length_(prefix_length) {}

  void Add(const arrow::Array& values) override {
    null_count += values.null_count();
    if (values.null_count() == values.length()) return;
    const auto& texts = static_cast<const arrow::StringArray&>(values);
    std::optional<TextKey> min;
    std::optional<TextKey> max;
    if (min_) min.emplace(*min_);
    if (max_) max.emplace(*max_);
    ForEachRun(values, [&](std::int64_t first, std::int64_t count) {
      for (std::int64_t i = first; i < first + count; ++i) {
        const TextKey text(texts.GetView(i));
        if (!min || text < *min) min = text;
        if (!max || *max < text) max = text;
      }
    });
    // The views end with the rows.
    if (!min_ || min->text != *min_) min_ = std::string(min->text);
    if (!max_ || max->text != *max_) max_ = std::string(max->text);
  }
  std::string MinJson() const override {
    return Json(min_ ? protocol::LowerBound(*min_, prefix_length_) : std::nullopt);
  }
  std::string MaxJson() const override {
    return Json(max_ ? protocol::UpperBound(*max_, prefix_length_) : std::nullopt);
  }

 private:
  static std::string Json(const std::optional<std::string>& text) {
    return text ? Quoted(*text) : std::string();
  }

  std::size_t prefix_length_;
  std::optional<std::string> min_;
  std::optional<std::string> max_;
};

}  // namespace

bool HasWrittenBounds(const DataType& type) {
  return protocol::HasBounds(type) && type.kind() != TypeKind::kBoolean;
}

std::unique_ptr<LeafStatistics> MakeLeafStatistics(const DataType& type,
                                                   std::size_t prefix_length) {
  switch (type.kind()) {
    case TypeKind::kByte:
      return std::make_unique<NumberStatistics<arrow::Int8Type, IntegerText>>();
    case TypeKind::kShort:
      return std::make_unique<NumberStatistics<arrow::Int16Type, IntegerText>>();
    case TypeKind::kInteger:
      return std::make_unique<NumberStatistics<arrow::Int32Type, IntegerText>>();
    case TypeKind::kLong:
      return std::make_unique<NumberStatistics<arrow::Int64Type, IntegerText>>();
    case TypeKind::kFloat:
      return std::make_unique<NumberStatistics<arrow::FloatType, FloatText<float>>>();
    case TypeKind::kDouble:
      return std::make_unique<NumberStatistics<arrow::DoubleType, FloatText<double>>>();
    case TypeKind::kDate:
      return std::make_unique<NumberStatistics<arrow::Date32Type, DateText>>();
    case TypeKind::kTimestamp:
      return std::make_unique<NumberStatistics<arrow::TimestampType, TimeText<true>>>();
    case TypeKind::kTimestampNtz:
      return std::make_unique<NumberStatistics<arrow::TimestampType, TimeText<false>>>();
    case TypeKind::kDecimal:
      return std::make_unique<DecimalStatistics>(type.scale());
    case TypeKind::kString:
      return std::make_unique<TextStatistics>(prefix_length);
    default:
      return std::make_unique<NullStatistics>();
  }
}

}  // namespace deltalakedb::data
