// A table's schema: its columns and their types, as `schemaString` of metaData describes them
// (PROTOCOL.md, Partition values and schema; Spark's StructType in JSON).
//
// For looking at; Metadata::schema_string keeps the verbatim text. Types that this library does not
// know are kept by their text, so that a table of tomorrow can still be inspected.
// Thread-safety: immutable values; any number of threads may read one. Ownership: a schema owns all
// of its fields; references and views into it live as long as it does. Moving is cheap, copying
// deep.
//
//   DELTALAKEDB_ASSIGN(const Schema schema, Schema::Parse(*metadata.schema_string));
//   for (const Field& column : schema.fields()) {
//     std::cout << column.name() << ' ' << column.type().ToText() << '\n';
//   }
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "deltalakedb/result.h"

namespace deltalakedb {

namespace protocol {
class SchemaParser;
}

// The longest schema text that is parsed. Unit: bytes. A schema at the limit on fields, each with
// column mapping, takes about 20 million.
inline constexpr std::size_t kSchemaTextBytesMax = 32 * 1024 * 1024;
// Fields of a schema, those of nested structs included.
inline constexpr std::size_t kSchemaFieldsMax = 100'000;
// Nesting of types: a column of type long is 1 deep, array<long> 2.
inline constexpr std::size_t kSchemaDepthMax = 100;
// Digits of a decimal.
inline constexpr int kDecimalPrecisionMax = 38;

enum class TypeKind {
  kStruct,
  kArray,
  kMap,
  kString,
  kLong,     // 64 bits
  kInteger,  // 32 bits
  kShort,    // 16 bits
  kByte,     // 8 bits, signed
  kFloat,
  kDouble,
  kDecimal,
  kBoolean,
  kBinary,
  kDate,
  kTimestamp,     // a moment, microseconds
  kTimestampNtz,  // a wall clock time without zone, microseconds
  kVariant,
  kVoid,
  kOther,  // a type that this library does not know, such as an interval
};

class Field;

// The type of a column or of a part of one.
class DataType {
 public:
  // A type without parameters: everything but struct, array, map, decimal and other.
  static DataType Simple(TypeKind kind);
  // 1 <= precision <= kDecimalPrecisionMax, 0 <= scale <= precision.
  static DataType Decimal(int precision, int scale);

  TypeKind kind() const { return kind_; }
  // Digits in all and digits behind the point; of a decimal, else 0.
  int precision() const { return precision_; }
  int scale() const { return scale_; }
  // The fields of a struct in order; empty for another type.
  const std::vector<Field>& fields() const { return fields_; }
  // The type of an array's elements. Only for an array.
  const DataType& element() const { return arguments_.front(); }
  // The types of a map's keys and values. Only for a map.
  const DataType& key() const { return arguments_.front(); }
  const DataType& value() const { return arguments_.back(); }
  // Whether an array's elements, or a map's values, may be null.
  bool contains_null() const { return contains_null_; }
  // Type kOther as the schema has it: its name, or its JSON text where it is an object.
  const std::string& other_text() const { return other_text_; }

  // The field of a struct by name, ASCII letters of either case being equal, as the engines resolve
  // columns; null when there is none or this is no struct.
  const Field* FindField(std::string_view name) const;

  // For people, in Delta's own names: `decimal(10,2)`, `array<long>`, `struct<a:integer,b:string>`.
  // Says nothing of nullability and metadata. Names other than [A-Za-z0-9_]+ stand in backticks.
  std::string ToText() const;
  // The type as a schema's JSON has it, in Spark's order of members, without white space.
  std::string ToJson() const;

  friend bool operator==(const DataType& a, const DataType& b);

 private:
  friend class protocol::SchemaParser;
  explicit DataType(TypeKind kind);

  TypeKind kind_;
  bool contains_null_ = false;
  std::int8_t precision_ = 0;
  std::int8_t scale_ = 0;
  std::vector<Field> fields_;        // of a struct
  std::vector<DataType> arguments_;  // one for an array, two for a map
  std::string other_text_;
};

// A column, or a field of a struct.
class Field {
 public:
  // Metadata of a field: keys and the verbatim JSON text of their values, in order.
  using FieldMetadata = std::vector<std::pair<std::string, std::string>>;

  const std::string& name() const { return name_; }
  const DataType& type() const { return type_; }
  bool nullable() const { return nullable_; }
  const FieldMetadata& metadata() const { return metadata_; }
  // The JSON text of a value of the metadata; null when there is none.
  const std::string* FindMetadata(std::string_view key) const;

  // `delta.columnMapping.id` and `delta.columnMapping.physicalName` (PROTOCOL.md, Column mapping).
  // They mean something only where the table's mapping mode is `id` or `name`.
  std::optional<std::int32_t> column_mapping_id() const { return column_mapping_id_; }
  const std::optional<std::string>& physical_name() const { return physical_name_; }
  // What people wrote about the column.
  const std::optional<std::string>& comment() const { return comment_; }

  friend bool operator==(const Field& a, const Field& b);

 private:
  friend class protocol::SchemaParser;
  Field(std::string name, DataType type) : name_(std::move(name)), type_(std::move(type)) {}

  std::string name_;
  DataType type_;
  bool nullable_ = true;
  FieldMetadata metadata_;
  std::optional<std::int32_t> column_mapping_id_;
  std::optional<std::string> physical_name_;
  std::optional<std::string> comment_;
};

// A field that is no struct, and the names that lead to it through the structs above.
struct LeafColumn {
  std::vector<const Field*> path;  // from the column to the leaf itself

  const Field& field() const { return *path.back(); }
};

class Schema {
 public:
  // Parses a schemaString. A field without `metadata` has none and one without `nullable` is
  // nullable, as Spark reads them; members that are not known are skipped. Names have to be unique
  // among the fields of one struct, whatever the case of their ASCII letters; other letters are
  // compared as they are (Spark folds their case too, so it may refuse a schema that this accepts).
  // Errors: Corrupt (fact `field`: the path, such as `a.b.element`), LimitExceeded (fact `limit`).
  static Result<Schema> Parse(std::string_view json);

  const DataType& type() const { return type_; }
  const std::vector<Field>& fields() const { return type_.fields(); }

  // A column by name, as DataType::FindField.
  const Field* FindField(std::string_view name) const { return type_.FindField(name); }
  // A field by the names that lead to it. Between them, `element` leads into an array, `key` and
  // `value` into a map. Null when there is none.
  const Field* FindField(std::span<const std::string_view> path) const;

  // The leaves in order: what statistics are kept for (PROTOCOL.md, Statistics). Structs are looked
  // into; an array or a map is one leaf.
  std::vector<LeafColumn> LeafColumns() const;

  // One line of JSON that parses to an equal schema.
  std::string ToJson() const { return type_.ToJson(); }

  friend bool operator==(const Schema&, const Schema&) = default;

 private:
  explicit Schema(DataType type) : type_(std::move(type)) {}

  DataType type_;  // a struct
};

}  // namespace deltalakedb
