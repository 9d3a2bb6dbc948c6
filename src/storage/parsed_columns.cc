#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_decimal.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/builder_time.h>
#include <arrow/util/decimal.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "protocol/partition_value.h"
#include "storage/parsed_columns_internal.h"

namespace deltalakedb::storage {

namespace {

namespace ondemand = simdjson::ondemand;

using protocol::PartitionDate;
using protocol::PartitionDecimal;
using protocol::PartitionTimestamp;
using protocol::PartitionValue;
using protocol::StatsField;

std::shared_ptr<arrow::DataType> ArrowType(const DataType& type) {
  switch (type.kind()) {
    case TypeKind::kBoolean:
      return arrow::boolean();
    case TypeKind::kByte:
      return arrow::int8();
    case TypeKind::kShort:
      return arrow::int16();
    case TypeKind::kInteger:
      return arrow::int32();
    case TypeKind::kFloat:
      return arrow::float32();
    case TypeKind::kDouble:
      return arrow::float64();
    case TypeKind::kDecimal:
      return arrow::decimal128(type.precision(), type.scale());
    case TypeKind::kDate:
      return arrow::date32();
    case TypeKind::kTimestamp:
      return arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    case TypeKind::kTimestampNtz:
      return arrow::timestamp(arrow::TimeUnit::MICRO);
    case TypeKind::kString:
      return arrow::utf8();
    case TypeKind::kBinary:
      return arrow::binary();
    default:
      return arrow::int64();  // kLong, and what is counted
  }
}

// A value of a leaf; texts live as long as what they were read from.
using Leaf = std::variant<std::monostate, bool, std::int64_t, float, double, PartitionDecimal,
                          std::string_view>;

template <typename Builder, typename T>
arrow::Status AppendAs(arrow::ArrayBuilder& builder, T value) {
  return static_cast<Builder&>(builder).Append(value);
}

arrow::Status AppendInteger(arrow::ArrayBuilder& builder, arrow::Type::type type,
                            std::int64_t value) {
  switch (type) {
    case arrow::Type::INT8:
      return AppendAs<arrow::Int8Builder>(builder, static_cast<std::int8_t>(value));
    case arrow::Type::INT16:
      return AppendAs<arrow::Int16Builder>(builder, static_cast<std::int16_t>(value));
    case arrow::Type::INT32:
      return AppendAs<arrow::Int32Builder>(builder, static_cast<std::int32_t>(value));
    case arrow::Type::DATE32:
      return AppendAs<arrow::Date32Builder>(builder, static_cast<std::int32_t>(value));
    case arrow::Type::TIMESTAMP:
      return AppendAs<arrow::TimestampBuilder>(builder, value);
    default:
      return AppendAs<arrow::Int64Builder>(builder, value);
  }
}

// Appends a value that is one of the builder's type.
struct LeafAppender {
  arrow::ArrayBuilder& builder;
  arrow::Type::type type;  // the builder's, which takes long to ask for

  arrow::Status operator()(std::monostate) const { return builder.AppendNull(); }
  arrow::Status operator()(bool value) const {
    return static_cast<arrow::BooleanBuilder&>(builder).Append(value);
  }
  arrow::Status operator()(std::int64_t value) const { return AppendInteger(builder, type, value); }
  arrow::Status operator()(float value) const {
    return AppendAs<arrow::FloatBuilder>(builder, value);
  }
  arrow::Status operator()(double value) const {
    return AppendAs<arrow::DoubleBuilder>(builder, value);
  }
  arrow::Status operator()(const PartitionDecimal& value) const {
    return static_cast<arrow::Decimal128Builder&>(builder).Append(
        arrow::Decimal128(static_cast<std::int64_t>(value.unscaled >> 64),
                          static_cast<std::uint64_t>(value.unscaled)));
  }
  // Text is bytes to its builder.
  arrow::Status operator()(std::string_view value) const {
    return static_cast<arrow::BinaryBuilder&>(builder).Append(value);
  }
};

// The typed value of a text that partition values and statistics write alike; nullopt where it is
// none, or a moment that nobody knows.
std::optional<PartitionValue> ReadTyped(const DataType& type,
                                        std::optional<std::string_view> text) {
  auto value = PartitionValue::Parse({.name = "", .type = type}, text);
  if (!value) return std::nullopt;
  const auto* const moment = std::get_if<PartitionTimestamp>(&value->value());
  if (moment != nullptr && moment->zone_assumed) return std::nullopt;
  return *std::move(value);
}

struct ToLeaf {
  template <typename T>
  Leaf operator()(const T& value) const {
    return value;
  }
  Leaf operator()(PartitionDate value) const { return std::int64_t{value.days}; }
  Leaf operator()(PartitionTimestamp value) const { return value.micros; }
  Leaf operator()(const std::string& value) const { return std::string_view(value); }
};

// ---- numbers of JSON ----------------------------------------------------------------------------

std::string_view WithoutBlanks(std::string_view token) {
  const std::size_t end = token.find_last_not_of(" \t\r\n");
  return token.substr(0, end == std::string_view::npos ? 0 : end + 1);
}

template <typename Integer>
Leaf IntegerIn(std::int64_t value) {
  return std::in_range<Integer>(value) ? Leaf(value) : Leaf();
}

Leaf ReadInteger(const DataType& type, ondemand::value& json) {
  std::int64_t value = 0;
  if (json.get(value) != simdjson::SUCCESS) return {};
  switch (type.kind()) {
    case TypeKind::kByte:
      return IntegerIn<std::int8_t>(value);
    case TypeKind::kShort:
      return IntegerIn<std::int16_t>(value);
    case TypeKind::kInteger:
      return IntegerIn<std::int32_t>(value);
    default:
      return value;
  }
}

// The nearest value to the number's text, which a detour by a double need not be for a float.
template <typename Float>
Leaf ReadFloat(std::string_view token) {
  Float value = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), value);
  const bool is_whole = error == std::errc() && end == token.data() + token.size();
  return is_whole && std::isfinite(value) ? Leaf(value) : Leaf();
}

template <typename Float>
Leaf ReadFloatName(std::string_view text) {
  if (text == "NaN") return std::numeric_limits<Float>::quiet_NaN();
  if (text == "Infinity") return std::numeric_limits<Float>::infinity();
  if (text == "-Infinity") return -std::numeric_limits<Float>::infinity();
  return {};
}

Leaf ReadNumber(const DataType& type, ondemand::value& json) {
  switch (type.kind()) {
    case TypeKind::kFloat:
      return ReadFloat<float>(WithoutBlanks(json.raw_json_token()));
    case TypeKind::kDouble:
      return ReadFloat<double>(WithoutBlanks(json.raw_json_token()));
    case TypeKind::kDecimal: {
      const auto value = ReadTyped(type, WithoutBlanks(json.raw_json_token()));
      return value ? std::visit(ToLeaf(), value->value()) : Leaf();
    }
    case TypeKind::kByte:
    case TypeKind::kShort:
    case TypeKind::kInteger:
    case TypeKind::kLong:
      return ReadInteger(type, json);
    default:
      return {};
  }
}

Leaf ReadText(const DataType& type, std::string_view text) {
  switch (type.kind()) {
    case TypeKind::kString:
      return text;
    case TypeKind::kFloat:
      return ReadFloatName<float>(text);
    case TypeKind::kDouble:
      return ReadFloatName<double>(text);
    case TypeKind::kDate:
    case TypeKind::kTimestamp:
    case TypeKind::kTimestampNtz: {
      const auto value = ReadTyped(type, text);
      return value ? std::visit(ToLeaf(), value->value()) : Leaf();
    }
    default:
      return {};
  }
}

// ---- types --------------------------------------------------------------------------------------

enum class StatsKind { kBounds, kNullCount };

std::shared_ptr<arrow::DataType> StatsType(const std::vector<StatsField>& fields, StatsKind kind) {
  arrow::FieldVector arrow_fields;
  for (const StatsField& field : fields) {
    std::shared_ptr<arrow::DataType> type;
    if (!field.type) {
      type = StatsType(field.fields, kind);
    } else if (kind == StatsKind::kNullCount) {
      type = arrow::int64();
    } else if (protocol::HasBounds(*field.type)) {
      type = ArrowType(*field.type);
    }
    if (type != nullptr) arrow_fields.push_back(arrow::field(field.name, type));
  }
  // A struct without fields has no form in Parquet.
  return arrow_fields.empty() ? nullptr : arrow::struct_(arrow_fields);
}

}  // namespace

std::shared_ptr<arrow::DataType> StatsParsedType(const protocol::ParsedColumns& columns) {
  arrow::FieldVector fields = {arrow::field("numRecords", arrow::int64())};
  if (columns.with_tight_bounds) fields.push_back(arrow::field("tightBounds", arrow::boolean()));
  if (const auto bounds = StatsType(columns.stats, StatsKind::kBounds)) {
    fields.push_back(arrow::field("minValues", bounds));
    fields.push_back(arrow::field("maxValues", bounds));
  }
  if (const auto counts = StatsType(columns.stats, StatsKind::kNullCount)) {
    fields.push_back(arrow::field("nullCount", counts));
  }
  return arrow::struct_(fields);
}

std::shared_ptr<arrow::DataType> PartitionValuesParsedType(const protocol::ParsedColumns& columns) {
  arrow::FieldVector fields;
  for (const protocol::PartitionField& field : columns.partitions) {
    fields.push_back(arrow::field(field.name, ArrowType(field.type)));
  }
  return fields.empty() ? nullptr : arrow::struct_(fields);
}

// ---- rows ---------------------------------------------------------------------------------------

// The columns are a tree, kept as a list in which each struct stands before what is inside it. A
// row is gathered first and appended then, so that a text that breaks off leaves nothing behind.
class StatsParsedAppender::Impl {
 public:
  Impl(const protocol::ParsedColumns& columns, arrow::StructBuilder& builder) {
    AddNode("", nullptr, builder);
    int next = 0;
    AddNode("numRecords", &long_, *builder.field_builder(next++));
    if (columns.with_tight_bounds) {
      AddNode("tightBounds", &boolean_, *builder.field_builder(next++));
    }
    if (StatsType(columns.stats, StatsKind::kBounds) != nullptr) {
      for (const char* const name : {"minValues", "maxValues"}) {
        AddStruct(name, columns.stats, StatsKind::kBounds, *builder.field_builder(next++));
      }
    }
    if (!columns.stats.empty()) {
      AddStruct("nullCount", columns.stats, StatsKind::kNullCount, *builder.field_builder(next));
    }
    FinishStruct(0);
  }

  arrow::Status Append(std::optional<std::string_view> stats) {
    Clear();
    if (stats && !Read(*stats)) Clear();
    for (const Node& node : nodes_) {
      if (node.type != nullptr) {
        ARROW_RETURN_NOT_OK(std::visit(LeafAppender{*node.builder, node.builder_type}, node.value));
      } else {
        ARROW_RETURN_NOT_OK(
            static_cast<arrow::StructBuilder&>(*node.builder).Append(node.is_there));
      }
    }
    return arrow::Status::OK();
  }

 private:
  struct Node {
    std::string_view name;
    const DataType* type = nullptr;  // of a leaf; null for a struct
    arrow::ArrayBuilder* builder = nullptr;
    arrow::Type::type builder_type = arrow::Type::NA;
    std::size_t end = 0;                                       // behind what is inside it
    std::unordered_map<std::string_view, std::size_t> fields;  // of a struct: where they are
    // In the row that is gathered:
    Leaf value;
    bool is_there = false;  // a struct
  };

  std::size_t AddNode(std::string_view name, const DataType* type, arrow::ArrayBuilder& builder) {
    const std::size_t index = nodes_.size();
    Node& node = nodes_.emplace_back();
    node.name = name;
    node.type = type;
    node.builder = &builder;
    node.builder_type = builder.type()->id();
    node.end = index + 1;
    return index;
  }

  // Once all that is inside a struct is there.
  void FinishStruct(std::size_t index) {
    nodes_[index].end = nodes_.size();
    for (std::size_t i = index + 1; i < nodes_.size(); i = nodes_[i].end) {
      nodes_[index].fields.emplace(nodes_[i].name, i);
    }
  }

  void AddStruct(std::string_view name, const std::vector<StatsField>& fields, StatsKind kind,
                 arrow::ArrayBuilder& builder) {
    const std::size_t index = AddNode(name, nullptr, builder);
    auto& builders = static_cast<arrow::StructBuilder&>(builder);
    int next = 0;
    for (const StatsField& field : fields) {
      if (!field.type) {
        if (StatsType(field.fields, kind) == nullptr) continue;
        AddStruct(field.name, field.fields, kind, *builders.field_builder(next++));
      } else if (kind == StatsKind::kNullCount) {
        AddNode(field.name, &long_, *builders.field_builder(next++));
      } else if (protocol::HasBounds(*field.type)) {
        AddNode(field.name, &*field.type, *builders.field_builder(next++));
      }
    }
    FinishStruct(index);
  }

  void Clear() {
    for (Node& node : nodes_) {
      node.value = Leaf();
      node.is_there = false;
    }
  }

  // False where the text is no JSON object.
  bool Read(std::string_view stats) {
    if (text_.capacity() < stats.size() + simdjson::SIMDJSON_PADDING) {
      text_.reserve(2 * (stats.size() + simdjson::SIMDJSON_PADDING));
    }
    text_ = stats;
    ondemand::document document;
    ondemand::object object;
    return parser_.iterate(
                      simdjson::padded_string_view(text_.data(), text_.size(), text_.capacity()))
                   .get(document) == simdjson::SUCCESS &&
           document.get(object) == simdjson::SUCCESS && ReadObject(object, 0) && document.at_end();
  }

  // What is not of the kind that its column has is passed over; false where it is not JSON.
  bool ReadObject(ondemand::object& object, std::size_t index) {
    nodes_[index].is_there = true;
    std::size_t expected = index + 1;  // writers mostly keep to the order of the schema
    for (auto entry : object) {
      ondemand::field field;
      std::string_view name;
      if (std::move(entry).get(field) != simdjson::SUCCESS ||
          field.unescaped_key().get(name) != simdjson::SUCCESS) {
        return false;
      }
      if (expected >= nodes_[index].end || nodes_[expected].name != name) {
        const auto found = nodes_[index].fields.find(name);
        if (found == nodes_[index].fields.end()) continue;
        expected = found->second;
      }
      if (!ReadValue(field.value(), expected)) return false;
      expected = nodes_[expected].end;
    }
    return true;
  }

  bool ReadValue(ondemand::value& json, std::size_t index) {
    ondemand::json_type type = ondemand::json_type::null;
    if (json.type().get(type) != simdjson::SUCCESS) return false;
    Node& node = nodes_[index];
    if (node.type == nullptr) {
      ondemand::object object;
      if (type != ondemand::json_type::object) return true;
      return json.get(object) == simdjson::SUCCESS && ReadObject(object, index);
    }
    node.value = Leaf();
    if (type == ondemand::json_type::number) {
      node.value = ReadNumber(*node.type, json);
    } else if (type == ondemand::json_type::string) {
      std::string_view text;
      if (json.get(text) != simdjson::SUCCESS) return false;
      node.value = ReadText(*node.type, text);
    } else if (type == ondemand::json_type::boolean) {
      bool value = false;
      if (json.get(value) != simdjson::SUCCESS) return false;
      if (node.type->kind() == TypeKind::kBoolean) node.value = value;
    }
    return true;
  }

  const DataType long_ = DataType::Simple(TypeKind::kLong);
  const DataType boolean_ = DataType::Simple(TypeKind::kBoolean);
  std::vector<Node> nodes_;
  ondemand::parser parser_;
  std::string text_;  // with room for the parser to read beyond its end
};

StatsParsedAppender::StatsParsedAppender(const protocol::ParsedColumns& columns,
                                         arrow::StructBuilder& builder)
    : impl_(std::make_unique<Impl>(columns, builder)) {}
StatsParsedAppender::~StatsParsedAppender() = default;

arrow::Status StatsParsedAppender::Append(std::optional<std::string_view> stats) {
  return impl_->Append(stats);
}

arrow::Status PartitionValuesAppender::Append(StringMapView values) {
  std::vector<PartitionValue> typed;
  typed.reserve(columns_.partitions.size());
  for (const protocol::PartitionField& field : columns_.partitions) {
    const auto entry = std::ranges::find(values, field.name, &StringMapEntry::key);
    if (entry == values.end()) return builder_.AppendNull();
    auto value = ReadTyped(field.type, entry->value);
    if (!value) return builder_.AppendNull();
    typed.push_back(*std::move(value));
  }
  ARROW_RETURN_NOT_OK(builder_.Append());
  for (int i = 0; i < builder_.num_fields(); ++i) {
    const Leaf leaf = std::visit(ToLeaf(), typed[static_cast<std::size_t>(i)].value());
    arrow::ArrayBuilder& field = *builder_.field_builder(i);
    ARROW_RETURN_NOT_OK(std::visit(LeafAppender{field, field.type()->id()}, leaf));
  }
  return arrow::Status::OK();
}

}  // namespace deltalakedb::storage
